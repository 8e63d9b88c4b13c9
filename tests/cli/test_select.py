"""`select` chooses one tag of a list, or says why not, in words and in JSON."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bot.cli.main import main

if TYPE_CHECKING:
    from click.testing import Result

TAGS = "1.4.0\nv1.10.0\n\n  1.9.3 \r\n2.0.0\nlatest\n1.4.0\n1.11.0-rc.1"
DATED = "b 2026-02-01T08:30:00+01:00\na 2026-02-01T07:45:00Z\nc\nd yesterday\ne 2026-02-01\n"


def select(arguments: str, given: str | bytes = TAGS) -> Result:
    return CliRunner().invoke(main, ["select", "--policy", *arguments.split()], input=given)


@pytest.mark.parametrize(
    ("arguments", "given", "selected"),
    [
        ("semver", TAGS, "2.0.0"),
        ("semver --range ^1", TAGS, "v1.10.0"),
        ("semver --range <1.5 --order asc", TAGS, "1.4.0"),
        ("semver --range ^1 --current 2.0.0", TAGS, "2.0.0"),
        ("semver --range ^1 --current 2.0.0 --allow-downgrade", TAGS, "v1.10.0"),
        ("semver --exclude 2.0.0 --exclude /^v/", TAGS, "1.9.3"),
        ("semver --range 1", "1\n1.2\n", None),
        ("semver --range 1 --loose", "1\n1.2\n", "1.2"),
        ("semver --loose", "1.2.3+b\n1.2.3+a\n", "1.2.3+b"),
        ("numerical", "9\n10\n1e3\n1.5\n" + "9" * 100, "9" * 100),
        ("numerical --order desc", "9\n10\n", "9"),
        ("alphabetical --order asc", "a\nc\nb\n", "c"),
        ("calver", "24.04\n2024.10\n", "2024.10"),
        ("calver --order desc", "24.04\n2024.10\n", "24.04"),
        ("numerical --filter ^b([0-9]+)$ --extract $1", "b9\nb10\nb11x\n", "b10"),
        ("newest", DATED, "a"),
        ("newest --min-age 1m", DATED, "a"),
        ("newest", "x 2026-01-01T00:00:00Z\ny 2026-01-02T00:00:00Z\nx 2026-01-03T00:00:00Z\n", "x"),
        ("newest", "a\nb\n", None),
        ("semver", "", None),
        ("semver --current 1.0.0", "\n \n", None),
        ("semver", b"\xef\xbb\xbf1.0.0\n\xff2.0.0\n3.0.0\x00\n", "1.0.0"),
    ],
)
def test_the_chosen_tag_is_printed(arguments: str, given: str | bytes, selected: str | None) -> None:
    result = select(arguments, given)
    assert (result.exit_code, result.stdout) == ((0, f"{selected}\n") if selected else (1, ""))
    assert bool(result.stderr) == (selected is None)


def test_without_a_choice_the_most_common_reasons_are_said() -> None:
    result = select("semver --range ^3")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "error: none of the 6 tags satisfies the policy",
        "  5 of them: it is not in the range (out_of_range)",
        "  1 of them: it is not a semantic version of three parts between dots (not_semver)",
    ]


def test_it_is_explained_why_each_tag_lost() -> None:
    assert select("semver --range ^1 --explain").stdout.splitlines() == [
        "v1.10.0",
        "1.4.0: it comes before v1.10.0 (older)",
        "1.9.3: it comes before v1.10.0 (older)",
        "2.0.0: it is not in the range (out_of_range)",
        "latest: it is not a semantic version of three parts between dots (not_semver)",
        "1.11.0-rc.1: it is a pre-release, and the range names none (prerelease)",
    ]


def test_what_is_no_tag_and_has_no_date_is_rejected_whole() -> None:
    lines = select("newest --explain", DATED).stdout.splitlines()
    assert lines[2:] == [
        "c: nobody knows when it was made (date_unknown)",
        "d yesterday: it is not a tag (not_a_tag)",
        "e 2026-02-01: it is not a tag (not_a_tag)",
    ]


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in select("semver --explain", "1.0.0\n\x1b[31m\n").output


@pytest.mark.parametrize(("given", "selected", "exit_code"), [(TAGS, "v1.10.0", 0), ("x\n", None, 1), ("", None, 1)])
def test_json_has_the_choice_and_every_other_tag(given: str, selected: str | None, exit_code: int) -> None:
    result = select("semver --range ^1 --json --explain", given)
    found = json.loads(result.stdout)
    assert (found["selected"], result.exit_code) == (selected, exit_code)
    rejected = {one["tag"]: one["reason_code"] for one in found["rejected"]}
    assert set(rejected) == {tag.strip() for tag in given.splitlines() if tag.strip()} - {selected}
    assert all(set(one) == {"tag", "reason_code", "reason"} for one in found["rejected"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("semver --range ^1,&&", "column 4:"),
        ("semver --range=", "column 1:"),
        ("semver --filter a(", "column 2:"),
        ("semver --exclude /a[/", "column 2:"),
        ("semver --extract $1", "there is no `filter`"),
        ("calver --range ^1", "--range means something to --policy semver alone"),
        ("semver --order desc", "--order desc means something"),
        ("newest --order desc", "--order desc means something"),
        ("numerical --loose", "means nothing to `numerical`"),
        ("newest --min-age 3w", "'3w' is not a time span"),
        ("newest --min-age 31d", "longer than 30 days"),
        ("latest", "'latest' is not one of"),
    ],
)
def test_wrong_usage_is_refused_with_exit_code_2(arguments: str, words: str) -> None:
    result = select(arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


@pytest.mark.parametrize(
    "arguments", ["semver --range ^1 --json", "numerical --filter [.]([0-9]+)$ --extract $1 --explain"]
)
def test_ten_thousand_tags_are_no_trouble(arguments: str) -> None:
    tags = "\n".join(f"v1.{number % 300}.{number}" for number in range(10_000))
    start = time.process_time()
    assert select(arguments, tags).exit_code == 0
    assert time.process_time() - start < 1

"""One chart's versions are read out of an index, however large or hostile."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import NotFound, Unavailable
from bot.core.models import ChartVersion
from bot.registries.chart_index import read_index

if TYPE_CHECKING:
    from pathlib import Path

    from bot.core.models import ChartListing

INDEX = """\
apiVersion: v1
entries:
  other:
    - {name: other, version: 9.9.9}
  shop:
    - annotations:
        images: |
          entries:
            shop:
      apiVersion: v2
      appVersion: "2.0"
      created: "2026-01-02T03:04:05.123456789+01:00"
      dependencies: [{name: common, version: 7.7.7}]
      digest: &digest e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
      name: shop
      urls: [shop-1.10.0.tgz]
      version: 1.10.0
    - {name: shop, version: 1.9}
generated: "2026-01-02T03:04:05Z"
"""


def read(text: str, chart: str = "shop", *, whole: bool = True) -> ChartListing:
    """The listing of a chart in an index."""
    return read_index(io.BytesIO(text.encode()), chart, "https://charts.example.com/index.yaml", whole=whole)


def entries(text: str) -> str:
    """An index whose chart `shop` has these entries."""
    return f"entries:\n  shop:\n{text}\ngenerated: now\n"


def test_every_version_is_read_with_what_the_index_says_of_it() -> None:
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    created = datetime(2026, 1, 2, 2, 4, 5, 123456, tzinfo=UTC)
    assert read(INDEX) == ((ChartVersion("1.10.0", created, digest, "2.0"), ChartVersion("1.9")), ())


def test_an_index_in_json_is_one_too() -> None:
    assert read('{"entries": {"shop": [{"version": "1.0.0", "urls": ["x"]}]}}').versions == (ChartVersion("1.0.0"),)


def test_a_chart_that_is_not_there_is_not_found_and_one_without_versions_has_none() -> None:
    with pytest.raises(NotFound, match="no chart 'desk'"):
        read(INDEX, "desk")
    with pytest.raises(NotFound):
        read("entries: {}\n")
    with pytest.raises(NotFound):
        read("entries:\n")
    assert read("entries: {shop: }\n").versions == ()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("  - 1.0.0", "line 3: the entry is not a mapping"),
        ("  - {name: shop}", "line 3: the entry has no version that is a text"),
        ("  - {version: [1]}", "line 3: the entry has no version that is a text"),
        ("  - {version: ''}", "line 3: the entry has no version that is a text"),
        ("  - {version: 1.0.0, version: 2.0.0}", "line 3: the entry has a key twice"),
        ("  - &a {version: 1.0.0}\n  - *a", "line 4: the entry is not a mapping"),
        ("  - {version: 1.0.0}\n  - {version: 1.0.0, appVersion: x}", "line 4: the version '1.0.0' is there twice"),
    ],
)
def test_an_entry_that_is_none_is_left_out_with_the_reason(entry: str, reason: str) -> None:
    listing = read(entries(f"{entry}\n  - {{version: 3.0.0}}"))
    assert "3.0.0" in [v.version for v in listing.versions]
    assert listing.ignored == (reason,)


def test_what_is_no_date_or_digest_is_left_out() -> None:
    listing = read(entries("  - {version: 1.0.0, created: yesterday, digest: 'abc'}\n  - {version: 2, created: [1]}"))
    assert listing.versions == (ChartVersion("1.0.0"), ChartVersion("2"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a mapping"),
        ("- entries", "not a mapping"),
        ("a: 1", "no `entries`"),
        ("entries: [shop]", "no `entries`"),
        ("entries: {shop: [{version: 1.0.0}]}\nentries: {shop: []}", "`entries` twice"),
        ("entries: {shop: [{version: 1.0.0}], shop: []}", "'shop' twice"),
        ("entries: {shop: 1.0.0}", "not a list"),
        ("a: &a [{version: 1.0.0}]\nentries: {shop: *a}", "not a list"),
        ("entries: {[a]: b}", "a key is not a text"),
        ("entries: {shop: []}\n---\nentries: {}", "more than one document"),
        ("entries: {shop: [{version: 1.0.0", "not YAML"),
        ("entries: {shop: [{version: \x01}]}", "not YAML"),
        ("x: " + "[" * 200 + "]" * 200, "nested more than 100"),
        ("<html><body>Sign in: <a href='x'>here</a></body></html>", "not"),
    ],
)
def test_what_is_no_index_is_unavailable_and_never_empty(text: str, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        read(text)


def test_an_index_of_unknown_length_must_have_its_end() -> None:
    assert read(INDEX, whole=False).versions
    with pytest.raises(Unavailable, match="cut short"):
        read(INDEX.partition("    - {name: shop")[0], whole=False)
    with pytest.raises(Unavailable, match="cut short"):
        read("generated: now\nentries: {shop: [{version: 1.0.0}]}", whole=False)


def test_bytes_that_are_no_text_are_unavailable() -> None:
    with pytest.raises(Unavailable, match="not YAML"):
        read_index(io.BytesIO(b"entries: {shop: [{version: \xff}]}"), "shop", "here")


def test_a_bomb_of_aliases_is_never_unfolded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    listing = read("\n".join([*lines, "entries: {shop: [{version: *a39}, {version: 1.0.0, x: *a39}]}"]))
    assert listing.versions == (ChartVersion("1.0.0"),)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says how much memory a process had at the most")
def test_25_megabytes_take_less_than_100_mebibytes(tmp_path: Path) -> None:
    """The whole process, measured from outside: it starts, imports and reads one chart of a hundred."""
    entry = "  - {{version: {}.0.0, description: {}}}\n"
    with (tmp_path / "index.yaml").open("w") as file:
        file.write("entries:\n")
        for chart in range(100):
            file.write(f" chart{chart}:\n" + "".join(entry.format(v, "word " * 200) for v in range(250)))
    assert (tmp_path / "index.yaml").stat().st_size > 25_000_000
    script = (
        "import sys; from bot.registries.chart_index import read_index\n"
        "print(len(read_index(open(sys.argv[1], 'rb'), 'chart50', 'here').versions))\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "index.yaml")], capture_output=True, text=True, check=True
    )
    versions, kibibytes = map(int, done.stdout.split())
    assert versions == 250
    assert kibibytes < 100 * 1024

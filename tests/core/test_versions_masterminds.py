"""Ranges, versions and filters mean what they mean to Flux: compared with the Go module, on random texts.

The program of `masterminds/` is built with Go, which fetches the module; a machine without Go skips these tests, and
tests/core/test_versions_ranges.py checks a table of cases everywhere.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from bot.core.errors import BotError
from bot.core.versions.filters import Filter
from bot.core.versions.ranges import parse_range
from bot.core.versions.semantic import parse_version
from tests.conftest import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

QUESTIONS = 100_000
FILTERS = 20_000
OPERATORS = ["", "", "", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "^", "~"]
NUMBERS = ["0", "0", "1", "1", "2", "3", "10", "01", "00", "x", "X", "*", "18446744073709551615"]
ODD_NUMBERS = ["18446744073709551616", "99999999999999999999999", "1x", "xx", "1|2", "|", "-1", "a", "", "1" * 260]
IDENTIFIERS = ["0", "1", "2", "10", "rc", "beta", "a-b", "-", "0a", "18446744073709551615", "x"]
ODD_IDENTIFIERS = ["01", "00", "", "99999999999999999999", "18446744073709551616", "é", "_"]
BLANKS = ["", "", "", " ", " ", "  ", "\t"]
ODD_BLANKS = ["\n", "\r", "\v", "\f", "\u00a0", "\x85", "   "]
BETWEEN = [" ", ", ", ",", " , ", "  ", ",  "]
ODD_BETWEEN = ["", ",,", ";", "&&", " || ", "|", "-", ".", "+", " - "]
HYPHENS = [" - ", " - ", "  -  ", "\t- "]
ODD_HYPHENS = ["-", " -", "- ", "\n-\n", " -- ", " \u2013 ", " - - "]
GARBAGE = ["", " ", "latest", "||", "v", ">", ",", "1.2.3.4", "1..2", ".1", "1.", "\x00", "vv1", "V1", "=", "* *", "!"]


PIECES = ["a", "b", "-", "1", ".", "[0-9]+", "[a-c]*", r"\d", "x?", "^", "$", "|", "a{1,2}", ".*?", r"\.", "(?i)A"]
ODD_PIECES = ["(", ")", "[", "*", r"\1", "(?=a)", "{", "a{1001}", "(?P<n", "\\", "a**", "[b-a]", "(?:b|1)", r"\bq"]
GROUPS = ["({})", "(?:{})", "(?P<n>{})", "(?P<ts>{})", "({})?", "(?<v1>{})"]
TEMPLATES = [
    "$1",
    "$n",
    "${n}",
    "$ts",
    "$0",
    "$2",
    "${1}",
    "$1x",
    "$$",
    "$",
    "${",
    "${n",
    "$01",
    "${v1}",
    "-",
    "x",
    "$é",
]


class Writer:
    """Writes ranges and tags that are mostly right and often nearly so."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # for tests, not for secrets

    def pick(self, usual: Sequence[str], odd: Sequence[str], chance: float = 0.015) -> str:
        return self.random.choice(odd if self.random.random() < chance else usual)

    def parts(self) -> str:
        many = self.random.choice([1, 1, 2, 3])
        return ".".join(self.pick(IDENTIFIERS, ODD_IDENTIFIERS, 0.04) for _ in range(many))

    def version(self, numbers: Sequence[str], lengths: Sequence[int]) -> str:
        text = self.random.choice(["", "", "", "v"])
        text += ".".join(self.pick(numbers, ODD_NUMBERS) for _ in range(self.random.choice(lengths)))
        if self.random.random() < 0.3:
            text += "-" + self.parts()
        if self.random.random() < 0.1:
            text += "+" + self.parts()
        return text

    def tag(self) -> str:
        if self.random.random() < 0.03:
            return self.random.choice(GARBAGE)
        return self.version([n for n in NUMBERS if n not in "xX*"], [1, 2, 3, 3, 3, 3, 3, 3, 4])

    def comparator(self) -> str:
        if self.random.random() < 0.02:
            return self.random.choice(GARBAGE)
        version = self.version(NUMBERS, [1, 2, 3, 3])
        if self.random.random() < 0.12:
            return version + self.pick(HYPHENS, ODD_HYPHENS, 0.1) + self.version(NUMBERS, [1, 2, 3, 3])
        return self.random.choice(OPERATORS) + self.pick(BLANKS, ODD_BLANKS) + version

    def alternative(self) -> str:
        text = self.pick(BLANKS, ODD_BLANKS) + self.comparator()
        while self.random.random() < 0.35:
            text += self.pick(BETWEEN, ODD_BETWEEN, 0.05) + self.comparator()
        return text + self.pick(BLANKS, ODD_BLANKS)

    def scribble(self) -> str:
        return "".join(self.random.choice("0112xv.*-+|, <>=~^!") for _ in range(self.random.randint(1, 9)))

    def range(self) -> str:
        if self.random.random() < 0.1:
            return self.scribble() + self.random.choice(["", " - 1", " - 2.x", "||1", " - 1" + self.scribble()])
        alternatives = [self.alternative()]
        while self.random.random() < 0.2:
            alternatives.append(self.alternative() if self.random.random() < 0.95 else "")
        if self.random.random() < 0.001:
            alternatives *= self.random.choice([31, 32, 33])
        return "||".join(alternatives)

    def filter(self) -> str:
        text = ""
        for _ in range(self.random.randint(1, 5)):
            piece = self.pick(PIECES, ODD_PIECES, 0.04)
            text += self.random.choice(GROUPS).format(piece) if self.random.random() < 0.4 else piece
        return text

    def template(self) -> str:
        return "".join(self.random.choice(TEMPLATES) for _ in range(self.random.randint(0, 4)))


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """What the Go module answers to a list of questions."""
    go = shutil.which("go") or missing("Go, to compare with github.com/Masterminds/semver/v3")
    program = tmp_path_factory.mktemp("masterminds") / "answer"
    environ = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false"}
    source = Path(__file__).parent / "masterminds"
    built = subprocess.run(
        [go, "build", "-o", program, "."], cwd=source, env=environ, capture_output=True, text=True, check=False
    )
    if built.returncode:
        missing(f"github.com/Masterminds/semver/v3, once over the network: {built.stderr.strip()}")

    def answers(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        lines = "".join(json.dumps(question) + "\n" for question in questions)
        done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return answers


def range_answer(text: str, tags: Sequence[str]) -> dict[str, Any]:
    """What this program says of a range and of tags, in the form of the Go program."""
    try:
        accepted = parse_range(text)
    except BotError:
        accepted = None
    loose = [parse_version(tag, loose=True) for tag in tags]
    strict = [parse_version(tag) for tag in tags]
    versions = [version for version in loose if version]
    return {
        "valid": accepted is not None,
        "tags": ["strict" if s else "loose" if one else "" for s, one in zip(strict, loose, strict=True)],
        "matches": [bool(accepted and version and accepted.matches(version)) for version in loose],
        "order": [(a > b) - (a < b) for a, b in pairwise(versions)],
    }


def test_ranges_and_versions_mean_what_the_go_module_says(
    ask: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
) -> None:
    writer = Writer(3)
    questions: list[dict[str, Any]] = [
        {"range": writer.range(), "tags": [writer.tag() for _ in range(3)]} for _ in range(QUESTIONS)
    ]
    answers = ask(questions)
    assert len(answers) == QUESTIONS
    seen: dict[bool, int] = {True: 0, False: 0}
    for question, answer in zip(questions, answers, strict=True):
        expected = {key: answer[key] or [] for key in ("tags", "matches", "order")} | {"valid": answer["valid"]}
        assert range_answer(question["range"], question["tags"]) == expected, question
        seen[any(answer["matches"])] += 1
    assert min(seen.values()) > QUESTIONS // 10, "the ranges hardly ever match, or always do"


def filter_answer(pattern: str, extract: str, tags: Sequence[str]) -> dict[str, Any]:
    """What this program takes of tags, in the form of the Go program."""
    try:
        wanted = Filter(pattern, extract)
    except BotError:
        return {"valid": False, "extracted": []}
    return {"valid": True, "extracted": [wanted.text(tag) for tag in tags]}


def test_filters_take_what_go_takes(ask: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    writer = Writer(5)
    tags = ["a", "b1", "main-abc-12", "1.2.3", "aa-11", "x", "abcA"]
    # Without a template Flux takes the whole tag, and does not ask Go for an empty one.
    questions = [
        {"filter": writer.filter(), "extract": writer.template() or "$0", "tags": tags} for _ in range(FILTERS)
    ]
    answers = ask(questions)
    assert len(answers) == FILTERS
    for question, answer in zip(questions, answers, strict=True):
        expected = {"valid": answer["valid"], "extracted": answer["extracted"] or []}
        assert filter_answer(*question.values()) == expected, question  # type: ignore[arg-type]  # in that order
    assert 0.5 < sum(answer["valid"] for answer in answers) / FILTERS < 0.95

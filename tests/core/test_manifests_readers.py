"""What is written reads as the string meant: YAML 1.1 (PyYAML), 1.2 (ruamel.yaml), and both readers of Flux."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ruamel.yaml import YAML

from bot.core.manifests.scalars import is_line, written
from tests.go_readers import flat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.go_readers import GoReaders

GOLDEN = Path(__file__).parent / "golden"
_WORDS = "y n yes no on off true false null nil none nan inf .inf .nan -.inf +.inf ~ << = ? - : | > . .. ... --- e x"
_NUMBERS = """
    0 1 7 8 9 10 12 59 60 99 0123 2024 1e5 e E e+3 e-3 + - _ . : T Z t z a f x X 0x 0X 0o 0O 0b 0B 0o17 0x1F 0b11
    2024-01-01 12:30 190:20:30 01:02:03 1_000 yes no null inf nan ~
"""
_SYNTAX = "<< = # @ ` % & * ! | > ? / , [ ] { } ' \" \\ \\n ${ }} {{ é ☕ 😀 ß"
_BLANKS = (" ", "  ", " #", ": ", "- ", "\u00a0", "\u3000", "\u200b", "\ufffd")
PIECES = (*_NUMBERS.split(), *_SYNTAX.split(), *_BLANKS)
# How the text stands in a file: alone it would be a document's end, a comment, a key.
AROUND = ("- %s\n", "- a: %s\n", "- [%s]\n", "- {a: %s, b: 1}\n", '- {"a":%s}\n', "- a:\n    %s # c\n", "- &a %s\n")


def nasty() -> list[str]:
    """Some 20,000 texts that look like numbers, dates, words or syntax, the same each time."""
    choose = random.Random(5)
    words = {form for word in _WORDS.split() for form in (word, word.upper(), word.capitalize(), word.title())}
    numbers = {
        sign + base + digits + end
        for sign, base, digits, end in itertools.product(
            ("", "-", "+"),
            ("", "0", "00", "0x", "0o", "0b", ".", "1_", "_"),
            ("1", "07", "08", "1f", "1_0", "1.5", "1e3", "1:30", "190:20:30.5", "2024-01-02", "11"),
            ("", ".", "e", "e5", "E-5", "_", ":", "T10:00:00Z", " 10:00:00", "z"),
        )
    }
    mixed = {"".join(choose.choices(PIECES, k=choose.randint(1, 5))) for _ in range(18_000)}
    return sorted(text for text in words | numbers | mixed if is_line(text))


def scalars() -> list[tuple[str, str]]:
    """Each text with one form in which it is written: plain, quoted, tagged, and where it stands."""
    forms = itertools.cycle(itertools.product(AROUND, (("", "'"), ("", '"'), ("'", '"'), ('"', "'"), ("", "!!str"))))
    found: list[tuple[str, str]] = []
    for text, (around, (style, quote)) in zip(nasty() * 4, forms, strict=False):
        tagged = quote == "!!str"
        scalar = written(text, style, '"' if tagged else quote, tagged=tagged)
        item = around.replace("&a", f"&a{len(found)}") % (f"!!str {scalar}" if tagged else scalar)
        found.append((text, item))
    return found


def wrong(wanted: list[tuple[str, str]], read: Iterable[Any]) -> list[tuple[str, Any]]:
    return [(item, value) for (text, item), value in zip(wanted, read, strict=True) if _text(value) != text]


def _text(value: Any) -> str | None:
    """The one text in a small tree: alone, in a list or under the key `a`; None if it is no text."""
    while isinstance(value, list | dict):
        value = value[0] if isinstance(value, list) else value.get("a")
    return value if isinstance(value, str) else None


def test_yaml_1_1_reads_the_string_meant() -> None:
    wanted = scalars()
    assert len(wanted) > 60_000
    assert wrong(wanted, yaml.load("".join(item for _, item in wanted), Loader=yaml.CSafeLoader)) == []


def test_yaml_1_2_reads_the_string_meant() -> None:
    wanted = random.Random(12).sample(scalars(), 8_000)
    reader = YAML(typ="safe", pure=True)
    assert wrong(wanted, reader.load("".join(item for _, item in wanted))) == []


def test_flux_reads_the_string_meant(go_readers: GoReaders) -> None:
    wanted = scalars()
    answers = go_readers.read(item for _, item in wanted)
    assert [(item, one.error) for (_, item), one in zip(wanted, answers, strict=True) if one.error] == []
    assert wrong(wanted, [one.v3[0] for one in answers]) == []
    assert wrong(wanted, [one.sigs for one in answers]) == []


def asked_for(case: dict[str, Any]) -> set[str]:
    """The texts that a golden case may bring into a file, behind an image's name or alone."""
    if "tag" in case:
        versions = {f"{case['tag']}@{case['digest']}"}
    else:
        versions = {one.rpartition("=")[2] for one in (*case["images"], *case["charts"])}
    versions |= {one.replace("+", "_") for one in versions}
    return versions | {part for one in versions for part in one.split("@")}


EDITS = sorted(folder for kind in ("edit", "image", "set") for folder in (GOLDEN / kind).iterdir())


@pytest.mark.parametrize("folder", EDITS, ids=lambda folder: folder.name)
def test_flux_reads_the_golden_files_equal_but_for_the_new_values(folder: Path, go_readers: GoReaders) -> None:
    if folder.parent.name == "edit":
        pairs = [(folder / "before.yaml", folder / "after.yaml")]
        new = set(json.loads((folder / "edits.json").read_text()).values())
    else:
        files = [path for path in sorted((folder / "before").rglob("*")) if path.is_file()]
        pairs = [(path, folder / "after" / path.relative_to(folder / "before")) for path in files]
        new = asked_for(json.loads((folder / "case.json").read_text()))
    for before, after in pairs:
        old, now = go_readers.read(path.read_bytes().decode() for path in (before, after))
        assert (old.error, now.error) == ("", "")
        for kind in ("v3", "sigs"):
            left, right = flat(getattr(old, kind)), flat(getattr(now, kind))
            assert left.keys() == right.keys()
            changed = [value.rstrip("\n") for path, value in right.items() if value != left[path]]
            assert all(value in new or value.partition(":")[2] in new for value in changed), changed

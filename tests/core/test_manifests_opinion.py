"""The second reader is asked about few lines where they tell enough, and about the whole file where they do not."""

from __future__ import annotations

import pytest

from bot.core.manifests import opinion
from bot.core.manifests.document import parse
from bot.core.manifests.locate import from_pointer, trail
from bot.core.manifests.opinion import Trail, accepts


def to(content: bytes, path: str, new: str = "v2") -> Trail:
    return Trail(trail(parse(content).documents[0].root, from_pointer(path)), new)


LINES = [
    (b"a: 1\nimage:\n    tag: v2 # c\nb: [\n", "/image/tag", b"    tag: v2 # c"),
    (b"\xef\xbb\xbftag: v2", "/tag", b"tag: v2"),
    (b"a: 1\rtag: v2\rb: 1\r", "/tag", b"tag: v2"),
    (b"a: 1\r\ntag:\r\n  v2\r\nb: 1\r\n", "/tag", b"tag:\r\n  v2"),
    (b"c:\n  - name: a\n    tag: v2\n", "/c/a/tag", b"    tag: v2"),
    (b"c:\n  - tag: v2\n    name: a\n", "/c/a/tag", b"  - tag: v2"),
    (b"c:\n  -\n    v2\n  - b\n", "/c/0", b"    v2"),
    (
        b"a: 1\nc: {\n  x: [1, {tag: v2}],\n  y: 1} # d\nb: 1\n",
        "/c/x/1/tag",
        b"c: {\n  x: [1, {tag: v2}],\n  y: 1} # d",
    ),
    (b"a: 1\ntag: |\n  v2\nb: 1\n", "/tag", b"tag: |\n  v2\n"),
    (b"? tag\n: v2\nb: 1\n", "/tag", b"? tag\n: v2"),
    (b"--- v2\n", "", b"--- v2"),
]


@pytest.mark.parametrize(("content", "path", "lines"), LINES)
def test_the_lines_that_are_read_again(content: bytes, path: str, lines: bytes) -> None:
    whole = content.replace(b"b: [\n", b"b: 1\n")
    assert opinion._lines(content, to(whole, path).nodes) == lines
    assert accepts(b"", content, [to(whole, path)])


def test_what_it_does_not_read_or_reads_otherwise_is_not_accepted() -> None:
    before = b"a: 1\ntag: v1\n"
    assert not accepts(before, b"a: 1\ntag: @1\n", [to(before, "/tag", "@1")])
    assert not accepts(before, b"a: 1\ntag: 12\n", [to(before, "/tag", "12")])
    assert not accepts(before, b"a: 1\ntag: v3\n", [to(before, "/tag", "v2")])


def test_a_file_that_it_could_not_read_before_is_no_reason_to_refuse() -> None:
    before = b"a: 1\ntag: @1\n"
    assert accepts(before, b"a: 1\ntag: @2\n", [to(b"a: 1\ntag: v1\n", "/tag", "@2")])


def test_lines_that_mean_nothing_alone_are_read_with_the_file() -> None:
    # The anchor is elsewhere.
    content = b"a: &x 1\nc: {b: *x, tag: v2}\n"
    assert accepts(b"", content, [to(content, "/c/tag")])


def test_a_value_that_aliases_carry_elsewhere_is_read_with_the_file() -> None:
    content = b"tag: &t v2\nseen:\n  v2: 1\n  *t : 2\n"
    assert not accepts(content.replace(b"&t v2", b"&t v1"), content, [to(content, "/tag")])

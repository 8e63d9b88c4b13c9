"""Whatever the file, an edit changes the bytes of the asked scalars and nothing else, and only once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.core.manifests import Edit, edit
from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Mapping, Node, Scalar, Sequence
from bot.core.manifests.scalars import is_string, written

if TYPE_CHECKING:
    from bot.core.models import Path

REFUSED = {"templated", "multi_line", "substituted", "tagged", "empty_value"}
words = st.text(st.sampled_from("abcxyz019.-_/é☕ :#'\"{}[],&*!|>%@`?~=\\"), min_size=1, max_size=12)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)
trees = st.dictionaries(
    words,
    st.recursive(
        words | tags | st.integers() | st.booleans(),
        lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(words, inner, min_size=1, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=5,
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A YAML file of any style: block or flow, any quotes, LF or CRLF, with or without BOM and comments."""
    text = yaml.safe_dump(
        draw(trees),
        allow_unicode=True,
        width=10_000,
        default_flow_style=draw(st.sampled_from([True, False, None])),
        default_style=draw(st.sampled_from([None, '"', "'"])),
        indent=draw(st.integers(2, 5)),
    )
    if draw(st.booleans()):
        text = "# Überschrift ☕\n" + text.replace("\n", "\n# x: 'y\n", 1)
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.replace(
        "\n", draw(st.sampled_from(["\n", "\r\n"]))
    ).encode()


def leaves(node: Node, path: Path = ()) -> list[tuple[Path, Scalar]]:
    """All scalar values with their paths."""
    if isinstance(node, Mapping):
        return [leaf for key, value in node.pairs for leaf in leaves(value, (*path, getattr(key, "text", "")))]
    if isinstance(node, Sequence):
        return [leaf for index, item in enumerate(node.items) for leaf in leaves(item, (*path, index))]
    return [(path, node)] if isinstance(node, Scalar) else []


def replaced(tree: Any, path: Path, new: str) -> Any:
    """The tree with the value at the path replaced."""
    if not path:
        return new
    if isinstance(tree, list):
        return [replaced(item, path[1:], new) if index == path[0] else item for index, item in enumerate(tree)]
    return {key: replaced(value, path[1:], new) if key == path[0] else value for key, value in tree.items()}


@given(files(), tags, st.data())
def test_no_other_byte_and_no_other_value_changes(content: bytes, new: str, data: st.DataObject) -> None:
    try:
        (document,) = parse(content).documents
    except Hazard:
        return
    tree = yaml.safe_load(content)
    path, node = data.draw(st.sampled_from(leaves(document.root)))
    assume(all(isinstance(part, int) or is_string(part) for part in path))
    result = edit("any.yaml", content, [Edit(path, new)])
    if result.refusals:
        assert result.content == content
        assert {refusal.reason_code for refusal in result.refusals} <= REFUSED
        return
    size = len(result.content) - len(content)
    assert result.content[: node.start] == content[: node.start]
    assert result.content[node.end + size :] == content[node.end :]
    assert yaml.safe_load(result.content) == replaced(tree, path, new)
    again = edit("any.yaml", result.content, [Edit(path, new)])
    assert (again.content, again.changes, again.refusals) == (result.content, (), ())


@given(st.from_regex(r"[-+0-9a-fA-FxobeEyYnN._:~]{1,10}", fullmatch=True))
def test_what_is_written_reads_as_that_string_in_yaml_1_1_and_1_2(text: str) -> None:
    for style in ("", "'", '"'):
        scalar = written(text, style, "'", tagged=False)
        assert yaml.safe_load(f"a: {scalar}") == {"a": text}
        assert YAML(typ="safe", pure=True).load(f"a: {scalar}") == {"a": text}


@pytest.mark.parametrize("text", ["1.2.3", "v1.10", "4.2.0-abc1234", "abc1234", "2024-01-01-1", "1.2.3-rc.1", "latest"])
def test_ordinary_tags_need_no_quotes(text: str) -> None:
    assert written(text, "", '"', tagged=False) == text


NOT_STRINGS = (
    "1.10 1e5 12e4567 0123 12_000 yes 2024-01-01 0o7 0x1f 0b1 +1 .5 5. _1 0o+6 9991e_-4 0_X77 n On ~ .inf .NaN "
    "190:20:30 2024-1-1T1:2:3Z 089 1__0 = << 1_e5"
)


@pytest.mark.parametrize("text", NOT_STRINGS.split())
def test_what_any_reader_takes_for_something_else_is_quoted(text: str) -> None:
    assert not is_string(text)
    assert written(text, "", "'", tagged=False) == f"'{text}'"


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_arbitrary_bytes_are_edited_or_refused_never_a_crash(content: bytes) -> None:
    result = edit("any.yaml", content, [Edit(("a",), "v1")])
    assert result.content == content or not result.refusals
    assert all(re.fullmatch("[a-z_0-9]+", refusal.reason_code) for refusal in result.refusals)

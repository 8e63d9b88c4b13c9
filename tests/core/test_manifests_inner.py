"""YAML that is written as a text inside YAML is edited in its place, byte for byte, or refused by name."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.manifests import Edit, edit
from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.leaves import pointers
from bot.core.manifests.locate import from_pointer, scalar, trail
from bot.core.manifests.nodes import Alias, Scalar
from bot.core.manifests.texts import inner
from tests.core.yaml_texts import text_of

TAG = from_pointer("/patch/image/tag")
TEXTS = {
    "strategic": "patch: |-\n  image:\n    tag: v1\n",
    "with a number": "patch: |2-\n  image:\n    tag: v1\n",
    "first line further in": "a:\n- b\npatch: |2\n    # far\n  image:\n    tag: v1\n",
    "kept": "patch: |+\n  image:\n    tag: v1\n\n\nlast: 1\n",
    "carriage returns": "patch: |\r\n  image:\r\n    tag: v1\r\nlast: 1\r\n",
    "blank lines": "patch: |\n\n \n  image:\n\n     \n    tag: v1\n",
    "comments": "patch: | # é 😀\n  # tag: v0\n  image: # ☕\n    tag: v1 # last\n",
    "flow": "patch: |\n  {image: {tag: v1}}\n",
    "quoted inside": "patch: |\n  image:\n    tag: 'v1'\n",
    "unicode before": "é: 😀\npatch: |\n  ☕: é\n  image: {é: 😀, tag: v1}\n",
    "no end": "patch: |\n  image: {tag: v1}",
    "byte order mark": "\ufeffpatch: |\n  image: {tag: v1}\n",
    "anchored": "patch: &p |\n  image: {tag: v1}\nsame: *p\n",
    "deeper": "patch: |\n        image:\n            tag: v1\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("new", ["v2", "1.10"])
def test_the_value_in_a_literal_block_is_changed_and_nothing_else(text: str, new: str) -> None:
    content = text.encode()
    result = edit("a.yaml", content, [Edit(TAG, new)])
    assert not result.refusals
    written = new if "'v1'" in text or new == "v2" else f'"{new}"'
    where = content.index(b"v1")
    assert result.content == content[:where] + written.encode() + content[where + 2 :]
    (change,) = result.changes
    assert (change.path, change.old, change.new) == ("/patch/image/tag", "v1", new)
    assert change.line == content.count(b"\n", 0, where) + 1


def test_several_values_in_one_text_and_beside_it_are_changed_together() -> None:
    content = b"patch: |\n  - {op: replace, path: /a, value: v1}\n  - op: replace\n    value: v1\nother: v1\n"
    edits = [Edit(from_pointer(at), "v2") for at in ("/patch/0/value", "/patch/1/value", "/other")]
    result = edit("a.yaml", content, edits)
    assert not result.refusals
    assert result.content == content.replace(b"v1", b"v2")


REFUSED = {
    "embedded": ["patch: 'image: {tag: v1}'\n", 'patch: "image:\\n  tag: v1"\n', "patch: >\n  image:\n    tag: v1\n"],
    "document_ambiguous": ["patch: |\n  image: {tag: v1}\n  ---\n  image: {tag: v1}\n"],
    "alias": ["patch: |\n  a: &a v1\n  image: {tag: *a}\n"],
    "duplicate_key": ["patch: |\n  image: {tag: v1}\n  image: {tag: v1}\n"],
    "substituted": ["patch: |\n  image:\n    tag: ${TAG}\n"],
    "templated": ["patch: |\n  image:\n    tag: {{ tag }}\n"],
    "not_parsable": ["patch: |\n  image: {tag: v1\n  b\n"],
    "multi_line": ["patch: |\n  image:\n    tag: |\n      v1\n      v2\n"],
}


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in REFUSED.items() for text in texts])
def test_what_must_not_be_edited_there_is_refused(code: str, text: str) -> None:
    result = edit("a.yaml", text.encode(), [Edit(TAG, "v2")])
    assert [one.reason_code for one in result.refusals] == [code]
    assert result.content == text.encode()


@settings(max_examples=200, deadline=None)
@given(st.integers(), st.integers(1, 9), st.sampled_from(["|", "|-", "|+"]), st.booleans())
def test_a_text_inside_is_edited_as_it_would_be_alone(seed: int, deep: int, header: str, returns: bool) -> None:
    alone = text_of(seed).encode()
    if b"\r" in alone or b"\n---" in alone or alone.startswith(b"---") or not alone.endswith(b"\n"):
        return
    margin = b" " * deep
    first = next((line for line in alone.splitlines() if line.strip()), b"")
    header += str(deep) if first.startswith(b" ") else ""
    lines = [margin + line if line.strip(b"\n") else line for line in alone.splitlines(keepends=True)]
    outer = f"before: 1\ntext: {header}\n".encode() + b"".join(lines) + b"after: 2\n"
    if returns:
        outer = outer.replace(b"\n", b"\r\n")
    for at in pointers(alone)[:5]:
        one = edit("a.yaml", alone, [Edit(from_pointer(at), "v9.9")])
        same = edit("a.yaml", outer, [Edit(("text", *from_pointer(at)), "v9.9")])
        if one.refusals:
            assert same.refusals
        elif not same.refusals:
            assert yaml.safe_load(same.content.replace(b"\r\n", b"\n"))["text"].strip() == one.content.decode().strip()


@settings(max_examples=300, deadline=None)
@given(st.integers())
def test_each_node_inside_knows_its_bytes(seed: int) -> None:
    content = b"text: |\n" + b"".join(b"  " + line for line in text_of(seed).encode().splitlines(keepends=True))
    try:
        block = scalar(trail(parse(content).documents[0].root, ("text",)))
        found = inner(block) if isinstance(block, Scalar) else None
    except Hazard:
        return
    for node in found.nodes if found else ():
        if isinstance(node, Scalar) and not node.style and "\n" not in content[node.start : node.end].decode():
            assert content[node.start : node.end].decode() == node.text
        assert isinstance(node, Alias) or node.line == content.count(b"\n", 0, node.start) + 1

"""Edits of YAML as people write it: every other byte and every other value stays, and a second run does nothing."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.manifests import REASONS, Edit, edit
from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Mapping, Node, Parsed, Scalar, Sequence
from tests.core.yaml_texts import NASTY, text_of, texts
from tests.go_readers import flat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.models import Path
    from tests.go_readers import GoReaders

REFUSED = {"alias", "empty_value", "multi_line", "not_a_scalar", "substituted", "tagged", "templated"}


def leaves(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """All values that hold no others, with their paths; list items by number."""
    if isinstance(node, Mapping):
        for key, value in node.pairs:
            yield from leaves(value, (*path, getattr(key, "text", "")))
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from leaves(item, (*path, index))
    else:
        yield path, node


def some_edits(content: bytes, before: Parsed, choose: random.Random) -> dict[int, Edit]:
    """Edits of some scalars, by the number of their node; what is refused by name is left out."""
    numbers = {id(node): number for number, node in enumerate(before.nodes)}
    places = [(doc.number, path, node) for doc in before.documents for path, node in leaves(doc.root)]
    edits: dict[int, Edit] = {}
    for number, path, node in choose.sample(places, min(len(places), 4)):
        one = Edit(path, choose.choice(NASTY), number)
        refused = edit("any.yaml", content, [one]).refusals
        assert {refusal.reason_code for refusal in refused} <= REFUSED
        assert all(refusal.reason.endswith(REASONS[refusal.reason_code]) for refusal in refused)
        if not refused and isinstance(node, Scalar):
            edits[numbers[id(node)]] = one
    return edits


def outside(content: bytes, nodes: Parsed, edited: dict[int, Edit]) -> bytes:
    """The bytes that belong to no edited scalar; of a block scalar, those around its text."""
    rest, position = b"", 0
    for number in sorted(edited):
        node = nodes.nodes[number]
        assert isinstance(node, Scalar)
        start, end = node.start, node.end
        if node.style in ("|", ">"):
            end = start + content[start:end].rindex(node.value.encode()) + len(node.value.encode())
            start = end - len(node.value.encode())
        rest += content[position:start]
        position = end
    return rest + content[position:]


def trees(text: str, edits: dict[int, Edit]) -> list[Any]:
    """What PyYAML composes, tags and values, with the edits made in its own nodes: an alias is the node it names."""
    roots = list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    for one in edits.values():
        node = roots[int(str(one.document))]
        for part in one.path:
            pairs = (
                enumerate(node.value) if isinstance(part, int) else [(key.value, value) for key, value in node.value]
            )
            node = next(value for key, value in pairs if key == part)
        ends = node.value[len(node.value.rstrip("\n")) :] if getattr(node, "style", "") in ("|", ">") else ""
        node.value, node.tag = one.new + ends, "tag:yaml.org,2002:str"
    return [shape(root) for root in roots]


def shape(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return [(shape(key), shape(value)) for key, value in node.value]
    return [shape(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else (node.tag, node.value)


def readable(text: str) -> Parsed:
    """The text's nodes; the few texts that are no YAML are not looked at."""
    try:
        return parse(text.encode())
    except Hazard:
        assume(condition=False)
        raise


def test_nearly_every_text_is_yaml_and_most_edits_are_made() -> None:
    read = edited = 0
    for seed in range(300):
        content = text_of(seed).encode()
        try:
            before = parse(content)
        except Hazard:
            continue
        read += 1
        edited += bool(some_edits(content, before, random.Random(seed)))
    assert (read, edited) > (280, 200)


@given(texts(), st.randoms(use_true_random=False))
def test_no_other_byte_and_no_other_value_changes_and_a_second_run_does_nothing(
    text: str, choose: random.Random
) -> None:
    content, before = text.encode(), readable(text)
    edits = some_edits(content, before, choose)
    result = edit("any.yaml", content, list(edits.values()))
    assert result.refusals == ()
    assert outside(result.content, parse(result.content), edits) == outside(content, before, edits)
    assert trees(result.content.decode(), {}) == trees(text, edits)
    again = edit("any.yaml", result.content, list(edits.values()))
    assert (again.content, again.changes, again.refusals) == (result.content, (), ())


def test_go_reads_the_new_values_and_no_other_differs(go_readers: GoReaders) -> None:
    befores, afters, made = [], [], []
    for seed in range(800):
        text = text_of(seed)
        try:
            edits = some_edits(text.encode(), parse(text.encode()), random.Random(seed))
        except Hazard:
            continue
        befores.append(text)
        afters.append(edit("any.yaml", text.encode(), list(edits.values())).content.decode())
        made.append(edits)
    compared = 0
    for text, before, after, edits in zip(
        befores, go_readers.read(befores), go_readers.read(afters), made, strict=True
    ):
        if before.error:  # what is wrong with the text before is not the edit's
            continue
        compared += 1
        assert not after.error, (text, after.error)
        new = {one.new for one in edits.values()}
        old, now = flat(before.v3), flat(after.v3)
        assert old.keys() == now.keys(), text
        assert all(value.rstrip("\n") in new for path, value in now.items() if value != old[path]), text
        for one in edits.values():
            assert now[(one.document, *one.path)].rstrip("\n") == one.new, text
        first = flat(after.sigs)
        assert all(first[one.path].rstrip("\n") == one.new for one in edits.values() if one.document == 0), text
    assert compared > 650

"""What belongs together is edited together or not at all; what is refused stops nothing else."""

from __future__ import annotations

import time

from bot.core.manifests import Edit, Identity, edit_groups

CONTENT = b"tag: v1\ndigest: ${D}\nother: v1\nbase: &b v1\nsame: *b\n"


def test_a_group_with_a_refused_edit_is_left_out_as_a_whole() -> None:
    pair = (Edit(("tag",), "v2"), Edit(("digest",), "d"))
    result = edit_groups("f", CONTENT, [pair, (Edit(("other",), "v2"),)])
    assert result.content == CONTENT.replace(b"other: v1", b"other: v2")
    assert [(one.path, one.reason_code) for one in result.refusals] == [("/digest", "substituted")]
    assert [one.path for one in result.changes] == ["/other"]


def test_groups_that_want_different_values_are_all_refused() -> None:
    groups = [(Edit(("tag",), new),) for new in ("v2", "v3")]
    result = edit_groups("f", CONTENT, [*groups, (Edit(("other",), "v2"),)])
    assert [(one.path, one.reason_code) for one in result.refusals] == [("/tag", "conflicting_edits")]
    assert [one.path for one in result.changes] == ["/other"]


def test_an_alias_goes_with_its_anchor_and_is_refused_with_it() -> None:
    alias, anchor = (Edit(("same",), "v2"),), (Edit(("base",), "v2"),)
    assert edit_groups("f", CONTENT, [alias, anchor]).content == CONTENT.replace(b"&b v1", b"&b v2")
    result = edit_groups("f", CONTENT, [alias, (*anchor, Edit(("digest",), "d"))])
    assert result.content == CONTENT
    assert [one.path for one in result.refusals] == ["/digest", "/same"]


def test_a_group_that_would_break_the_file_does_not_stop_the_others() -> None:
    # The aliased key would become a second v2.
    content = b"tag: &t v1\nseen:\n  v2: 1\n  *t : 2\nother: v1\n"
    result = edit_groups("f", content, [(Edit(("tag",), "v2"),), (Edit(("other",), "v2"),)])
    assert result.content == content.replace(b"other: v1", b"other: v2")
    assert [(one.path, one.reason_code) for one in result.refusals] == [("/tag", "second_opinion")]


def test_groups_that_break_the_file_only_together_are_all_refused() -> None:
    # Each alone leaves two different keys.
    content = b"a: &a v1\nb: &b v2\nseen:\n  *a : 1\n  *b : 2\n"
    result = edit_groups("f", content, [(Edit(("a",), "v3"),), (Edit(("b",), "v3"),)])
    assert (result.content, result.changes) == (content, ())
    assert [(one.path, one.reason_code) for one in result.refusals] == [
        ("/a", "second_opinion"),
        ("/b", "second_opinion"),
    ]


def test_a_file_that_cannot_be_read_refuses_every_group() -> None:
    result = edit_groups("f", b"a: [\n", [(Edit(("a",), "v2"),), (Edit(("b",), "v2"),)])
    assert [(one.path, one.reason_code) for one in result.refusals] == [("/a", "not_parsable"), ("/b", "not_parsable")]


def test_as_many_documents_as_edits_are_edited_in_one_go() -> None:
    # Each looked for among all, and all of their nodes, would take minutes.
    count = 5_000
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p%d}\nspec: {tag: v%d}\n"
    content = "---\n".join(text % (number, number) for number in range(count)).encode()
    groups = [(Edit(("spec", "tag"), "new", Identity("v1", "Pod", "", f"p{number}")),) for number in range(count)]
    began = time.process_time()
    assert len(edit_groups("f", content, groups).changes) == count
    assert time.process_time() - began < 8

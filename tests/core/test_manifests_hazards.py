"""What must not be edited is left alone, byte by byte, and refused with a stable reason code, the line and the fix."""

from __future__ import annotations

import pytest

from bot.core.manifests import REASONS, Edit, Identity, edit
from bot.core.manifests.locate import from_pointer

TAG = "/image/tag"
CASES = [
    ("alias", "base: &b v1\nimage:\n  tag: *b\n", TAG, 3, "*b"),
    ("alias", "base: &b {tag: v1}\nimage: *b\n", TAG, 2, "*b"),
    ("bom_inside", "image:\n  tag: v1\n---\n\ufeffa: 1\n", TAG, 4, "byte order mark"),
    ("bom_inside", "image: {tag: v1} # \ufeff\n", TAG, 1, "byte order mark"),
    ("control_character", "# \x00\nimage:\n  tag: v1\n", TAG, 1, "control"),
    ("control_character", "image: {tag: v1}\n".encode("utf-16-le").decode("latin-1"), TAG, 1, "control"),
    ("duplicate_key", "image:\n  tag: v1\n  tag: v1\n", TAG, 3, "2 times"),
    ("duplicate_key", "image: {tag: v1}\nimage: {}\n", TAG, 2, "image"),
    ("duplicate_key", "name: &k tag\nimage:\n  tag: v1\n  *k : v2\n", TAG, 4, "tag"),
    ("empty_value", "image:\n  tag:\n", TAG, 2, "empty"),
    ("empty_value", 'image:\n  tag: ""\n', TAG, 2, "empty"),
    ("empty_value", "image:\n  tag: ~\n", TAG, 2, "empty"),
    ("encrypted", "image: {tag: v1}\nsops:\n  mac: ENC[x]\n", TAG, 3, "SOPS"),
    ("encrypted", "image: {tag: v1}\n---\nsops: {mac: x}\n", TAG, 3, "SOPS"),
    ("encrypted", "image: {tag: v1}\nkey: ENC[AES256_GCM,x]\nsops: {kms: []}\n", TAG, 3, "SOPS"),
    ("encrypted", "image:\n  tag: 'ENC[AES256_GCM,data:x,type:str]'\n", TAG, 2, "SOPS"),
    ("item_ambiguous", "c:\n- {name: a, tag: v1}\n- {name: a, tag: v1}\n", "/c/a/tag", 3, "2 items"),
    ("merged_key", "b: &b {tag: v1}\nimage:\n  <<: *b\n", TAG, 3, "<<"),
    ("multi_line", "image:\n  tag: |\n    v1\n    v2\n", TAG, 2, "several lines"),
    ("multi_line", "image:\n  tag: v1\n    v2\n", TAG, 2, "several lines"),
    ("multi_line", 'image:\n  tag: "v1\\\n    v2"\n', TAG, 2, "several lines"),
    ("not_a_scalar", "image:\n  tag: [v1]\n", TAG, 2, "list"),
    ("not_parsable", "image:\n  tag: v1\n bad\n", TAG, 3, "not YAML"),
    ("not_parsable", "image:\n  tag: *nowhere\n", TAG, 2, "nowhere"),
    ("path_missing", "image: {}\n", TAG, 1, "no key tag"),
    ("path_missing", "image: v1\n", TAG, 1, "single value"),
    ("path_missing", "c: [v1]\n", "/c/1", 1, "no item 1"),
    ("path_missing", "c: [v1]\n", "/c/" + "9" * 5000, 1, "no item"),
    ("path_missing", "c: [{name: a}]\n", "/c/b", 1, "named b"),
    ("path_missing", "c: [v0, v1]\n", "/c/01", 1, "named 01"),
    ("path_missing", "c: [v0, v1]\n", "/c/-", 1, "named -"),
    ("document_missing", "# nothing\n", TAG, 1, "no document 1"),
    ("readers_disagree", "# one\u2028other: 1\nimage:\n  tag: v1\n", TAG, 1, "line separators"),
    ("multi_line", 'image:\n  tag: "v1\u2028v2"\n', TAG, 2, "several lines"),
    ("readers_disagree", "image:\n  tag: v1\n  note: a\x85  b\n", TAG, 3, "line separators"),
    ("multi_line", 'image:\n  tag: "v1\\Lv2"\n', TAG, 2, "several lines"),
    ("multi_line", "image:\n  tag: |-\n    v1\n    # not a comment\n", TAG, 2, "several lines"),
    ("substituted", "image:\n  tag: ${TAG}\n", TAG, 2, "TAG"),
    ("substituted", 'image:\n  tag: "v${MAJOR:=1}.0"\n', TAG, 2, "MAJOR"),
    ("tagged", "image:\n  tag: !custom v1\n", TAG, 2, "!custom"),
    ("tagged", "image:\n  tag: !!float 1.0\n", TAG, 2, "float"),
    ("templated", "{{- if .Values.x }}\nimage:\n  tag: v1\n", TAG, 1, "template"),
    ("templated", "image:\n  tag: {{ .Values.tag }}\n", TAG, 2, "template"),
    ("templated", "name: {{ .Release.Name }}\nimage:\n  tag: v1\n", TAG, 1, "template"),
    ("templated", 'image:\n  tag: "{{ .Values.tag }}"\n', TAG, 2, "template"),
    ("too_deep", "image: " + "[" * 2000 + "]" * 2000, TAG, 1, "nested"),
    ("too_deep", "image: " + "[" * 101 + "]" * 101, TAG, 1, "nested"),
]


@pytest.mark.parametrize(("code", "text", "path", "line", "named"), CASES)
def test_a_hazard_is_refused_by_name(code: str, text: str, path: str, line: int, named: str) -> None:
    content = text.encode()
    result = edit("app/values.yaml", content, [Edit(from_pointer(path), "v9")])
    assert result.content == content
    assert result.changes == ()
    (refusal,) = result.refusals
    assert (refusal.reason_code, refusal.file, refusal.path) == (code, "app/values.yaml", path)
    assert refusal.line == line
    assert named in refusal.reason
    assert refusal.reason.endswith(REASONS[code])


@pytest.mark.parametrize("content", [b"a: caf\xe9\nb: v1\n", "b: v1\n".encode("utf-16"), b"b: v1 # \xed\xa0\x80\n"])
def test_a_file_that_is_not_utf8_is_refused(content: bytes) -> None:
    result = edit("values.yaml", content, [Edit(("b",), "v2")])
    assert [refusal.reason_code for refusal in result.refusals] == ["not_utf8"]
    assert result.content == content


@pytest.mark.parametrize("new", ["", " ", "v1\nv2", "v1\r", "v\x00", "v\u2028", "v\ufeff", "v\ud800"])
def test_a_new_value_must_be_one_line_of_text(new: str) -> None:
    result = edit("values.yaml", b"tag: v1\n", [Edit(("tag",), new)])
    assert [refusal.reason_code for refusal in result.refusals] == ["bad_value"]


def test_two_values_for_one_place_are_refused() -> None:
    result = edit("values.yaml", b"tag: v1\n", [Edit(("tag",), "v2"), Edit(("tag",), "v3")])
    assert [refusal.reason_code for refusal in result.refusals] == ["conflicting_edits"]


def test_one_of_two_values_being_there_does_not_hide_the_other() -> None:
    result = edit("values.yaml", b"tag: v1\n", [Edit(("tag",), "v1"), Edit(("tag",), "v2")])
    assert [refusal.reason_code for refusal in result.refusals] == ["conflicting_edits"]


def test_one_value_asked_for_twice_is_one_change() -> None:
    result = edit(
        "values.yaml",
        b"list: [{name: a, tag: v1}]\n",
        [Edit(("list", "a", "tag"), "v2"), Edit(("list", 0, "tag"), "v2")],
    )
    assert (result.content, len(result.changes)) == (b"list: [{name: a, tag: v2}]\n", 1)


def test_only_the_refused_place_is_named() -> None:
    result = edit("values.yaml", b'a: v1\nb: "v1\n  v1"\n', [Edit(("a",), "v2"), Edit(("b",), "v2")])
    assert [(refusal.path, refusal.reason_code) for refusal in result.refusals] == [("/b", "multi_line")]


def test_one_refusal_keeps_the_whole_file_as_it_was() -> None:
    content = b"a: v1\nb: ${B}\n"
    result = edit("values.yaml", content, [Edit(("a",), "v2"), Edit(("b",), "v2")])
    assert (result.content, result.changes) == (content, ())
    assert [refusal.path for refusal in result.refusals] == ["/b"]


def test_several_edits_of_one_unreadable_file_are_all_refused() -> None:
    result = edit("values.yaml", b"a: [\n", [Edit(("a",), "v2"), Edit(("b",), "v2")])
    assert [refusal.path for refusal in result.refusals] == ["/a", "/b"]


def test_an_anchored_value_is_edited_with_a_note_of_its_aliases() -> None:
    result = edit("values.yaml", b"a: &t v1\nb: *t\nc: [*t]\n", [Edit(("a",), "v2")])
    assert result.content == b"a: &t v2\nb: *t\nc: [*t]\n"
    (note,) = result.notes
    assert (note.reason_code, note.line, note.path) == ("anchored", 1, "/a")
    assert "&t has 2 aliases, which change with it" in note.reason


def test_an_alias_is_satisfied_when_its_anchor_gets_the_same_value() -> None:
    edits = [Edit(("b",), "v2"), Edit(("a",), "v2")]
    assert edit("values.yaml", b"a: &t v1\nb: *t\n", edits).content == b"a: &t v2\nb: *t\n"


def test_an_alias_of_the_new_value_needs_no_change() -> None:
    result = edit("values.yaml", b"a: &t v2\nb: *t\n", [Edit(("b",), "v2")])
    assert (result.changes, result.refusals) == ((), ())


def test_repeated_anchors_are_read_as_flux_reads_them() -> None:
    assert edit("values.yaml", b"a: &t v1\nb: &t v1\nc: v1\n", [Edit(("c",), "v2")]).content.endswith(b"c: v2\n")


def test_an_unfilled_value_is_filled_only_when_that_is_asked_for() -> None:
    for before, after in ((b"d:\n", b"d: x1\n"), (b"d: ''\n", b"d: 'x1'\n"), (b"d: null # n\n", b"d: x1 # n\n")):
        assert edit("values.yaml", before, [Edit(("d",), "x1", fill=True)]).content == after
        assert edit("values.yaml", before, [Edit(("d",), "x1")]).content == before


def test_a_number_that_looks_like_the_wanted_text_is_quoted() -> None:
    result = edit("values.yaml", b"tag: 1.10\n", [Edit(("tag",), "1.10")])
    assert result.content == b'tag: "1.10"\n'


UNCHANGED = [
    "tag: !<tag:yaml.org,2002:str> %s\n",
    "%%TAG !y! tag:yaml.org,2002:\n---\ntag: !y!str %s\n",
    "%%YAML 1.2\n---\ntag: %s\n...\n",
    "{tag: !<tag:yaml.org,2002:str> %s}\n",
    "? tag\n: %s\n",
    "? [a, b]\n: c\ntag: %s\n",
    "tag: &a !!str # of the chart\n  %s # c\n",
    "tag: &a !!str %s\nb: *a\n",
    "# one\x85# two\u2028# three\ntag: %s\n",
    "tag:\t%s\t# tab\n",
    "a: 1\rtag: %s\r",
    "a: 1\r\nb: |\r\n  x\r\n\r\ntag: %s",
    "\ufeff# 😀\ntag: %s # 😀\n---\nother: 1\n",
    "sops: {kms: []}\ntag: %s\n",
    'note: "{{ not one }}"\ntag: %s\n',
    "tag: |+ # kept\n  %s\n\n\n# end\nb: 1\n",
    "tag: >2-\n  %s\nb: 1\n",
    '{"a":[1,{"b":2}],"tag":%s}',
    "long: " + "x" * 200_000 + "\ntag: %s # " + "y" * 100_000 + "\n",
    'tag: %s # {"$imagepolicy": "flux-system:app:tag"}\n',
]


@pytest.mark.parametrize("text", UNCHANGED, ids=lambda text: text[:40])
def test_what_is_no_hazard_is_edited_in_place(text: str) -> None:
    before, after = ((text % tag).encode() for tag in ("v1", "v2"))
    result = edit("values.yaml", before, [Edit(("tag",), "v2")])
    assert (result.refusals, result.content == after) == ((), True)


def test_a_block_scalar_cannot_begin_with_a_blank() -> None:
    result = edit("values.yaml", b"tag: |\n  v1\n", [Edit(("tag",), " v2")])
    assert [refusal.reason_code for refusal in result.refusals] == ["multi_line"]


def test_a_tab_before_a_comment_is_no_hazard() -> None:
    assert edit("values.yaml", b"tag: v1\t# c\n", [Edit(("tag",), "v2")]).content == b"tag: v2\t# c\n"


OBJECTS = b"""\
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: x}
data: {tag: v1}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: y}
data: {tag: v1}
"""


def test_an_object_is_addressed_by_what_it_is_not_by_where_it_stands() -> None:
    one = Identity("v1", "ConfigMap", "y", "a")
    assert edit("all.yaml", OBJECTS, [Edit(("data", "tag"), "v2", one)]).changes[0].line == 9


def test_an_object_that_is_missing_or_there_twice_is_refused() -> None:
    twice = OBJECTS.replace(b"namespace: y", b"namespace: x")
    one = Edit(("data", "tag"), "v2", Identity("v1", "ConfigMap", "x", "a"))
    assert edit("all.yaml", twice, [one]).refusals[0].reason_code == "document_ambiguous"
    gone = Edit(("data", "tag"), "v2", Identity("v1", "ConfigMap", "z", "a"))
    assert edit("all.yaml", OBJECTS, [gone]).refusals[0].reason_code == "document_missing"


def test_an_edit_that_gives_something_else_than_asked_for_is_refused() -> None:
    # A key without a value in a flow mapping has no place for one.
    result = edit("values.yaml", b"image: {tag}\n", [Edit(("image", "tag"), "v1", fill=True)])
    assert [refusal.reason_code for refusal in result.refusals] == ["verification_failed"]
    assert result.content == b"image: {tag}\n"


def test_an_edit_that_only_one_reader_accepts_is_refused() -> None:
    # The aliased key would become a second v2.
    content = b"tag: &t v1\nseen:\n  v2: 1\n  *t : 2\n"
    result = edit("values.yaml", content, [Edit(("tag",), "v2")])
    assert [refusal.reason_code for refusal in result.refusals] == ["second_opinion"]
    assert result.content == content

"""Values go from file to file as they are, and nothing else changes."""

from __future__ import annotations

import pytest

from bot.core.manifests import find_values, set_values
from bot.core.models import Carried, Change

DEV = b"""\
# dev
replicas: 3
image: {repository: x, tag: "1"}
resources:
  limits: {cpu: 500m, memory: "1Gi"}
  on: true
  name: 'it''s'
empty:
variable: ${V}
alias: &a 5
again: *a
list: [1, two]
"""
PROD = b"""\
replicas: 5   # more\r
resources:\r
  limits: {cpu: '2', memory: 2Gi}\r
  on: false\r
  name: x\r
list: [9, "z"]\r
"""


def found(*patterns: str, content: bytes = DEV) -> dict[str, Carried]:
    """What is carried; nothing may be refused."""
    values = find_values("v.yaml", content, patterns)
    assert values.refusals == ()
    return dict(values.values)


def test_numbers_stay_numbers_and_texts_texts() -> None:
    assert found("/replicas", "/resources/limits/cpu", "/resources/on", "/list/1", "/resources/name") == {
        "/replicas": Carried("3", plain=True),
        "/resources/limits/cpu": Carried("500m"),
        "/resources/on": Carried("true", plain=True),
        "/list/1": Carried("two"),
        "/resources/name": Carried("it's"),
    }


def test_a_star_is_any_one_step_and_takes_only_what_can_be_carried() -> None:
    assert set(found("/*")) == {"/replicas", "/alias"}
    assert set(found("/resources/*")) == {"/resources/on", "/resources/name"}
    assert set(found("/*/*/*")) == {"/resources/limits/cpu", "/resources/limits/memory"}
    assert set(found("/list/*")) == {"/list/0", "/list/1"}
    assert found("/nothing/*") == {}


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("/nothing", "path_missing"),
        ("/resources", "not_a_scalar"),
        ("/empty", "empty_value"),
        ("/variable", "substituted"),
        ("/again", "alias"),
        ("/list/7", "path_missing"),
    ],
)
def test_what_is_named_and_cannot_be_carried_is_refused(pattern: str, code: str) -> None:
    (refusal,) = find_values("v.yaml", DEV, [pattern]).refusals
    assert (refusal.file, refusal.path, refusal.reason_code) == ("v.yaml", pattern, code)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"a: 1\n---\na: 2\n", "document_ambiguous"),
        (b"a: 1\na: 2\n", "duplicate_key"),
        (b"a: [1\n", "not_parsable"),
        (b"a: !x 1\n", "tagged"),
        (b"sops: {mac: x}\na: 1\n", "encrypted"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(content: bytes, code: str) -> None:
    assert [r.reason_code for r in find_values("v.yaml", content, ["/a"]).refusals] == [code]


def test_a_star_leaves_out_keys_that_are_there_twice() -> None:
    assert found("/*", content=b"a: 1\na: 2\nb: 3\n") == {"/b": Carried("3", plain=True)}


def test_values_are_written_and_no_other_byte_differs() -> None:
    edited = set_values("v.yaml", PROD, found("/replicas", "/resources/*", "/resources/limits/*", "/list/*"))
    assert edited.refusals == ()
    assert edited.content == (
        b"replicas: 3   # more\r\nresources:\r\n  limits: {cpu: '500m', memory: 1Gi}\r\n"
        b'  on: true\r\n  name: "it\'s"\r\nlist: [1, "two"]\r\n'
    )
    assert edited.changes[0] == Change("v.yaml", 1, "/replicas", "5", "3")
    assert [c.path for c in edited.changes] == [
        "/replicas",
        "/resources/limits/cpu",
        "/resources/limits/memory",
        "/resources/on",
        "/resources/name",
        "/list/1",
        "/list/0",
    ]
    again = set_values("v.yaml", edited.content, found("/replicas", "/resources/*", "/resources/limits/*", "/list/*"))
    assert (again.content, again.changes) == (edited.content, ())


def test_a_number_takes_the_place_of_a_text_without_its_quotes_and_a_text_that_of_a_number_with_some() -> None:
    assert set_values("v", b"a: '2'\n", {"/a": Carried("3", plain=True)}).content == b"a: 3\n"
    assert set_values("v", b"a: 2\n", {"/a": Carried("3")}).content == b'a: "3"\n'


@pytest.mark.parametrize(
    ("content", "value", "code"),
    [
        (b"b: 1\n", Carried("1", plain=True), "path_missing"),
        (b"b: 1\n", Carried("x"), "path_missing"),
        (b"a:\n", Carried("1", plain=True), "empty_value"),
        (b"a: {x: 1}\n", Carried("1", plain=True), "not_a_scalar"),
        (b"b: &b 2\na: *b\n", Carried("1", plain=True), "alias"),
        (b"a: !!int 2\n", Carried("1", plain=True), "tagged"),
        (b"a: ${V}\n", Carried("1", plain=True), "substituted"),
        (b"a: |\n  x\n", Carried("1", plain=True), "multi_line"),
        (b"a: 'x\n  y'\n", Carried("1", plain=True), "multi_line"),
        (b"a: 2\n", Carried("1 # x", plain=True), "bad_value"),
        (b"a: 2\n", Carried("1\nb: 2", plain=True), "bad_value"),
        (b"a: 2\n---\nb: 1\n", Carried("1", plain=True), "document_ambiguous"),
    ],
)
def test_what_must_not_be_written_is_refused_and_then_nothing_is(content: bytes, value: Carried, code: str) -> None:
    edited = set_values("v.yaml", content + b"c: 1\n", {"/c": Carried("2", plain=True), "/a": value})
    assert code in [r.reason_code for r in edited.refusals]
    assert (edited.content, edited.changes) == (content + b"c: 1\n", ())


def test_an_anchor_stays() -> None:
    edited = set_values("v", b"a: &x 1\nb: *x\n", {"/a": Carried("2", plain=True)})
    assert edited.content == b"a: &x 2\nb: *x\n"

"""What `set` is asked for is found by discovery and edited, or refused by name; nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.core.assign import Assigned, Request, SetImage, assign, chart_request, image_request, value_request
from bot.core.discovery import discover
from bot.core.errors import BotError
from bot.core.models import ImageVersion
from bot.core.references import Reference

GOLDEN = Path(__file__).parent / "golden" / "set"
CASES = sorted(GOLDEN.iterdir())
DIGEST = "sha256:" + "a" * 64


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def ask(files: dict[str, bytes], *requests: Request) -> Assigned:
    return assign(files, discover(files), requests)


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_what_is_asked_for_gives_the_golden_files_and_a_second_time_changes_nothing(folder: Path) -> None:
    case = json.loads((folder / "case.json").read_text())
    requests: list[Request] = [*map(image_request, case["images"]), *map(chart_request, case["charts"])]
    before, after = files_of(folder / "before"), files_of(folder / "after")
    result = ask(before, *requests)
    assert {name: one.decode() for name, one in (before | dict(result.contents)).items()} == {
        name: one.decode() for name, one in after.items()
    }
    assert [[one.file, one.line, one.path, one.reason_code] for one in result.refused] == case["refused"]
    assert (result.missed, result.found) == ((), len(requests))
    again = ask(after, *requests)
    assert (again.contents, again.changes) == ({}, ())
    assert again.refused == result.refused


VALUES = b"image:\n  repository: ghcr.io/example/web\n  tag: v1\nother: {image: ghcr.io/example/api:v1}\nempty:\n"


def test_an_image_is_known_by_its_full_name_and_not_by_its_tag() -> None:
    content = b"a: {image: nginx:1.0}\nb: {image: docker.io/library/nginx:1.0}\nc: {image: x/nginx:1.0}\n"
    result = ask({"values.yaml": content}, image_request("index.docker.io/nginx=1.1"))
    assert [(one.line, one.old, one.new) for one in result.changes] == [
        (1, "nginx:1.0", "nginx:1.1"),
        (2, "docker.io/library/nginx:1.0", "docker.io/library/nginx:1.1"),
    ]


def test_several_requests_of_one_file_are_one_change() -> None:
    result = ask(
        {"values.yaml": VALUES},
        image_request("ghcr.io/example/web=v2"),
        image_request("ghcr.io/example/api=v3"),
        value_request("values.yaml", "/image/repository", "ghcr.io/example/site"),
    )
    assert result.contents == {
        "values.yaml": b"image:\n  repository: ghcr.io/example/site\n  tag: v2\n"
        b"other: {image: ghcr.io/example/api:v3}\nempty:\n"
    }
    assert [one.line for one in result.changes] == [2, 3, 4]


def test_what_is_refused_does_not_keep_the_rest_from_being_done() -> None:
    result = ask(
        {"values.yaml": VALUES},
        image_request("ghcr.io/example/web=v2"),
        value_request("values.yaml", "/empty", "x"),
        value_request("values.yaml", "/other", "x"),
    )
    assert b"tag: v2" in result.contents["values.yaml"]
    assert [(one.path, one.reason_code) for one in result.refused] == [
        ("/other", "not_a_scalar"),
        ("/empty", "empty_value"),
    ]


def test_two_values_for_one_place_are_both_refused() -> None:
    result = ask(
        {"values.yaml": VALUES},
        image_request("ghcr.io/example/web=v2"),
        image_request("ghcr.io/example/api=v2"),
        value_request("values.yaml", "/image/tag", "v3"),
    )
    assert [(one.path, one.new) for one in result.changes] == [("/other/image", "ghcr.io/example/api:v2")]
    assert [(one.path, one.reason_code) for one in result.refused] == [("/image/tag", "conflicting_edits")]


def test_what_is_nowhere_is_named_with_what_comes_near() -> None:
    requests: list[Request] = [
        image_request("ghcr.io/exampel/web=v2"),
        value_request("values.yaml", "/image/tga", "v2"),
    ]
    result = ask({"values.yaml": VALUES}, *requests)
    assert (result.contents, result.refused, result.found) == ({}, (), 0)
    assert [str(one) for one in result.missed] == [
        "the image ghcr.io/exampel/web is nowhere there; near it are ghcr.io/example/web, ghcr.io/example/api",
        "/image/tga in values.yaml is nowhere there; near it are /image/tag",
    ]


def test_a_chart_is_known_by_name_and_by_the_address_of_its_repository() -> None:
    files = files_of(GOLDEN / "everywhere" / "before")
    for name in ("shop", "https://charts.example.com/shop/shop", "HTTPS://CHARTS.EXAMPLE.COM/shop//shop"):
        assert len(ask(files, chart_request(f"{name}=1.3.0")).changes) == 1, name
    assert ask(files, chart_request("https://charts.example.com/shop=1.3.0")).found == 0
    missed = ask(files, chart_request("oci://elsewhere.example.com/shop=1.3.0")).missed
    assert [str(one) for one in missed] == [
        "the chart shop of oci://elsewhere.example.com is nowhere there; near it are shop"
    ]


def test_a_pointer_must_lead_into_one_document() -> None:
    content = b"a: v1\nb: v1\n---\na: v1\nc: &c v1\nd: *c\n---\nb2: v1\n"
    for at, code in (("/a", "document_ambiguous"), ("/d", "alias")):
        result = ask({"f.yaml": content}, value_request("f.yaml", at, "v2"))
        assert [(one.path, one.reason_code) for one in result.refused] == [(at, code)]
    result = ask({"f.yaml": content}, value_request("f.yaml", "/b2", "v2"), value_request("f.yaml", "/b", "v2"))
    assert result.contents["f.yaml"] == content.replace(b"\nb: v1", b"\nb: v2").replace(b"b2: v1", b"b2: v2")


def test_an_anchored_value_is_noted_with_the_number_of_its_aliases() -> None:
    result = ask({"f.yaml": b"a: &a v1\nb: [*a, *a]\n"}, value_request("f.yaml", "/a", "v2"))
    assert [(one.reason_code, "has 2 aliases" in one.reason) for one in result.notes] == [("anchored", True)]


def test_a_file_that_cannot_be_read_is_refused_and_one_that_is_not_there_is_missed() -> None:
    files = {"f.yaml": b"a: {{ b }}\n"}
    assert [one.reason_code for one in ask(files, value_request("f.yaml", "/a", "v2")).refused] == ["templated"]
    assert ask(files, value_request("g.yaml", "/a", "v2")).found == 0


def test_a_number_that_becomes_a_text_is_noted() -> None:
    content = b"replicas: 2\ntag: '2'\nname: x\n"
    places = ("/replicas", "/tag", "/name")
    notes = [ask({"f.yaml": content}, value_request("f.yaml", at, "3")).notes for at in places]
    assert [[(one.line, one.reason_code) for one in some] for some in notes] == [[(1, "now_text")], [], []]


def test_a_file_that_cannot_be_read_is_refused_if_it_mentions_what_is_asked_for() -> None:
    files = {
        "a/values.yaml": VALUES,
        "b/values.yaml": VALUES + b"broken: [\n",
        "c/values.yaml": b"image: {repository: ghcr.io/example/api, tag: {{ tag }}}\n",
    }
    result = ask(files, image_request("ghcr.io/example/web=v2"))
    assert [one.file for one in result.changes] == ["a/values.yaml"]
    assert [(one.file, one.reason_code) for one in result.refused] == [("b/values.yaml", "not_parsable")]


def test_an_alias_is_refused_unless_its_anchor_gets_the_version() -> None:
    content = values_of(("a", "a", "&t v1"), ("b", "a", "*t"))
    result = ask({"values.yaml": content}, image_request("ghcr.io/example/a=v2"))
    assert ([one.line for one in result.changes], result.refused) == ([1], ())
    assert [one.reason_code for one in result.notes] == ["anchored"]


def test_an_anchor_that_is_another_images_version_too_is_refused() -> None:
    content = values_of(("a", "a", "&t v1"), ("b", "a", "*t"), ("c", "c", "*t"))
    result = ask({"values.yaml": content}, image_request("ghcr.io/example/a=v2"))
    refused = [(one.line, one.reason_code) for one in result.refused]
    assert (result.changes, refused) == ((), [(1, "anchor_shared"), (2, "alias")])
    assert "ghcr.io/example/c too" in result.refused[0].reason
    result = ask({"values.yaml": content}, image_request("ghcr.io/example/c=v2"))
    assert (result.changes, [(one.line, one.reason_code) for one in result.refused]) == ((), [(3, "alias")])


def values_of(*lines: tuple[str, str, str]) -> bytes:
    """Values with an image under each key: the key, the image's last word, and how its tag is written."""
    text = "".join(f"{key}: {{image: {{repository: ghcr.io/example/{one}, tag: {tag}}}}}\n" for key, one, tag in lines)
    return text.encode()


def test_a_range_becomes_no_tag_that_is_no_version() -> None:
    files = files_of(GOLDEN / "artifact" / "before")
    refused = ask(files, image_request("ghcr.io/example/manifests=latest")).refused
    assert [(one.path, one.reason_code) for one in refused] == [("/spec/ref/semver", "bad_version")]


def test_a_digest_that_has_no_place_beside_the_tag_is_noted() -> None:
    content = b"apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: web}\n"
    content += b"spec: {url: oci://ghcr.io/example/web, ref: {tag: v1}}\n".replace(b"v1", b"w1")
    result = ask({"source.yaml": content}, image_request(f"ghcr.io/example/web=w2@{DIGEST}"))
    assert result.contents == {"source.yaml": content.replace(b"w1", b"w2")}
    assert [one.reason_code for one in result.notes] == ["not_pinned"]


WEB = "ghcr.io/example/web"
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\n"
DOUBTFUL = {
    "a key above twice": f"image: {{repository: {WEB}, tag: v1}}\nimage: {{repository: x/y, tag: v1}}\n",
    "a key beside twice": f"image:\n  repository: {WEB}\n  repository: x/y\n  tag: v1\n",
    "behind a key that is there twice": f"{RELEASE}spec:\n  values: {{image: {{repository: {WEB}}}}}\n"
    "  values: {image: {tag: v1}}\n",
    "a template": f"{{{{ if }}}}\nimage: {WEB}:v1\n",
    "no YAML": f"image: {WEB}:v1\nb: [\n",
    "encrypted": f"image: {WEB}:v1\nsops: {{mac: x}}\n",
    "other characters": f"image: {WEB}:v1\nb: \x01\n",
    "a byte order mark": f"image: {WEB}:v1\nb: \ufeff\n",
}


@pytest.mark.parametrize("text", DOUBTFUL.values(), ids=DOUBTFUL)
@pytest.mark.parametrize("file", ["values.yaml", "release.yaml"])
def test_a_file_that_cannot_be_trusted_and_names_the_image_is_refused(file: str, text: str) -> None:
    result = ask({file: text.encode(), "other.yaml": b"a: {b: 1, b: 2}\n"}, image_request(f"{WEB}=v2"))
    assert not result.changes
    assert {one.file for one in result.refused} == {file}


CHARTS = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: web}\n"
CHARTS += "spec: {url: 'oci://ghcr.io/example/charts/web', ref: {REF}}\n---\n"
CHARTS += "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\n"
CHARTS += "spec: {chartRef: {kind: OCIRepository, name: web}}\n"


@pytest.mark.parametrize(
    ("before", "asked", "after"),
    [
        (f"digest: sha256:{'b' * 64}", f"web=1.1.0@{DIGEST}", f"digest: {DIGEST}"),
        (f"digest: sha256:{'b' * 64}", f"web=@{DIGEST}", f"digest: {DIGEST}"),
        (f"digest: sha256:{'b' * 64}", f"web={DIGEST}", f"digest: {DIGEST}"),
        (f"digest: sha256:{'b' * 64}", "web=1.1.0", "digest_unknown"),
        (f"tag: 1.0.0, digest: sha256:{'b' * 64}", f"web=1.1.0@{DIGEST}", f"tag: 1.1.0, digest: {DIGEST}"),
        ("tag: 1.0.0", f"web=1.1.0@{DIGEST}", "tag: 1.1.0"),
        ("tag: 1.0.0", f"web=@{DIGEST}", "tag_unknown"),
    ],
)
def test_a_chart_of_a_registry_is_set_by_its_digest(before: str, asked: str, after: str) -> None:
    content = CHARTS.replace("REF", before).encode()
    result = ask({"web.yaml": content}, chart_request(asked))
    if ":" in after:
        assert result.refused == ()
        assert result.contents == {"web.yaml": CHARTS.replace("REF", after).encode()}
    else:
        assert ({}, {after}) == (result.contents, {one.reason_code for one in result.refused})


def test_variants_of_an_image_in_one_object_are_not_given_one_tag() -> None:
    content = b"agent: {image: ghcr.io/example/web:agent-0.0.1}\nclient: {image: ghcr.io/example/web:client-0.0.1}\n"
    result = ask({"values.yaml": content}, image_request("ghcr.io/example/web=agent-0.0.2"))
    assert result.contents == {}
    assert [(one.line, one.reason_code) for one in result.refused] == [(1, "several_tags"), (2, "several_tags")]
    assert "agent-0.0.1, client-0.0.1" in result.refused[0].reason


def test_an_entry_of_kustomize_that_names_a_tag_is_what_decides() -> None:
    files = {
        "cd.yaml": b"apiVersion: v1\nkind: Pod\nmetadata: {name: cd}\n"
        b"spec: {containers: [{name: cd, image: 'quay.io/x/cd:v1.7.7'}]}\n",
        "kustomization.yaml": b"resources: [cd.yaml]\nimages:\n- name: quay.io/x/cd:v1.7.7\n  digest: sha256:"
        + b"b" * 64
        + b"\n",
    }
    result = ask(files, image_request(f"quay.io/x/cd=v1.8.0@{DIGEST}"))
    assert result.contents == {"kustomization.yaml": files["kustomization.yaml"].replace(b"b" * 64, b"a" * 64)}
    assert [(one.file, one.reason_code) for one in result.notes] == [("cd.yaml", "overridden")]


def test_a_digest_without_its_algorithm_stays_so() -> None:
    content = f"image: {{repository: ghcr.io/example/web, tag: v1, sha: {'b' * 64}}}\n"
    result = ask({"values.yaml": content.encode()}, image_request(f"ghcr.io/example/web=v2@{DIGEST}"))
    assert result.refused == ()
    assert result.contents == {"values.yaml": content.replace("v1", "v2").replace("b" * 64, "a" * 64).encode()}


def test_kustomize_takes_the_digest_behind_the_tag() -> None:
    content = b"images:\n- name: ghcr.io/example/web\n  newTag: v1\n"
    result = ask({"kustomization.yaml": content}, image_request(f"ghcr.io/example/web=v2@{DIGEST}"))
    assert result.contents == {"kustomization.yaml": content.replace(b"v1", f"v2@{DIGEST}".encode())}
    assert result.notes == ()


def test_requests_are_read_as_they_are_typed() -> None:
    assert image_request(f"localhost:5000/web=1.0@{DIGEST}") == SetImage(
        Reference("localhost:5000", "web"), ImageVersion("1.0", DIGEST)
    )
    assert chart_request("oci://ghcr.io/charts/web=1.0+b")[:3] == ("oci://ghcr.io/charts", "web", "1.0+b")
    assert chart_request("web=~1.2")[:3] == ("", "web", "~1.2")


@pytest.mark.parametrize(
    "text",
    ["web", "web=", "=1.0", "web:1.0=1.1", "example.com/Web=1", "web=1.0@", "web=1.0@sha256:abc", "web=a b", "x y=1"],
)
def test_an_image_that_is_none_is_wrong_usage(text: str) -> None:
    with pytest.raises(BotError) as caught:
        image_request(text)
    assert caught.value.reason_code == "invalid_option"
    assert text in caught.value.message


@pytest.mark.parametrize("text", ["web", "web=", "=1.0", "https://x/=1", "web= "])
def test_a_chart_that_is_none_is_wrong_usage(text: str) -> None:
    with pytest.raises(BotError, match="a name, a version or a digest is missing"):
        chart_request(text)


@pytest.mark.parametrize("text", ["image/tag", "/a~", "/a~2b", "$.image"])
def test_a_pointer_that_is_none_is_wrong_usage(text: str) -> None:
    with pytest.raises(BotError, match="not a JSON Pointer"):
        value_request("f.yaml", text, "v1")

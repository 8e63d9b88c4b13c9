"""An image is found where it is by convention or by key, and nowhere else; what cannot be used is named."""

from __future__ import annotations

import pytest

from bot.core.config import Image, Key
from bot.core.manifests import Found, edit, set_image
from bot.core.models import ImageVersion
from tests.core.lookups import find_image

NAME = "ghcr.io/shop/web"
D1, D2 = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def find(text: str, file: str = "values.yaml", image: Image | None = None) -> Found:
    return find_image({file: text.encode()}, image or Image(repository=NAME))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("image: {repository: ghcr.io/shop/web, tag: v1}", ImageVersion("v1")),
        ("image: {registry: ghcr.io, repository: shop/web, tag: v1}", ImageVersion("v1")),
        ("image: {registry: ghcr.io/, repository: shop/web, tag: v1}", ImageVersion("v1")),
        ("image: {registry: '', repository: ghcr.io/shop/web, tag: v1}", ImageVersion("v1")),
        (f"image: {{repository: {NAME}, tag: v1@{D1}}}", ImageVersion("v1", D1)),
        (f"image: {{repository: {NAME}, tag: v1, digest: {D1}}}", ImageVersion("v1", D1)),
        (f"image: {{repository: {NAME}, tag: '', digest: {D1}}}", ImageVersion("", D1)),
        (f"image: {{repository: {NAME}, digest: {D1}}}", ImageVersion("", D1)),
        (f"image: {NAME}:v1", ImageVersion("v1")),
        (f"image: {NAME}:v1@{D1}", ImageVersion("v1", D1)),
        (f"image: {NAME}@{D1}", ImageVersion("", D1)),
        (f"image: {NAME}\ntag: v1", ImageVersion("v1")),
        (f"list: [[{{image: '{NAME}:v1'}}]]", ImageVersion("v1")),
        ("wso2: {deployment: {mi: {dockerRegistry: ghcr.io, imageName: shop/web, imageTag: v1}}}", ImageVersion("v1")),
        (f"mi: {{imageName: {NAME}, imageTag: v1}}", ImageVersion("v1")),
        (f"base: &b {{repository: {NAME}}}\nweb:\n  <<: *b\n  tag: v1", ImageVersion("v1")),
        (f"a: &a {{repository: {NAME}}}\nb: &b\n  <<: [*a, *a]\nweb:\n  <<: *b\n  tag: v1", ImageVersion("v1")),
        (f"tag: &t v1\nweb: {{repository: {NAME}, tag: *t}}", ImageVersion("v1")),
    ],
)
def test_the_version_is_read_back_from_every_convention(text: str, version: ImageVersion) -> None:
    found = find(text)
    assert found.refusals == ()
    assert [place.version for place in found.places] == [version]
    assert found.version == version


@pytest.mark.parametrize(
    "text",
    [
        "image: {repository: ghcr.io/shop/web-admin, tag: v1}",
        "image: {registry: quay.io, repository: shop/web, tag: v1}",
        "image: {repository: shop/web, tag: v1}",
        "image: ghcr.io/other/web:v1",
        "image: https://ghcr.io/shop/web:v1",
        "# ghcr.io/shop/web:v1\nnothing: web",
        "notes: {repository: [ghcr.io/shop/web], tag: v1}",
    ],
)
def test_another_image_is_never_found(text: str) -> None:
    assert find(text) == Found((), ())


def test_docker_hub_names_are_the_same_short_and_long() -> None:
    for name in ("nginx", "library/nginx", "docker.io/nginx", "docker.io/library/nginx", "index.docker.io/nginx"):
        files = {"values.yaml": f"image: {name}:1.27".encode()}
        assert find_image(files, Image(repository="nginx")).version == ImageVersion("1.27")


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (f"image:\n  repository: {NAME}\n  tag:\n", "empty_value", 3),
        (f"image:\n  repository: {NAME}\n  tag: ''\n  digest: ''\n", "empty_value", 3),
        (f"image: {NAME}\n", "empty_value", 1),
        (f"image:\n  repository: {NAME}\n  tag: ${{TAG}}\n", "substituted", 3),
        (f"image: {NAME}:${{TAG}}\n", "substituted", 1),
        (f"image:\n  repository: {NAME}\n  tag: '{{{{ .x }}}}'\n", "templated", 3),
        (f"image:\n  repository: {NAME}\n  tag: a b\n", "bad_version", 3),
        (f"image:\n  repository: {NAME}\n  tag: v1@sha256:12\n", "bad_version", 3),
        (f"image:\n  repository: {NAME}\n  tag: [v1]\n", "not_a_scalar", 3),
        (f"image:\n  repository: {NAME}\n  tag: v1\n  tag: v1\n", "duplicate_key", 4),
        (f"image: {{repository: {NAME}, tag: v1}}\nsops: {{mac: x}}\n", "encrypted", 2),
        (f"{{{{ if }}}}\nimage: {NAME}:v1\n", "templated", 1),
    ],
)
def test_a_place_that_cannot_be_used_is_named(text: str, code: str, line: int) -> None:
    found = find(text)
    assert found.places == ()
    assert [(refusal.reason_code, refusal.line, refusal.file) for refusal in found.refusals] == [
        (code, line, "values.yaml")
    ]


def test_a_broken_file_that_does_not_mention_the_image_is_of_no_interest() -> None:
    assert find("{{ if }}\nimage: other:v1") == Found((), ())


@pytest.mark.parametrize("file", ["README.md", "config.yaml", "values.json"])
def test_files_without_a_convention_are_not_looked_into(file: str) -> None:
    assert find(f"image: {NAME}:v1", file) == Found((), ())


def test_places_with_different_versions_are_reported_and_all_set() -> None:
    found = find(f"a: {{image: '{NAME}:v1'}}\nb: {{image: '{NAME}:v2'}}\n")
    assert found.version is None
    assert [refusal.reason_code for refusal in found.refusals] == ["ambiguous_version"]
    assert "values.yaml:1 v1, values.yaml:2 v2" in found.refusals[0].reason
    edits = set_image(found.places, ImageVersion("v3"), pin=False).edits["values.yaml"]
    assert [one.new for one in edits] == [f"{NAME}:v3", f"{NAME}:v3"]


@pytest.mark.parametrize(("text", "pin"), [(f"image: {NAME}:v1@{D1}", False), (f"image: {NAME}:v1", True)])
def test_a_pinned_place_is_not_set_without_a_digest(text: str, pin: bool) -> None:
    wanted = set_image(find(text).places, ImageVersion("v2"), pin=pin)
    assert wanted.edits == {}
    assert [refusal.reason_code for refusal in wanted.refusals] == ["digest_unknown"]


def test_a_digest_that_is_there_always_changes_with_the_tag() -> None:
    text = f"image: {{repository: {NAME}, tag: v1, digest: {D1}}}\n"
    edits = set_image(find(text).places, ImageVersion("v2", D2), pin=False).edits["values.yaml"]
    result = edit("values.yaml", text.encode(), edits)
    assert result.content.decode() == f"image: {{repository: {NAME}, tag: v2, digest: {D2}}}\n"


def test_a_merged_tag_is_read_nowhere_but_where_it_is_written() -> None:
    found = find(f"base: &b {{repository: {NAME}, tag: v1}}\nweb: {{<<: *b, replicas: 2}}\n")
    assert [place.tag for place in found.places] == [("base", "tag")]


def test_a_mapping_that_merges_itself_ends() -> None:
    assert find(f"web: &w\n  <<: [*w, *w]\n  tag: v1\nname: {NAME}\n") == Found((), ())


def keyed(*keys: Key) -> Image:
    return Image(repository=NAME, keys=keys)


def test_explicit_keys_replace_the_conventions_and_are_relative_to_the_folder() -> None:
    text = f"image: {NAME}:v1\nmine: v5\n"
    image = keyed(Key(file="values.yaml", tag="/mine"))
    found = find_image({"envs/dev/web/values.yaml": text.encode()}, image, "envs/dev/web")
    assert [(place.file, place.tag) for place in found.places] == [("envs/dev/web/values.yaml", ("mine",))]
    assert found.version == ImageVersion("v5")


def test_an_explicit_key_finds_its_document() -> None:
    found = find("a: 1\n---\nmine: v5\n", image=keyed(Key(file="values.yaml", tag="/mine")))
    assert [(place.document, place.line) for place in found.places] == [(1, 3)]


@pytest.mark.parametrize(
    ("text", "key", "code"),
    [
        ("mine: v5\n", Key(file="other.yaml", tag="/mine"), "file_missing"),
        ("mine: v5\n", Key(file="values.yaml", tag="/yours"), "path_missing"),
        ("mine: v5\n---\nmine: v5\n", Key(file="values.yaml", tag="/mine"), "document_ambiguous"),
        ("mine: ghcr.io/shop/other:v5\n", Key(file="values.yaml", image="/mine"), "other_image"),
        ("mine: [v5]\n", Key(file="values.yaml", image="/mine"), "not_a_scalar"),
        ("", Key(file="values.yaml", tag="/mine"), "path_missing"),
        ("mine: [\n", Key(file="values.yaml", tag="/mine"), "not_parsable"),
    ],
)
def test_an_explicit_key_that_leads_nowhere_is_named(text: str, key: Key, code: str) -> None:
    found = find(text, image=keyed(key))
    assert found.places == ()
    assert [refusal.reason_code for refusal in found.refusals] == [code]

"""A synced values file is the source's bytes under one line, with the release's images; a chart's version is found."""

from __future__ import annotations

import pytest

from bot.core.config import Image, Key
from bot.core.errors import BotError
from bot.core.manifests import Edited, Wish, edit, set_chart, sync_values, synced_commit
from bot.core.models import ImageVersion
from bot.core.references import parse_repository
from tests.core.lookups import find_charts

OLD, NEW = "0" * 40, "1" * 40
DIGEST = "sha256:" + "a" * 64
NAME = "ghcr.io/shop/web"
ORIGIN = "https://git.example.com/values.git values-dev.yaml"
WEB = Wish(Image(repository=NAME), parse_repository(NAME), ImageVersion("v2", DIGEST))
SOURCE = f"# Shop\nimage:\n  repository: {NAME}\n  tag: v0 # any\nreplicas: 3\n".encode()


def header(commit: str, origin: str = ORIGIN) -> bytes:
    return f"# Synced by gitops-bot from {origin} at {commit}; edit it there.\n".encode()


def sync(source: bytes, current: bytes | None = None, wish: Wish = WEB, file: str = "values.yaml") -> Edited:
    return sync_values(file, source, current, [wish], ORIGIN, NEW)


def test_the_source_is_taken_over_with_the_image_of_the_release() -> None:
    current = header(OLD) + SOURCE.replace(b"v0", b"v1").replace(b"3", b"2")
    result = sync(SOURCE, current)
    assert result.content == header(NEW) + SOURCE.replace(b"v0", f"v2@{DIGEST}".encode())
    assert [(change.path, change.old, change.new, change.line) for change in result.changes] == [
        ("", OLD, NEW, 1),
        ("/image/tag", "v1", f"v2@{DIGEST}", 5),
        ("/replicas", "2", "3", 6),
    ]
    assert synced_commit(result.content) == NEW


def test_syncing_again_changes_nothing() -> None:
    first = sync(SOURCE)
    again = sync(SOURCE, first.content)
    assert (again.content, again.changes) == (first.content, ())


def test_a_source_that_was_synced_itself_keeps_one_line() -> None:
    assert sync(header(OLD) + SOURCE).content == sync(SOURCE).content


def test_line_ends_and_byte_order_mark_stay_those_of_the_source() -> None:
    source = b"\xef\xbb\xbf" + SOURCE.replace(b"\n", b"\r\n")
    result = sync(source)
    assert result.content.startswith(b"\xef\xbb\xbf# Synced by gitops-bot from ")
    assert result.content.count(b"\r\n") == result.content.count(b"\n") == 6
    assert synced_commit(result.content) == NEW


def test_a_target_with_any_name_is_read_as_values() -> None:
    assert b"v2@" in sync(SOURCE, file="envs/dev/shop/config.yaml").content


def test_explicit_keys_count_for_their_file_only() -> None:
    wish = WEB._replace(image=Image(repository=NAME, keys=(Key(file="values.yaml", tag="/mine"),)))
    source = b"mine: v0\n" + SOURCE
    assert sync(source, wish=wish).content == header(NEW) + source.replace(b"mine: v0", f"mine: v2@{DIGEST}".encode())
    other = WEB._replace(image=Image(repository=NAME, keys=(Key(file="other.yaml", tag="/mine"),)))
    assert sync(source, wish=other).content == header(NEW) + source


def test_an_image_that_is_kept_elsewhere_needs_no_place() -> None:
    assert sync(b"replicas: 3\n", b"replicas: 2\n").content == header(NEW) + b"replicas: 3\n"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"replicas: 3\n", "image_field_missing"),
        (b"image: none\n", "image_field_missing"),
        (SOURCE + b"bad: [\n", "not_parsable"),
        (b"{{ if }}\n" + SOURCE, "templated"),
        (SOURCE + b"sops: {mac: x}\n", "encrypted"),
        (SOURCE + b"caf: \xe9\n", "not_utf8"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused_and_the_file_kept(source: bytes, code: str) -> None:
    current = header(OLD) + SOURCE
    result = sync(source, current)
    assert (result.content, result.changes) == (current, ())
    assert code in [refusal.reason_code for refusal in result.refusals]
    assert {refusal.file for refusal in result.refusals} == {"values.yaml"}


VENDOR = """\
# The vendor's own file, as it comes.
wso2:
  deployment:
    mi:
      dockerRegistry: ""     # none: Docker Hub
      imageName: "wso2mi"
      imageTag: "1.2.0"
      replicas: 1
"""
MINE = "wso2: {deployment: {mi: {dockerRegistry: ghcr.io, imageName: shop/web, imageTag: v1, replicas: 9}}}\n"
PINNED = f"v2@{DIGEST}"
OTHERS = {
    "the vendor's own names": (
        VENDOR,
        MINE,
        VENDOR.replace('""', '"ghcr.io"').replace("wso2mi", "shop/web").replace("1.2.0", PINNED),
    ),
    "carriage returns": (
        VENDOR.replace("\n", "\r\n"),
        MINE,
        VENDOR.replace('""', '"ghcr.io"').replace("wso2mi", "shop/web").replace("1.2.0", PINNED).replace("\n", "\r\n"),
    ),
    "a digest that only the environment has": (
        "image:\n  repository: vendor/web\n  tag: v0\n",
        f"image: {{repository: {NAME}, tag: v1, digest: sha256:{'b' * 64}}}\n",
        f"image:\n  digest: {DIGEST}\n  repository: {NAME}\n  tag: v2\n",
    ),
    "a tag that only the environment has": (
        "image: {repository: vendor/web}\n",
        f"image: {{repository: {NAME}, tag: v1}}\n",
        f'image: {{tag: "{PINNED}", repository: {NAME}}}\n'.replace('"', ""),
    ),
    "a registry that only the source has": (
        "image:\n  registry: docker.io\n  repository: web\n  tag: v0\n",
        f"image: {{repository: {NAME}, tag: v1}}\n",
        f'image:\n  registry: ""\n  repository: {NAME}\n  tag: {PINNED}\n',
    ),
    "one text": ("image: vendor/web:v0\n", f"image: {NAME}:v1\n", f"image: {NAME}:{PINNED}\n"),
    "an empty text": ("image:\nb: 1\n", f"image: {NAME}:v1\n", f"image: {NAME}:{PINNED}\nb: 1\n"),
    "another image moved into its place in a list": (
        f"sidecars:\n- image: vendor/log:v0\n- image: {NAME}:v0\n",
        f"sidecars:\n- image: {NAME}:v1\n",
        f"sidecars:\n- image: vendor/log:v0\n- image: {NAME}:{PINNED}\n",
    ),
}


@pytest.mark.parametrize(("source", "current", "synced"), OTHERS.values(), ids=OTHERS)
def test_an_image_keeps_the_name_that_the_environment_gives_it(source: str, current: str, synced: str) -> None:
    result = sync(source.encode(), header(OLD) + current.encode())
    assert result.refusals == ()
    first = header(NEW).replace(b"\n", b"\r\n") if "\r" in source else header(NEW)
    assert result.content.decode() == (first + synced.encode()).decode()
    again = sync(source.encode(), result.content)
    assert (again.content, again.changes, again.refusals) == (result.content, (), ())


def test_keys_keep_what_the_source_has_empty() -> None:
    key = Key(file="values.yaml", tag="/wso2/deployment/mi/imageTag")
    wish = WEB._replace(image=Image(repository=NAME, keys=(key,)))
    empty = VENDOR.replace('"1.2.0"', '""').encode()
    result = sync(empty, header(OLD) + MINE.encode(), wish)
    assert result.content == header(NEW) + VENDOR.replace("1.2.0", PINNED).encode()


@pytest.mark.parametrize("source", ["wso2: {}\n", "wso2: {deployment: {mi: none}}\n", "wso2: [1]\n"])
def test_only_a_missing_parent_is_refused(source: str) -> None:
    current = header(OLD) + MINE.encode()
    result = sync(source.encode(), current)
    assert (result.content, [one.reason_code for one in result.refusals]) == (current, ["image_field_missing"])


def test_no_credentials_of_the_origin_are_written() -> None:
    result = sync_values("values.yaml", SOURCE, None, [WEB], "https://me:secret@git.example.com/v.git", NEW)
    assert b"secret" not in result.content
    assert result.content.startswith(header(NEW, "https://git.example.com/v.git"))


@pytest.mark.parametrize(("origin", "commit"), [("a\nb: c", NEW), (ORIGIN, "abc"), (ORIGIN, NEW + "\n")])
def test_what_would_not_fit_the_line_is_an_error(origin: str, commit: str) -> None:
    with pytest.raises(BotError):
        sync_values("values.yaml", SOURCE, None, [WEB], origin, commit)


@pytest.mark.parametrize("content", [b"", b"a: 1\n", SOURCE, SOURCE + header(OLD), b"# Synced by gitops-bot at x\n"])
def test_a_file_that_was_not_synced_names_no_commit(content: bytes) -> None:
    assert synced_commit(content) is None


def release(name: str, version: str, group: str = "helm.toolkit.fluxcd.io/v2") -> bytes:
    return (
        f"apiVersion: {group}\nkind: HelmRelease\nmetadata: {{name: {name}}}\n"
        f"spec:\n  chart:\n    spec:\n      version: {version}\n"
    ).encode()


def test_the_version_of_the_one_helm_release_is_the_charts() -> None:
    files = {"a/release.yaml": b"kind: Namespace\n---\n" + release("any", "1.2.3")}
    (chart,) = find_charts(files, "shop").places
    assert (chart.version, chart.line, chart.file) == ("1.2.3", 9, "a/release.yaml")
    result = edit(chart.file, files[chart.file], [set_chart("1.10", chart)])
    assert result.content == files[chart.file].replace(b"1.2.3", b'"1.10"')


def test_of_several_helm_releases_the_one_named_as_the_application_counts() -> None:
    files = {"a.yaml": release("shop", "1.0.0"), "b.yaml": release("redis", "2.0.0")}
    (chart,) = find_charts(files, "shop").places
    assert chart.version == "1.0.0"
    assert find_charts(files, "other").places == ()


@pytest.mark.parametrize("content", [b"kind: HelmRelease\n", release("x", "1.0.0", "example.com/v1"), b"a: 1\n"])
def test_without_a_helm_release_there_is_no_chart(content: bytes) -> None:
    assert find_charts({"a.yaml": content}, "shop") == ((), ())


def test_a_chart_that_cannot_be_read_is_named() -> None:
    broken, variable = release("shop", "[1"), release("shop", "${CHART}")
    assert [one.reason_code for one in find_charts({"a.yaml": broken}, "shop").refusals] == ["not_parsable"]
    assert [one.reason_code for one in find_charts({"a.yaml": variable}, "shop").refusals] == ["substituted"]

"""What is found can be handed on: to `set_image` and `edit`, to a configuration's names, and to scripts."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from bot.core.config import Config, load_config
from bot.core.discovery import Discovery, discover, extract, gather, join
from bot.core.discovery.reasons import OWN
from bot.core.manifests import REASONS, Edit, edit, set_image
from bot.core.models import ImageVersion
from tests.core.discovery.test_golden import CASES, read

ROOT = Path(__file__).parents[3]
DIGEST = "sha256:" + "9" * 64
RELEASE = b"""\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop}
spec:
  chart: {spec: {chart: shop, version: 1.0.0}}
  values: {image: {repository: ghcr.io/example/shop, tag: v1}, other: {image: {repository: ghcr.io/other, tag: v1}}}
"""
CONFIG = b"""\
version: 1
environments:
  live: {path: places/live}
applications:
  shop:
    path: store
    images:
      web:
        repository: ghcr.io/example/web
        policy: {semver: ">=1"}
        keys: [{file: settings.yaml, tag: /web/version}]
"""


def config() -> Config:
    """A configuration of one environment and one application."""
    return load_config(CONFIG, "gitops.yaml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_image_that_is_found_can_be_set(case: Path) -> None:
    files = read(case)
    before = discover(files)
    places = dict.fromkeys(one.place for one in before.findings if one.place and one.place.path and one.what != "name")
    wanted = set_image(places, ImageVersion("v99", DIGEST), pin=False)
    assert wanted.refusals == ()
    for file, edits in wanted.edits.items():
        result = edit(file, files[file], edits)
        assert result.refusals == ()
        files[file] = result.content
    after = discover(files)
    tags = [one.value for one in after.findings if one.what == "tag" and one.place]
    assert [tag for tag in tags if tag not in ("v99", f"v99@{DIGEST}")] == []
    assert len(after.findings) == len(before.findings)
    # An alias has the new value too; that it is one stays.
    assert [one._replace(value=None) for one in after.skipped] == [one._replace(value=None) for one in before.skipped]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_chart_that_is_found_can_be_set(case: Path) -> None:
    files = read(case)
    charts = [one for one in discover(files).findings if one.what in ("chart-version", "semver")]
    for one in charts:
        result = edit(one.file, files[one.file], [Edit(one.path, "99.9.9", one.document)])
        assert (result.refusals, [change.line for change in result.changes]) == ((), [one.line])
        files[one.file] = result.content
    after = [one.value for one in discover(files).findings if one.what in ("chart-version", "semver")]
    assert after == ["99.9.9"] * len(charts)


def test_tag_and_digest_of_one_image_have_one_place() -> None:
    found = discover(read(Path(__file__).parent / "golden" / "fleet"))
    tag, digest = (one for one in found.findings if "controller" in str(one.path))
    assert tag.place is not None
    assert tag.place == digest.place
    assert (tag.place.version.tag, tag.place.version.digest) == (tag.value, digest.value)


def test_another_image_with_the_same_tag_is_another_place() -> None:
    found = discover({"release.yaml": RELEASE})
    places = [one.place for one in found.findings if one.image and one.image.path == "example/shop" and one.place]
    (edits,) = set_image(places, ImageVersion("v2"), pin=False).edits.values()
    assert edit("release.yaml", RELEASE, edits).content == RELEASE.replace(b"shop, tag: v1", b"shop, tag: v2")


def test_the_configuration_names_environment_application_and_keys() -> None:
    files = {
        "places/live/store/release.yaml": RELEASE,
        "places/live/store/settings.yaml": b"web: {version: 1.0.0}\n",
        "envs/dev/other.yaml": RELEASE.replace(b"name: shop", b"name: other"),
    }
    found = discover(files, config())
    assert {(one.file, one.environment, one.application, one.found_by) for one in found.findings} == {
        ("places/live/store/release.yaml", "live", "shop", "convention"),
        ("places/live/store/settings.yaml", "live", "shop", "configuration"),
        ("envs/dev/other.yaml", None, "other", "convention"),
    }
    assert found.skipped == ()


def test_a_key_of_the_configuration_that_leads_nowhere_is_named() -> None:
    found = discover({"places/live/store/settings.yaml": b"web: {}\n"}, config())
    assert [(one.file, one.path, one.reason_code) for one in found.skipped] == [
        ("places/live/store/settings.yaml", "/web/version", "path_missing")
    ]


def test_a_key_that_leads_into_one_of_two_equal_objects_is_skipped() -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: it}\n"
    text = f"{pod}web: {{version: 1.0.0}}\n---\n{pod}"
    found = discover({"places/live/store/settings.yaml": text.encode()}, config())
    assert (found.findings, [one.reason_code for one in found.skipped]) == ((), ["document_ambiguous"])


def test_a_value_that_is_named_and_found_is_there_once() -> None:
    values = b"web: {repository: ghcr.io/example/web, version: x, tag: v1}\n"
    text = CONFIG.replace(b"settings.yaml, tag: /web/version", b"values.yaml, tag: /web/tag")
    found = discover({"places/live/store/values.yaml": values}, load_config(text, "gitops.yaml"))
    assert [(one.value, one.found_by) for one in found.findings] == [("v1", "configuration")]


def test_the_bots_own_sample_is_found() -> None:
    files = {str(path.relative_to(ROOT)): path.read_bytes() for path in (ROOT / "envs").rglob("*.yaml")}
    found = discover(files, load_config((ROOT / "gitops.yaml").read_bytes(), "gitops.yaml"))
    assert found.skipped == ()
    assert {(one.environment, one.application) for one in found.findings} == {
        (environment, "micro-integrator") for environment in ("dev", "staging", "prod")
    }
    assert {(one.what, str(one.image or (one.chart and one.chart.repository))) for one in found.findings} == {
        ("chart-version", "https://helm.wso2.com"),
        ("tag", "registry.example.com/wso2/micro-integrator"),
    }


def test_files_of_the_same_bytes_are_told_apart_though_they_share_their_facts() -> None:
    base = {"base/kustomization.yaml": b"resources: [release.yaml]\n", "base/release.yaml": RELEASE}
    patch = RELEASE.replace(b"chart: shop, ", b"").replace(b"repository: ghcr.io/example/shop, ", b"")
    files = base | {f"envs/{name}/patch.yaml": patch for name in ("a", "b")}
    files["envs/a/kustomization.yaml"] = b"resources: [../../base]\npatches: [path: patch.yaml]\n"
    facts = gather(files)
    facts["envs/b/patch.yaml"] = facts["envs/a/patch.yaml"]
    found = join(facts, files, None)
    assert {one.environment for one in found.findings if one.chart} == {"a"}
    assert {(one.file, one.reason_code) for one in found.skipped} == {
        ("base/release.yaml", "overridden"),
        ("envs/b/patch.yaml", "base_unknown"),
        ("envs/b/patch.yaml", "repository_unknown"),
    }


def test_what_is_skipped_says_of_what_it_is_where_that_is_known() -> None:
    golden = Path(__file__).parent / "golden"
    (alias,) = (one for one in discover(read(golden / "shapes")).skipped if one.reason_code == "alias")
    assert str(alias.image) == "quay.io/example/y"
    inline = [one for one in discover(read(golden / "overlays")).skipped if one.reason_code == "inline_patch"]
    assert [str(one.image or (one.chart and one.chart.name)) for one in inline] == [
        "ghcr.io/example/quoted",
        "ghcr.io/example/folded",
    ]


def test_facts_travel_between_processes() -> None:
    facts = extract("manifest", RELEASE)
    assert facts.objects
    assert pickle.loads(pickle.dumps(facts)) == facts  # noqa: S301 - it was written here


def all_cases() -> list[Discovery]:
    """What is found in every golden repository."""
    return [discover(read(case)) for case in CASES]


def test_json_holds_all_of_it() -> None:
    for found in all_cases():
        told = [*(one.as_json() for one in found.findings), *(one.as_json() for one in found.skipped)]
        assert json.loads(json.dumps(told)) == told


def test_every_reason_is_met_or_is_one_of_an_edit() -> None:
    met = {one.reason_code for found in all_cases() for one in found.skipped}
    assert set(OWN) <= met
    assert met <= {*OWN, *REASONS}


def test_what_a_patch_only_tests_is_named_and_not_set() -> None:
    patch = (
        "- {op: test, path: /spec/template/spec/containers/0/image, value: 'registry.example.com/shop/web:1.0.0'}\n"
        "- {op: replace, path: /spec/template/spec/containers/0/image, value: 'registry.example.com/shop/web:1.1.0'}\n"
        "- {op: test, path: /spec/chart/spec/version, value: 1.2.0}\n"
    )
    found = discover({"envs/prod/patch.yaml": patch.encode()})
    assert [(one.line, one.value) for one in found.findings] == [(2, "registry.example.com/shop/web:1.1.0")]
    assert (1, "tested") in {(one.line, one.reason_code) for one in found.skipped}
    assert (3, "tested") in {(one.line, one.reason_code) for one in found.skipped}

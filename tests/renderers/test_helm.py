"""Charts that lie in the repository are rendered with their values; of all others it is said that they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Refused
from bot.renderers.helm import releases
from tests.renderers.conftest import SAID

if TYPE_CHECKING:
    from pathlib import Path

    from bot.renderers.local import LocalRenderer
    from tests.renderers.conftest import Elsewhere

RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop, namespace: shop-dev}
spec:
  chart: {spec: {chart: ./charts/shop, sourceRef: {kind: GitRepository, name: flux-system}}}
  valuesFrom: [{kind: ConfigMap, name: shop-values}]
  values: {colour: red}
"""
KUSTOMIZATION = b"resources: [release.yaml]\nconfigMapGenerator:\n- name: shop-values\n  namespace: shop-dev\n"
KUSTOMIZATION += b"  files: [values.yaml]\n  options: {disableNameSuffixHash: true}\n"
TEMPLATE = b"""\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-chart, namespace: {{ .Release.Namespace }}}
data: {colour: {{ .Values.colour }}, size: {{ .Values.size }}, taste: {{ .Values.taste }}}
"""
FILES = {
    "charts/shop/Chart.yaml": b"apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "charts/shop/values.yaml": b"colour: grey\nsize: small\ntaste: sweet\n",
    "charts/shop/templates/config.yaml": TEMPLATE,
    "envs/dev/kustomization.yaml": KUSTOMIZATION,
    "envs/dev/values.yaml": b"colour: blue\nsize: big\n",
    "envs/dev/release.yaml": RELEASE.encode(),
}


def notes(tmp_path: Path, release: str, files: dict[str, bytes] = FILES) -> tuple[str, ...]:
    """What is said of a HelmRelease before any program is started."""
    return releases(files, release, tmp_path, 60).notes


def test_a_chart_in_the_repository_is_rendered_with_its_values_in_fluxs_order(helm: LocalRenderer) -> None:
    rendered = helm.render(FILES, "envs/dev")
    assert "metadata: {name: shop-chart, namespace: shop-dev}" in rendered.objects
    assert "data: {colour: red, size: big, taste: sweet}" in rendered.objects
    assert rendered.notes == SAID


def test_a_chart_that_lacks_a_dependency_is_not_completed_from_elsewhere(
    helm: LocalRenderer, elsewhere: Elsewhere
) -> None:
    chart = FILES["charts/shop/Chart.yaml"]
    chart += f"dependencies: [{{name: db, version: 1.0.0, repository: '{elsewhere.url}'}}]\n".encode()
    rendered = helm.render(FILES | {"charts/shop/Chart.yaml": chart}, "envs/dev")
    assert "shop-chart" not in rendered.objects
    note, *said = rendered.notes
    assert tuple(said) == SAID
    assert note.startswith("the chart of HelmRelease shop-dev/shop: helm: ")
    assert "missing in charts/ directory: db" in note
    assert elsewhere.asked == []


def test_a_schema_that_names_another_one_is_not_fetched(helm: LocalRenderer, elsewhere: Elsewhere) -> None:
    schema = f'{{"properties": {{"colour": {{"$ref": "{elsewhere.url}/schema.json"}}}}}}'.encode()
    rendered = helm.render(FILES | {"charts/shop/values.schema.json": schema}, "envs/dev")
    assert rendered.notes == SAID
    assert elsewhere.asked == []


def test_a_chart_of_a_chart_repository_is_named_and_not_downloaded(tmp_path: Path) -> None:
    source = RELEASE.replace("GitRepository, name: flux-system", "HelmRepository, name: shops")
    assert notes(tmp_path, source) == (
        "the chart of HelmRelease shop-dev/shop: ./charts/shop of shops is not in this repository; "
        "nothing is downloaded",
    )


def test_a_chart_that_a_reference_names_is_not_downloaded(tmp_path: Path) -> None:
    (note,) = notes(tmp_path, RELEASE.replace("  valuesFrom", "  chartRef: {kind: OCIRepository, name: x}\n  values2"))
    assert "shop" in note
    spec = "spec: {chartRef: {kind: OCIRepository, name: registry}}\n"
    (note,) = notes(tmp_path, RELEASE.partition("spec:")[0] + spec)
    assert "it of registry is not in this repository" in note


@pytest.mark.parametrize("chart", ["../outside", "/etc", ".", "", "charts"])
def test_a_chart_outside_the_repository_is_not_rendered(tmp_path: Path, chart: str) -> None:
    (note,) = notes(tmp_path, RELEASE.replace("./charts/shop", f"'{chart}'"))
    assert "is not in this repository" in note


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: ConfigMap", "kind: Secret", "it has values from Secret shop-values"),
        ("name: shop-values", "name: shop-values, targetPath: a.b", "it has values from ConfigMap shop-values"),
        ("name: shop-values", "name: other", r"its values values.yaml of ConfigMap other are not in this folder"),
    ],
)
def test_values_that_cannot_be_told_are_not_guessed(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in notes(tmp_path, RELEASE.replace(old, new))[0]


@pytest.mark.parametrize("name", ["--post-renderer=/bin/true", "UPPER", "a" * 54, "a b", "$(id)"])
def test_a_release_name_that_is_none_reaches_no_program(tmp_path: Path, name: str) -> None:
    release = RELEASE.replace("  valuesFrom: [{kind: ConfigMap, name: shop-values}]", f"  releaseName: '{name}'")
    assert "the name of its release" in notes(tmp_path, release)[0]


def test_charts_are_named_where_helm_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    plain = RELEASE.replace("  valuesFrom: [{kind: ConfigMap, name: shop-values}]\n", "")
    assert notes(tmp_path, plain) == ("the chart of HelmRelease shop-dev/shop: helm is not on this machine",)


def test_what_is_not_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="this is not YAML"):
        releases({}, "a: [", tmp_path, 60)

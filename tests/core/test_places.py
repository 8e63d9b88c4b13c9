"""Layouts of Flux repositories: a release of dev goes to prod by an edit of the one place that decides there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from bot.core.config import load_config
from bot.core.deployed import deployed_everywhere, own_places
from bot.core.discovery import discover
from bot.core.models import ImageVersion, Release
from bot.core.plan.rendering import render
from tests.core.worlds import world

if TYPE_CHECKING:
    from bot.core.plan.rendering import Rendered

WEB = "ghcr.io/acme/web"
HELM = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
KUSTOMIZE = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
FLUX = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"

FROM = (
    f"{HELM}metadata: {{name: web}}\nspec:\n  chart: {{spec: {{chart: web, version: 3.0.0}}}}\n"
    "  valuesFrom: [{kind: ConfigMap, name: web-values}]\n"
)
GENERATOR = "configMapGenerator:\n  - name: web-values\n    files: [values.yaml=web-values.yaml]\n"


def config(path: str, application: str = "", chart: bool = False) -> str:
    """Two environments, dev and prod; `path` is that of an environment, with `ENV` for its name."""
    text = "version: 1\nenvironments:\n"
    text += f"  dev: {{path: {path.replace('ENV', 'dev')}, merge: auto}}\n"
    text += f"  prod: {{path: {path.replace('ENV', 'prod')}, after: dev}}\n"
    text += f"applications:\n  web:\n{application}    images: {{web: {{repository: {WEB}, policy: {{semver: '1.x'}}"
    text += ", pin: false}}\n"
    return text + (
        "    chart: {repository: 'https://charts.example.com', name: web, policy: {semver: '1.x'}}\n" * chart
    )


def deployment(image: str) -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n"
        f"      containers:\n        - name: proxy\n          image: ghcr.io/acme/proxy:3.0.0\n"
        f"        - name: web\n          image: {image}\n"
    )


def release(version: str = "", tag: str = "", name: str = "web") -> str:
    """A HelmRelease, whole or (without a version) to be patched."""
    chart = f"  chart: {{spec: {{chart: web, version: {version}, sourceRef: {{kind: HelmRepository, name: acme}}}}}}\n"
    values = f"  values:\n    image:\n      repository: {WEB}\n" + (f"      tag: {tag}\n" if tag else "")
    return f"{HELM}metadata: {{name: {name}}}\nspec:\n{chart if version else ''}{values}"


def patch(version: str, tag: str) -> str:
    return (
        f"{HELM}metadata: {{name: web}}\nspec:\n  chart:\n    spec:\n      version: {version}\n"
        f"  values:\n    image:\n      tag: {tag}\n"
    )


def indented(text: str, by: int) -> str:
    return "".join(" " * by + line for line in text.splitlines(keepends=True))


class Layout(NamedTuple):
    """Files, with `ENV` for an environment's name, and TAG and VERSION for what it has; and where it says so."""

    config: str
    files: dict[str, str]
    place: str
    chart: bool = False


LAYOUTS = {
    "images of an overlay, and a manifest without a tag": Layout(
        config("apps/web/overlays/ENV"),
        {
            "apps/web/base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "apps/web/base/web.yaml": deployment(WEB),
            "apps/web/overlays/ENV/kustomization.yaml": KUSTOMIZE
            + f"resources: [../../base]\nimages:\n  - name: {WEB}\n    newTag: TAG\n",
        },
        "apps/web/overlays/ENV/kustomization.yaml",
    ),
    "images of an overlay, over a tag of the manifest": Layout(
        config("apps/web/overlays/ENV"),
        {
            "apps/web/base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "apps/web/base/web.yaml": deployment(f"{WEB}:0.0.1"),
            "apps/web/overlays/ENV/kustomization.yaml": KUSTOMIZE
            + f"resources: [../../base]\nimages:\n  - name: {WEB}\n    newTag: TAG\n",
        },
        "apps/web/overlays/ENV/kustomization.yaml",
    ),
    "images that give another name": Layout(
        config("apps/web/overlays/ENV"),
        {
            "apps/web/base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "apps/web/base/web.yaml": deployment("web"),
            "apps/web/overlays/ENV/kustomization.yaml": KUSTOMIZE
            + f"resources: [../../base]\nimages:\n  - name: web\n    newName: {WEB}\n    newTag: TAG\n",
        },
        "apps/web/overlays/ENV/kustomization.yaml",
    ),
    "images of the whole environment": Layout(
        config("envs/ENV"),
        {
            "envs/ENV/kustomization.yaml": KUSTOMIZE
            + f"resources: [web, other]\nimages:\n- name: {WEB}\n  newTag: TAG\n",
            "envs/ENV/web/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "envs/ENV/web/web.yaml": deployment(f"{WEB}:0.0.1"),
            "envs/ENV/other/kustomization.yaml": KUSTOMIZE + "resources: [other.yaml]\n",
            "envs/ENV/other/other.yaml": deployment("ghcr.io/acme/other:0.0.1").replace("name: web}", "name: other}"),
        },
        "envs/ENV/kustomization.yaml",
    ),
    "a patch of a container": Layout(
        config("apps/ENV"),
        {
            "base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "base/web.yaml": deployment(f"{WEB}:0.0.1"),
            "apps/ENV/kustomization.yaml": KUSTOMIZE + "resources: [../../base]\npatches:\n  - path: web.yaml\n",
            "apps/ENV/web.yaml": deployment(f"{WEB}:TAG").replace(
                "        - name: proxy\n          image: ghcr.io/acme/proxy:3.0.0\n", ""
            ),
        },
        "apps/ENV/web.yaml",
    ),
    "operations on a container": Layout(
        config("apps/ENV"),
        {
            "base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "base/web.yaml": deployment(f"{WEB}:0.0.1"),
            "apps/ENV/kustomization.yaml": KUSTOMIZE
            + "resources: [../../base]\npatches:\n  - target: {kind: Deployment, name: web}\n    patch: |-\n"
            + "      - op: replace\n        path: /spec/template/spec/containers/1/image\n"
            + f"        value: {WEB}:TAG\n",
        },
        "apps/ENV/kustomization.yaml",
    ),
    "a file of the overlay that patches a release": Layout(
        config("apps/ENV", chart=True),
        {
            "apps/base/kustomization.yaml": KUSTOMIZE + "namespace: apps\nresources: [web.yaml]\n",
            "apps/base/web.yaml": release("'>=0.0.1'", "0.0.1"),
            "apps/ENV/kustomization.yaml": KUSTOMIZE + "resources: [../base]\npatches:\n  - path: values.yaml\n",
            "apps/ENV/values.yaml": patch("VERSION", "TAG"),
        },
        "apps/ENV/values.yaml",
        chart=True,
    ),
    "a text in the overlay that patches a release": Layout(
        config("apps/ENV", chart=True),
        {
            "apps/base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "apps/base/web.yaml": release("0.0.1", "0.0.1"),
            "apps/ENV/kustomization.yaml": KUSTOMIZE
            + "resources: [../base]\npatches:\n  - patch: |-\n"
            + indented(patch("VERSION", "TAG"), 6),
        },
        "apps/ENV/kustomization.yaml",
        chart=True,
    ),
    "operations on a release": Layout(
        config("apps/ENV", chart=True),
        {
            "apps/base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "apps/base/web.yaml": release("0.0.1", "0.0.1"),
            "apps/ENV/kustomization.yaml": KUSTOMIZE
            + "resources: [../base]\npatches:\n  - target: {kind: HelmRelease}\n    patch: |\n"
            + "      - {op: replace, path: /spec/chart/spec/version, value: VERSION}\n"
            + "      - op: replace\n        path: /spec/values/image/tag\n        value: TAG\n",
        },
        "apps/ENV/kustomization.yaml",
        chart=True,
    ),
    "a Flux Kustomization that patches what it applies": Layout(
        config("clusters/ENV", chart=True),
        {
            "apps/web.yaml": release("0.0.1", "0.0.1"),
            "clusters/ENV/apps.yaml": FLUX
            + "metadata: {name: apps, namespace: flux-system}\nspec:\n  path: ./apps\n  patches:\n    - patch: |\n"
            + indented(patch("VERSION", "TAG"), 8),
        },
        "clusters/ENV/apps.yaml",
        chart=True,
    ),
    "a cluster that applies an overlay": Layout(
        config("clusters/ENV", chart=True),
        {
            "apps/base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "apps/base/web.yaml": release("0.0.1", "0.0.1"),
            "apps/ENV/kustomization.yaml": KUSTOMIZE + "resources: [../base]\npatches: [{path: web.yaml}]\n",
            "apps/ENV/web.yaml": patch("VERSION", "TAG"),
            "clusters/ENV/apps.yaml": FLUX + "metadata: {name: apps}\nspec:\n  path: ./apps/ENV\n",
            "clusters/ENV/flux-system/gotk-sync.yaml": FLUX + "metadata: {name: it}\nspec:\n  path: ./clusters/ENV\n",
        },
        "apps/ENV/web.yaml",
        chart=True,
    ),
    "a component": Layout(
        config("apps/ENV"),
        {
            "base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "base/web.yaml": release("3.0.0", "0.0.1"),
            "parts/ENV/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
            + "patches:\n  - patch: |-\n"
            + indented(HELM + "metadata: {name: web}\nspec: {values: {image: {tag: TAG}}}\n", 6),
            "apps/ENV/kustomization.yaml": KUSTOMIZE + "resources: [../../base]\ncomponents: [../../parts/ENV]\n",
        },
        "parts/ENV/kustomization.yaml",
    ),
    "values of a generated ConfigMap": Layout(
        config("apps/ENV"),
        {
            "apps/base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "apps/base/web.yaml": FROM,
            "apps/ENV/kustomization.yaml": KUSTOMIZE + "resources: [../base]\n" + GENERATOR,
            "apps/ENV/web-values.yaml": f"image:\n  repository: {WEB}\n  tag: TAG\n",
        },
        "apps/ENV/web-values.yaml",
    ),
    "values of the release over those of the ConfigMap": Layout(
        config("apps/ENV"),
        {
            "apps/ENV/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n" + GENERATOR,
            "apps/ENV/web.yaml": FROM + "  values: {image: {tag: TAG}}\n",
            "apps/ENV/web-values.yaml": f"image:\n  repository: {WEB}\n  tag: 0.0.1\n",
        },
        "apps/ENV/web.yaml",
    ),
    "a chart that an OCIRepository names": Layout(
        config("apps/ENV", chart=True),
        {
            "base/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
            "base/web.yaml": "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: web}\n"
            + "spec: {url: oci://ghcr.io/acme/charts/web, ref: {tag: 0.0.1}}\n---\n"
            + f"{HELM}metadata: {{name: web}}\nspec:\n  chartRef: {{kind: OCIRepository, name: web}}\n"
            + f"  values: {{image: {{repository: {WEB}, tag: 0.0.1}}}}\n",
            "apps/ENV/kustomization.yaml": KUSTOMIZE
            + "resources: [../../base]\npatches:\n  - patch: |\n      apiVersion: source.toolkit.fluxcd.io/v1\n"
            + "      kind: OCIRepository\n      metadata: {name: web}\n      spec: {ref: {tag: VERSION}}\n"
            + "  - target: {kind: HelmRelease, name: web}\n    patch: |\n"
            + "      - {op: replace, path: /spec/values/image/tag, value: TAG}\n",
        },
        "apps/ENV/kustomization.yaml",
        chart=True,
    ),
    "charts that kustomize inflates": Layout(
        config("apps/ENV", chart=True),
        {
            "apps/ENV/kustomization.yaml": KUSTOMIZE
            + "helmCharts:\n"
            + "".join(
                f"  - name: web\n    repo: https://charts.example.com\n    releaseName: {name}\n    version: VERSION\n"
                f"    valuesInline:\n      image: {{repository: {WEB}, tag: TAG}}\n"
                for name in ("blue", "green")
            ),
        },
        "apps/ENV/kustomization.yaml",
        chart=True,
    ),
    "one Flux repository for two clusters with the same names": Layout(
        config("clusters/ENV", chart=True),
        {
            "clusters/ENV/kustomization.yaml": KUSTOMIZE + "resources: [repository.yaml, web.yaml]\n",
            "clusters/ENV/repository.yaml": "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\n"
            + "metadata: {name: acme}\nspec: {url: 'https://ENV.example.com'}\n",
            "clusters/ENV/web.yaml": release("VERSION", "TAG"),
        },
        "clusters/ENV/web.yaml",
        chart=True,
    ),
}

LAYOUTS |= {
    "a setter marker in an object of another kind": Layout(
        config("apps/ENV"),
        {
            "apps/ENV/policy.yaml": "apiVersion: image.toolkit.fluxcd.io/v1beta2\nkind: ImageRepository\n"
            f"metadata: {{name: web, namespace: flux-system}}\nspec: {{image: {WEB}}}\n---\n"
            "apiVersion: image.toolkit.fluxcd.io/v1beta2\nkind: ImagePolicy\n"
            "metadata: {name: web, namespace: flux-system}\nspec: {imageRepositoryRef: {name: web}}\n",
            "apps/ENV/app.yaml": "apiVersion: example.com/v1\nkind: App\nmetadata: {name: web}\n"
            'spec:\n  runs: TAG # {"$imagepolicy": "flux-system:web:tag"}\n',
        },
        "apps/ENV/app.yaml",
    ),
}
APPLY = FLUX + "metadata: {name: apps, namespace: flux-system}\nspec:\n  path: ./apps\n  postBuild:\n"
LAYOUTS |= {
    "variables of a cluster, over a folder that all share": Layout(
        config("clusters/ENV", chart=True),
        {
            "apps/web.yaml": release('"${chart_version}"') + "      tag: ${web_tag}\n",
            "apps/deployment.yaml": deployment(f"{WEB}:${{web_tag}}"),
            "clusters/ENV/apps.yaml": APPLY
            + "    substitute:\n      web_tag: TAG\n      chart_version: VERSION\n      other: '1'\n",
        },
        "clusters/ENV/apps.yaml",
        chart=True,
    ),
    "variables of a ConfigMap": Layout(
        config("clusters/ENV"),
        {
            "apps/deployment.yaml": deployment(f"{WEB}:${{web_tag:=0.0.1}}"),
            "clusters/ENV/apps.yaml": APPLY + "    substituteFrom: [{kind: ConfigMap, name: settings}]\n",
            "clusters/ENV/settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
            + "data:\n  web_tag: TAG\n",
        },
        "clusters/ENV/settings.yaml",
    ),
    "a variable that is the whole image": Layout(
        config("clusters/ENV"),
        {
            "apps/deployment.yaml": deployment("${web_image}"),
            "clusters/ENV/apps.yaml": APPLY + f"    substitute:\n      web_image: {WEB}:TAG\n",
        },
        "clusters/ENV/apps.yaml",
    ),
    "a default that nobody overrides": Layout(
        config("clusters/ENV"),
        {
            "apps/ENV/deployment.yaml": deployment(f"{WEB}:${{web_tag:=TAG}}"),
            "clusters/ENV/apps.yaml": APPLY.replace("./apps", "./apps/ENV") + "    substitute: {other: a}\n",
        },
        "apps/ENV/deployment.yaml",
    ),
    "a registry from a variable": Layout(
        config("clusters/ENV"),
        {
            "apps/ENV/deployment.yaml": deployment("${REGISTRY:=ghcr.io}/${team}/web:TAG"),
            "clusters/ENV/apps.yaml": APPLY.replace("./apps", "./apps/ENV") + "    substitute: {team: acme}\n",
        },
        "apps/ENV/deployment.yaml",
    ),
    "a variable that a patch of the cluster sets": Layout(
        config("clusters/ENV"),
        {
            "apps/deployment.yaml": deployment(f"{WEB}:${{web_tag}}"),
            "clusters/base/kustomization.yaml": KUSTOMIZE + "resources: [apps.yaml]\n",
            "clusters/base/apps.yaml": APPLY + "    substitute: {web_tag: 0.0.1}\n",
            "clusters/ENV/kustomization.yaml": KUSTOMIZE
            + "resources: [../base]\npatches:\n  - patch: |-\n"
            + indented(FLUX + "metadata: {name: apps, namespace: flux-system}\n", 6)
            + "      spec: {postBuild: {substitute: {web_tag: TAG}}}\n",
        },
        "clusters/ENV/kustomization.yaml",
    ),
}

GIT = (
    f"{HELM}metadata: {{name: web}}\nspec:\n  chart:\n    spec:\n      chart: ./charts/web\n"
    "      sourceRef: {kind: GitRepository, name: flux-system}\n"
)
CHART = {
    "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "charts/web/values.yaml": f"image:\n  repository: {WEB}\n  tag: 0.0.1\n",
    "charts/web/templates/web.yaml": "image: {{ .Values.image.tag }}\n",
}
LAYOUTS |= {
    "a chart of this repository, with a tag in the release": Layout(
        config("apps/ENV"),
        CHART | {"apps/ENV/web.yaml": GIT + "  values: {image: {tag: TAG}}\n"},
        "apps/ENV/web.yaml",
    ),
    "a chart of this repository, with files of values": Layout(
        config("apps/ENV"),
        CHART
        | {
            "charts/web/values-ENV.yaml": "image: {tag: TAG}\n",
            "apps/ENV/web.yaml": GIT + "      valuesFiles: [charts/web/values.yaml, charts/web/values-ENV.yaml]\n",
        },
        "charts/web/values-ENV.yaml",
    ),
}

REPLACED = (
    "replacements:\n  - source: {kind: ConfigMap, name: versions, fieldPath: data.WEB}\n    targets:\n"
    "      - select: {kind: Deployment, name: web}\n"
    "        fieldPaths: ['spec.template.spec.containers.[name=web].image']\n"
    "        options: {delimiter: ':', index: 1}\n"
)
LAYOUTS |= {
    "a replacement from a literal": Layout(
        config("apps/ENV"),
        {
            "apps/ENV/web.yaml": deployment(f"{WEB}:placeholder"),
            "apps/ENV/kustomization.yaml": KUSTOMIZE
            + "resources: [web.yaml]\n"
            + REPLACED
            + "configMapGenerator:\n  - name: versions\n    literals:\n      - WEB=TAG\n",
        },
        "apps/ENV/kustomization.yaml",
    ),
    "a replacement from a ConfigMap": Layout(
        config("apps/ENV"),
        {
            "apps/ENV/web.yaml": deployment(f"{WEB}:placeholder"),
            "apps/ENV/versions.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: versions}\n"
            + "data:\n  WEB: TAG\n",
            "apps/ENV/replacements.yaml": REPLACED.replace("replacements:\n  - ", "").replace("\n    ", "\n"),
            "apps/ENV/kustomization.yaml": KUSTOMIZE
            + "resources: [web.yaml, versions.yaml]\nreplacements: [{path: replacements.yaml}]\n",
        },
        "apps/ENV/versions.yaml",
    ),
}


def written(files: dict[str, str], **has: tuple[str, str]) -> dict[str, bytes]:
    """The files of all environments, each with its tag and chart version."""
    found: dict[str, bytes] = {}
    for file, text in files.items():
        for name, (tag, version) in has.items():
            said = text.replace("ENV", name).replace("TAG", tag).replace("VERSION", version)
            found[file.replace("ENV", name)] = said.encode()
    return found


def promoted(layout: Layout, files: dict[str, bytes]) -> Rendered:
    """What the release of dev changes in prod."""
    snapshot = world(layout.config, files)
    return render(snapshot, "prod", "web", snapshot.deployed["dev", "web"].release)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_place_that_decides_is_edited_and_no_other(layout: Layout) -> None:
    files = written(layout.files, dev=("1.1.0", "1.5.0"), prod=("1.0.0", "1.4.0"))
    here = deployed_everywhere(load_config(layout.config.encode()), files).deployed
    has = {name: (one.release.images["web"], one.release.chart, one.refusals) for (name, _), one in here.items()}
    chart = ("1.5.0", "1.4.0") if layout.chart else (has["dev"][1], has["prod"][1])
    assert has == {"dev": (ImageVersion("1.1.0"), chart[0], ()), "prod": (ImageVersion("1.0.0"), chart[1], ())}
    found = promoted(layout, files)
    assert found.refusals == ()
    file = layout.place.replace("ENV", "prod")
    assert found.files == {file: files[file].replace(b"1.0.0", b"1.1.0").replace(b"1.4.0", b"1.5.0")} or (
        found.files == {file: written(layout.files, dev=("", ""), prod=("1.1.0", "1.5.0"))[file]}
    )
    again = promoted(layout, {**files, **found.files})
    assert (dict(again.files), again.refusals) == ({}, ())


@pytest.mark.parametrize("layout", [one for one in LAYOUTS.values() if "apps/base" in str(one.files)])
def test_a_base_belongs_to_no_environment(layout: Layout) -> None:
    """Where the overlay says nothing of its own, an edit of the base would change all that reach it."""
    base = release("1.5.0", "1.1.0")
    files = {
        "apps/base/kustomization.yaml": (KUSTOMIZE + "resources: [web.yaml]\n").encode(),
        "apps/base/web.yaml": base.encode(),
        **{f"apps/{e}/kustomization.yaml": (KUSTOMIZE + "resources: [../base]\n").encode() for e in ("dev", "prod")},
        **{f"clusters/{e}/a.yaml": (FLUX + f"spec: {{path: ./apps/{e}}}\n").encode() for e in ("dev", "prod")},
    }
    snapshot = world(layout.config, files)
    here = snapshot.deployed["prod", "web"]
    assert here.release.images == {"web": ImageVersion("1.1.0")}
    assert render(snapshot, "prod", "web", here.release).refusals == ()
    found = render(snapshot, "prod", "web", Release({"web": ImageVersion("1.2.0")}, "1.6.0"))
    assert not found.files
    assert {one.reason_code for one in found.refusals} == {"shared_place"}
    assert all("dev, prod" in one.reason and one.file == "apps/base/web.yaml" for one in found.refusals)


def shared_base() -> dict[str, bytes]:
    """Two environments that reach one base by overlays without anything of their own; a Deployment and a release."""
    overlay = (KUSTOMIZE + "resources:\n  - ../base\n").encode()
    return {
        "apps/base/kustomization.yaml": (KUSTOMIZE + "resources: [web.yaml, deployment.yaml]\n").encode(),
        "apps/base/web.yaml": release("1.5.0", "1.1.0").encode(),
        "apps/base/deployment.yaml": deployment(f"{WEB}:1.1.0").encode(),
        **{f"apps/{e}/kustomization.yaml": overlay for e in ("dev", "prod")},
    }


def test_an_environment_gets_places_of_its_own_that_say_the_same() -> None:
    text, files = config("apps/ENV", chart=True), shared_base()
    own = own_places(load_config(text.encode()), files, ["prod"])
    assert own.refusals == ()
    assert own.contents["apps/prod/kustomization.yaml"].decode() == (
        KUSTOMIZE
        + "patches:\n- target:\n    kind: HelmRelease\n    name: web\n  patch: |-\n"
        + "    - op: replace\n      path: /spec/chart/spec/version\n      value: 1.5.0\n"
        + "- target:\n    kind: HelmRelease\n    name: web\n  patch: |-\n"
        + "    - op: replace\n      path: /spec/values/image/tag\n      value: 1.1.0\n"
        + f"images:\n- name: {WEB}\n  newTag: 1.1.0\n"
        + "resources:\n  - ../base\n"
    )
    snapshot = world(text, files | dict(own.contents))
    found = render(snapshot, "prod", "web", Release({"web": ImageVersion("1.2.0")}, "1.6.0"))
    assert (found.refusals, set(found.files)) == ((), {"apps/prod/kustomization.yaml"})
    assert own_places(load_config(text.encode()), files | dict(own.contents), ["prod"]).contents == {}


def test_a_base_is_no_environments_own_though_all_others_override_it() -> None:
    text, files = config("apps/ENV", chart=True), shared_base()
    files |= own_places(load_config(text.encode()), files, ["dev"]).contents
    found = render(world(text, files), "prod", "web", Release({"web": ImageVersion("1.2.0")}, "1.6.0"))
    assert (found.files, {one.reason_code for one in found.refusals}) == ({}, {"shared_place"})


def test_the_files_of_an_environment_that_is_anothers_base_are_not_edited_for_it_alone() -> None:
    text = config("envs/ENV")
    files = {
        "envs/dev/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
        "envs/dev/web.yaml": deployment(f"{WEB}:1.0.0"),
        "envs/prod/kustomization.yaml": KUSTOMIZE + "resources: [../dev]\n",
    }
    snapshot = world(text, {file: content.encode() for file, content in files.items()})
    for environment in ("dev", "prod"):
        found = render(snapshot, environment, "web", Release({"web": ImageVersion("1.2.0")}))
        assert [one.reason_code for one in found.refusals] == ["shared_place"]


def test_who_comes_before_cannot_keep_those_behind_from_their_own_files() -> None:
    text = config("envs/ENV")
    files = {
        "envs/prod/kustomization.yaml": KUSTOMIZE + "resources: [web.yaml]\n",
        "envs/prod/web.yaml": deployment(f"{WEB}:1.0.0"),
        "envs/dev/kustomization.yaml": KUSTOMIZE + "resources: [../prod]\n",
    }
    snapshot = world(text, {file: content.encode() for file, content in files.items()})
    wanted = Release({"web": ImageVersion("1.2.0")})
    assert set(render(snapshot, "prod", "web", wanted).files) == {"envs/prod/web.yaml"}
    assert [one.reason_code for one in render(snapshot, "dev", "web", wanted).refusals] == ["shared_place"]


def test_a_folder_that_one_cluster_applies_gets_the_place_in_its_kustomization() -> None:
    text, files = config("clusters/ENV", chart=True), shared_base()
    for name in ("dev", "prod"):
        flow = f"{FLUX}metadata: {{name: apps}}\nspec: {{path: ./apps/{name}}}\n"
        files[f"clusters/{name}/apps.yaml"] = flow.encode()
    own = own_places(load_config(text.encode()), files)
    assert (own.refusals, set(own.contents)) == ((), {f"apps/{e}/kustomization.yaml" for e in ("dev", "prod")})


def test_a_cluster_that_shares_a_folder_gets_patches_in_its_flux_kustomization() -> None:
    text, files = cluster(release("1.5.0", "1.1.0"), "    substitute: {a: b}\n")
    own = own_places(load_config(text.encode()), files, ["prod"])
    assert (own.refusals, set(own.contents)) == ((), {"clusters/prod/apps.yaml"})
    snapshot = world(text, files | dict(own.contents))
    assert snapshot.deployed["prod", "web"].release == snapshot.deployed["dev", "web"].release
    found = render(snapshot, "prod", "web", Release({"web": ImageVersion("1.2.0")}))
    assert set(found.files) == {"clusters/prod/apps.yaml"}


def test_without_a_kustomization_it_is_said_where_to_write() -> None:
    text, files = cluster(release("1.5.0", "1.1.0"), "    substitute: {a: b}\n")
    text = text.replace("clusters/", "apps-of-")
    files |= {f"apps-of-{e}/a.yaml": b"a: 1\n" for e in ("dev", "prod")}
    assert own_places(load_config(text.encode()), files).contents == {}


def cluster(apps: str, post_build: str) -> tuple[str, dict[str, bytes]]:
    """A cluster each for dev and prod, which apply one folder."""
    clusters = {f"clusters/{e}/apps.yaml": (APPLY + post_build).encode() for e in ("dev", "prod")}
    return config("clusters/ENV"), {"apps/web.yaml": apps.encode(), **clusters}


SET = "    substitute: {web_tag: 1.0.0}\n"
REFUSED = {
    "variable_shared": (deployment(f"{WEB}:${{web_tag}}").replace("3.0.0", "${web_tag}"), SET),
    "substituted": (deployment(f"{WEB}:${{web_tag}}"), "    substituteFrom: [{kind: Secret, name: it}]\n"),
    "shared_place": (deployment(f"{WEB}:${{web_tag:=1.0.0}}"), "    substitute: {other: a}\n"),
}


@pytest.mark.parametrize(("code", "apps", "post_build"), [(code, *case) for code, case in REFUSED.items()])
def test_a_variable_that_cannot_be_followed_is_refused(code: str, apps: str, post_build: str) -> None:
    snapshot = world(*cluster(apps, post_build))
    found = render(snapshot, "prod", "web", Release({"web": ImageVersion("1.2.0")}))
    assert not found.files
    assert [one.reason_code for one in found.refusals][:1] == [code]


def test_a_variable_alone_takes_no_version_that_flux_reads_as_a_number() -> None:
    snapshot = world(*cluster(release("3.0.0") + "      tag: ${web_tag}\n", SET))
    assert snapshot.deployed["prod", "web"].release.images == {"web": ImageVersion("1.0.0")}
    found = render(snapshot, "prod", "web", Release({"web": ImageVersion("1.10")}))
    assert [one.reason_code for one in found.refusals] == ["variable_retyped"]
    found = render(snapshot, "prod", "web", Release({"web": ImageVersion("1.10.0")}))
    assert set(found.files) == {"clusters/prod/apps.yaml"}


def test_a_replacement_from_a_file_of_variables_is_named() -> None:
    files = {
        "clusters/prod/web.yaml": deployment(f"{WEB}:placeholder"),
        "clusters/prod/versions.env": "WEB=1.0.0\n",
        "clusters/prod/kustomization.yaml": KUSTOMIZE
        + "resources: [web.yaml]\n"
        + REPLACED
        + "configMapGenerator:\n  - name: versions\n    envs: [versions.env]\n",
    }
    content = {file: text.encode() for file, text in files.items()}
    (refusal,) = world(config("clusters/ENV"), content).deployed["prod", "web"].refusals
    assert (refusal.reason_code, refusal.file, refusal.line) == ("replaced", "clusters/prod/web.yaml", 11)
    assert "clusters/prod/kustomization.yaml:5" in refusal.reason
    skipped = [one for one in discover(content).skipped if one.reason_code == "replaced"]
    assert [str(one.image) for one in skipped] == [WEB]


@pytest.mark.parametrize(
    "apps",
    [
        deployment(f"{WEB}:${{web_tag:=1.0.0}}").replace(
            "metadata: {name: web}",
            "metadata: {name: web, annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}",
        ),
        deployment(f"{WEB}:${{web_tag/a/b}}"),
        deployment(f"{WEB}:v${{web_tag}}"),
    ],
)
def test_what_flux_substitutes_otherwise_is_no_place(apps: str) -> None:
    snapshot = world(*cluster(apps, SET))
    assert [one.reason_code for one in snapshot.deployed["prod", "web"].refusals] == ["substituted"]

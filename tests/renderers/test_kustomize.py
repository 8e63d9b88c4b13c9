"""A folder becomes the objects that Flux would apply, and nothing outside the repository is asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot import confine
from bot.core.errors import Refused
from bot.renderers.program import run
from tests.renderers.conftest import SAID

if TYPE_CHECKING:
    from bot.renderers.local import LocalRenderer
    from tests.renderers.conftest import Elsewhere

CONFIG = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n  colour: red\n"
HERE = b"resources: [shop.yaml]\n"
SHOP = {"envs/dev/kustomization.yaml": HERE, "envs/dev/shop.yaml": CONFIG}


def test_a_folder_is_rendered_with_what_it_names(renderer: LocalRenderer) -> None:
    files = {
        "base/kustomization.yaml": HERE,
        "base/shop.yaml": CONFIG,
        "envs/dev/kustomization.yaml": b"namePrefix: dev-\nresources: [../../base]\n",
    }
    rendered = renderer.render(files, "envs/dev")
    assert rendered.objects == ("apiVersion: v1\ndata:\n  colour: red\nkind: ConfigMap\nmetadata:\n  name: dev-shop\n")
    assert rendered.notes == SAID


def test_a_machine_that_keeps_no_program_to_its_files_says_so(
    renderer: LocalRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confine, "how", lambda: "")
    (note,) = renderer.render(SHOP, "envs/dev").notes
    assert "no Landlock" in note


def test_a_folder_without_a_kustomization_has_all_its_manifests_as_with_flux(renderer: LocalRenderer) -> None:
    files = {
        "envs/dev/one.yaml": CONFIG,
        "envs/dev/deep/two.yml": CONFIG.replace(b"shop", b"two"),
        "envs/dev/own/kustomization.yaml": b"namePrefix: own-\nresources: [three.yaml]\n",
        "envs/dev/own/three.yaml": CONFIG.replace(b"shop", b"three"),
        "envs/dev/own/left-out.yaml": CONFIG.replace(b"shop", b"left-out"),
        "envs/dev/README.md": b"no manifest",
    }
    objects = renderer.render(files, "envs/dev").objects
    assert [line for line in objects.splitlines() if "name:" in line] == [
        "  name: own-three",
        "  name: shop",
        "  name: two",
    ]


def test_an_address_in_a_label_or_a_literal_is_text(renderer: LocalRenderer) -> None:
    kustomization = HERE + (
        b"commonAnnotations: {docs: https://example.com/docs}\n"
        b"configMapGenerator: [{name: web, literals: ['url=https://example.com']}]\n"
        b"patches:\n- target: {name: shop}\n  patch: |-\n    - {op: add, path: /data/url, value: 'https://example.com'}\n"
    )
    objects = renderer.render(SHOP | {"envs/dev/kustomization.yaml": kustomization}, "envs/dev").objects
    assert objects.count("https://example.com") == 4


@pytest.mark.parametrize(
    "kustomization",
    [
        "resources: [{url}/x.yaml]",
        "RESOURCES: [{url}/x.yaml]",
        "re\u017fources: [{url}/x.yaml]",
        "re\u017fources: [../../../../../../../../etc]",
        '"re\\u017fources": [/etc]',
        "resources: [shop.yaml]\ncr\u212ads: [x]",
        "resources: [shop.yaml]\nba\u017fes: [/etc]",
        "resources: [shop.yaml]\nresources: [/etc]",
        "bases: ['{url}/repository//folder']",
        "components: ['{url}/repository']",
        "resources: [github.com/someone/repository]",
        "resources: ['git@github.com:someone/repository.git']",
        "resources: [../../../../outside]",
        "resources: [/etc]",
        "resources: [missing.yaml]",
        "resources: [!!binary aHR0cDov]",
        "<<: {{resources: ['{url}/x.yaml']}}",
        "resources: [shop.yaml]\ncrds: ['{url}/crd.json']",
        "resources: [shop.yaml]\nopenapi: {{path: '{url}/openapi.json'}}",
        "resources: [shop.yaml]\nconfigMapGenerator: [{{name: c, files: ['f={url}/file']}}]",
        "resources: [shop.yaml]\nconfigMapGenerator: [{{name: c, envs: ['{url}/env']}}]",
        "resources: [shop.yaml]\npatches: [{{path: '{url}/patch.yaml'}}]",
        "resources: [shop.yaml]\ngenerators: [plugin.yaml]",
        "resources: [shop.yaml]\ntransformers: [\"apiVersion: builtin\\nfiles: ['{url}/file']\\n\"]",
        "resources: [shop.yaml]\nhelmCharts: [{{name: c, repo: '{url}'}}]",
        "resources: [again]",
    ],
)
def test_nothing_outside_the_repository_is_asked_for(
    renderer: LocalRenderer, elsewhere: Elsewhere, kustomization: str
) -> None:
    plugin = f"apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {{name: c}}\nfiles: ['f={elsewhere.url}/f']\n"
    files = SHOP | {
        "envs/dev/kustomization.yaml": kustomization.format(url=elsewhere.url).encode(),
        "envs/dev/plugin.yaml": plugin.encode(),
        "envs/dev/again/kustomization.yaml": f"resources: ['{elsewhere.url}/x.yaml']\n".encode(),
    }
    with pytest.raises(
        Refused,
        match=r"not in this repository|an address|base64|merges|no kustomization has|a field twice|not one YAML",
    ):
        renderer.render(files, "envs/dev")
    assert elsewhere.asked == []


@pytest.mark.skipif(not confine.how(), reason="needs Landlock (Linux 5.13 or newer, switched on)")
@pytest.mark.usefixtures("renderer")
def test_kubectl_itself_cannot_read_a_folder_outside_the_repository() -> None:
    # Where root runs this the program is another user's, who cannot come into root's folders: these are everybody's.
    with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as elsewhere:
        root, outside = Path(here).resolve(), Path(elsewhere).resolve()
        outside.chmod(0o755)
        (root / "tree").mkdir()
        for folder in (root / "tree", outside):
            (folder / "kustomization.yaml").write_bytes(HERE)
            (folder / "shop.yaml").write_bytes(CONFIG)
        assert "colour: red" in run(["kubectl", "kustomize", str(root / "tree")], root, 30)
        (root / "tree" / "kustomization.yaml").write_text(f"resources: [../../{outside.name}]\n")
        for folder in (root / "tree", outside):
            with pytest.raises(Refused, match=r"permission denied|unable to find"):
                run(["kubectl", "kustomize", str(folder)], root, 30)


@pytest.mark.parametrize("content", [b"resources: [\n", b"[]\n", b"a: 1\n---\nb: 2\n", b"\xff\xfea\x00", b""])
def test_a_kustomization_that_is_not_one_document_is_not_rendered(renderer: LocalRenderer, content: bytes) -> None:
    with pytest.raises(Refused, match=r"envs/dev/kustomization\.yaml is not"):
        renderer.render(SHOP | {"envs/dev/kustomization.yaml": content}, "envs/dev")


def test_what_kubectl_complains_of_is_said_the_same_each_time(renderer: LocalRenderer) -> None:
    files = SHOP | {"envs/dev/shop.yaml": b"kind: ConfigMap\n"}
    said = []
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            renderer.render(files, "envs/dev")
        said.append(refused.value.message)
    assert said[0] == said[1]
    assert "shop.yaml" in said[0]
    assert "gitops-bot-" not in said[0], "the name of a temporary folder"


def test_a_machine_without_kubectl_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from bot.renderers.local import LocalRenderer

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="kubectl is not on this machine"):
        LocalRenderer().render(SHOP, "envs/dev")


@pytest.mark.parametrize("path", ["../outside", "/etc/x", "envs/../../x", "envs//x", "a\0b"])
def test_a_path_that_leads_out_of_the_folder_is_refused(path: str) -> None:
    from bot.renderers.local import LocalRenderer

    with pytest.raises(Refused):
        LocalRenderer().render(SHOP | {path: b"x"}, "envs/dev")


def test_a_file_and_a_folder_of_one_name_are_refused_in_words() -> None:
    from bot.renderers.local import LocalRenderer

    with pytest.raises(Refused, match="cannot be written"):
        LocalRenderer().render({"a": b"", "a/b": b""}, "a")

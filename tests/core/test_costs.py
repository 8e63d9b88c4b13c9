"""What is written once is read once: no reading, joining or editing costs more than its bytes do.

Each case would take minutes, or all memory, if something in it were done again for each way that leads to it. They are
interrupted after a time that is many times what they need.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bot.core.assign import assign, image_request
from bot.core.config import load_config
from bot.core.deployed import deployed_everywhere
from bot.core.discovery import discover
from bot.core.manifests import Edit, edit
from bot.core.manifests.document import parse
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Mapping, read

if TYPE_CHECKING:
    from collections.abc import Iterator

WEB = "ghcr.io/example/web"
IMAGE = f"{{repository: {WEB}, tag: v1}}"
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: {}}}\nspec: {{containers: [{{name: a, image: '{}:v1'}}]}}\n"


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """`TimeoutError` if what is done inside does not end."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"it takes more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def merges(levels: int, last: str) -> str:
    lines = [f"m0: &m0 {{image: {IMAGE}}}"]
    lines += [f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}" for n in range(1, levels)]
    return "\n".join([*lines, last.format(levels - 1)]) + "\n"


def chained(number: int) -> str:
    """Mappings of which each merges all before it."""
    lines = [f"m{n}: &m{n} {{<<: [{', '.join(f'*m{o}' for o in range(n))}], k{n}: 1, tag: v1}}" for n in range(number)]
    return "\n".join(lines).replace("<<: [], ", "") + f"\nimage: {IMAGE}\n"


def doubled(levels: int) -> dict[str, str]:
    """Folders of which each takes the one before twice, by two ways, and patches what it gets."""
    files = {"envs/dev/0/kustomization.yaml": KUSTOMIZATION + "resources: [pod.yaml]\n"}
    files["envs/dev/0/pod.yaml"] = POD.format("web", WEB)
    for n in range(1, levels):
        for way in "ab":
            files[f"envs/dev/{n}{way}/kustomization.yaml"] = KUSTOMIZATION + (
                f"resources: [../{n - 1}]\nnameSuffix: -{way}\nimages: [{{name: {WEB}, newTag: v{n}}}]\n"
            )
        files[f"envs/dev/{n}/kustomization.yaml"] = KUSTOMIZATION + f"resources: [../{n}a, ../{n}b]\n"
    return files


REPOSITORIES = {
    "merges that double": {
        "envs/dev/values.yaml": merges(
            60, "web: {{<<: *m{}, image: " + IMAGE.replace("{", "{{").replace("}", "}}") + "}}"
        )
    },
    "aliases that double": {
        "envs/dev/values.yaml": "a0: &a0 {image: "
        + IMAGE
        + "}\n"
        + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    },
    "each merges all before it": {"envs/dev/values.yaml": chained(700)},
    "merges in a long chain": {
        "envs/dev/values.yaml": f"m0: &m0 {{image: {IMAGE}}}\n"
        + "".join(f"m{n}: &m{n} {{<<: *m{n - 1}, tag: v1}}\n" for n in range(1, 20_000))
    },
    "kustomizations that double": doubled(36),
    "components that double": {
        "envs/dev/kustomization.yaml": KUSTOMIZATION + "resources: [pod.yaml]\ncomponents: [c30]\n",
        "envs/dev/pod.yaml": POD.format("web", WEB),
        **{
            f"envs/dev/c{n}/kustomization.yaml": KUSTOMIZATION.replace("kind: Kustomization", "kind: Component")
            + (f"components: [../c{n - 1}, ../c{n - 1}/../c{n - 1}]\n" if n else "")
            for n in range(31)
        },
    },
    "Flux Kustomizations that apply each other twice": {
        f"envs/dev/{n}/apps.yaml": "---\n".join(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            f"metadata: {{name: a{n}{way}}}\n"
            f"spec: {{path: ./envs/dev/{n + 1}, postBuild: {{substitute: {{v: v{n}}}}}}}\n"
            for way in "ab"
        )
        for n in range(30)
    }
    | {"envs/dev/30/pod.yaml": POD.format("web", WEB)},
    "a variable in ten thousand places": {
        "envs/dev/apps.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\n"
        "spec: {path: ./apps, postBuild: {substitute: {tag: v1}}}\n",
        "apps/pods.yaml": "---\n".join(POD.format(f"p{n}", WEB).replace(":v1", ":${tag}") for n in range(10_000)),
    },
    "ten thousand aliases": {
        "envs/dev/values.yaml": f"base: &t v1\nimage: {IMAGE}\n"
        + "".join(f"i{n}: {{image: {{repository: {WEB}, tag: *t}}}}\n" for n in range(10_000))
    },
}


@pytest.mark.parametrize("files", REPOSITORIES.values(), ids=REPOSITORIES)
def test_nothing_is_done_again_for_each_way_that_leads_to_it(files: dict[str, str]) -> None:
    content = {file: text.encode() for file, text in files.items()}
    text = "version: 1\nenvironments: {dev: {path: envs/dev}}\napplications:\n  web: {path: ., images: {web: {"
    config = load_config((text + f"repository: {WEB}, policy: {{semver: 1.x}}}}}}}}\n").encode())
    with within(60):
        found = discover(content)
        assign(content, found, [image_request(f"{WEB}=v9")])
        deployed_everywhere(config, content)


def test_a_merge_is_followed_once_and_the_first_that_has_a_key_counts() -> None:
    text = "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: &c {<<: [*a, *b], z: 3}\nd: {<<: *c, z: 4}\ne: &e {<<: [*e, *b]}\n"
    root = parse(text.encode()).documents[0].root
    assert isinstance(root, Mapping)
    found = {}
    for name in "abcde":
        mapping = root.get(name)
        assert isinstance(mapping, Mapping)
        values = [read(mapping, key) for key in "xyz"]
        found[name] = "".join(getattr(value, "text", "-") for value in values)
    assert found == {"a": "1--", "b": "22-", "c": "123", "d": "124", "e": "22-"}


def test_an_edit_in_a_file_that_merges_double_in_is_made() -> None:
    content = merges(60, "web: {{<<: *m{}, image: {{tag: v1}}}}").encode()
    with within(60):
        result = edit("a.yaml", content, [Edit(("web", "image", "tag"), "v2")])
    assert not result.refusals
    assert result.content.endswith(b"image: {tag: v2}}\n")


def test_a_file_with_too_many_values_is_too_large() -> None:
    with pytest.raises(Hazard) as hazard:
        parse(b"[" + b"a," * 500_000 + b"]")
    assert hazard.value.code == "too_large"

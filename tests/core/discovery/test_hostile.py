"""Files that are made to take for ever are read in the time that they are long, or given up with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.discovery import discover

if TYPE_CHECKING:
    from bot.core.discovery import Discovery

POD = "apiVersion: v1\nkind: Pod\nmetadata: {{name: {0}}}\nspec: {{containers: [{{image: 'ghcr.io/example/{0}:1'}}]}}\n"
MARKER = '# {"$imagepolicy": "a:b:tag"}'


def found(files: dict[str, str]) -> Discovery:
    """What is found in files of text."""
    return discover({name: text.encode() for name, text in files.items()})


def codes(discovery: Discovery) -> set[str]:
    """The reasons of what was skipped."""
    return {one.reason_code for one in discovery.skipped}


@pytest.mark.parametrize("kind", ["components", "resources"])
def test_what_includes_everything_twice_is_read_once(kind: str) -> None:
    files = {f"c{n}/kustomization.yaml": f"{kind}: [../c{n + 1}, ../c{n + 1}]\n" for n in range(60)}
    assert codes(found(files)) == {"resource_missing", "too_deep"}


def test_a_name_cannot_make_matching_slow() -> None:
    target = "{kind: Pod, name: '" + ".*a" * 30 + "x'}"
    kustomization = f"resources: [pod.yaml]\npatches: [{{path: patch.yaml, target: {target}}}]\n"
    patch = "apiVersion: v1\nkind: Pod\nspec: {values: 1}\n"
    name = "a" * 200
    assert len(found({"kustomization.yaml": kustomization, "pod.yaml": POD.format(name), "patch.yaml": patch})[0]) == 1


def test_patches_of_everything_are_given_up() -> None:
    patches = "- {path: patch.yaml, target: {kind: Pod}}\n" * 800
    files = {
        "kustomization.yaml": f"resources: [pods.yaml]\npatches:\n{patches}",
        "pods.yaml": "---\n".join(POD.format(f"p{n}") for n in range(800)),
        "patch.yaml": POD.format("patch"),
    }
    told = found(files)
    assert len(told.findings) + sum(one.reason_code == "overridden" for one in told.skipped) == 801
    assert codes(told) == {"too_deep", "overridden"}


def test_wide_mappings_and_long_lines_are_read_in_one_go() -> None:
    # Ten thousand of them, each looked for among all, would take minutes.
    pairs = [f"k{n}: {{image: {{repository: ghcr.io/example/e, tag: v{n}}}}}" for n in range(10_000)]
    told = found({"values.yaml": "{é: 1, " + ", ".join(pairs) + "}\n"})
    assert len(told.findings) == 10_000
    assert told.findings[0].column == len("{é: 1, k0: {image: {repository: ghcr.io/example/e, tag: ") + 1


def test_as_many_markers_as_lines_are_all_named() -> None:
    told = found({"list.yaml": f"- v1 {MARKER}\n" * 5_000 + f"{MARKER}\n" * 5_000})
    # Those on lines of their own are comments like others.
    assert len(told.skipped) == 5_000
    assert codes(told) == {"repository_unknown"}


def test_aliases_are_not_expanded() -> None:
    bomb = "a0: &a0 {image: {repository: ghcr.io/example/x, tag: v1}}\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))
    assert len(found({"values.yaml": bomb}).findings) == 1

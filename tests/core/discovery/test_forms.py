"""The shapes in which images are written, one by one: what is found in each, and what is no image."""

from __future__ import annotations

import pytest

from bot.core.assign import assign, image_request
from bot.core.discovery import discover
from bot.core.manifests.locate import pointer

WEB = "ghcr.io/example/web"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n"
POD += "    image: ghcr.io/example/a:1\n"
HELM = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  values:\n"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"

FOUND = {
    "imageRepository and imageTag": ("values.yaml", f"imageRepository: {WEB}\nimageTag: w1\n"),
    "image_repository and image_tag": ("values.yaml", f"image_repository: {WEB}\nimage_tag: w1\n"),
    "repo and tag": ("values.yaml", f"web:\n  repo: {WEB}\n  tag: w1\n"),
    "url and tag of an image": ("values.yaml", f"webImage:\n  url: {WEB}\n  tag: w1\n"),
    "repository and version of an image": ("values.yaml", f"image:\n  repository: {WEB}\n  version: w1\n"),
    "name and version of an image": ("values.yaml", f"image:\n  name: {WEB}\n  version: w1\n"),
    "imageRef": ("values.yaml", f"imageRef: {WEB}:w1\n"),
    "a mapping of images": ("values.yaml", f"images:\n  app: {WEB}:w1\n"),
    "a variable of a container": ("pod.yaml", f"{POD}    env:\n    - name: WEB_IMAGE\n      value: {WEB}:w1\n"),
    "a variable in values": ("values.yaml", f"env:\n- name: WEB_IMAGE\n  value: {WEB}:w1\n"),
    "a variable in values by its name": ("values.yaml", f"env:\n  WEB_IMAGE: {WEB}:w1\n"),
    "an argument": ("pod.yaml", f"{POD}    args:\n    - --web-image={WEB}:w1\n"),
    "a quoted argument": ("pod.yaml", f'{POD}    args: ["--verbose", "--image={WEB}:w1"]\n'),
    "a ConfigMap": ("map.yaml", f"{MAP}  WEB_IMAGE: {WEB}:w1\n"),
    "a volume": ("pod.yaml", f"{POD}  volumes:\n  - name: v\n    image:\n      reference: {WEB}:w1\n"),
    "a text in values": ("release.yaml", f"{HELM}    extra: |\n      image: {WEB}:w1\n"),
    "an object in a text of values": (
        "release.yaml",
        f"{HELM}    extra: |\n      apiVersion: v1\n      kind: Pod\n      metadata: {{name: a}}\n      spec:\n"
        f"        containers:\n        - name: b\n          image: {WEB}:w1\n",
    ),
    "helm-values.yaml": ("helm-values.yaml", f"image: {WEB}:w1\n"),
    "prod-values.yaml": ("prod-values.yaml", f"image: {WEB}:w1\n"),
    "newName with a version": ("kustomization.yaml", f"{KUSTOMIZATION}images:\n- name: web\n  newName: {WEB}:w1\n"),
    "a package of Crossplane": (
        "provider.yaml",
        f"apiVersion: pkg.crossplane.io/v1\nkind: Function\nmetadata: {{name: a}}\nspec:\n  package: {WEB}:w1\n",
    ),
}
NOTHING = {
    "a url of git and its tag": ("values.yaml", "source:\n  url: https://git.example.com/web\n  tag: v1\n"),
    "a repository of git": ("values.yaml", "git:\n  repository: example/web\n  version: v1\n"),
    "an argument that is none": ("pod.yaml", f"{POD}    args: [--image-pull-policy=Always, --images=a, --image=a]\n"),
    "a picture": ("values.yaml", "logoImage: https://example.com/logo.png\nheroImage: logo.png\n"),
    "other values": ("myvalues.yaml", f"image: {WEB}:v1\n"),
    "a variable without a reference": ("values.yaml", "env:\n- name: USE_IMAGE\n  value: 'true'\n"),
    "a comment with a marker": ("values.yaml", 'a: 1\n# tag: v1 # {"$imagepolicy": "a:b:tag"}\n'),
}


@pytest.mark.parametrize(("file", "text"), FOUND.values(), ids=FOUND)
def test_an_image_is_found_and_edited_where_it_is(file: str, text: str) -> None:
    files = {file: text.encode()}
    found = discover(files)
    assert WEB in {str(one.image) for one in found.findings}, found
    result = assign(files, found, [image_request(f"{WEB}=w2")])
    assert result.refused == ()
    assert result.contents == {file: text.replace("w1", "w2").encode()}


@pytest.mark.parametrize(("file", "text"), NOTHING.values(), ids=NOTHING)
def test_what_is_no_image_is_not_taken_for_one(file: str, text: str) -> None:
    found = discover({file: text.encode()})
    known = {pointer(one.path) for one in found.findings}
    assert known <= {"/spec/containers/0/image"}
    assert [one for one in found.skipped if one.reason_code not in ("not_an_image", "repository_unknown")] == []

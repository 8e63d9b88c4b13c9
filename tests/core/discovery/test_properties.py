"""Whatever the files hold, something is said of it and nothing is raised; what is found is really there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from bot.core.discovery import discover
from bot.core.manifests.locate import addresses, document, scalar, trail
from bot.core.manifests.nodes import text
from bot.core.manifests.splice import readable
from tests.core.discovery.test_golden import CASES, read

if TYPE_CHECKING:
    from bot.core.discovery import Discovery

FILES = [(case.name, file, content) for case in CASES for file, content in read(case).items()]
NAMES = [
    "kustomization.yaml",
    "values.yaml",
    "release.yaml",
    "Chart.yaml",
    "templates/x.yaml",
    "base/kustomization.yml",
]
WORDS = st.sampled_from(
    [
        *("image", "tag", "digest", "repository", "registry", "values", "spec", "chart", "version", "kind", "name"),
        *("metadata", "HelmRelease", "Kustomization", "resources", "patches", "path", "target", "patch", "op", "value"),
        *(
            "apiVersion",
            "helm.toolkit.fluxcd.io/v2",
            "kustomize.config.k8s.io/v1beta1",
            "items",
            "List",
            "replace",
            "..",
        ),
        *(
            "/spec/values/image/tag",
            "base",
            "release.yaml",
            ".",
            "sourceRef",
            "namespace",
            "images",
            "newTag",
            ".*",
            "((",
        ),
        *('# {"$imagepolicy": "a:b:tag"}', "${X}", "{{ x }}", "ghcr.io/example/web:1.0", "v1", "\n- a: b\n", "", "~"),
        *(
            "components",
            "containers",
            "dependencies",
            "helmCharts",
            "configMapGenerator",
            "files",
            "data",
            "semver",
            "ref",
        ),
    ]
)
TREES = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
"""JSON is YAML, so that any tree of these words can be written down."""


def is_there(found: Discovery, files: dict[str, bytes]) -> None:
    """Each finding's path leads, in its document, to a scalar with its value, on its line."""
    for one in found.findings:
        node = scalar(trail(document(addresses(readable(files[one.file])), one.document).root, one.path))
        before, behind = (one.place.around if one.place else None) or ("", "")
        assert (text(node), node.line) == (f"{before}{one.value}{behind}", one.line)


@given(st.dictionaries(st.sampled_from(NAMES), TREES, min_size=1, max_size=4))
def test_any_tree_is_read_without_an_error(trees: dict[str, object]) -> None:
    files = {name: json.dumps(tree, ensure_ascii=False).encode() for name, tree in trees.items()}
    is_there(discover(files), files)


@given(st.data())
def test_a_damaged_repository_is_read_without_an_error(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    files = read(case)
    file = data.draw(st.sampled_from(sorted(files)))
    content = files[file]
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    files[file] = content[:start] + data.draw(st.binary(max_size=6)) + content[end:]
    is_there(discover(files), files)


@given(st.dictionaries(st.sampled_from(NAMES), st.binary(max_size=60), max_size=4))
def test_any_bytes_are_read_without_an_error(files: dict[str, bytes]) -> None:
    is_there(discover(files), files)


def test_what_is_found_is_there() -> None:
    for case in CASES:
        is_there(discover(read(case)), read(case))

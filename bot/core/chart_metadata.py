"""A chart's `Chart.yaml`: what Helm knows of it, read without following an alias.

https://helm.sh/docs/topics/charts/#the-chartyaml-file
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from semver import Version

from bot.core.errors import Refused
from bot.core.manifests import Edit, edit
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Mapping, Scalar, Sequence, key_text
from bot.core.manifests.splice import readable

if TYPE_CHECKING:
    from bot.core.manifests.nodes import Node
    from bot.core.models import Commit

MOST_BYTES = 1 << 20
_LONGEST_VERSION = 64
# https://pkg.go.dev/helm.sh/helm/v3/pkg/chart#Metadata; Helm does not read what has another type.
_FIELDS = (
    "name", "home", "sources", "version", "description", "keywords", "maintainers", "icon", "apiVersion", "condition",
    "tags", "appVersion", "deprecated", "annotations", "kubeVersion", "dependencies", "type",
)  # fmt: skip
_BOOLEANS = ("deprecated", "enabled")


def metadata(content: bytes, name: str) -> dict[str, Any]:
    """The bytes of the Chart.yaml of the chart `name` → its fields, all texts but for `deprecated` and `enabled`.

    `Refused` (`bad_chart`) if it is not a Chart.yaml, or one of another chart, or its version is no semantic one.
    """
    found = _mapping(content)
    if found.get("name") != name:
        raise _bad(f"its `name` is not {name}, as gitops.yaml has it")
    if found.get("apiVersion") not in ("v1", "v2"):
        raise _bad("its `apiVersion` is neither v1 nor v2")
    version = found.get("version")
    if not isinstance(version, str) or len(version) > _LONGEST_VERSION or not Version.is_valid(version):
        raise _bad("its `version` is not a semantic version of three numbers")
    return {key: found[key] for key in _FIELDS if key in found}


def locked(content: bytes) -> dict[str, Any]:
    """The bytes of a Chart.lock → its fields, as those of `metadata`. `Refused` (`bad_chart`) if it is none."""
    return _mapping(content, "Chart.lock")


def with_version(content: bytes, version: str) -> bytes:
    """The Chart.yaml with another version in it; no other byte differs. `Refused` (`bad_chart`) if that is not safe."""
    edited = edit("Chart.yaml", content, [Edit(("version",), version, 0)])
    if edited.refusals:
        raise _bad(edited.refusals[0].reason)
    return edited.content


def later_version(version: str, commit: Commit) -> str:
    """The version for another commit whose chart still says `version`: behind it, and before whatever comes next.

    The forms are those of Go (https://go.dev/ref/mod#pseudo-versions): `1.2.3` → `1.2.4-0.<time>-<sha>`, and
    `1.2.3-rc.1` → `1.2.3-rc.1.0.<time>-<sha>`.
    """
    base = Version.parse(version)
    stamp = f"0.{commit.time:%Y%m%d%H%M%S}-{commit.sha[:12]}"
    if base.prerelease:
        return str(base.replace(prerelease=f"{base.prerelease}.{stamp}", build=None))
    return str(base.bump_patch().replace(prerelease=stamp))


def _mapping(content: bytes, file: str = "Chart.yaml") -> dict[str, Any]:
    if len(content) > MOST_BYTES:
        raise _bad(f"it has more than {MOST_BYTES} bytes", file)
    try:
        documents = readable(content).documents
    except Hazard as hazard:
        raise _bad(f"line {hazard.line}: {hazard.what}", file) from None
    root = documents[0].root if len(documents) == 1 else None
    try:
        found = _plain(root, "") if root else None
    except ValueError as error:
        raise _bad(str(error), file) from None
    if not isinstance(found, dict):
        raise _bad("it is not one mapping", file)
    return found


def _plain(node: Node, key: str) -> Any:
    """Mappings, lists and texts. `ValueError` for an alias, and for a key that is there twice."""
    if isinstance(node, Scalar):
        return node.value == "true" if key in _BOOLEANS else node.value
    if isinstance(node, Sequence):
        return [_plain(item, "") for item in node.items]
    if not isinstance(node, Mapping):
        raise ValueError(f"line {node.line}: it has an alias")
    found: dict[str, Any] = {}
    for written, value in node.pairs:
        name = key_text(written)
        if name is None or name in found:
            raise ValueError(f"line {written.line}: a key is there twice, or is not a text")
        found[name] = _plain(value, name)
    return found


def _bad(why: str, file: str = "Chart.yaml") -> Refused:
    return Refused(f"the chart's {file} cannot be used: {why}", fix="correct it, and commit", reason_code="bad_chart")

"""`helm template` of each HelmRelease whose chart lies in the repository; nothing is downloaded for the others.

Fields: https://fluxcd.io/flux/components/helm/helmreleases/
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

import yaml

from bot.core.errors import Refused
from bot.core.objects import Key, as_text, child, objects, scalar
from bot.renderers.program import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Helm's own rule: https://pkg.go.dev/helm.sh/helm/v3/pkg/chartutil#ValidateReleaseName
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")


class Charts(NamedTuple):
    """YAML streams of what the charts render to, and in words which could not be rendered."""

    objects: tuple[str, ...]
    notes: tuple[str, ...]


def releases(files: Mapping[str, bytes], text: str, root: Path, seconds: float) -> Charts:
    """Every HelmRelease in the YAML stream `text`, in its order; `root/tree` holds `files`."""
    found = objects(text)
    rendered: list[str] = []
    notes: list[str] = []
    for number, (key, release) in enumerate(found.items()):
        if key.kind == "HelmRelease" and scalar(release, "apiVersion").startswith("helm.toolkit.fluxcd.io/"):
            try:
                chart = root / "tree" / _chart(files, release)
                values = _values(found, key, release)
                paths = [_write(root / f"values-{number}-{n}.yaml", one) for n, one in enumerate(values)]
                rendered.append(_template(chart, key, release, paths, root, seconds))
            except Refused as refused:
                notes.append(f"the chart of {key}: {refused.message}")
    return Charts(tuple(rendered), tuple(notes))


def _template(chart: Path, key: Key, release: yaml.Node, values: list[str], root: Path, seconds: float) -> str:
    target = scalar(release, "spec", "targetNamespace")
    name = scalar(release, "spec", "releaseName") or (f"{target}-{key.name}" if target else key.name)
    namespace = target or key.namespace or "default"
    if not (_NAME.match(name) and _NAME.match(namespace)) or len(name) > 53:
        raise Refused("the name of its release or namespace is not one")
    arguments = [part for path in values for part in ("--values", path)]
    # A chart's schema may name others by URL, and helm would fetch them.
    options = ["--namespace", namespace, "--include-crds", "--skip-schema-validation"]
    return run(["helm", "template", name, str(chart), *options, *arguments], root, seconds)


def _chart(files: Mapping[str, bytes], release: yaml.Node) -> str:
    """The chart's folder. `Refused` if it is not in this repository."""
    spec = child(release, "spec", "chart", "spec")
    name, kind = scalar(spec, "chart"), scalar(spec, "sourceRef", "kind")
    folder = posixpath.normpath(name.lstrip("/"))
    if kind != "GitRepository" or f"{folder}/Chart.yaml" not in files or folder.startswith(".."):
        source = scalar(spec, "sourceRef", "name") or scalar(release, "spec", "chartRef", "name")
        raise Refused(f"{name or 'it'} of {source or 'its source'} is not in this repository; nothing is downloaded")
    if child(spec, "valuesFiles"):
        raise Refused("it has `valuesFiles`, which are not read here")
    return folder


def _values(found: Mapping[Key, yaml.MappingNode], key: Key, release: yaml.Node) -> list[str]:
    """The values documents in the order in which they count: those from elsewhere, then its own."""
    sources = child(release, "spec", "valuesFrom")
    texts = [_from(found, key, source) for source in (sources.value if isinstance(sources, yaml.SequenceNode) else [])]
    own = child(release, "spec", "values")
    return [*texts, as_text(own)] if own else texts


def _from(found: Mapping[Key, yaml.MappingNode], key: Key, source: yaml.Node) -> str:
    kind, name = scalar(source, "kind"), scalar(source, "name")
    if kind != "ConfigMap" or child(source, "targetPath"):
        raise Refused(f"it has values from {kind} {name}, which are not read here")
    there = found.get(Key(kind, key.namespace, name))
    field = scalar(source, "valuesKey") or "values.yaml"
    text = child(there, "data", field)
    if text is None:
        raise Refused(f"its values {field} of ConfigMap {name} are not in this folder")
    return str(text.value)


def _write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)

"""`kubectl kustomize` of a folder, once it is sure that it asks for nothing outside the repository.

Fields: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

import yaml

from bot.core.errors import Refused
from bot.core.objects import documents
from bot.renderers.program import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# Each entry is a file or a folder, or else kustomize takes it for the address of one.
_BASES = frozenset({"resources", "bases", "components"})
_PLUGINS = frozenset({"generators", "transformers", "validators"})
FIELDS = frozenset(
    {
        *("apiVersion", "kind", "metadata", "openapi", "namePrefix", "nameSuffix", "namespace", "commonLabels"),
        *("labels", "commonAnnotations", "patchesStrategicMerge", "patchesJson6902", "patches", "images"),
        *("imageTags", "replacements", "replicas", "vars", "sortOptions", "resources", "components", "crds", "bases"),
        *("configMapGenerator", "secretGenerator", "generatorOptions", "configurations", "generators"),
        *("helmGlobals", "helmCharts", "helmChartInflationGenerator", "transformers", "validators", "buildMetadata"),
    }
)
"""https://pkg.go.dev/sigs.k8s.io/kustomize/api/types#Kustomization"""
# What is text, not the name of a file. Any other value that is an address would be fetched, or might be.
_TEXT = frozenset(
    {"annotations", "commonannotations", "commonlabels", "labels", "literals", "patch", "images", "options"}
)
_ADDRESS = re.compile(r"https?:", re.IGNORECASE)


def build(files: Mapping[str, bytes], folder: str, root: Path, seconds: float) -> str:
    """The objects of `folder`, whose files are in `root/tree`. `Refused` with the reason if that cannot be."""
    place = _normal(folder)
    if not _kustomizations(files, place):
        _generate(files, place, root)
    check(files, place)
    # Loading stays in a kustomization's own folder, which is the default; other folders were checked above.
    target = root / "tree" / place if place else root / "tree"
    return run(["kubectl", "kustomize", str(target)], root, seconds)


def check(files: Mapping[str, bytes], folder: str) -> None:
    """Nothing if all that the folder's kustomization leads to is in `files`; else `Refused` (`remote_base`)."""
    todo, seen = [folder], set[str]()
    while todo:
        place = todo.pop()
        if place in seen:
            continue
        seen.add(place)
        for path in _kustomizations(files, place):
            todo += _check_file(files, place, path)


def _kustomizations(files: Mapping[str, bytes], folder: str) -> list[str]:
    return [path for name in NAMES if (path := posixpath.join(folder, name)) in files]


def _check_file(files: Mapping[str, bytes], place: str, path: str) -> Iterator[str]:
    """The folders that a kustomization names, all there."""
    for name, value in _fields(files[path], path):
        if name in _BASES | _PLUGINS:
            for entry in _scalars(value, path):
                yield from _entry(files, place, path, entry, plugin=name in _PLUGINS)
        elif name.lower() not in _TEXT:
            for text in _scalars(value, path):
                if "\n" not in text and _ADDRESS.search(text):
                    raise _remote(path, text)


def _entry(files: Mapping[str, bytes], place: str, path: str, entry: str, *, plugin: bool) -> Iterator[str]:
    """A folder that the entry names; nothing for a file, which must be there."""
    if "\n" in entry:
        _no_address(entry, path)
        return
    target = _normal(posixpath.join(place, entry))
    if _ADDRESS.search(entry) or entry.startswith("/") or target.startswith(".."):
        raise _remote(path, entry)
    if target in files:
        if plugin:
            _no_address(files[target].decode("utf-8", "replace"), target)
    elif not target or any(file.startswith(f"{target}/") for file in files):
        yield target
    else:
        raise _remote(path, entry)


def _no_address(text: str, path: str) -> None:
    """What a plugin's settings name is loaded as well."""
    if _ADDRESS.search(text):
        raise Refused(f"{path} configures a plugin with an address; nothing is fetched", reason_code="remote_base")


def _remote(path: str, entry: str) -> Refused:
    return Refused(f"{path} names {entry[:200]}, which is not in this repository", reason_code="remote_base")


def _fields(content: bytes, path: str) -> list[tuple[str, yaml.Node]]:
    """The top-level fields, each of them known."""
    try:
        (node,) = documents(content.decode())
    except (UnicodeDecodeError, ValueError, Refused) as error:
        raise Refused(f"{path} is not one YAML document", reason_code="not_parsable") from error
    if not isinstance(node, yaml.MappingNode):
        raise Refused(f"{path} is not a mapping", reason_code="not_parsable")
    fields = [(str(key.value), value) for key, value in node.value]
    for name, _ in fields:
        _check_field(name, path)
    if len({name for name, _ in fields}) != len(fields):
        raise Refused(f"{path} has a field twice", reason_code="unknown_field")
    return fields


def _check_field(name: str, path: str) -> None:
    """Only as written in kustomize's own types: its reader folds letters, some that are not ASCII, too."""
    if name == "<<":
        raise Refused(f"{path} merges its fields from elsewhere (`<<`); write them out", reason_code="merged_key")
    if name not in FIELDS:
        raise Refused(f"{path} has the field {name[:60]!r}, which no kustomization has", reason_code="unknown_field")


def _scalars(node: yaml.Node, path: str) -> Iterator[str]:
    """Every scalar in a field but those that are text."""
    todo, seen = [node], set[int]()
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.tag == "tag:yaml.org,2002:binary":
            raise Refused(f"{path} has a value in base64", reason_code="tagged")
        if isinstance(one, yaml.ScalarNode):
            yield one.value
        elif isinstance(one, yaml.SequenceNode):
            todo += one.value
        else:
            todo += [value for key, value in one.value if str(key.value).lower() not in _TEXT]


def _normal(path: str) -> str:
    normal = posixpath.normpath(path)
    return "" if normal == "." else normal


def _generate(files: Mapping[str, bytes], folder: str, root: Path) -> None:
    """A kustomization of all manifests below, as Flux makes one where there is none.

    https://fluxcd.io/flux/components/kustomize/kustomizations/#generating-a-kustomizationyaml-file
    """
    below = f"{folder}/" if folder else ""
    resources: dict[str, None] = {}
    for path in sorted(f for f in files if f.startswith(below) and f.endswith((".yaml", ".yml"))):
        resources[_topmost(files, folder, path)[len(below) :]] = None
    if not resources:
        raise Refused(f"{folder or 'the repository'} has no kustomization.yaml and no manifests")
    content = yaml.safe_dump({"resources": list(resources)}, allow_unicode=True)
    (root / "tree" / folder / NAMES[0]).write_text(content)


def _topmost(files: Mapping[str, bytes], folder: str, path: str) -> str:
    """The first folder on the way to a file that has a kustomization of its own, or the file."""
    place = folder
    for part in path[len(folder) :].strip("/").split("/")[:-1]:
        place = posixpath.join(place, part)
        if _kustomizations(files, place):
            return place
    return path

"""One file becomes facts: a pure function of the class of its name and its bytes."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from bot.core.discovery.facts import Block, ChartUse, Facts, Object, Trouble, Use
from bot.core.discovery.inline import inline
from bot.core.discovery.kustomizations import (
    helm_charts,
    post_rendered,
    read_applied,
    read_kustomization,
    read_replacement,
)
from bot.core.discovery.objects import APPLY_GROUP, block, names, read_object, version, word
from bot.core.discovery.operations import is_operations, read_operations
from bot.core.discovery.reading import Here, open_file
from bot.core.manifests.conventions import KUSTOMIZE_GROUP, at, kind_and_group, kustomize_images, objects, values
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.nodes import Alias, Mapping, Scalar, Sequence, key_text
from bot.core.manifests.splice import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.discovery.facts import FileClass, Kustomization, Marker, Part, Replacement, Value
    from bot.core.discovery.reading import File
    from bot.core.manifests.nodes import Node
    from bot.core.models import Path

USED = re.compile(r"\$\{\s*([_A-Za-z][_A-Za-z0-9]*)")
# A file without any of these holds nothing that is looked for.
_NEEDLES = (
    b"mage",
    b"tag",
    b"Tag",
    b"digest",
    b"chart",
    b"Chart",
    b"Helm",
    b"OCIRepo",
    b"ustom",
    b"/version",
    b"semver",
    b"fieldPath",
    b"ConfigMap",
)


def is_interesting(kind: FileClass, content: bytes) -> bool:
    """Whether the file may say anything; a quick look at its bytes, without reading it as YAML."""
    # What has a NUL is no text of UTF-8: in UTF-16 or encrypted, the words are there, and not to be seen.
    return kind == "kustomization" or any(needle in content for needle in _NEEDLES) or b"\0" in content


def extract(kind: FileClass, content: bytes) -> Facts:
    """The class of a file's name and its bytes → all that it says, or why it cannot be read."""
    if not is_interesting(kind, content):
        return Facts()
    try:
        parsed = readable(content)
    except Hazard as hazard:
        return Facts(troubles=(Trouble(hazard.line, (), hazard.code, hazard.what),))
    file = open_file(content, parsed)
    count = Counter(document.identity for document in parsed.documents)
    gathered = _Gathered(kind, file, has_variables=b"${" in content)
    for document in parsed.documents:
        gathered.document(Here(file, document, document.identity is not None and count[document.identity] > 1))
    return gathered.facts()


class _Gathered:
    """The facts of one file, document by document."""

    def __init__(self, kind: FileClass, file: File, *, has_variables: bool) -> None:
        self.kind, self.file, self.has_variables = kind, file, has_variables
        self.objects: list[Object] = []
        self.operations: list[Object] = []
        self.kustomization: Kustomization | None = None
        self.repositories: list[tuple[str, str, str]] = []
        self.policies: list[tuple[str, str, str, str]] = []
        self.uses: list[Use] = []
        self.replacements: list[Replacement] = []

    def facts(self) -> Facts:
        """What was gathered."""
        return Facts(
            tuple(self.objects),
            tuple(self.operations),
            self.kustomization,
            tuple(self.repositories),
            tuple(self.policies),
            self.file.troubles,
            tuple(self.uses),
            tuple(self.replacements),
        )

    def document(self, here: Here) -> None:
        """Take one document."""
        root, before = here.document.root, len(self.objects)
        if self.has_variables:
            self.uses += _uses(here)
        kind, group = kind_and_group(root)
        if group == KUSTOMIZE_GROUP or (self.kind == "kustomization" and not group):
            self._kustomization(here)
        elif self.kind == "chart":
            self._dependencies(here)
        elif kind and group:
            for node, path in objects(root):
                self._object(here, node, path)
        elif at(root, ("targets",)) is not None:
            self.replacements += read_replacement(root)
        elif is_operations(root):
            self.operations += read_operations(here)
        elif self.kind == "values":
            blocks = tuple(block(here, one) for one in values(root, ()))
            self.objects.append(Object(here.document.number, line=root.line, blocks=blocks))
        self._marked(here, self.objects[before:])

    def _kustomization(self, here: Here) -> None:
        root = here.document.root
        self.kustomization = self.kustomization or read_kustomization(here)
        blocks = tuple(block(here, one) for one in kustomize_images(at(root, ("images",)), ("images",)))
        address = here.document.identity or here.document.number
        self.objects.append(Object(address, *names(root), root.line, blocks))
        self.objects += helm_charts(here)

    def _object(self, here: Here, node: Node, path: Path) -> None:
        kind, group = kind_and_group(node)
        found = read_object(here, node, path)
        *_, namespace, name = names(node)
        if kind == "Kustomization" and group == APPLY_GROUP:
            found = found._replace(applied=read_applied(here, node, path))
        self.objects.append(found)
        if kind == "HelmRelease":
            self.objects += post_rendered(here, node, path)
        elif kind in ("ConfigMap", "Secret"):
            self._texts(here, node, path, "data" if kind == "ConfigMap" else "stringData")
        elif kind == "ImageRepository" and group == "image.toolkit.fluxcd.io":
            self.repositories.append((namespace, name, word(node, "spec", "image")))
        elif kind == "ImagePolicy" and group == "image.toolkit.fluxcd.io":
            reference = ("spec", "imageRepositoryRef")
            self.policies.append((namespace, name, word(node, *reference, "namespace"), word(node, *reference, "name")))

    def _texts(self, here: Here, node: Node, path: Path, key: str) -> None:
        """What a ConfigMap or Secret holds as YAML."""
        data = at(node, (key,))
        for named, value in data.pairs if isinstance(data, Mapping) else []:
            name = key_text(named) or ""
            if name.endswith((".yaml", ".yml")) and isinstance(value, Scalar) and "mage" in value.text:
                self.objects += inline(value, (*path, key, name), here, None, "embedded")

    def _dependencies(self, here: Here) -> None:
        listed = at(here.document.root, ("dependencies",))
        for index, item in enumerate(listed.items if isinstance(listed, Sequence) else []):
            self.objects += _dependency(here, item, ("dependencies", index))

    def _marked(self, here: Here, found: list[Object]) -> None:
        """What has a marker, and is where no convention looks."""
        if not self.file.markers:
            return
        known = {value.path for one in found for value in _values(one)}
        address = here.document.identity or here.document.number
        root = here.document.root
        # Tag and digest that one policy sets in one mapping are one place; two tags there are two.
        blocks: dict[tuple[Path, Marker, int], Block] = {}
        count: Counter[tuple[Path, Marker]] = Counter()
        for path, node in _leaves(root):
            marker = self.file.markers.get(id(node))
            if marker and path not in known:
                above = tuple(map(str, path[:-1]))
                alone = marker if marker.part == "image" else marker._replace(part="tag")
                key = (above, alone, count[above, marker])
                count[above, marker] += 1
                blocks[key] = _with(blocks.get(key, Block(above, "tag")), here.value(path), marker.part)
        if blocks:
            self.objects.append(Object(address, *names(root), root.line, tuple(blocks.values())))


def _dependency(here: Here, item: Node, path: Path) -> Iterator[Object]:
    written = version(here, item, path)
    if written is not None:
        code, what = (written.code, written.what) if written.code else ("locked", "the chart of this folder needs it")
        use = ChartUse(word(item, "name"), written._replace(code=code, what=what), None, word(item, "repository"))
        yield Object(here.document.number, line=item.line, charts=(use,))


def _with(block: Block, value: Value, part: Part) -> Block:
    """The block with one more of its values, by what its marker says that it is."""
    if part == "image":
        return block._replace(form="image", image=value)
    if part == "tag":
        return block._replace(tag=value)
    return block._replace(name=value) if part == "name" else block._replace(digest=value)


def _values(one: Object) -> Iterator[Value]:
    for each in one.blocks:
        yield from each.values
    for use in one.charts:
        if use.version:
            yield use.version


def _uses(here: Here) -> Iterator[Use]:
    """Every variable in the document's values, also in texts that are YAML themselves, as one of that text."""
    address = here.document.identity or here.document.number
    for path, node in _leaves(here.document.root):
        if isinstance(node, Scalar) and "${" in node.text:
            names = Counter(USED.findall(node.text))
            yield from (Use(name, address, path, node.line, count) for name, count in names.items())


def _leaves(root: Node) -> Iterator[tuple[Path, Scalar | Alias]]:
    waiting: list[tuple[Path, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, Mapping):
            waiting += [((*path, key_text(key) or "?"), value) for key, value in reversed(node.pairs)]
        elif isinstance(node, Sequence):
            waiting += [((*path, index), item) for index, item in reversed(list(enumerate(node.items)))]
        else:
            yield path, node

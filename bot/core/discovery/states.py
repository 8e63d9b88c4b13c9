"""An object on its way through kustomizations: what is known of it after each patch, and which patch is for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from bot.core.manifests.places import split_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.discovery.facts import Applied, Block, ChartUse, Object, Replaced, Source, Target, Value
    from bot.core.manifests.conventions import Form
    from bot.core.manifests.nodes import Identity
    from bot.core.models import Path

CONTAINERS = ("containers", "initContainers")
"""The lists of which kustomize sets the images."""


class Written(NamedTuple):
    """A scalar, the file and document that it is in, and how it holds a version.

    `around` is what stands before and behind the version in the scalar, where that is only a part of it. `variable` is
    what Flux or kustomize calls the scalar, where it takes it from there; where that stands `alone` it is read again as
    YAML.
    """

    file: str
    document: Identity | int
    value: Value
    form: Form = "fields"
    around: tuple[str, str] | None = None
    variable: str = ""
    alone: bool = False

    def part(self, text: str, before: str, behind: str) -> Written:
        """A part of the scalar that may be edited though the rest is filled in by Flux."""
        value = self.value._replace(text=text, code="", what="")
        return self._replace(value=value, around=(before, behind))

    @property
    def key(self) -> Key:
        """What the scalar is known by among those of all files."""
        return Key(self.file, self.document, self.value.path)


class Key(NamedTuple):
    """Where a scalar is."""

    file: str
    document: Identity | int
    path: Path


class Named(NamedTuple):
    """One image of an object: where it is from, and which scalars give its version; what is not written is empty.

    `image` holds name and version in one text; `repository` is then empty, unless a kustomization gives another name.
    """

    registry: str = ""
    repository: str = ""
    tag: Written | None = None
    digest: Written | None = None
    image: Written | None = None
    label: str = ""

    @property
    def name(self) -> str:
        """The repository as it is written, with its registry if that is written beside it; empty if nobody names it."""
        if self.registry and self.repository:
            return f"{self.registry.rstrip('/')}/{self.repository}"
        return self.repository or (split_image(self.image.value.text)[0] if self.image else "")

    def over(self, given: Named) -> Named:
        """The same, with what another one gives where nothing is written."""
        return Named(
            self.registry or given.registry,
            self.repository or given.repository,
            self.tag or given.tag,
            self.digest or given.digest,
            self.image or given.image,
            self.label,
        )

    @property
    def written(self) -> tuple[Written, ...]:
        """The scalars that give its version."""
        return tuple(one for one in (self.image, self.tag, self.digest) if one is not None)


class State(NamedTuple):
    """An object as it is at one point: `object` is what its file says.

    `names` are the (namespace, name) pairs that it has or had, the present one last. `images` are by the path of their
    block, or that of the text that holds one. `version` and `semver` are where a chart's version, and an
    OCIRepository's range, are written; `reference` is the source that `chartRef` names. `by` is
    the Flux Kustomization that applies it, `variables` are
    what it puts into others, if it is one itself. `values` are the files of values for a chart in git.
    """

    file: str
    object: Object
    names: tuple[tuple[str, str], ...]
    images: Mapping[Path, Named]
    chart: str = ""
    source: Source | None = None
    repository: str = ""
    version: Written | None = None
    semver: Written | None = None
    reference: Source | None = None
    applied: Applied | None = None
    by: State | None = None
    variables: Mapping[str, Written] = {}
    values: tuple[str, ...] = ()

    def patched(self, file: str, patch: Object) -> State:
        """The object with a patch of that file applied."""
        new = self._replace(
            images=merged(self.images, file, patch),
            semver=Written(file, patch.document, patch.semver) if _is_set(patch.semver) else self.semver,
            reference=patch.reference or self.reference,
            applied=_applied(self.applied, patch.applied),
            variables=self._substituted(file, patch),
        )
        for use in patch.charts:
            new = new.charted(file, patch, use)
        return new

    def _substituted(self, file: str, patch: Object) -> Mapping[str, Written]:
        written = patch.applied.substitute if patch.applied else ()
        return {**self.variables, **{name: Written(file, patch.document, value) for name, value in written}}

    def charted(self, file: str, patch: Object, use: ChartUse) -> State:
        """The object with what a patch of that file says of its chart."""
        return self._replace(
            chart=use.name or self.chart,
            source=use.source or self.source,
            repository=use.repository or self.repository,
            values=use.values or self.values,
            version=Written(file, patch.document, use.version) if _is_set(use.version) else self.version,
        )

    def renamed(self, namespace: str, prefix: str, suffix: str) -> State:
        """The object in another namespace, under another name."""
        space, name = self.names[-1]
        now = (namespace or space, f"{prefix}{name}{suffix}")
        return self if now == self.names[-1] else self._replace(names=(*self.names, now))

    def over(self, given: State) -> State:
        """The object with what another one gives where it says nothing itself."""
        images = dict(given.images)
        for path, own in self.images.items():
            images[path] = own.over(images.get(path, own))
        return self._replace(images=images)

    def within(self, above: Path) -> State:
        """What stands below a path, as if it began there."""
        size = len(above)
        return self._replace(images={path[size:]: one for path, one in self.images.items() if path[:size] == above})

    def below(self, above: Path) -> State:
        """All that is known, as if it stood below a path."""
        return self._replace(images={(*above, *path): one for path, one in self.images.items()})

    def replaced(self, file: str, rules: Iterable[Replaced]) -> State:
        """The object after kustomize's `images`, each of which looks for the names that those before it gave."""
        images = dict(self.images)
        for path in self.images:
            if len(path) > 2 and path[-1] == "image" and path[-3] in CONTAINERS:
                for rule in rules:
                    images[path] = _replaced(images[path], file, rule)
        return self._replace(images=images)


def _is_set(value: Value | None) -> TypeGuard[Value]:
    """Whether a patch sets something, and does not only test what is there."""
    return value is not None and value.code != "tested"


def _applied(one: Applied | None, patch: Applied | None) -> Applied | None:
    return one.patched(patch) if one and patch else patch or one


def state(file: str, one: Object) -> State:
    """The object as its file has it."""
    return State(file, one, ((one.namespace, one.name),), {}).patched(file, one)


def merged(images: Mapping[Path, Named], file: str, patch: Object) -> Mapping[Path, Named]:
    """The images by path, with what the patch says of them."""
    new = dict(images)
    for block in patch.blocks:
        if any(value.code == "tested" for value in block.values):
            continue
        slot = _slot(new, block)
        old = new.get(slot, Named())
        if block.image is not None:
            text = Written(file, patch.document, block.image, block.form, block.around)
            new[slot] = Named(image=text, label=block.label or old.label)
            continue
        tag, digest = _fields(file, patch.document, block)
        new[slot] = old._replace(
            registry=block.registry or old.registry,
            repository=block.repository or old.repository,
            tag=tag or old.tag,
            digest=digest or old.digest,
        )
    return new


def _slot(images: Mapping[Path, Named], block: Block) -> Path:
    """Where the object has what the block is about: a container is known by its name, not by its position."""
    if "-" in block.slot:
        # What a patch puts at the end of a list is always one more.
        return tuple(f"-{len(images)}" if part == "-" else part for part in block.slot)
    if not block.label:
        return block.slot
    *above, _, key = block.slot
    for path, one in images.items():
        if one.label == block.label and list(path[:-2]) == above:
            return path
    taken = sum(list(path[:-2]) == above for path in images)
    return block.slot if block.slot not in images else (*above, str(taken), key)


def _replaced(one: Named, file: str, rule: Replaced) -> Named:
    """An image after an entry of kustomize's `images`: a tag drops the digest, and a digest the tag."""
    text = one.image.value.text if one.image else ""
    if not rule.name or rule.name not in (one.name, text):
        return one
    name = rule.new_name or one.name
    if rule.block is None:
        return one._replace(registry="", repository=name)
    return Named("", name, *_fields(file, rule.document, rule.block), None, one.label)


def _fields(file: str, document: Identity | int, block: Block) -> tuple[Written | None, Written | None]:
    """Tag and digest of a block, where they are written."""
    tag, digest = block.tag, block.digest
    return (
        Written(file, document, tag, block.form) if tag else None,
        Written(file, document, digest, block.form) if digest else None,
    )


def targets(states: list[State], patch: Object, target: Target | None) -> list[int]:
    """Which of the objects the patch is for, by their positions.

    As kustomize: by the target if there is one, else by the patch's own kind and name; an object is known by every
    name that it had.
    """
    wanted = target or patch.target
    if wanted is None:
        return _by_name(states, patch)
    if not wanted.usable:
        return []
    return [position for position, one in enumerate(states) if _is_selected(one, wanted)]


def _by_name(states: list[State], patch: Object) -> list[int]:
    group = _group(patch.api_version)
    alike = [
        position
        for position, one in enumerate(states)
        if one.object.kind == patch.kind
        and _group(one.object.api_version) == group
        and any(name == patch.name for _, name in one.names)
    ]
    exact = [p for p in alike if any(pair == (patch.namespace, patch.name) for pair in states[p].names)]
    # What Flux or a cluster gives as namespace is not written here.
    return exact or [p for p in alike if not patch.namespace or any(not space for space, _ in states[p].names)]


def _is_selected(one: State, target: Target) -> bool:
    return (
        _fits(target.kind, one.object.kind)
        and _fits(target.group, _group(one.object.api_version))
        and any(_fits(target.name, name) and _fits(target.namespace, space) for space, name in one.names)
    )


def _fits(pattern: str, text: str) -> bool:
    return not pattern or pattern == text or (len(text) <= 253 and bool(re.fullmatch(pattern, text)))


def _group(api_version: str) -> str:
    return api_version.partition("/")[0] if "/" in api_version else ""

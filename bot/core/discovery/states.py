"""An object on its way through kustomizations: what is known of it after each patch, and which patch is for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.discovery.facts import Object, Source, Target
    from bot.core.models import Path


class Named(NamedTuple):
    """Where an image is from, and the digest that pins it; what is not written is empty."""

    registry: str = ""
    repository: str = ""
    digest: str = ""


class State(NamedTuple):
    """An object as it is at one point: `object` is what its file says.

    `names` are the (namespace, name) pairs that it has or had, the present one last. `images` are by
    the path of their block.
    """

    file: str
    object: Object
    names: tuple[tuple[str, str], ...]
    images: Mapping[Path, Named]
    chart: str = ""
    source: Source | None = None
    repository: str = ""
    versioned: bool = False

    def patched(self, patch: Object) -> State:
        """The object with a patch applied."""
        chart, source, repository, versioned = self.chart, self.source, self.repository, self.versioned
        for use in patch.charts:
            chart, source = use.name or chart, use.source or source
            repository, versioned = use.repository or repository, versioned or use.version is not None
        return self._replace(
            images=merged(self.images, patch),
            chart=chart,
            source=source,
            repository=repository,
            versioned=versioned,
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
            images[path] = Named(*(mine or theirs for mine, theirs in zip(own, images.get(path, own), strict=True)))
        return self._replace(images=images)

    def within(self, above: Path) -> State:
        """What stands below a path, as if it began there."""
        size = len(above)
        return self._replace(images={path[size:]: one for path, one in self.images.items() if path[:size] == above})

    def below(self, above: Path) -> State:
        """All that is known, as if it stood below a path."""
        return self._replace(images={(*above, *path): one for path, one in self.images.items()})


def state(file: str, one: Object) -> State:
    """The object as its file has it."""
    return State(file, one, ((one.namespace, one.name),), {}).patched(one)


def merged(images: Mapping[Path, Named], patch: Object) -> Mapping[Path, Named]:
    """The images by path, with what the patch says of them."""
    new = dict(images)
    for block in patch.blocks:
        if block.image is None:
            old = new.get(block.at, Named())
            digest = old.digest if block.digest is None else block.digest.text
            new[block.at] = Named(block.registry or old.registry, block.repository or old.repository, digest)
    return new


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

"""Variables of Flux are followed to where they are written: that is the place of a version that comes from one.

https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from bot.core.discovery.states import Key, Written
from bot.core.manifests.places import split_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bot.core.discovery.facts import Use
    from bot.core.discovery.remembered import Reading
    from bot.core.discovery.states import Named, State
    from bot.core.models import Path

_VARIABLE = re.compile(r"\$\{([_A-Za-z][_A-Za-z0-9]*)(?::?[=-]([^{}$]*))?\}")
_SHARED = "variable_shared"


class Variables(NamedTuple):
    """What a Flux Kustomization puts in: where each variable is written, None if that cannot be told.

    `complete` says that there are no others.
    """

    known: Mapping[str, Written | None]
    complete: bool

    def value(self, name: str, default: str | None) -> str | None:
        """The text that stands in the variable's place; None if it cannot be told."""
        if name in self.known:
            found = self.known[name]
            return found.value.text if found and not found.value.code else None
        return default if self.complete else None

    def expanded(self, text: str) -> str | None:
        """A text with its variables replaced."""
        values = [self.value(*found) for found in (m.groups() for m in _VARIABLE.finditer(text))]
        if any(one is None for one in values):
            return None
        left = iter(values)
        whole = _VARIABLE.sub(lambda _: next(left) or "", text)
        return None if "${" in whole else whole


class Followed(NamedTuple):
    """The objects with their places, and the scalars with variables of which the places were found."""

    states: list[State]
    origins: frozenset[Key]


def followed(states: Sequence[State], reading: Reading, files: Iterable[str]) -> Followed:
    """Objects, with each version that is a variable at the place where that is written.

    `files` are those whose variables count: a variable that is something else than this image or chart too is refused.
    """
    known: dict[int, Variables] = {}
    follow = _Follow()
    now: list[State] = []
    for one in states:
        if one.by is None or one.object.literal:
            now.append(one)
            continue
        if id(one.by) not in known:
            known[id(one.by)] = _variables(one.by, states)
        there = known[id(one.by)]
        # Without any variable Flux substitutes nothing, not even what has a default.
        substitutes = there.known or not there.complete
        now.append(follow.state(one, there) if substitutes else one)
    if not follow.origins:
        return Followed(now, frozenset(follow.parts))
    check = _Check(follow, known.values(), reading, files)
    return Followed([check.state(one) for one in now], frozenset((*follow.origins, *follow.parts)))


def _variables(by: State, states: Sequence[State]) -> Variables:
    """The variables of a Flux Kustomization, in the order in which they override each other."""
    assert by.applied is not None
    known: dict[str, Written | None] = {}
    complete = True
    for source in by.applied.substitute_from:
        held = _config_map(source.name, by.names[-1][0], states) if source.kind == "ConfigMap" else None
        if held is None:
            # What is not here may override anything that came before it.
            known, complete = dict.fromkeys(known), False
            continue
        known |= {name: Written(held.file, held.object.document, value) for name, value in held.object.data}
    return Variables({**known, **by.variables}, complete)


def _config_map(name: str, namespace: str, states: Iterable[State]) -> State | None:
    found = [
        one
        for one in states
        if one.object.kind == "ConfigMap" and one.names[-1][1] == name and one.names[-1][0] in ("", namespace)
    ]
    return found[0] if len({(one.file, id(one.object)) for one in found}) == 1 else None


class _Follow:
    """Versions that are variables, on the way to where those are written.

    `origins` are the scalars that were followed, with what each is a version of; `parts` those that hold a version
    beside a variable, or as the default of one.
    """

    def __init__(self) -> None:
        self.origins: dict[Key, set[str]] = defaultdict(set)
        self.parts: set[Key] = set()

    def state(self, one: State, there: Variables) -> State:
        """An object with its places."""
        images = {path: self.named(named, there) for path, named in one.images.items()}
        version = self.one(one.version, there, f"the chart {one.chart}")
        return one._replace(images=images, version=version)

    def named(self, named: Named, there: Variables) -> Named:
        """One image."""
        if named.image is not None:
            return self.text(named, named.image, there)
        repository = there.expanded(named.repository) or named.repository
        named = named._replace(registry=there.expanded(named.registry) or named.registry, repository=repository)
        tag, digest = (self.one(each, there, named.name) for each in (named.tag, named.digest))
        return named._replace(tag=tag, digest=digest)

    def one(self, written: Written | None, there: Variables, what: str) -> Written | None:
        """A scalar that is a variable alone."""
        found = _VARIABLE.fullmatch(written.value.text) if written else None
        if written is None or found is None or written.value.code != "substituted":
            return written
        return self.variable(written, found, 0, there, what, alone=True) or written

    def text(self, named: Named, written: Written, there: Variables) -> Named:
        """An image in one text, of which its name, its version or both come from variables."""
        text = written.value.text
        if written.value.code != "substituted":
            return named
        whole = _VARIABLE.fullmatch(text)
        if whole:
            value = there.value(*whole.groups()) or ""
            found = self.variable(written, whole, 0, there, split_image(value)[0], alone=False)
            return named._replace(image=found or written)
        name = split_image(text)[0]
        start = len(name) + 1
        version, repository = text[start:], there.expanded(text[: len(name)])
        variable = _VARIABLE.fullmatch(version)
        if not repository or not version or (("${" in version or text[len(name)] != ":") and not variable):
            return named
        if variable:
            tag = self.variable(written, variable, start, there, repository, alone=False)
        else:
            tag = self.part(written, version, start)
        return named._replace(repository=repository, tag=tag, image=None) if tag else named

    def variable(
        self, written: Written, found: re.Match[str], start: int, there: Variables, what: str, *, alone: bool
    ) -> Written | None:
        """Where a variable is written, or its default in the scalar itself; None if that cannot be told."""
        name, default = found.groups()
        if name in there.known:
            place = there.known[name]
            if place is None:
                return None
            self.origins[written.key].add(what)
            return place._replace(form=written.form, variable=name, alone=alone)
        if default is None or not there.complete:
            return None
        return self.part(written, default, start + found.start(2))._replace(alone=alone)

    def part(self, written: Written, version: str, start: int) -> Written:
        """The version that begins at a character of the scalar's text."""
        text = written.value.text
        self.parts.add(written.key)
        return written.part(version, text[:start], text[start + len(version) :])


class _Check:
    """Whether a variable is nothing but the version of one image or chart, wherever it is used."""

    def __init__(self, follow: _Follow, known: Iterable[Variables], reading: Reading, files: Iterable[str]) -> None:
        # The same scalar may be known by another name to another Flux Kustomization.
        self.names: dict[Key, set[str]] = defaultdict(set)
        for name, written in (pair for there in known for pair in there.known.items()):
            if written:
                self.names[written.key].add(name)
        self.uses: dict[str, list[tuple[str, Use]]] = defaultdict(list)
        for file in (one for one in files if one in reading):
            for use in reading[file].uses:
                self.uses[use.name].append((file, use))
        self.origins: dict[tuple[str, object], list[tuple[Path, set[str]]]] = defaultdict(list)
        for key, told in follow.origins.items():
            self.origins[key.file, key.document].append((key.path, told))
        self.others: dict[tuple[Key, str], str] = {}

    def state(self, one: State) -> State:
        """The object, with those of its versions refused whose variable is something else as well."""
        images = {path: self.named(named) for path, named in one.images.items()}
        return one._replace(images=images, version=self.one(one.version, f"the chart {one.chart}"))

    def named(self, named: Named) -> Named:
        """One image."""
        tag, digest, image = (self.one(each, named.name) for each in (named.tag, named.digest, named.image))
        return named._replace(tag=tag, digest=digest, image=image)

    def one(self, written: Written | None, what: str) -> Written | None:
        """One scalar."""
        if written is None or not written.variable or written.value.code:
            return written
        asked = (written.key, what)
        if asked not in self.others:
            self.others[asked] = next(self.used_otherwise(*asked), "")
        other = self.others[asked]
        return written._replace(value=written.value._replace(code=_SHARED, what=other)) if other else written

    def used_otherwise(self, key: Key, what: str) -> Iterator[str]:
        """Where the variable is something else, in words."""
        for name in sorted(self.names[key]):
            for file, use in self.uses[name]:
                # The scalar itself, or the values in a text that has the variable.
                met = [told for path, told in self.origins[file, use.document] if path[: len(use.path)] == use.path]
                if len(met) < use.times or any(told != {what} for told in met):
                    yield f"the variable {name} is used for something else in {file}:{use.line}"

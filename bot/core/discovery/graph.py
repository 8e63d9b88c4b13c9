"""What the kustomizations of a repository put together: which objects each patch is for.

Bases are followed across folders, as kustomize does:
https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from bot.core.discovery.facts import Facts, Named, Object, Trouble
from bot.core.discovery.replacements import replaced
from bot.core.discovery.states import Key, State, state, targets
from bot.core.filenames import is_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.core.discovery.facts import Applied, Block, Kustomization, Patch, Replaced
    from bot.core.discovery.remembered import Reading
    from bot.core.manifests.nodes import Identity

Address: TypeAlias = tuple[str, int]
"""An object: its file and its id(), since files of the same bytes may share their facts."""

_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_REMOTE = re.compile(r"[a-z+]+://|git@|git::|[\w.-]+\.[a-z]{2,}/.|.*[?&]ref=")
_VALUES = ("spec", "values")
_DEEPEST = 40
_MOST = 500_000
_NESTED = 4
"""How deep Flux Kustomizations may apply each other, for what reaches a file to be known."""


class Graph:
    """The objects of a repository with what patches make of them.

    `bases` are the objects that a patch is for, as they were before it; `rendered` is what kustomizations make of an
    object; `patched` are the objects that any patch is for; `troubles` are by file. `tops` are the objects as nothing
    changes them any more, `homes` the outermost kustomizations, Flux's too, that reach a file.
    """

    def __init__(self, facts: Reading, part: tuple[str, str] | None = None) -> None:
        """`part` is an environment's folder and that of an application in it: then no other of them is entered."""
        self.facts, self.files, self.part = facts, facts.names, part
        self.bases: dict[Address, list[State]] = defaultdict(list)
        self.rendered: dict[Address, list[State]] = defaultdict(list)
        self.patched: set[Address] = set()
        self.troubles: dict[str, list[Trouble]] = defaultdict(list)
        self.used: set[str] = set()
        self.entered: set[str] = set()
        self.included: set[str] = set()
        self.tops: list[State] = []
        self.homes: dict[str, frozenset[str]] = defaultdict(frozenset)
        self._kustomizations: dict[str, tuple[str, Kustomization] | None] = {}
        self._known: dict[str, list[State]] = {}
        self._open: list[str] = []
        self._size = 0

    def everything(self) -> Graph:
        """The same, with all kustomizations of the repository looked into, each by itself."""
        for folder in sorted({file.rpartition("/")[0] for file, one in self.facts.items() if one.kustomization}):
            if self.kustomization(folder):
                self.evaluated(folder)
        flux = [(f, one, one.applied) for f, facts in self.facts.items() for one in facts.objects if one.applied]
        applied = [(file, self._apply(file, one, what)) for file, one, what in flux]
        for file, one in self.facts.items():
            if is_values(file):
                self.beside(file, one)
        for folder, states in self._known.items():
            if folder not in self.included:
                self.tops += [self.with_chart(each) for each in states]
                self._home(f"{folder}/", {each.file for each in states})
        for _ in range(_NESTED):
            for file, theirs in applied:
                for home in self.homes[file]:
                    self._home(home, theirs)
        return self

    def _home(self, home: str, files: Iterable[str]) -> None:
        for file in files:
            self.homes[file] = self.homes[file] | {home}

    def _apply(self, file: str, flux: Object, applied: Applied) -> set[str]:
        """What a Flux Kustomization makes of its folder: the files of its objects."""
        folder, by = inside("", applied.path), state(file, flux)
        states = self.applied(file, applied, self.whole(applied.path))
        if applied.patches or applied.components or applied.images:
            self._note(states)
        self.included |= {folder} if folder else set()
        self.tops += [self.with_chart(each)._replace(by=by) for each in states]
        files = {each.file for each in states}
        self._home(f"{file}#{flux.namespace}/{flux.name}", {file, *files})
        return files

    def kustomization(self, folder: str) -> tuple[str, Kustomization] | None:
        """The folder's kustomization and its file."""
        if folder not in self._kustomizations:
            named = (f"{folder}/{name}" if folder else name for name in _NAMES)
            there = ((file, self.facts[file].kustomization) for file in named if file in self.facts)
            self._kustomizations[folder] = next(((file, one) for file, one in there if one), None)
        return self._kustomizations[folder]

    def evaluated(self, folder: str) -> list[State]:
        """The objects that a folder with a kustomization stands for."""
        if folder not in self._known:
            self._known[folder] = self._evaluate(folder, [], set())
        return self._known[folder]

    def _evaluate(self, folder: str, states: list[State], done: set[str]) -> list[State]:
        """What `states` become by the folder's kustomization; each component counts once, they are in `done`."""
        found = self.kustomization(folder)
        assert found is not None
        file, one = found
        self._open.append(folder)
        self.entered.add(folder)
        # An object that comes by two ways is one.
        known = {(each.file, id(each.object)): each for each in states}
        for named in one.resources:
            for each in self._resource(file, folder, named):
                known.setdefault((each.file, id(each.object)), each)
        for chart in self.facts[file].objects:
            # What it inflates has no kind: it is not there before it is inflated.
            if chart.charts and not chart.kind:
                known[file, id(chart)] = state(file, chart)
        states = list(known.values())
        states = self._with_components(file, folder, one.components, states, done)
        self._open.pop()
        states = self._patched(file, folder, one.patches, states)
        states = [each.renamed(one.namespace, one.prefix, one.suffix) for each in states]
        states = self._values(folder, one, states)
        states = self._imaged(file, one.images, states)
        states = self._replacing(file, folder, one, states)
        self._note(states)
        return states

    def _with_components(
        self, file: str, folder: str, components: Iterable[Named], states: list[State], done: set[str]
    ) -> list[State]:
        for named in components:
            there = self._folder(file, folder, named)
            if there is not None and there not in done:
                done.add(there)
                states = self._evaluate(there, states, done)
        return states

    def _replacing(self, file: str, folder: str, one: Kustomization, states: list[State]) -> list[State]:
        """The objects after `replacements`, those of other files too."""
        rules = [*one.replacements]
        for named in one.replaced_by:
            path = inside(folder, named.text)
            self.used |= {path} if path else set()
            rules += self.facts.get(path or "", Facts()).replacements
        return replaced(states, rules, file, self.facts[file], one) if rules else states

    @staticmethod
    def _imaged(file: str, rules: Sequence[Replaced], states: list[State]) -> list[State]:
        """The objects after `images`. An entry for what comes from elsewhere is a part of them by itself."""
        if not rules:
            return states
        now = [each.replaced(file, rules) for each in states]
        known = {value.key for each in now for one in each.images.values() for value in one.written}
        loose = [rule for rule in rules if rule.block and not known & _keys(file, rule.block, rule.document)]
        met = {one.name for each in states for one in each.images.values()}
        alone = (rule for rule in loose if rule.name not in met)
        return [*now, *(state(file, Object(o.document, blocks=(o.block,))) for o in alone if o.block)]

    def _note(self, states: list[State]) -> None:
        self._size += len(states)
        for each in states:
            self.rendered[each.file, id(each.object)].append(each)

    def _resource(self, file: str, folder: str, named: Named) -> list[State]:
        path = inside(folder, named.text)
        if path is not None and self._is_left_out(path):
            return []
        if path is not None and path in self.files:
            return self.objects(path)
        there = self._folder(file, folder, named)
        return self.evaluated(there) if there is not None else []

    def _is_left_out(self, path: str) -> bool:
        """Whether it is a part of the environment, and none of the application's, nor on the way to it."""
        if self.part is None:
            return False
        environment, application = self.part
        return is_below(path, environment) and not (is_below(path, application) or is_below(application, path))

    def is_component(self, folder: str) -> bool:
        """Whether the folder's kustomization is one that others put over their own objects."""
        found = self.kustomization(folder)
        return found is not None and any(one.kind == "Component" for one in self.facts[found[0]].objects)

    def objects(self, file: str) -> list[State]:
        return [state(file, one) for one in self.facts.get(file, Facts()).objects if one.kind]

    def _folder(self, file: str, folder: str, named: Named) -> str | None:
        """The folder of a kustomization; None, and a trouble, if it cannot be entered."""
        path = inside(folder, named.text)
        if path is None or self.kustomization(path) is None:
            self._trouble(file, named, *_missing(named.text))
        elif path in self._open:
            self._trouble(file, named, "cycle", f"{named.text} is a kustomization that this one is a part of")
        elif len(self._open) >= _DEEPEST or self._size > _MOST:
            self._trouble(file, named, "too_deep", "too many kustomizations include each other")
        else:
            self.included.add(path)
            return path
        return None

    def _trouble(self, file: str, named: Named, code: str, what: str) -> None:
        trouble = Trouble(named.line, (), code, what)
        if trouble not in self.troubles[file]:
            self.troubles[file].append(trouble)

    def _patched(self, file: str, folder: str, patches: Sequence[Patch], states: list[State]) -> list[State]:
        states = list(states)
        for patch in patches:
            source, objects = self._written(file, folder, patch)
            for one in objects:
                found = targets(states, one, patch.target)
                self._size += len(found)
                if self._size > _MOST:
                    self._trouble(file, patch.file or Named("", 1), "too_deep", "too many objects are patched")
                    return states
                for position in found:
                    self.bases[source, id(one)].append(states[position])
                    self.patched.add((states[position].file, id(states[position].object)))
                    states[position] = states[position].patched(source, one)
        return states

    def _written(self, file: str, folder: str, patch: Patch) -> tuple[str, Sequence[Object]]:
        """The file where the patch is written, and the parts of objects that it sets."""
        if patch.file is None:
            return file, patch.objects
        path = inside(folder, patch.file.text)
        if path is None or path not in self.files:
            self._trouble(file, patch.file, *_missing(patch.file.text))
            return file, ()
        facts = self.facts.get(path, Facts())
        self.used.add(path)
        return path, (*facts.objects, *facts.operations)

    def _values(self, folder: str, one: Kustomization, states: list[State]) -> list[State]:
        """Files of values, and the HelmReleases that take them from a generated ConfigMap, know of each other."""
        held: dict[str, list[tuple[str, Object]]] = {}
        for name, files in one.generated:
            for path in filter(None, (inside(folder, file) for file in files)):
                self.used.add(path)
                there = [(path, each) for each in self.facts.get(path, Facts()).objects if not each.kind]
                held.setdefault(name, []).extend(there)
        return (
            [self._with_values(each, held) if each.object.values_from else each for each in states] if held else states
        )

    def _with_values(self, user: State, held: dict[str, list[tuple[str, Object]]]) -> State:
        """A HelmRelease with the values that it takes: its own count first, then the last of the others."""
        given = [
            (path, one, state(path, one).below(_VALUES))
            for name in reversed(user.object.values_from)
            for path, one in held.get(name, ())
        ]
        for _, _, values in given:
            self.bases[user.file, id(user.object)].append(values)
            user = user.over(values)
        for path, one, _ in given:
            self.bases[path, id(one)].append(user.within(_VALUES))
        return user

    def with_chart(self, user: State) -> State:
        """A HelmRelease whose chart is a folder of this repository takes that one's values, or those that it lists.

        https://fluxcd.io/flux/components/helm/helmreleases/#chart-template
        """
        folder = inside("", user.chart) if user.source and user.source.kind == "GitRepository" else None
        if folder is None or f"{folder}/Chart.yaml".lstrip("/") not in self.files:
            return user
        for named in reversed(user.values or (f"{folder}/values.yaml".lstrip("/"),)):
            path = inside("", named) or ""
            self.used.add(path)
            for one in self.facts.get(path, Facts()).objects:
                if not one.kind:
                    given = state(path, one).below(_VALUES)
                    self.bases[path, id(one)].append(user.within(_VALUES))
                    self.bases[user.file, id(user.object)].append(given)
                    user = user.over(given)
        return user

    def beside(self, file: str, facts: Facts) -> None:
        """`values-prod.yaml` is put over the `values.yaml` beside it, if no kustomization says what it is for."""
        default = inside(posixpath.dirname(file), "values.yaml")
        if default is None or default == file:
            return
        for held in facts.objects:
            if not held.kind and not self.bases.get((file, id(held))):
                below = self.facts.get(default, Facts()).objects
                self.bases[file, id(held)] += [state(default, one) for one in below if not one.kind]

    def whole(self, path: str) -> list[State]:
        """What Flux makes of a folder: without a kustomization there, all that is below it."""
        folder = inside("", path)
        if folder is None:
            return []
        if self.kustomization(folder):
            return self.evaluated(folder)
        if self._size > _MOST:
            return []
        found: list[State] = []
        entered: set[str] = set()
        for file in self.facts.below(folder):
            above = posixpath.dirname(file)
            # As Flux puts a kustomization together: https://fluxcd.io/flux/components/kustomize/kustomizations/#generate
            top = next((one for one in _ancestors(above, folder) if self.kustomization(one)), None)
            if top is None:
                found += self.objects(file)
            elif top not in entered and top not in self._open:
                entered.add(top)
                found += self.evaluated(top)
        return found

    def applied(self, file: str, applied: Applied, states: list[State]) -> list[State]:
        """What a Flux Kustomization of that file makes of the objects in its folder."""
        if self._size > _MOST:
            self._trouble(file, Named("", 1), "too_deep", "too many objects are applied")
            return []
        self._size += len(states)
        states = self._with_components(file, inside("", applied.path) or "", applied.components, states, set())
        states = self._imaged(file, applied.images, self._patched(file, "", applied.patches, states))
        return [each.renamed(applied.namespace, "", "") for each in states]


def _keys(file: str, block: Block, document: Identity | int) -> set[Key]:
    return {Key(file, document, value.path) for value in block.values}


def inside(folder: str, name: str) -> str | None:
    """A path as it is meant in a folder; None where it leads out of the repository, and empty for its root."""
    path = posixpath.normpath(posixpath.join(folder, name))
    if path.startswith(("/", "../")) or path == "..":
        return None
    return "" if path == "." else path


def is_below(path: str, folder: str) -> bool:
    """Whether the path is the folder, or is in it."""
    return not folder or path == folder or path.startswith(f"{folder}/")


def _ancestors(folder: str, top: str) -> list[str]:
    """The folders from below `top` down to this one."""
    found: list[str] = []
    while folder != top and folder:
        found.append(folder)
        folder = posixpath.dirname(folder)
    return found[::-1]


def _missing(name: str) -> tuple[str, str]:
    if _REMOTE.match(name):
        return "remote_resource", f"{name} is somewhere else, and is not fetched"
    if name.endswith(".json"):
        return "not_yaml", f"{name} is not read, only files named .yaml or .yml are"
    return "resource_missing", f"there is no {name}"

"""What kustomize's `replacements` put where: the place of a version is then where they take it from.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/replacements/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.core.discovery.objects import CHART
from bot.core.discovery.states import Named, Written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.core.discovery.facts import Facts, Kustomization, Replacement
    from bot.core.discovery.states import State
    from bot.core.models import Path

_PART = re.compile(r"\[name=([^\]]+)\]|((?:[^.\\]|\\.)+)")
_TAGS = ("tag", "imageTag", "newTag")


def replaced(
    states: list[State], rules: Iterable[Replacement], file: str, facts: Facts, one: Kustomization
) -> list[State]:
    """The objects after the replacements of a kustomization in that file."""
    document = next((each.document for each in facts.objects if not each.charts), 0)
    literals = {(name, key): Written(file, document, value) for name, key, value in one.literals}
    for rule in rules:
        source = _source(states, rule, literals)
        where = f"{file}:{rule.line}"
        for kind, name, field in rule.targets:
            path = tuple(found[0] or found[1].replace("\\.", ".") for found in _PART.findall(field))
            states = [_put(each, rule, path, source, where) if _is_meant(each, kind, name) else each for each in states]
    return states


def _is_meant(one: State, kind: str, name: str) -> bool:
    return one.object.kind == kind and (not name or any(name == each for _, each in one.names))


def _source(states: Iterable[State], rule: Replacement, literals: dict[tuple[str, str], Written]) -> Written | None:
    """The scalar that a replacement takes, where it is one of a ConfigMap."""
    key = rule.field.removeprefix("data.").replace("\\.", ".")
    if rule.kind != "ConfigMap" or not rule.field.startswith("data."):
        return None
    literal = literals.get((rule.name, key))
    if literal is not None:
        return literal.part(literal.value.text[len(key) + 1 :], f"{key}=", "")._replace(variable=key)
    held = (one for one in states if one.object.kind == "ConfigMap" and one.object.name == rule.name)
    values = (Written(one.file, one.object.document, value) for one in held for k, value in one.object.data if k == key)
    found = next(values, None)
    return found._replace(variable=key) if found else None


def _put(one: State, rule: Replacement, path: Path, source: Written | None, where: str) -> State:
    """An object with something put into one of its fields."""
    if path == (*CHART, "version") and one.version:
        return one._replace(version=source or _unknown(one.version, where))
    for slot, named in one.images.items():
        at = slot if not named.label else (*slot[:-2], named.label, slot[-1])
        if at == path or (at == path[:-1] and path[-1] in (*_TAGS, "digest")):
            return one._replace(images={**one.images, slot: _named(named, rule, str(path[-1]), source, where)})
    return one


def _named(named: Named, rule: Replacement, field: str, source: Written | None, where: str) -> Named:
    if named.image is not None:
        whole = not rule.delimiter
        if source is None or not (whole or (rule.delimiter, rule.part) == (":", 1)):
            return named._replace(image=_unknown(named.image, where))
        if whole:
            return named._replace(image=source._replace(form="image"), repository="")
        return named._replace(image=None, repository=named.name, tag=source._replace(form="fields"))
    if rule.delimiter:
        source = None
    if field == "digest":
        old = named.digest
        return named._replace(digest=source or (_unknown(old, where) if old else None))
    old = named.tag
    return named._replace(tag=source or (_unknown(old, where) if old else None))


def _unknown(written: Written, where: str) -> Written:
    """A scalar in whose place kustomize puts something that is not followed."""
    what = f"a replacement puts something else there ({where})"
    return written._replace(value=written.value._replace(code="replaced", what=what))

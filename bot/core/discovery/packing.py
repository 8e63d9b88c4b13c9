"""Facts of a file as plain lists, to be kept as JSON: text and numbers alone, so that reading them runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from bot.core.discovery import facts
from bot.core.manifests.nodes import Identity

if TYPE_CHECKING:
    from collections.abc import Callable

Packed: TypeAlias = "list[Any] | str | int | None"

_PLAIN = 0
"""What a plain tuple begins with; the others with the number of their kind."""
_KINDS: tuple[Callable[..., Any], ...] = (
    facts.Facts, facts.Object, facts.Block, facts.Value, facts.Marker, facts.ChartUse, facts.Source, facts.Target,
    facts.Named, facts.Patch, facts.Replaced, facts.Kustomization, facts.Applied, facts.Use, facts.Trouble, Identity,
    facts.Replacement,
)  # fmt: skip
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS, 1)}


def packed(value: Any) -> Packed:
    """Facts, or a part of them → lists, texts, numbers and None."""
    if isinstance(value, tuple):
        return [_NUMBERS.get(type(value), _PLAIN), *map(packed, value)]
    assert value is None or isinstance(value, str | int)
    return value


def unpacked(value: Any) -> Any:
    """The same backwards. `ValueError` or `TypeError` for what was not packed by these rules."""
    if not isinstance(value, list):
        return value
    parts = [unpacked(one) for one in value[1:]]
    if not value or type(value[0]) is not int or not 0 <= value[0] <= len(_KINDS):
        raise ValueError("not a part of facts")
    return tuple(parts) if value[0] == _PLAIN else _KINDS[value[0] - 1](*parts)

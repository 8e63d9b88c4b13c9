"""Edits that belong together, as a tag and its digest do, are made together; what is refused stops no other group."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from bot.core.manifests.splice import Edit, Edited, edit, refused_edits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.core.models import Refusal

Group: TypeAlias = tuple[Edit, ...]


def edit_groups(file: str, content: bytes, groups: Sequence[Group]) -> Edited:
    """Make every group of edits that can be made whole: the bytes of `file` → as `edit`, with changes and refusals."""
    kept = list(dict.fromkeys(groups))
    refusals: list[Refusal] = []
    while kept:
        result = edit(file, content, [one for group in kept for one in group])
        if not result.refusals:
            return replace(result, refusals=tuple(dict.fromkeys(refusals)))
        refused = _refused(file, content, kept)
        # With no group to blame, it is what all together would give.
        refusals += [why for reasons in refused.values() for why in reasons] or result.refusals
        kept = [group for group in kept if group not in refused] if refused else []
    return Edited(content, (), tuple(dict.fromkeys(refusals)))


def _refused(file: str, content: bytes, groups: Sequence[Group]) -> dict[Group, list[Refusal]]:
    """The groups that must not be made: for an edit of theirs, or else because the file that they give is not right."""
    refused = refused_edits(file, content, [one for group in groups for one in group])
    if refused:
        bad = {one for one, _ in refused}
        return {group: [why for one, why in refused if one in group] for group in groups if not bad.isdisjoint(group)}
    alone = {group: list(edit(file, content, group).refusals) for group in groups}
    return {group: reasons for group, reasons in alone.items() if reasons}

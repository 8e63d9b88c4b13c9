"""A policy chooses the best of the tags that it takes, and nothing goes back behind the deployed one.

The order is total: tags that the policy takes as equal (`1.2.3` and `v1.2.3`) are ordered by their text, and the one
that comes first is chosen, unless it is the deployed one's equal: then nothing changes. Where only a part of each tag
is compared, the whole tags decide between equals, the greater one winning; of versions that differ in their build
metadata alone, the one that was made last wins.
Policies: https://fluxcd.io/flux/components/image/imagepolicies/#policy
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bot.core.models import Unknown
from bot.core.versions.reading import Candidate, Rejected, best_first, natural
from bot.core.versions.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.core.config.models import Policy

# How many tags one policy may ask facts of. Each costs requests, and registries count them.
MOST_LOOKED_AT = 128
# Reproducible builds write a date long gone; there were no container images before 2013.
_FIRST_YEAR = 2013
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST_YEAR = datetime(9999, 1, 1, tzinfo=UTC)


class TagFacts(NamedTuple):
    """What is known of a tag beyond its text: when it was made, and which platforms it has (`os/arch[/variant]`).

    `first_seen`: since when one without a date counts as made; `now` itself if nobody has seen it before. `other` says
    what it is, if it is something else than what is looked for: a chart among images, say.
    """

    created: datetime | None = None
    platforms: frozenset[str] = frozenset()
    first_seen: datetime | None = None
    other: str = ""

    @property
    def date(self) -> datetime | None:
        """When it was made, unless the date is a reproducible build's stand-in."""
        return self.created if self.created and self.created.year >= _FIRST_YEAR else None


Facts: TypeAlias = "Mapping[str, TagFacts | Unknown | None]"
"""By tag; `Unknown` if it could not be read, None if the registry lists the tag and has no such image."""


class Choice(NamedTuple):
    """The chosen tag: the deployed one when nothing better is there, None if nothing is chosen.

    `reason`: why nothing is chosen, or why the best tag by its text is not. `needed`: tags whose facts must be known
    first; look them up, and choose again. `unknown`: facts that could not be read and may decide; nothing is chosen on
    a guess.
    """

    selected: str | None
    reason: str = ""
    needed: tuple[str, ...] = ()
    unknown: Unknown | None = None


class _Observed(NamedTuple):
    """The facts at one moment."""

    facts: Facts
    now: datetime | None


def choose(
    tags: Sequence[str],
    policy: Policy,
    current: str | None = None,
    facts: Facts | None = None,
    now: datetime | None = None,
) -> Choice:
    """All tags of a repository and the tag that is deployed now → the best by the policy.

    `facts` of tags are needed for `newest`, `min_age` and `platforms` alone, `now` for `min_age`. Best first, only the
    facts of tags that may be chosen are asked for. `BotError` if the policy is not valid.
    """
    rules, seen = Rules(policy), _Observed(facts or {}, now)
    if not tags:
        return Choice(None, "there are no tags at all, and nothing is decided on an empty list")
    candidates = by_metadata(rules.candidates(tags), seen.facts)
    if rules.kind == "newest":
        taken = [one for one in candidates if one.tag == current or rules.takes(one)]
        missing = _not_known([one.tag for one in taken], current, seen)
        if missing:
            return missing
        candidates = by_date(taken, seen.facts)
    choice = _walk(rules, candidates, deployed(rules, current, seen.facts), seen)
    few = "the only tag does not satisfy" if len(tags) == 1 else f"none of the {len(tags)} tags satisfies"
    return choice or Choice(None, f"{few} the policy")


def deployed(rules: Rules, current: str | None, facts: Facts) -> Candidate | None:
    """The deployed tag, even if the policy does not take it; None if it cannot be compared with others."""
    if current is None or rules.kind == "digest":
        return None
    one = rules.place(current)
    one = by_metadata((one,), facts)[0] if one else None
    if one is None or rules.kind != "newest":
        return one
    return next(iter(by_date([one], facts)), None)


def by_metadata(candidates: tuple[Candidate, ...], facts: Facts) -> tuple[Candidate, ...]:
    """Of versions that differ in their build metadata alone, the one that was made last comes first, as in Flux."""
    if not any("+" in one.tag for one in candidates):
        return candidates
    found = []
    for one in candidates:
        known = facts.get(one.tag)
        date = known.date if isinstance(known, TagFacts) and known.date else _FIRST
        found.append(one._replace(tie=(date, natural(one.tag.partition("+")[2]))))
    return best_first(found)


def by_date(candidates: Sequence[Candidate], facts: Facts) -> tuple[Candidate, ...]:
    """Those with a date, the youngest first."""
    dated = [(one.tag, known.date) for one in candidates if isinstance(known := facts.get(one.tag), TagFacts)]
    return best_first([Candidate(tag, date) for tag, date in dated if date])


def unsuitable(rules: Rules, tag: str, facts: Facts, now: datetime | None) -> Rejected | None:
    """Why a tag is not taken for what is known of it; None if it is, or if nothing is known yet."""
    known = facts.get(tag)
    if isinstance(known, TagFacts) and known.other:
        return Rejected(tag, "other_kind", f"it is {known.other}")
    if not rules.needs_facts or tag not in facts:
        return None
    if known is None:
        return Rejected(tag, "image_missing", "the registry lists it and has no such image")
    if isinstance(known, Unknown):
        return Rejected(tag, known.reason_code, known.reason)
    missing = lacks(rules, known)
    if missing:
        return Rejected(tag, "platform_missing", f"it has no image for {', '.join(missing)}")
    if known.date is None and rules.kind == "newest":
        return Rejected(tag, "date_unknown", "nobody knows when it was made")
    return _too_young(rules, tag, known, now) if rules.min_age else None


def _too_young(rules: Rules, tag: str, known: TagFacts, now: datetime | None) -> Rejected | None:
    since = known.date or known.first_seen
    if since is None:
        return Rejected(tag, "age_unknown", "nobody knows when it was made: it counts as too young")
    if now is None or now - since >= rules.min_age:
        return None
    least, end = rules.policy.min_age, _minute(since, rules)
    if known.date:
        return Rejected(tag, "too_young", f"it is younger than {least}, until {end}")
    nobody = "nobody knows when it was made"
    if since == now:
        why = f"{nobody}: it is recorded as first seen now, and is old enough from {end} on"
        return Rejected(tag, "age_unknown", why)
    why = f"{nobody}; it was first seen {since:%Y-%m-%d %H:%M} UTC, and less than {least} ago until {end}"
    return Rejected(tag, "too_young", why)


def _minute(date: datetime, rules: Rules) -> str:
    # Whoever wrote the date may have chosen one behind which the calendar ends.
    end = min(date, _LAST_YEAR) + rules.min_age + timedelta(minutes=1)
    return f"{end:%Y-%m-%d %H:%M} UTC"


def lacks(rules: Rules, known: TagFacts) -> list[str]:
    """The platforms that are required and not there."""
    return [wanted for wanted in rules.policy.platforms if not _has(known.platforms, wanted)]


def _has(platforms: frozenset[str], wanted: str) -> bool:
    """A variant counts only where one is wanted."""
    return any(one == wanted or one.startswith(f"{wanted}/") for one in platforms)


def _not_known(wanted: Sequence[str], current: str | None, seen: _Observed) -> Choice | None:
    """For `newest` the date of every tag that may be chosen must be known, and that of the deployed one."""
    asked = tuple(tag for tag in wanted if tag not in seen.facts)
    if asked and len(wanted) > MOST_LOOKED_AT:
        reason = f"{len(wanted)} tags would have to be looked at for their dates, and {MOST_LOOKED_AT} is the most"
        return Choice(None, f"{reason}: narrow them by `filter` or `exclude`")
    if asked:
        return Choice(None, "their dates are not known yet", asked)
    for known in (seen.facts[tag] for tag in wanted):
        if isinstance(known, Unknown):
            return Choice(None, known.reason, unknown=known)
    here = seen.facts[current] if current and current in wanted else None
    if isinstance(here, TagFacts) and here.date is None:
        return Choice(current, f"nobody knows when {current} was made, which is deployed")
    return None


def _walk(rules: Rules, candidates: Sequence[Candidate], current: Candidate | None, seen: _Observed) -> Choice | None:
    """The first that is taken. Facts of what would not be chosen anyway are not asked for."""
    looked_at, why, wrong = 0, "", 0
    for place, one in enumerate(candidates):
        if not rules.takes(one):
            continue
        if current and stays(rules, one, current):
            return Choice(current.tag, why)
        if rules.needs_facts:
            known = seen.facts.get(one.tag)
            if isinstance(known, Unknown):
                return Choice(None, known.reason, unknown=known)
            if one.tag not in seen.facts:
                return _more(rules, candidates[place:], current, looked_at, seen)
            looked_at += 1
        refused = unsuitable(rules, one.tag, seen.facts, seen.now)
        if refused is None:
            return Choice(one.tag, why)
        why = why or f"{refused.tag} is not taken: {refused.reason}"
        wrong += refused.reason_code == "other_kind"
        if wrong >= MOST_LOOKED_AT:
            return Choice(None, f"the best {wrong} tags were looked at: {why}; narrow them by `filter`")
    return Choice(None, f"none of the tags satisfies the policy; {why}") if why else None


def stays(rules: Rules, one: Candidate, current: Candidate) -> bool:
    """Whether the deployed one stays, as this one is not better."""
    order = rules.compare(one, current)
    return order == 0 if rules.policy.allow_downgrade else order <= 0


def _more(
    rules: Rules, rest: Sequence[Candidate], current: Candidate | None, looked_at: int, seen: _Observed
) -> Choice:
    """The next tags to look at: one at first, then twice as many each time, as none has been right."""
    if looked_at >= MOST_LOOKED_AT:
        return Choice(None, f"the best {looked_at} tags were looked at, and none satisfies the policy")
    most = min(max(1, looked_at), MOST_LOOKED_AT - looked_at)
    wanted: list[str] = []
    for one in rest:
        if current and stays(rules, one, current):
            break
        if one.tag not in seen.facts and rules.takes(one):
            wanted.append(one.tag)
        if len(wanted) == most:
            break
    return Choice(None, "what their images are is not known yet", tuple(wanted))

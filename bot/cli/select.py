"""`select` applies a policy to tags on standard input, without a repository, a network or a configuration."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from bot.cli.common import as_json, print_json, say
from bot.core.errors import BotError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.core.config import Policy
    from bot.core.versions import Choice, Rejected, TagFacts

_ORDERED = ("numerical", "alphabetical", "calver")
_MOST_SHOWN = 3


@click.command()
@click.option(
    "--policy",
    "kind",
    type=click.Choice(["semver", "numerical", "alphabetical", "calver", "newest"]),
    required=True,
    help="How tags are ordered.",
)
@click.option("--range", "accepted", metavar="RANGE", help="Range of semantic versions; any release if not given.")
@click.option("--order", type=click.Choice(["asc", "desc"]), help="The last (asc) or the first (desc) is chosen.")
@click.option("--filter", "pattern", metavar="REGEX", help="Regular expression (RE2) that must be found in a tag.")
@click.option("--extract", metavar="TEMPLATE", help="What is compared, of what --filter finds, such as $name or $1.")
@click.option("--current", metavar="TAG", help="The deployed tag: nothing that comes before it is chosen.")
@click.option("--allow-downgrade", is_flag=True, help="Choose a tag even if it comes before the current one.")
@click.option("--exclude", metavar="TAG", multiple=True, help="Never this tag, or /REGEX/; may be repeated.")
@click.option("--min-age", metavar="AGE", help="How old a tag must be, such as 12h or 3d; needs dates.")
@click.option("--loose", is_flag=True, help="Count 1.2 and 1 as semantic versions too.")
@click.option("--explain", is_flag=True, help="Say of each other tag why it was not chosen.")
@as_json
@click.pass_context
def select(context: click.Context, /, *, explain: bool, as_json: bool, current: str | None, **options: Any) -> None:
    """Choose one of the tags on standard input by a policy, and print it.

    One tag a line; behind a blank may stand the date when it was made (RFC 3339). Exits with 1 if no tag is chosen.
    """
    from bot.core.versions import choose
    from bot.core.versions import explain as reasons

    policy = _policy(**options)
    facts = _read(sys.stdin.buffer.read())
    now = datetime.now(UTC)
    tags = tuple(facts)
    choice = choose(tags, policy, current, facts, now)
    rejected: Sequence[Rejected] = ()
    if explain or as_json or choice.selected is None:
        rejected = reasons(tags, policy, choice, current, facts, now)
    _print(choice, rejected, explain=explain, as_json=as_json)
    context.exit(1 if choice.selected is None else 0)


def _policy(kind: str, accepted: str | None, order: str | None, **options: Any) -> Policy:
    """The options as a policy. `BotError` for options that do not go together."""
    from pydantic import ValidationError

    from bot.core.config import Policy

    if accepted is not None and kind != "semver":
        raise _usage("--range", "semver", kind)
    if order == "desc" and kind not in _ORDERED:
        raise _usage("--order desc", ", ".join(_ORDERED), kind)
    value: dict[str, Any] = {"semver": accepted if accepted is not None else "*", "newest": True}
    given = {
        kind: value.get(kind, order or "asc"),
        "filter": options["pattern"],
        **{name: options[name] for name in ("extract", "loose", "min_age", "exclude", "allow_downgrade")},
    }
    try:
        return Policy(**given)
    except ValidationError as error:  # only --min-age has a shape
        raise BotError(
            f"--min-age: {options['min_age']!r} is not a time span",
            fix="write a whole number and `m`, `h` or `d`, for example 3d",
            reason_code="invalid_option",
        ) from error


def _usage(option: str, kinds: str, kind: str) -> BotError:
    message = f"{option} means something to --policy {kinds} alone, not to {kind}"
    return BotError(message, fix=f"leave {option} out", reason_code="invalid_option")


def _read(content: bytes) -> Mapping[str, TagFacts]:
    """The tags, in their order, each with its date; of several dates of one tag the latest."""
    from bot.core.versions import TagFacts

    found: dict[str, datetime | None] = {}
    for line in content.decode("utf-8-sig", errors="replace").splitlines():
        tag, date = _line(line.strip())
        known = found.get(tag)
        if tag:
            found[tag] = max(date, known) if date and known else date or known
    return {tag: TagFacts(date) for tag, date in found.items()}


def _line(line: str) -> tuple[str, datetime | None]:
    """A tag and its date. What is neither stays in one piece: that is no tag, and is rejected as such."""
    tag, *rest = line.split(maxsplit=1) if line else [""]
    if not rest:
        return tag, None
    try:
        date = datetime.fromisoformat(rest[0])
        return (tag, date.astimezone(UTC)) if date.tzinfo else (line, None)
    except (ValueError, OverflowError):
        return line, None


def _print(choice: Choice, rejected: Sequence[Rejected], *, explain: bool, as_json: bool) -> None:
    if as_json:
        print_json({"selected": choice.selected, "rejected": [one._asdict() for one in rejected]})
    elif choice.selected is not None:
        say(choice.selected)
    if explain and not as_json:
        for one in rejected:
            say(f"{one.tag}: {one.reason} ({one.reason_code})")
    if choice.selected is None:
        say(f"error: {choice.reason}{'' if explain or as_json else _summary(rejected)}", err=True)


def _summary(rejected: Iterable[Rejected]) -> str:
    """The most common reasons."""
    counted = Counter((one.reason_code, one.reason) for one in rejected).most_common(_MOST_SHOWN)
    return "".join(f"\n  {count} of them: {reason} ({code})" for (code, reason), count in counted)

"""`pr`: what people do with pull requests on the local forge; on a real forge its own pages do this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bot.cli.common import as_json, edges, harmless, print_json, print_table, say, settings
from bot.cli.diff import pull_request_diff

if TYPE_CHECKING:
    from bot.core.events import Event
    from bot.core.models import Reaction
    from bot.forges.local import Comment, LocalForge, LocalPullRequest

REACTIONS: dict[Reaction, str] = {"eyes": "👀", "rocket": "🚀", "-1": "👎", "confused": "😕"}

number = click.argument("number", type=click.IntRange(min=1))
by = click.option("--as", "by", metavar="NAME", help="Who you are; GITOPS_BOT_USER, or USER, if not given.")


@click.group("pr")
def pr() -> None:
    """List, show, approve, merge, label and comment on pull requests of the local forge."""


@pr.command("list")
@as_json
def list_(*, as_json: bool) -> None:
    """Show all pull requests, newest first."""
    pulls = sorted(_forge().all_pull_requests(), key=lambda p: -p.request.number)
    if as_json:
        print_json([_summary(p) for p in pulls])
    else:
        rows = [[f"#{p.request.number}", p.state, p.request.title, p.request.branch] for p in pulls]
        print_table(["number", "state", "title", "branch"], rows)


@pr.command()
@number
@as_json
def show(number: int, *, as_json: bool) -> None:
    """Show a pull request: what it says, its labels, reviews, statuses, comments and diff."""
    forge = _forge()
    local = forge.pull_request(number)
    pull, comments = local.request, forge.comments(number)
    diff = pull_request_diff(edges().git, local.request.head)
    if as_json:
        talk = [{"author": c.author, "body": c.body} for c in comments]
        print_json(_summary(local) | {"body": pull.body, "comments": talk, "diff": diff})
        return
    click.secho(harmless(f"#{pull.number} {pull.title}"), bold=True)
    say(f"{local.state}, {pull.branch} at {pull.head[:12]}\n\n{pull.body.rstrip()}\n")
    for what, names in (("labels", pull.labels), ("review asked of", local.reviewers)):
        if names:
            say(f"{what}: {', '.join(sorted(names))}")
    for review in pull.reviews:
        say(f"{review.author}: {review.state} at {review.commit[:12]}")
    for status in pull.statuses:
        say(f"{status.context}: {status.state}: {status.description}")
    for comment in comments:
        say(_spoken(comment))
    say(f"\n{diff}")


@pr.command()
@number
@by
def approve(number: int, by: str | None) -> None:
    """Approve pull request NUMBER at the commit it has now."""
    _forge().approve(number, by or settings().user)
    say(f"#{number} is approved by {by or settings().user}")
    _tell_the_bot()


@pr.command("request-changes")
@number
@by
def request_changes(number: int, by: str | None) -> None:
    """Ask for changes to pull request NUMBER, at the commit it has now."""
    _forge().request_changes(number, by or settings().user)
    say(f"{by or settings().user} asks for changes to #{number}")
    _tell_the_bot()


@pr.command()
@number
@by
def merge(number: int, by: str | None) -> None:
    """Merge pull request NUMBER, if its approvals are complete."""
    forge = _forge()
    forge.merge(number, by or settings().user, forge.pull_request(number).request.head)
    say(f"#{number} is merged")
    _tell_the_bot()


@pr.command()
@number
@by
def close(number: int, by: str | None) -> None:
    """Close pull request NUMBER without merging: its release is turned down."""
    _forge().close(number, by or settings().user)
    say(f"#{number} is closed")
    _tell_the_bot()


@pr.command()
@number
@click.argument("label")
@click.option("--remove", is_flag=True, help="Take it off.")
@by
def label(number: int, label: str, by: str | None, *, remove: bool) -> None:
    """Put LABEL on pull request NUMBER: `hold` holds it, `hotfix` by an admin excepts it from freezes."""
    _forge().label(number, by or settings().user, label, present=not remove)
    say(f"#{number} has the label {label} {'no more' if remove else 'now'}")
    _tell_the_bot()


@pr.command()
@number
@click.argument("text")
@by
def comment(number: int, text: str, by: str | None) -> None:
    """Write TEXT as a comment on pull request NUMBER. It may hold commands; the bot's answer is shown."""
    from bot.core.events import Commented
    from bot.core.identity import BOT_NAME

    forge = _forge()
    comment = forge.user_comment(forge.add_comment(number, by or settings().user, text))
    before = {c.id: c.body for c in forge.comments(number)}
    say(f"#{number} has your comment")
    _tell_the_bot(Commented(comment.id, comment.number))
    for said in forge.comments(number):
        if said.author == BOT_NAME and before.get(said.id) != said.body:
            say(_spoken(said))


def _forge() -> LocalForge:
    from bot.bootstrap import open_local_forge

    return open_local_forge(settings())


def _tell_the_bot(event: Event | None = None) -> None:
    """As a forge sends a webhook: the bot looks at once, and says what it did."""
    from bot.core.events import Reconcile
    from bot.engine import handle

    report = handle(event or Reconcile(), edges())
    for _, reason in report.failed:
        say(f"the bot: {reason}", err=True)


def _spoken(comment: Comment) -> str:
    """Who said what, and what the bot thinks of it."""
    notes = [*(["edited"] if comment.edited else []), *(REACTIONS[r] for r in sorted(comment.reactions))]
    about = f" ({', '.join(notes)})" if notes else ""
    return f"{comment.author}{about}: {comment.body.rstrip()}"


def _summary(local: LocalPullRequest) -> dict[str, Any]:
    """The documented shape of one element of `gitops-bot pr list --json` (docs/json.md)."""
    pull = local.request
    return {
        "number": pull.number,
        "state": local.state,
        "title": pull.title,
        "branch": pull.branch,
        "head": pull.head,
        "reviews": [{"author": r.author, "state": r.state, "commit": r.commit} for r in pull.reviews],
        "statuses": [s._asdict() for s in pull.statuses],
    }

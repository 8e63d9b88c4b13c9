"""Every title, body, comment and reason that the bot can say."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from bot.core.actions import Skip
from bot.core.people import few, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bot.core.actions import BuildImage, PackageChart
    from bot.core.config import Chart, Environment, Image
    from bot.core.manifests import Chart as ChartPlace
    from bot.core.models import (
        Branch,
        BuildOrder,
        Change,
        ChartListing,
        ChartOrder,
        Commit,
        ImageVersion,
        PullRequest,
        Release,
    )
    from bot.core.plan.ages import Sighting
    from bot.core.plan.rendering import Rendered
    from bot.core.references import Reference
    from bot.core.snapshot import Snapshot

WAITS_FOR_FIX = "a new commit in the source, or a corrected configuration"
MOST_ROWS = 100
"""Changes that a pull request's body lists at the most; fewer, if they would make it too long."""
MOST_BODY = 60_000
"""Characters of a body; GitHub's limit is 65,536."""
MOST_TITLE = 200
"""Characters of a title; GitHub's limit is 256."""
_MARK = re.compile(r"<!-- gitops-bot release=([0-9a-f]{16}) -->")
_TRAILER = re.compile(r"^Gitops-Bot-(Asked-By|Version|Rollback): (\S+)$", re.MULTILINE)


class Asked(NamedTuple):
    """A promotion that a person asked for: the image tag, if they named one, and who; or a rollback."""

    version: str | None
    by: str
    rollback: bool = False


class Text(NamedTuple):
    """What a pull request says: its title, its body (Markdown), and the message of its commit."""

    title: str
    body: str
    commit: str


def build_title(order: BuildOrder) -> str:
    """One line for a build."""
    return f"Build {order.target} from {order.commit[:12]} on {order.base_name}@{order.base.digest}"


def building(environment: str, action: BuildImage) -> Skip:
    """A release whose image is being built first."""
    tag = action.order.target.tag
    return Skip(environment, action.application, "building", f"{action.image} {tag} is not built yet", "the build")


def package_title(order: ChartOrder) -> str:
    """One line for a chart's package."""
    return f"Package {order.target} from {order.commit[:12]}"


def packaging(environment: str, action: PackageChart) -> Skip:
    """A release whose chart is being packaged first."""
    reason = f"the chart {action.order.name} {action.order.version} is not packaged yet"
    return Skip(environment, action.application, "building", reason, "the package")


def no_chart_version(environment: str, application: str, chart: Chart, listing: ChartListing, why: str) -> Skip:
    """No version of the chart satisfies the policy; `why` are the policy's words, which speak of tags."""
    reason = f"of the {len(listing.versions)} versions of the chart {chart.name} none is chosen: {why}"
    if listing.ignored:
        reason += f"; entries of its index are ignored: {'; '.join(listing.ignored)}"
    return Skip(environment, application, "no_chart_version", reason, "a version that does")


def chart_field_missing(environment: str, application: str, folder: str) -> Skip:
    """There is no place for the chart's version."""
    reason = (
        f"no HelmRelease of {application} in {folder} has `spec.chart.spec.version`, nor a `chartRef` to an "
        "OCIRepository there whose `ref` is a `tag` alone; write the version there once"
    )
    return Skip(environment, application, "chart_field_missing", reason, "that field")


def tag_taken(application: str, target: Reference, commit: Commit) -> Skip:
    """The tag that a build would get names an image of something else."""
    reason = f"{target} is there and was not built from {commit.sha[:12]}: a tag is never overwritten"
    return Skip(None, application, "tag_taken", reason, "that tag to be deleted, or a new commit")


def tag_moved(environment: str, application: str, repository: str, old: ImageVersion, new: ImageVersion) -> Skip:
    """A tag names another digest than the one that was promoted."""
    reason = (
        f"{repository}:{old.tag} was promoted as {old.digest} and now names {new.digest}: a tag must not move. "
        "Push the new image under a new tag"
    )
    return Skip(environment, application, "tag_moved", reason, "a new tag")


def no_release(
    environment: str, application: str, after: str, nowhere: Sequence[Image], loose: ChartPlace | None
) -> Skip:
    """The environment before has nothing that could be promoted."""
    if nowhere:
        what = f"{after} has no release of {application} yet: no file of it names {nowhere[0].repository}"
        return Skip(environment, application, "no_release", what, f"a release of {application} in {after}")
    if loose:
        what = (
            f"{after}: {loose.file}:{loose.line} has the range {loose.version}, by which Flux chooses there: no release"
        )
        return Skip(environment, application, "version_range", what, "one exact version there")
    what = f"{after} has no release of {application} yet"
    return Skip(environment, application, "no_release", what, f"a release of {application} in {after}")


def image_missing(environment: str, application: str, reference: Reference) -> Skip:
    """The registry answered, and the image is not there."""
    reason = f"{reference} is not in its registry: it cannot be promoted"
    return Skip(environment, application, "image_missing", reason, "that image to be pushed")


def up_to_date(environment: str, application: str, not_taken: Iterable[str]) -> Skip:
    """Nothing is to be done; `not_taken` says of which newer tags, and why."""
    reason = "; ".join([f"{environment} has the newest release that may go there", *not_taken])
    return Skip(environment, application, "up_to_date", reason)


def no_tag(environment: str, application: str, image: Image, reason: str) -> Skip:
    """The policy chooses no tag."""
    return Skip(environment, application, "no_tag", f"{image.repository}: {reason}", "a tag that satisfies the policy")


def first_seen(sightings: Sequence[Sighting]) -> Text:
    """Title, no body and commit message of the record of versions without a date that are seen for the first time."""
    names = [f"{one.repository} {one.version.partition('@')[0]}" for one in sightings]
    title = f"Record when {'these were' if names[1:] else 'this was'} first seen: {few(names, 3)}"
    lines = "".join(f"- {one.repository} {one.version}\n" for one in sightings)
    return Text(title, "", f"{title}\n\nNobody knows when they were made: their age counts from now.\n\n{lines}")


def version_not_found(
    environment: str, application: str, version: str, after: str | None, past: Sequence[Release]
) -> Skip:
    """A person asked for a version that may not go there."""
    if after is None:
        reason = f"no image of {application} has the tag {version}"
    else:
        tags = dict.fromkeys(v.tag for r in past for v in r.images.values())
        reason = f"{after} never had {application} {version}; it had {', '.join(list(tags)[:5]) or 'nothing'}"
    return Skip(environment, application, "version_not_found", reason)


def foreign_commit(environment: str, application: str, branch: Branch, pull_request: PullRequest | None) -> Skip:
    """Somebody committed to the bot's branch; it is theirs now."""
    assert branch.foreign is not None
    commit = branch.foreign
    reason = (
        f"The branch `{branch.name}` has the commit {commit.sha[:12]}, which is not mine: I leave it and this pull "
        "request alone. To let me go on, delete that branch; to keep the commit, put it on a branch of your own."
    )
    waits_for = f"the branch {branch.name} to be deleted" + (f" (#{pull_request.number})" if pull_request else "")
    return Skip(environment, application, "foreign_commit", reason, waits_for)


def unreadable(environment: str | None, application: str, branch: Branch) -> Skip:
    """What a branch of the bot holds cannot be told; it is left alone."""
    reason = (
        f"What the branch `{branch.name}` would change cannot be told, so I leave it alone: {branch.unreadable}. To "
        "let me go on, delete that branch; to keep a commit, put it on a branch of your own."
    )
    return Skip(environment, application, "branch_unreadable", reason, f"the branch {branch.name} to be deleted")


def closed_by_person(environment: str, application: str, pull_request: PullRequest | None) -> Skip:
    """This very release was turned down."""
    assert pull_request is not None
    reason = f"#{pull_request.number} with this release was closed without a merge"
    waits_for = f"a newer release, or `gitops-bot promote {environment} --app {application}`"
    return Skip(environment, application, "closed_by_person", reason, waits_for)


def obsolete(environment: str, application: str) -> str:
    """Why a pull request is closed by the bot."""
    return f"{environment} already has what this would bring to {application}; there is nothing left to change"


def unconfigured(name: str) -> str:
    """Why a pull request is closed by the bot."""
    return f"gitops.yaml no longer has what the branch {name} is for"


def change_line(change: Change) -> str:
    """A changed value in one line, for a commit message and for a terminal."""
    old = change.old or "—"
    return _flat(f"{change.file}:{change.line} {change.path or 'synced from'}: {old} → {change.new}")


def fingerprint(release: Release) -> str:
    """16 hexadecimal digits that stand for a release."""
    parts: list[object] = [{k: list(v) for k, v in release.images.items()}, release.chart, release.values]
    if release.promoted:
        parts.append(release.promoted)
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def carries(pull_request: PullRequest | None, release: Release) -> bool:
    """Whether the pull request's body says that it is for this release."""
    # The last one: what is quoted above it may look like a mark.
    marks = _MARK.findall(pull_request.body) if pull_request else []
    return marks[-1:] == [fingerprint(release)]


def asked_for(commit: Commit) -> Asked | None:
    """Who asked for a promotion, and for which version, from the trailers of its commit."""
    trailers = dict(_TRAILER.findall(commit.message))
    if "Asked-By" not in trailers:
        return None
    return Asked(trailers.get("Version"), trailers["Asked-By"], "Rollback" in trailers)


def proposal(
    snapshot: Snapshot, environment: str, application: str, release: Release, rendered: Rendered, asked: Asked | None
) -> Text:
    """Title, body and commit message of the pull request that brings `release` to `environment`."""
    back = "roll back " if asked and asked.rollback else ""
    what = _what(snapshot, environment, application, release)
    title = f"{environment}: {back}{application} {'to ' if back else ''}{what}"[:MOST_TITLE]
    trailers = f"\nGitops-Bot-Asked-By: {asked.by}" if asked else ""
    trailers += f"\nGitops-Bot-Version: {asked.version}" if asked and asked.version else ""
    trailers += "\nGitops-Bot-Rollback: yes" if asked and asked.rollback else ""
    lines = "".join(f"\n{change_line(c)}" for c in rendered.changes)
    commit = f"{title}\n{lines}\n\nGitops-Bot-Release: {fingerprint(release)}{trailers}\n"
    parts = [
        f"Brings **{application}** {'back ' if back else ''}to **{environment}**{_from(snapshot, environment, back)}.",
        _images_table(rendered.before, release.images),
        _facts(release, asked, snapshot.deployed[environment, application].release.chart),
        _changes_table(rendered.changes),
        _kept_table(rendered.kept, snapshot.config.environments[environment].after),
        "\n".join(f"- {code(f'{n.file}:{n.line}')} {plain(n.reason)}" for n in rendered.notes),
        f"It {rules(snapshot.config.environments[environment])}",
        f"To roll back after the merge: comment `/rollback {environment} --app={application} <reason>`.",
        f"<!-- gitops-bot release={fingerprint(release)} -->",
    ]
    rows = len(rendered.changes)
    while len(body := "\n\n".join(p for p in parts if p) + "\n") > MOST_BODY and rows:
        rows //= 2
        parts[3] = _changes_table(rendered.changes, rows)
    return Text(title, body, commit)


def _what(snapshot: Snapshot, environment: str, application: str, release: Release) -> str:
    """What a title names: the chart, where nothing but that is new."""
    here = snapshot.deployed[environment, application].release
    alone = release.chart and release.chart != here.chart and release.images == here.images
    return f"chart {release.chart}" if alone else version_of(release)


def version_of(release: Release) -> str:
    """A release in a few words: the tags of its images, the version of its chart, or the commit of its values."""
    tags = [f"{name} {v.tag}" if len(release.images) > 1 else v.tag for name, v in release.images.items()]
    chart = f"chart {release.chart}" if release.chart else ""
    return ", ".join(tags) or chart or f"values {(release.values or '')[:12]}"


def _from(snapshot: Snapshot, environment: str, back: str) -> str:
    after = snapshot.config.environments[environment].after
    if back:
        return ", as it was there before"
    return f", as {after} has it" if after else ""


def _images_table(old: Mapping[str, ImageVersion], new: Mapping[str, ImageVersion]) -> str:
    if not new:
        return ""
    rows = [
        f"| {name} | {code(old[name].tag) if name in old else '—'} | {code(v.tag)} | {code(v.digest or '—')} |"
        for name, v in new.items()
    ]
    return "\n".join(["| image | was | becomes | digest |", "|---|---|---|---|", *rows])


def _facts(release: Release, asked: Asked | None, chart: str | None) -> str:
    facts = []
    if release.values:
        facts.append(f"- values at commit `{release.values}`")
    if release.chart:
        was = f"{code(chart)} → " if chart and chart != release.chart else ""
        facts.append(f"- chart {was}{code(release.chart)}")
    if asked:
        facts.append(
            f"- asked for by {plain(asked.by)}" + (f": version {code(asked.version)}" if asked.version else "")
        )
    return "\n".join(facts)


def _changes_table(changes: Sequence[Change], most: int = MOST_ROWS) -> str:
    rows = [
        f"| {code(f'{c.file}:{c.line}')} | {code(c.path or 'synced from')} | {code(c.old)} | {code(c.new)} |"
        for c in changes[:most]
    ]
    more = [f"\n… and {len(changes) - most} more."] if len(changes) > most else []
    return "\n".join(["| where | what | old | new |", "|---|---|---|---|", *rows, *more]) if rows else ""


def _kept_table(kept: Sequence[Change], after: str | None) -> str:
    """The environment's own values, where the environment before it has others."""
    if not kept:
        return ""
    rows = [f"| {code(c.file)} | {code(c.path)} | {code(c.old)} | {code(c.new)} |" for c in kept[:MOST_ROWS]]
    more = [f"\n… and {len(kept) - MOST_ROWS} more."] if len(kept) > MOST_ROWS else []
    head = f"Kept as they are here:\n\n| where | what | {after} has | stays |"
    return "\n".join([head, "|---|---|---|---|", *rows, *more])


def rules(config: Environment) -> str:
    """How many must approve a pull request into an environment, who may, and who merges it then."""
    who = f" by {', '.join(plain(a) for a in in_words(config.approvers))}" if config.approvers else ""
    people = (
        f"{config.approvals} approval{'s' if config.approvals != 1 else ''}{who}" if config.approvals else "no approval"
    )
    merges = {
        "auto": "merges itself when its checks pass",
        "forge": "merges itself when the rules of the default branch are met",
        "manual": "is merged by a person",
    }
    return f"needs {people} and {merges[config.merge]}."


def _flat(text: str) -> str:
    """Text on one line, without control characters, so that it cannot become a trailer or steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    return re.sub(r"([^\w\s.-])", r"\\\1", _flat(text))


def code(text: str) -> str:
    """Text in a Markdown table's cell, whatever it holds: a `|` there cannot be quoted for every reader, so it is ¦.

    The fence is longer than any row of backticks inside (https://spec.commonmark.org/0.31.2/#code-spans).
    """
    flat = _flat(text).replace("|", "¦")
    shown = flat if len(flat) <= 200 else flat[:200] + "…"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    space = " " if "`" in shown else ""
    return f"{fence}{space}{shown}{space}{fence}" if shown else "—"

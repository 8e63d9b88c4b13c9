"""Everything that was observed at one moment, complete and immutable: `plan` sees this and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bot.core.events import Event, Promote, Reconcile
from bot.core.models import Unknown
from bot.core.state import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.core.config import Config
    from bot.core.deployed import Deployed
    from bot.core.inspection import Inspection
    from bot.core.models import (
        Branch,
        ChartListing,
        Commit,
        Contribution,
        Deployment,
        ImageInfo,
        Labelled,
        Person,
        PullRequest,
        Release,
        UserComment,
    )
    from bot.core.references import Reference


class ValuesSource(NamedTuple):
    """A values repository: its head, and each environment's file at the commits that matter.

    A file that is not there at a commit is left out.
    """

    head: str
    files: Mapping[str, Mapping[str, bytes]]


class SourceChart(NamedTuple):
    """A chart in git: the newest commit that touches it, and the version that its Chart.yaml has there."""

    commit: Commit
    version: str


@dataclass(frozen=True)
class Snapshot:
    """The world as it was read.

    `head`, `config`, `files` and `deployed` (by environment and application) are of the default branch at one
    SHA; `files` holds every file below the environments' folders, and those elsewhere that they reach (`reached`, by
    environment); `applied` are the folders that Flux applies for each. `sources` are the heads of the build sources by
    (application, image); `bases` the digests of the base images by their configured name; `images` what the
    registry says of a tag (None: it is not there); `charts` all versions of a chart by (repository, name);
    `source_charts` the charts in git by application; `asks` is what comments ask for; `history` the releases that an
    environment has had, newest first, by environment and application, where an ask needs them. `comments` are those
    of the last days; `people` what the forge says of who speaks and reviews, by name in small letters; `state` the
    locks, freezes, holds and given approvals on the state branch, which is at `state_head`; `same_trees` the earlier
    heads, by branch, whose content was the same; `own_name` the login of the bot's account; `labelled` who put a
    label on a pull request, and when, by its number and the label, where that decides (None: nobody knows); `landed`
    the commits recorded as granted that are on the default branch; `inspections` what was
    found in the branches, by name, whose review comment does not say it yet. `contributions` are the open pull requests
    of others. `failures` are the actions that failed earlier in this run.
    """

    now: datetime
    head: Commit
    config: Config
    files: Mapping[str, bytes]
    deployed: Mapping[tuple[str, str], Deployed]
    reached: Mapping[str, frozenset[str]]
    applied: Mapping[str, tuple[str, ...]]
    pull_requests: tuple[PullRequest, ...] | Unknown
    branches: Mapping[str, Branch]
    contributions: tuple[Contribution, ...] = ()
    event: Event = field(default_factory=Reconcile)
    sources: Mapping[tuple[str, str], Commit | Unknown] = field(default_factory=dict)
    bases: Mapping[str, str | Unknown] = field(default_factory=dict)
    tags: Mapping[Reference, tuple[str, ...] | Unknown] = field(default_factory=dict)
    images: Mapping[Reference, ImageInfo | Unknown | None] = field(default_factory=dict)
    charts: Mapping[tuple[str, str], ChartListing | Unknown] = field(default_factory=dict)
    source_charts: Mapping[str, SourceChart | Unknown] = field(default_factory=dict)
    values: Mapping[str, ValuesSource | Unknown] = field(default_factory=dict)
    history: Mapping[tuple[str, str], tuple[Release, ...]] = field(default_factory=dict)
    asks: tuple[Promote, ...] = ()
    comments: tuple[UserComment, ...] | Unknown = ()
    people: Mapping[str, Person | Unknown] = field(default_factory=dict)
    state: State | Unknown = field(default_factory=State)
    state_head: str | None = None
    deployments: Mapping[str, Deployment] | Unknown = field(default=Unknown("it was not asked"))
    same_trees: Mapping[str, frozenset[str]] = field(default_factory=dict)
    own_name: str | Unknown = field(default=Unknown("it was not asked"))
    labelled: Mapping[tuple[int, str], Labelled | Unknown | None] = field(default_factory=dict)
    landed: frozenset[str] = frozenset()
    inspections: Mapping[str, Inspection | Unknown] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)

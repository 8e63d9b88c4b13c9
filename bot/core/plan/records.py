"""What the forge's page of environments shows: the release that each environment's folder has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core import messages
from bot.core.actions import RecordDeployment
from bot.core.models import Deployment, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.snapshot import Snapshot

MOST = 140
"""GitHub's limit for a deployment's description, in characters."""


def records(snapshot: Snapshot) -> Iterator[RecordDeployment]:
    """A record for each application and environment whose newest one names another release.

    A release without any digest was not brought by the bot; what it is, nobody can tell for sure.
    """
    if isinstance(snapshot.deployments, Unknown):
        return
    for (environment, application), here in snapshot.deployed.items():
        if not any(version.digest for version in here.release.images.values()):
            continue
        name = f"{environment}/{application}"
        described = f"{messages.version_of(here.release)} [{messages.fingerprint(here.release)}]"[-MOST:]
        newest = snapshot.deployments.get(name)
        if newest is None or newest.description != described:
            yield RecordDeployment(
                application=application,
                environment=environment,
                title=f"Record that {environment} has {application} {messages.version_of(here.release)}",
                deployment=Deployment(name, snapshot.head.sha, described),
            )

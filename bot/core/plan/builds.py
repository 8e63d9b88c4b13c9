"""Which image a build source's newest commit should be, and whether it is built already.

A tag never moves: `<base tag>-<short sha>` is taken by the first build of a commit; a build of the same commit on
a newer base image gets `<base tag>-<short sha>-<start of the base's digest>`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from bot.core import messages
from bot.core.actions import BuildImage, Skip
from bot.core.models import BuildOrder, Commit, ImageInfo, ImageVersion, Unknown
from bot.core.references import parse, parse_repository

if TYPE_CHECKING:
    from bot.core.config import Build, Image
    from bot.core.references import Reference
    from bot.core.snapshot import Snapshot

REVISION = "org.opencontainers.image.revision"
BASE_DIGEST = "org.opencontainers.image.base.digest"


class BuildState(NamedTuple):
    """Exactly one is there: the version that is built, the build to do, or why neither is known."""

    version: ImageVersion | None = None
    action: BuildImage | None = None
    skip: Skip | None = None


def build_state(snapshot: Snapshot, application: str, name: str) -> BuildState:
    """The state of one built image: looks up its possible tags in the snapshot, oldest scheme first."""
    image = snapshot.config.applications[application].images[name]
    assert image.build is not None
    commit, base = snapshot.sources[application, name], snapshot.bases[image.build.base]
    for read in (commit, base):
        if isinstance(read, Unknown):
            return BuildState(skip=Skip(None, application, read.reason_code, read.reason))
    assert isinstance(commit, Commit)
    assert isinstance(base, str)
    for target in targets(image, commit, base, again(snapshot, application, commit)):
        info = snapshot.images[target]
        if isinstance(info, Unknown):
            return BuildState(skip=Skip(None, application, info.reason_code, info.reason))
        if info is None:
            return _to_build(snapshot, application, name, order(image, commit, base, target))
        if _made_from(info, commit, base):
            return BuildState(version=ImageVersion(str(target.tag), info.digest))
        if info.labels.get(REVISION) != commit.sha:
            break
    return BuildState(skip=messages.tag_taken(application, target, commit))


def again(snapshot: Snapshot, application: str, commit: Commit) -> str:
    """What the tag gets behind it where somebody asked for this very commit to be built once more, else nothing."""
    rebuild = None if isinstance(snapshot.state, Unknown) else snapshot.state.rebuilds.get(application)
    if rebuild is None or commit.sha not in rebuild.commits:
        return ""
    return f"-r{hashlib.sha256(rebuild.comment.encode()).hexdigest()[:6]}"


def targets(image: Image, commit: Commit, base: str, again: str = "") -> tuple[Reference, Reference]:
    """The two references that a build of this commit on this base digest may have; `again`: of a rebuild."""
    assert image.build is not None
    repository = parse_repository(image.repository)
    tag = f"{parse(image.build.base).tag}-{commit.sha[:7]}{again}"
    return repository.with_tag(tag), repository.with_tag(f"{tag}-{base.partition(':')[2][:8]}")


def _made_from(info: ImageInfo, commit: Commit, base: str) -> bool:
    return info.labels.get(REVISION) == commit.sha and info.labels.get(BASE_DIGEST) == base


def _to_build(snapshot: Snapshot, application: str, name: str, wanted: BuildOrder) -> BuildState:
    image = snapshot.config.applications[application].images[name]
    action = BuildImage(
        application=application,
        title=messages.build_title(wanted),
        image=name,
        order=wanted,
        test=image.test,
        test_env=image.test_env,
        test_seconds=image.test_seconds,
    )
    failure = snapshot.failures.get(action.key)
    if failure is not None:
        return BuildState(skip=Skip(None, application, "build_failed", failure, messages.WAITS_FOR_FIX))
    return BuildState(action=action)


def order(image: Image, commit: Commit, base: str, target: Reference) -> BuildOrder:
    """All that fixes the image, labels included (OCI image-spec, annotations.md)."""
    build = image.build
    assert build is not None
    return BuildOrder(
        target=target,
        base=parse(build.base).with_digest(base),
        base_name=build.base,
        base_arg=build.base_arg,
        commit=commit.sha,
        context=build.context,
        dockerfile=build.dockerfile,
        args=build.args,
        labels=_labels(build, commit, base, target),
        created=commit.time,
        source=build.git,
        platform=build.platform,
    )


def _labels(build: Build, commit: Commit, base: str, target: Reference) -> dict[str, str]:
    return {
        "org.opencontainers.image.source": build.git,
        REVISION: commit.sha,
        "org.opencontainers.image.created": commit.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "org.opencontainers.image.version": str(target.tag),
        "org.opencontainers.image.base.name": build.base,
        BASE_DIGEST: base,
    }

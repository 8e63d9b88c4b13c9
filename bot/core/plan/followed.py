"""Which version of an image that others push an environment should have, by the image's policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core import messages
from bot.core.actions import Skip
from bot.core.models import ImageInfo, ImageVersion, Unknown
from bot.core.plan.ages import Sighting, aged
from bot.core.references import parse_repository
from bot.core.versions import Choice, TagFacts, by_first_seen, choose, undated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.config import Image, Policy
    from bot.core.deployed import Deployed
    from bot.core.references import Reference
    from bot.core.snapshot import Snapshot
    from bot.core.versions import Facts


def followed_version(
    snapshot: Snapshot, environment: str, application: str, name: str, here: Deployed
) -> ImageVersion | Skip:
    """The tag that the policy chooses among those that others pushed, with its digest, or why there is none."""
    image = snapshot.config.applications[application].images[name]
    current = here.release.images.get(name)
    choice = _choice(snapshot, image, current)
    if choice.unknown:
        return Skip(environment, application, choice.unknown.reason_code, choice.unknown.reason)
    tag = choice.selected
    if tag is None:
        if current is None or not snapshot.tags[parse_repository(image.repository)]:
            return messages.no_tag(environment, application, image, choice.reason)
        if not current.tag or by_digest(image, current):
            return current
        tag = current.tag
    reference = parse_repository(image.repository).with_tag(tag)
    info = snapshot.images.get(reference)
    if isinstance(info, ImageInfo):
        return ImageVersion(tag, info.digest)
    if isinstance(info, Unknown):
        return Skip(environment, application, info.reason_code, info.reason)
    return messages.image_missing(environment, application, reference)


def followed_references(
    snapshot: Snapshot, application: str, name: str, current: ImageVersion | None
) -> Iterator[Reference]:
    """The tags whose images must be known before that can be told: the chosen one, or those that decide."""
    image = snapshot.config.applications[application].images[name]
    choice = _choice(snapshot, image, current)
    tag = choice.selected or (current.tag if current else None)
    repository = parse_repository(image.repository)
    yield from (repository.with_tag(needed) for needed in choice.needed)
    if tag and not choice.needed and not choice.unknown:
        yield repository.with_tag(tag)


def not_taken(snapshot: Snapshot, environment: str, application: str) -> Iterator[str]:
    """Of each image that a first environment follows: which tag that people may expect there is not, and why."""
    here = snapshot.deployed[environment, application].release.images
    for name, image in snapshot.config.applications[application].images.items():
        if image.policy and snapshot.config.environments[environment].after is None:
            choice = _choice(snapshot, image, here.get(name))
            if choice.reason:
                yield f"{image.repository}: {choice.reason}"


def promoted_reference(image: Image, version: ImageVersion) -> Reference:
    """Where a version that an environment has is looked up to be promoted: by its tag, if it has one that stays."""
    repository = parse_repository(image.repository)
    if version.digest and (not version.tag or by_digest(image, version)):
        return repository.with_digest(version.digest)
    return repository.with_tag(version.tag)


def by_digest(image: Image, version: ImageVersion) -> bool:
    """Whether the tag is one that may move: the digest alone says which image is meant."""
    return image.policy is not None and image.policy.digest == version.tag


def undated_images(snapshot: Snapshot, environment: str, application: str) -> Iterator[Sighting]:
    """Of each image that the environment follows: what is taken, or not yet, by when it was first seen; best first."""
    here = snapshot.deployed[environment, application].release.images
    for name, image in snapshot.config.applications[application].images.items():
        repository = parse_repository(image.repository)
        tags = snapshot.tags.get(repository)
        if image.policy is None or isinstance(tags, Unknown) or not tags or not by_first_seen(image.policy):
            continue
        deployed, facts = _tag(here.get(name)), _facts(snapshot, image.policy, repository)
        choice = choose(tags, image.policy, deployed, facts, snapshot.now)
        for tag in undated(tags, image.policy, choice, deployed, facts):
            info = snapshot.images[repository.with_tag(tag)]
            assert isinstance(info, ImageInfo)
            yield _sighting(repository, tag, info)


def _choice(snapshot: Snapshot, image: Image, current: ImageVersion | None) -> Choice:
    assert image.policy is not None
    repository = parse_repository(image.repository)
    tags = snapshot.tags[repository]
    if isinstance(tags, Unknown):
        return Choice(None, unknown=tags)
    return choose(tags, image.policy, _tag(current), _facts(snapshot, image.policy, repository), snapshot.now)


def _tag(version: ImageVersion | None) -> str | None:
    return version.tag or None if version else None


def _facts(snapshot: Snapshot, policy: Policy, repository: Reference) -> Facts:
    return {
        reference.tag: _fact(snapshot, policy, reference, info) if isinstance(info, ImageInfo) else info
        for reference, info in snapshot.images.items()
        if reference.tag and reference.repository == repository
    }


def _fact(snapshot: Snapshot, policy: Policy, reference: Reference, info: ImageInfo) -> TagFacts | Unknown:
    sighting = _sighting(reference.repository, str(reference.tag), info)
    other = "" if info.kind == "image" else other_kind(info.kind)
    return aged(snapshot, policy, sighting, TagFacts(info.created, info.platforms, other=other))


def other_kind(kind: str) -> str:
    """What a tag names that is not what is looked for, in words."""
    known = {"image": "an image, and no chart", "chart": "a Helm chart, and no image"}
    return known.get(kind, f"an artifact of the type {kind}")


def _sighting(repository: Reference, tag: str, info: ImageInfo) -> Sighting:
    return Sighting(str(repository), str(ImageVersion(tag, info.digest)))

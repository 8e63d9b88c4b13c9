"""What a shape cannot say: what the parts of a configuration must be to each other, and what their texts must mean.

Only parts whose shape is right are checked, so that no problem is told twice.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from bot.core.chart_urls import chart_url
from bot.core.config.problems import redacted, shown
from bot.core.errors import BotError
from bot.core.git_urls import check_git_url
from bot.core.references import parse, parse_repository
from bot.core.versions import PolicyError, check_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bot.core.config.models import Application, Build, Chart, Environment, Image, Policy, Values
    from bot.core.models import Path

# https://git-scm.com/docs/git-check-ref-format
_NOT_IN_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^[-./]|[./]$|\.lock(/|$)|^@$")
# What a test has of its own, and what makes every program load code.
_OWN = frozenset({"PATH", "HOME", "TMPDIR", "IMAGE_ROOT", "ENV", "SHELLOPTS", "IFS"})
_LOADERS = ("LD_", "DYLD_", "BASH_")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class Found(NamedTuple):
    """One thing wrong: the path of the value (of the key, if `at_key`), what, and the fix."""

    path: Path
    message: str
    fix: str
    at_key: bool = False


def environment_checks(environments: Mapping[str, Environment]) -> Iterator[Found]:
    """Of all environments together; `after` may name any of them."""
    for name, environment in environments.items():
        yield from _name(("environments", name), name)
        yield from _after(name, environments)
        yield from _approvals(name, environment)
    yield from _circles(environments)
    yield from _overlaps(environments)


def image_checks(path: Path, image: Image) -> Iterator[Found]:
    """Of one image at `path`."""
    yield from _asked((*path, "repository"), image.repository, parse_repository)
    if (image.build is None) == (image.policy is None):
        what = "neither `build` nor `policy`" if image.build is None else "both `build` and `policy`"
        fix = "give `build` if the bot builds it, or `policy` if others push it: exactly one"
        yield Found(path, f"this image has {what}", fix, at_key=True)
    yield from _test_checks(path, image)
    for i, key in enumerate(image.keys):
        if (key.image is None) == (key.tag is None and key.digest is None):
            yield Found((*path, "keys", i), "this place names nothing, or too much", "give `image`, or `tag`, `digest`")
    if image.build:
        yield from _build((*path, "build"), image.build)
    if image.policy:
        yield from _policy((*path, "policy"), image.policy)
        if image.policy.digest is not None and not image.pin:
            message = "a tag whose digest is followed must be written with it"
            yield Found((*path, "pin"), message, "delete `pin: false`")


def _test_checks(path: Path, image: Image) -> Iterator[Found]:
    if image.test and image.build is None:
        yield Found((*path, "test"), "only images that are built here can be tested", "delete it", at_key=True)
    if image.test_env and not image.test:
        yield Found((*path, "test_env"), "this image has no `test`", "give one, or delete this", at_key=True)
    for i, name in enumerate(image.test_env):
        if name in _OWN or name.startswith(_LOADERS):
            fix = "take it out: set what the command needs in the command itself"
            yield Found((*path, "test_env", i), f"{name} decides which programs run on the bot's machine", fix)


def same_repository_checks(path: Path, images: Mapping[str, Image]) -> Iterator[Found]:
    """Of the images of one application: they could not be told apart in its files."""
    seen: dict[str, str] = {}
    for name, image in images.items():
        try:
            repository = str(parse_repository(image.repository))
        except BotError:
            continue
        other = seen.setdefault(repository, name)
        if other != name:
            message = f"the image `{other}` of this application has the same repository"
            yield Found((*path, name, "repository"), message, "keep one of the two images")


def chart_checks(path: Path, chart: Chart) -> Iterator[Found]:
    """Of a chart at `path`."""
    if (chart.source is None) == (chart.policy is None):
        what = "neither `source` nor `policy`" if chart.source is None else "both `source` and `policy`"
        fix = "give `source` if the bot packages it, or `policy` if others push it: exactly one"
        yield Found(path, f"this chart has {what}", fix, at_key=True)
    try:
        where = chart_url(chart.repository, chart.name)
    except BotError as error:
        yield Found((*path, "repository"), error.message, error.fix)
    else:
        if chart.source and not where.oci:
            fix = "write oci://host/path: a packaged chart is pushed to a registry"
            yield Found((*path, "repository"), "nothing can be pushed to a repository of this kind", fix)
    if chart.policy:
        yield from _policy((*path, "policy"), chart.policy)
        if chart.policy.digest or chart.policy.platforms:
            key = "digest" if chart.policy.digest else "platforms"
            yield Found((*path, "policy", key), f"`{key}` is for images", "delete it: charts have versions alone")
    if chart.source:
        yield from _asked((*path, "source", "git"), chart.source.git, check_git_url)
        yield from _branch((*path, "source", "branch"), chart.source.branch)


def promoted_checks(path: Path, application: Application) -> Iterator[Found]:
    """Of the values that travel with the releases of the application at `path`."""
    synced = application.values.target if application.values else None
    for number, place in enumerate(application.promote):
        if place in application.keep:
            yield Found((*path, "promote", number), f"{shown(place)} is in `keep` too", "take it out of one of the two")
        if place.partition("#")[0] == synced:
            fix = "take it out: the values source has a file for each environment"
            yield Found((*path, "promote", number), f"{shown(synced)} is synced from the values source", fix)


def values_checks(path: Path, values: Values) -> Iterator[Found]:
    """Of a values source at `path`."""
    yield from _asked((*path, "git"), values.git, check_git_url)
    yield from _branch((*path, "branch"), values.branch)
    placeholders = set(_PLACEHOLDER.findall(values.file))
    example = "write, for example, values-{environment}.yaml or {environment}/values.yaml"
    if unknown := placeholders - {"environment"}:
        yield Found((*path, "file"), f"unknown placeholder {shown('{' + min(unknown) + '}')}", example)
    elif not placeholders:
        yield Found((*path, "file"), "without `{environment}` all environments would get the same file", example)
    elif _escapes(values.file.replace("{environment}", "x")):
        yield Found((*path, "file"), f"{shown(values.file)} is not a path inside the repository", example)


def application_name_checks(name: str) -> Iterator[Found]:
    """Of an application's name."""
    yield from _name(("applications", name), name)


def _escapes(file: str) -> bool:
    return any(part in ("", ".", "..") for part in file.split("/")) or not re.fullmatch(r"[A-Za-z0-9_./-]+", file)


def _name(path: Path, name: str) -> Iterator[Found]:
    if name.endswith(".lock"):
        yield Found(path, "a name cannot end in `.lock`: git has no such branches", "name it otherwise", at_key=True)


def _after(name: str, environments: Mapping[str, Environment]) -> Iterator[Found]:
    after = environments[name].after
    if after is None or after in environments:
        return
    others = ", ".join([shown(other) for other in environments if other != name][:10])
    fix = f"name one of: {others}" if others else "delete it: there is no other environment"
    yield Found(("environments", name, "after"), f"there is no environment {shown(after)}", fix)


def _approvals(name: str, environment: Environment) -> Iterator[Found]:
    people = {who.lower() for who in environment.approvers}
    # How many a team or a permission stands for is the forge's to say.
    if people and not any(":" in who for who in people) and environment.approvals > len(people):
        message = f"{environment.approvals} approvals are wanted, but only {len(people)} may approve"
        yield Found(("environments", name, "approvals"), message, "name more `approvers`, or want fewer `approvals`")


def _circles(environments: Mapping[str, Environment]) -> Iterator[Found]:
    done: set[str] = set()
    for name in environments:
        way: dict[str, None] = {}
        step: str | None = name
        while step is not None and step in environments and step not in done and step not in way:
            way[step] = None
            step = environments[step].after
        if step is not None and step in way:
            circle = list(way)[list(way).index(step) :]
            message = f"these environments wait for each other: {' → '.join([*circle[:10], step])}"
            yield Found(("environments", step, "after"), message, "delete `after` of the first environment")
        done.update(way)


def _overlaps(environments: Mapping[str, Environment]) -> Iterator[Found]:
    # In this order, whatever lies inside a folder comes right behind it.
    parts = sorted(
        (tuple(part for part in environment.path.split("/") if part != "."), name)
        for name, environment in environments.items()
    )
    for (outer, one), (inner, other) in pairwise(parts):
        if inner[: len(outer)] == outer:
            message = f"this folder is that of the environment `{one}`, or lies inside it"
            yield Found(("environments", other, "path"), message, "give each environment a folder of its own")


def _build(path: Path, build: Build) -> Iterator[Found]:
    yield from _asked((*path, "git"), build.git, check_git_url)
    yield from _branch((*path, "branch"), build.branch)
    bad = list(_asked((*path, "base"), build.base, parse))
    yield from bad
    base = None if bad else parse(build.base)
    if base and base.digest:
        fix = "name it by its tag alone: the bot follows the digest of the tag"
        yield Found((*path, "base"), "the base image is named by digest", fix)
    elif base and not base.tag:
        yield Found((*path, "base"), "the base image has no tag", f"write its tag, for example {base.path}:4.2.0")
    if build.base_arg in build.args:
        fix = "delete it: `base` is what it gets"
        yield Found((*path, "args", build.base_arg), "this argument is the base image's (`base_arg`)", fix, at_key=True)


def _policy(path: Path, policy: Policy) -> Iterator[Found]:
    try:
        check_policy(policy)
    except PolicyError as error:
        yield Found((*path, *error.key), error.message, error.fix)


def _branch(path: Path, branch: str | None) -> Iterator[Found]:
    if branch is not None and _NOT_IN_BRANCH.search(branch):
        yield Found(path, f"{shown(branch)} cannot be the name of a branch", "write it as git shows it, such as main")


def _asked(path: Path, text: str, check: Callable[[str], object]) -> Iterator[Found]:
    if redacted(text) != text and check is not check_git_url:
        yield Found(path, "this looks like a text with credentials in it", "take them out: write host/path:tag")
        return
    try:
        check(text)
    except BotError as error:
        yield Found(path, error.message, error.fix)

"""Builds, tests and pushes with a Docker Engine, for every Dockerfile that an engine can build.

Engine API: https://docs.docker.com/reference/api/engine/
"""

from __future__ import annotations

import contextlib
import posixpath
from typing import TYPE_CHECKING, Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound

from bot.builders.context import open_context
from bot.builders.dockerfile import declared, given_args, pinned, printable
from bot.builders.testing import TAIL, TIMED_OUT, tail
from bot.core.errors import BotError, NotFound, Refused, Unauthorised, Unavailable
from bot.core.models import TestRun
from bot.ports import reads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from docker.models.containers import Container

    from bot.builders.context import Context
    from bot.core.models import BuildOrder
    from bot.core.references import Reference
    from bot.ports import GitRepository, Registry

_MOST_PROCESSES = 4096
# What entry points do as root: have a folder, become somebody else, listen on a port, end what they started.
_RIGHTS = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"]
_SECONDS = 3600  # the longest silence of one build step
_DENIED = ("unauthorized", "denied", "no basic auth", "authentication required")
_ABSENT = ("manifest unknown", "not found", "does not exist", "repository name not known")


class DockerBuilder:
    """`ports.Builder` on the engine that `DOCKER_HOST` names; `registry` verifies what was pushed.

    Credentials are the Docker config's. A handle is the image's ID.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._made: docker.DockerClient | None = None

    @reads
    def build(self, order: BuildOrder, source: GitRepository) -> str:
        """Build on the engine; returns the image's ID. Errors as in `ports.Builder`."""
        context = open_context(order, source)
        with contextlib.closing(context.archive), _translated("build"):
            self._have_base(order)
            events = self._client.api.build(
                fileobj=context.archive, custom_context=True, dockerfile=posixpath.normpath(order.dockerfile),
                decode=True, rm=True, forcerm=True, platform=order.platform, labels=dict(order.labels),
                buildargs=_arguments(context, order),
            )  # fmt: skip
            return _image_id(events, context.dockerfile.path)

    @reads
    def test(self, handle: str, command: Sequence[str], seconds: float, variables: Sequence[str] = ()) -> TestRun:  # noqa: ARG002 # a container has all of them
        """Run `command` in a container of the image, without a network or a right to more; `IMAGE_ROOT` is empty there.

        At the time limit the container is removed and the exit code is 124. `BotError` if it cannot be started.
        """
        with _translated("test"):
            container = self._client.containers.create(
                handle,
                entrypoint=list(command),
                network_mode="none",
                environment={"IMAGE_ROOT": ""},
                # Whoever set a proxy here may have written a password into its URL.
                use_config_proxy=False,
                security_opt=["no-new-privileges"],
                cap_drop=["ALL"],
                cap_add=_RIGHTS,
                pids_limit=_MOST_PROCESSES,
            )
            try:
                return _run(container, command, seconds)
            finally:
                container.remove(force=True, v=True)

    def push(self, handle: str, target: Reference) -> str:
        """Push under the target's tag; returns the digest that both the engine and the registry name."""
        name = str(target.repository)
        with _translated("push"):
            self._client.api.tag(handle, name, target.tag)
            pushed = ""
            for event in self._client.api.push(name, tag=target.tag, stream=True, decode=True):
                if "error" in event:
                    raise _refused_push(target, str(event["error"]))
                pushed = str((event.get("aux") or {}).get("Digest") or pushed)
        found = self._registry.digest(target)
        if not pushed or found != pushed:
            why = f"the engine pushed {pushed or 'nothing'}, and the tag names {found or 'nothing'}"
            raise Unavailable(f"{target}: {why}", fix="run it again", reason_code="digest_mismatch")
        return pushed

    @reads
    def discard(self, handle: str) -> None:
        """Remove the image and its tags from the engine; one that is gone is no error."""
        with _translated("discard"), contextlib.suppress(ImageNotFound):
            self._client.images.remove(handle, force=True)

    @property
    def _client(self) -> docker.DockerClient:
        if self._made is None:
            self._made = docker.from_env(timeout=_SECONDS)
        return self._made

    def _have_base(self, order: BuildOrder) -> None:
        """Pull the base by digest unless the engine has it for this platform."""
        with contextlib.suppress(ImageNotFound):
            attributes = self._client.images.get(pinned(order)).attrs
            if [attributes.get("Os"), attributes.get("Architecture")] == order.platform.split("/")[:2]:
                return
        try:
            name, digest = str(order.base.repository), order.base.digest
            events = self._client.api.pull(name, tag=digest, stream=True, decode=True, platform=order.platform)
            failed = next((str(event["error"]) for event in events if "error" in event), None)
        except APIError as error:
            raise _no_base(order, str(error.explanation or "")) from error
        if failed:
            raise _no_base(order, failed)


def _arguments(context: Context, order: BuildOrder) -> dict[str, str]:
    """The build arguments that the Dockerfile declares; an engine warns of others."""
    steps = (step for step in context.dockerfile.instructions if step.name == "ARG")
    names = {name for step in steps for name, _ in declared(step.args)}
    return {name: value for name, value in given_args(order).items() if name in names}


def _image_id(events: Iterator[dict[str, Any]], dockerfile: str) -> str:
    log, image = "", ""
    for event in events:
        log = (log + str(event.get("stream") or ""))[-TAIL:]
        if "error" in event:
            message = printable(f"{dockerfile}: the build failed: {event['error']}\n{log.rstrip()}")
            raise BotError(message, fix="correct the Dockerfile or what it runs", reason_code="build_failed")
        image = str((event.get("aux") or {}).get("ID") or image)
    if not image:
        raise Unavailable(f"{dockerfile}: the engine ended the build without an image")
    return image


def _run(container: Container, command: Sequence[str], seconds: float) -> TestRun:
    try:
        container.start()
    except APIError as error:
        raise BotError(
            f"the test command {command[0] if command else ''!r} could not be started in the image",
            fix="name a program that the image has",
            reason_code="test_not_runnable",
        ) from error
    try:
        code, note = int(container.wait(timeout=seconds)["StatusCode"]), ""
    except (requests.ReadTimeout, requests.ConnectionError):
        with contextlib.suppress(APIError):  # it may have ended just now
            container.kill()
        code, note = TIMED_OUT, f"\n(killed after {seconds:g} seconds)"
    return TestRun(code, tail(container.logs(tail=1000)) + note)


def _no_base(order: BuildOrder, failure: str) -> BotError:
    said = failure.lower()
    if any(word in said for word in _DENIED):
        fix = "log in with `docker login`, or check `base` of this image in gitops.yaml"
        return Unauthorised(f"the engine may not pull the base {pinned(order)}", fix=fix)
    if any(word in said for word in _ABSENT):
        fix = "check `base` of this image in gitops.yaml; was the image deleted from its registry?"
        return NotFound(f"the base {pinned(order)} is not there", fix=fix, reason_code="base_not_found")
    return Unavailable(f"the engine could not pull the base {pinned(order)}", fix="see the engine's log; run it again")


def _refused_push(target: Reference, said: str) -> BotError:
    if any(word in said.lower() for word in _DENIED):
        fix = "log in with `docker login` as one who may push there"
        return Unauthorised(f"the registry refused the push of {target}", fix=fix)
    return Unavailable(f"the push of {target} failed: {printable(said[:500])}", fix="run it again")


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """The engine's failures in our words; what it said of its own is kept, up to 500 characters."""
    try:
        yield
    except APIError as error:
        said = printable(str(error.explanation or error)[:500])
        if "parse error" in said.lower():
            fix = "correct the Dockerfile in the artifact repository"
            raise Refused(said, fix=fix, reason_code="dockerfile_invalid") from error
        if error.is_server_error():
            raise Unavailable(f"the Docker Engine could not {what}: {said}", fix="see the engine's log") from error
        raise BotError(f"the Docker Engine refused to {what}: {said}", reason_code=f"{what}_failed") from error
    except (DockerException, requests.RequestException) as error:
        fix = "start it, or set DOCKER_HOST; GITOPS_BOT_BUILDER=assemble needs none for a Dockerfile without RUN"
        raise Unavailable("the Docker Engine does not answer", fix=fix, reason_code="engine_unavailable") from error

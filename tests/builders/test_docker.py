"""A real engine and a real registry: `docker` builds, and `assemble` makes the very same image."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import tarfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from docker.errors import ImageNotFound

from bot.builders.assemble import AssembleBuilder
from bot.builders.docker import DockerBuilder
from bot.core.errors import BotError, NotFound, Refused, Unavailable
from bot.core.references import Reference, parse
from bot.registries.oci import OciRegistry
from tests.builders.images import Seen, file, folder, layer, link, paths
from tests.builders.source import order, source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import DockerClient

    from bot.core.models import BuildOrder
    from bot.ports import Registry

pytestmark = [pytest.mark.docker, pytest.mark.registry]

HOME = "/home/wso2carbon"
SERVER = f"{HOME}/wso2mi-4.2.0"
FROM = "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n"
WSO2 = (
    FROM
    + """\
COPY *.car ${WSO2_SERVER_HOME}/repository/deployment/server/carbonapps/
COPY --chown=wso2carbon:wso2 conf/ ${WSO2_SERVER_HOME}/conf/
"""
)
# What a container has of its own, whatever its image.
OF_A_CONTAINER = re.compile(r"(dev|proc|sys)(/.*)?|\.dockerenv|etc/(hosts|hostname|resolv\.conf|mtab)")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return OciRegistry()


@pytest.fixture(scope="module")
def base(engine: DockerClient, registry_host: str, registry: Registry) -> Iterator[Reference]:
    """A base with a shell, WSO2's account and folders, a linked directory, and a deletion in an upper layer."""
    own = uuid.uuid4().hex  # tests that run at the same time share one engine
    name, userland = parse(f"{registry_host}/{own}/wso2mi:4.2.0"), f"{registry_host}/{own}/userland"
    lines = [
        f"FROM {userland}:1",
        f"ENV WSO2_SERVER_HOME={SERVER}",
        "RUN rm /gone/file && echo old > /kept",
        f"WORKDIR {HOME}",
        "USER wso2carbon",
        "LABEL maintainer=base",
        "EXPOSE 8290",
        'ENTRYPOINT ["/bin/sh", "-c"]',
        'CMD ["cat /kept"]',
    ]
    try:
        engine.api.import_image_from_data(_userland(), repository=userland, tag="1")
        engine.images.build(fileobj=io.BytesIO("\n".join(lines).encode()), tag=str(name), rm=True, forcerm=True)
        engine.api.push(str(name.repository), tag=name.tag)
        yield name.with_digest(registry.digest(name) or "")
    finally:
        for image in (str(name), f"{userland}:1"):
            with contextlib.suppress(ImageNotFound):
                engine.images.remove(image, force=True)


def _userland() -> bytes:
    programs = [Path(f"/bin/{name}") for name in ("sh", "cat", "rm", "sleep")]
    found = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=True).stdout
    libraries = {Path(path) for path in re.findall(r"(/\S+) \(0x", found)}
    members = [
        folder("etc"),
        file("etc/passwd", f"root:x:0:0::/root:/bin/sh\nwso2carbon:x:802:802::{HOME}:/bin/sh\n"),
        file("etc/group", "root:x:0:\nwso2:x:802:\n"),
        folder("gone"),
        file("gone/file"),
        folder("home"),
        folder(HOME[1:], 0o750, 802, 802),
        folder(SERVER[1:], 0o770, 802, 802),
        folder(f"{SERVER}/conf"[1:], 0o700, 802, 802),
        file(f"{SERVER}/conf/deployment.toml"[1:], "base", 0o600, 802, 802),
        folder(f"{SERVER}/conf/sub"[1:], 0o711, 802, 802),
        link("srv", SERVER),
        link("home/short", "wso2carbon/wso2mi-4.2.0"),
    ]
    folders = {str(parent)[1:] for path in (*programs, *libraries) for parent in path.parents if str(parent) != "/"}
    members += [folder(path) for path in sorted(folders)]
    members += [file(str(path)[1:], path.read_bytes().decode("latin-1"), 0o755) for path in (*programs, *libraries)]
    return layer(*members)


@pytest.fixture
def docker(registry: Registry) -> DockerBuilder:
    return DockerBuilder(registry)


FILES: dict[str, str | tuple[str, bytes]] = {
    "a.car": "A",
    "b.car": "B",
    "conf/deployment.toml": "new",
    "conf/sub/x": "x",
    "conf/run.sh": ("100755", b"#!/bin/sh\n"),
    "Dockerfile.not": "",
}
SAME = {
    "like WSO2's": WSO2,
    "links and names": FROM + "COPY a.car /srv/conf/\nCOPY b.car /home/short/b\nCOPY conf /srv\n",
    "owners": FROM + "COPY --chown=802 a.car /new/x/\nCOPY --chown=7:8 conf /new/y\nCOPY . /all\n",
    "an entry point": FROM + 'ENTRYPOINT ["/bin/cat", "/home/wso2carbon/x"]\nCOPY a.car x\n',
    "the shell form": FROM + "CMD nothing\nENTRYPOINT exec cat   /kept\n",
    "settings": FROM
    + """\
ARG VERSION=1
ARG GIVEN
ENV APP_VERSION=${VERSION} GIVEN_TO=$GIVEN
ENV TWO="a b" THREE=$APP_VERSION
LABEL version=$VERSION "with space"="yes no"
USER root
WORKDIR made/here
COPY a.car b.car ./
USER 802:802
EXPOSE 9000 9001-9002/udp
CMD ["cat a.car b.car; echo $GIVEN_TO"]
""",
}


@pytest.mark.parametrize("dockerfile", SAME.values(), ids=SAME.keys())
def test_both_builders_make_the_same_image(
    dockerfile: str, base: Reference, docker: DockerBuilder, engine: DockerClient, registry: Registry, tmp_path: Path
) -> None:
    wanted = order(base, args={"GIVEN": "by order"})
    files = {**FILES, "Dockerfile": dockerfile, ".dockerignore": "*.not\nDockerfile\n"}
    one, other = docker, AssembleBuilder(registry, tmp_path / "work")
    seen = []
    for builder, tag in ((one, "docker"), (other, "assemble")):
        handle = builder.build(wanted, source(files))
        target = wanted.target.with_tag(tag)
        assert builder.push(handle, target) == registry.digest(target)
        builder.discard(handle)
        seen.append(_pulled(engine, target))
    assert "kept" in seen[0][1]
    assert seen[1][0] == seen[0][0]
    assert seen[1][1] == seen[0][1]
    assert seen[1][2] == seen[0][2]


def test_an_engine_keeps_a_link_of_the_context(base: Reference, docker: DockerBuilder, engine: DockerClient) -> None:
    wanted = order(base)
    lines = FROM + "COPY conf /made/\n"
    files: dict[str, str | tuple[str, bytes]] = {"Dockerfile": lines, "conf/x": "x", "conf/way": ("120000", b"x")}
    handle = docker.build(wanted, source(files))
    docker.push(handle, wanted.target)
    docker.discard(handle)
    _, seen, _ = _pulled(engine, wanted.target)
    assert (seen["made/way"].kind, seen["made/way"].content) == ("l", "x")


def _pulled(engine: DockerClient, target: Reference) -> tuple[dict[str, Any], dict[str, Seen], bytes]:
    """An image as the engine sees it: its configuration, all its files, and what it prints when it runs."""
    image = engine.images.pull(str(target.repository), tag=target.tag)
    container = engine.containers.create(image)
    try:
        with tarfile.open(fileobj=io.BytesIO(_bytes(container.export()))) as tar:
            files = {path: seen for path, seen in paths(tar).items() if not OF_A_CONTAINER.fullmatch(path)}
        container.start()
        container.wait(timeout=60)
        printed = container.logs()
    finally:
        container.remove(force=True)
        engine.images.remove(str(image.id), force=True)
    keys = ("Env", "User", "WorkingDir", "Entrypoint", "Cmd", "ExposedPorts", "Labels")
    return {key: image.attrs["Config"].get(key) or None for key in keys}, files, printed


def _bytes(chunks: Any) -> bytes:
    return b"".join(chunks)


def built(docker: DockerBuilder, wanted: BuildOrder, dockerfile: str, files: Mapping[str, str] | None = None) -> str:
    return docker.build(wanted, source({"Dockerfile": dockerfile, **(files or {})}))


def test_a_base_by_name_is_built_on_its_digest(base: Reference, docker: DockerBuilder, engine: DockerClient) -> None:
    wanted = order(base)
    engine.images.remove(wanted.base_name, force=True)
    try:
        docker.discard(built(docker, wanted, f"FROM {wanted.base_name}\nCOPY x /\n", {"x": ""}))
    finally:
        engine.images.pull(str(base)).tag(wanted.base_name)


def test_the_test_command_runs_in_the_image(base: Reference, docker: DockerBuilder) -> None:
    handle = built(docker, order(base), WSO2, {"a.car": "A", "conf/x": "x"})
    try:
        script = 'cat "$IMAGE_ROOT/srv/conf/x" "$IMAGE_ROOT"/kept; exit 3'
        assert docker.test(handle, ["sh", "-c", script], 60) == (3, "xold\n")
        assert docker.test(handle, ["sh", "-c", "echo begun; sleep 60"], 3).exit_code == 124
        with pytest.raises(BotError) as caught:
            docker.test(handle, ["no-such-program"], 60)
        assert caught.value.reason_code == "test_not_runnable"
    finally:
        docker.discard(handle)
        docker.discard(handle)


def test_a_test_in_the_image_has_few_rights_no_network_and_nothing_of_the_bots(
    base: Reference, docker: DockerBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = "http://someone:very-secret@proxy.example.com"
    (tmp_path / "config.json").write_text(json.dumps({"proxies": {"default": {"httpProxy": proxy}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("GITOPS_BOT_GIT_TOKEN", "very-secret")
    handle = built(docker, order(base), FROM + "USER root\nCMD nothing\n")
    try:
        seen = docker.test(handle, ["cat", "/proc/self/status", "/proc/self/environ", "/proc/net/dev"], 60).output
    finally:
        docker.discard(handle)
    # https://man7.org/linux/man-pages/man7/capabilities.7.html: CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5, SETGID 6,
    # SETUID 7, NET_BIND_SERVICE 10.
    assert "CapBnd:\t00000000000004eb" in seen
    assert "NoNewPrivs:\t1" in seen
    assert "very-secret" not in seen
    assert "eth0" not in seen


def test_a_test_leaves_no_container(base: Reference, docker: DockerBuilder, engine: DockerClient) -> None:
    handle = built(docker, order(base), FROM + "CMD nothing is left\n")
    docker.test(handle, ["sh", "-c", "true"], 60)
    assert not engine.containers.list(all=True, filters={"ancestor": handle})
    docker.discard(handle)


def test_a_build_that_fails_shows_the_end_of_its_log(base: Reference, docker: DockerBuilder) -> None:
    with pytest.raises(BotError) as caught:
        built(docker, order(base), FROM + "RUN echo on the way && exit 7\n")
    assert caught.value.reason_code == "build_failed"
    assert "Dockerfile: the build failed" in caught.value.message
    assert "on the way" in caught.value.message


def test_a_dockerfile_that_the_engine_cannot_parse_is_refused(base: Reference, docker: DockerBuilder) -> None:
    with pytest.raises(Refused) as caught:
        built(docker, order(base), FROM + "COPY a\n")
    assert caught.value.reason_code == "dockerfile_invalid"
    assert "line 3" in caught.value.message


def test_a_dockerfile_that_cannot_be_parsed_is_refused(base: Reference, docker: DockerBuilder) -> None:
    with pytest.raises(Refused, match="Dockerfile:3"):
        built(docker, order(base), FROM + "RUM x\n")


def test_a_base_that_is_gone_is_not_found(base: Reference, docker: DockerBuilder) -> None:
    gone = base.with_digest(f"sha256:{'0' * 64}")
    with pytest.raises(NotFound) as caught:
        built(docker, order(gone), FROM)
    assert caught.value.reason_code == "base_not_found"


def test_a_push_to_nowhere_is_unavailable(base: Reference, docker: DockerBuilder) -> None:
    handle = built(docker, order(base), FROM + "CMD x\n")
    with pytest.raises(Unavailable):
        docker.push(handle, parse("127.0.0.1:1/team/app:1"))
    docker.discard(handle)


def test_an_engine_that_is_not_there_is_said_so(
    base: Reference, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(Unavailable) as caught:
        built(DockerBuilder(registry), order(base), FROM)
    assert caught.value.reason_code == "engine_unavailable"
    assert "DOCKER_HOST" in caught.value.fix

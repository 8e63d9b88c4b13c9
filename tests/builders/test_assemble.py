"""What `assemble` makes of each instruction, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bot.builders.assemble import AssembleBuilder
from bot.core.errors import NotFound, Refused
from bot.core.references import parse
from bot.ports import Manifest
from tests.builders.conftest import HOME, LOWER, SERVER, SETTINGS, UPPER
from tests.builders.images import DOCKER, Seen, publish
from tests.builders.source import order, source

if TYPE_CHECKING:
    from pathlib import Path

    from bot.core.references import Reference
    from tests.builders.conftest import Workshop

CARBONAPPS = f"{SERVER}/repository/deployment/server/carbonapps"
ABOVE = {
    "home": Seen("d", 0o755, 0, 0),
    HOME: Seen("d", 0o750, 802, 802),
    SERVER: Seen("d", 0o770, 802, 802),
}
CONF = {**ABOVE, f"{SERVER}/conf": Seen("d", 0o700, 802, 802)}


def new(mode: int = 0o755, uid: int = 0, gid: int = 0) -> Seen:
    return Seen("d", mode, uid, gid)


def text(content: str, uid: int = 0, gid: int = 0, mode: int = 0o644) -> Seen:
    return Seen("f", mode, uid, gid, content)


COPIES: dict[str, tuple[str, dict[str, Seen]]] = {
    "wildcards go into new directories": (
        "COPY *.car ${WSO2_SERVER_HOME}/repository/deployment/server/carbonapps/",
        {
            **ABOVE,
            f"{SERVER}/repository": new(),
            f"{SERVER}/repository/deployment": new(),
            f"{SERVER}/repository/deployment/server": new(),
            CARBONAPPS: new(),
            f"{CARBONAPPS}/a.car": text("A"),
            f"{CARBONAPPS}/b.car": text("B"),
        },
    ),
    "a directory's content goes into an existing directory, owners by name": (
        "COPY --chown=wso2carbon:wso2 conf/ ${WSO2_SERVER_HOME}/conf/",
        {
            **CONF,
            f"{SERVER}/conf/deployment.toml": text("new", 802, 802),
            f"{SERVER}/conf/sub": new(0o755, 802, 802),
            f"{SERVER}/conf/sub/x": text("x", 802, 802),
        },
    ),
    "owners by number": ("COPY --chown=7:8 a.car /home/", {"home": new(), "home/a.car": text("A", 7, 8)}),
    "an owner without a group": (
        "COPY --chown=wso2carbon a.car /home/",
        {"home": new(), "home/a.car": text("A", 802, 802)},
    ),
    "a number without a group": ("COPY --chown=7 a.car /home/", {"home": new(), "home/a.car": text("A", 7, 7)}),
    "a name for the file": ("COPY a.car /home/b", {"home": new(), "home/b": text("A")}),
    "a directory without a slash": ("COPY a.car /home", {"home": new(), "home/a.car": text("A")}),
    "the root": ("COPY a.car /", {"a.car": text("A")}),
    "the working directory": ("COPY a.car .", {**dict(list(ABOVE.items())[:2]), f"{HOME}/a.car": text("A")}),
    "a link to a directory is followed": ("COPY a.car /srv/conf/", {**CONF, f"{SERVER}/conf/a.car": text("A")}),
    "a relative link is followed": ("COPY a.car /top/data/a", {"home": new(), "home/a": text("A")}),
    "a link at the end is followed": ("COPY a.car /top/data", {"home": new(), "home/a.car": text("A")}),
    "a deleted directory is made anew": ("COPY a.car /gone/", {"gone": new(), "gone/a.car": text("A")}),
    "a link under the file's own name is replaced": (
        "COPY a.car /top/plain/../",
        {"top": new(), "top/a.car": text("A")},
    ),
    "new directories belong to the owner": (
        "COPY --chown=7:8 a.car /home/x/y/",
        {"home": new(), "home/x": new(0o755, 7, 8), "home/x/y": new(0o755, 7, 8), "home/x/y/a.car": text("A", 7, 8)},
    ),
    "arguments and the base's environment": (
        "ARG NAME=a\nARG FULL=${NAME}.car\nCOPY ${FULL} $WSO2_SERVER_HOME/${MISSING:-conf}/",
        {**CONF, f"{SERVER}/conf/a.car": text("A")},
    ),
    "the JSON form": ('COPY ["a.car", "/home/a b"]', {"home": new(), "home/a b": text("A")}),
    "a question mark": ("COPY ?.car /home/", {"home": new(), "home/a.car": text("A"), "home/b.car": text("B")}),
    "a new working directory": (
        "WORKDIR x/y",
        {**dict(list(ABOVE.items())[:2]), f"{HOME}/x": new(), f"{HOME}/x/y": new()},
    ),
}


@pytest.mark.parametrize(("lines", "expected"), COPIES.values(), ids=COPIES.keys())
def test_copy_writes_exactly_these_paths(workshop: Workshop, lines: str, expected: dict[str, Seen]) -> None:
    lines = f"USER root\n{lines}" if "WORKDIR" in lines else lines
    image = workshop.build(lines)
    assert image.layers[2:] == [expected]


def test_the_whole_context_is_copied_without_what_is_ignored(workshop: Workshop) -> None:
    image = workshop.build("COPY . /all", context={".dockerignore": "*.car\n!b.car\nDockerfile\n", "c/d.car": "D"})
    found = {path for path, seen in image.layers[2].items() if seen.kind == "f"}
    assert found == {
        f"all/{name}" for name in ("b.car", "c/d.car", "conf/deployment.toml", "conf/sub/x", ".dockerignore")
    }


def test_a_dockerignore_beside_the_dockerfile_comes_first(workshop: Workshop) -> None:
    files = {".dockerignore": "a.car", "Dockerfile.dockerignore": "*\n!a.car", "a.car": "A", "b.car": "B"}
    image = workshop.image({**files, "Dockerfile": "FROM registry.example/wso2/mi:4.2.0\nCOPY . /all/"})
    assert {path for path, seen in image.layers[2].items() if seen.kind == "f"} == {"all/a.car"}


def test_an_executable_stays_executable(workshop: Workshop) -> None:
    files: dict[str, str | tuple[str, bytes]] = {"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY run /"}
    files |= {"run": ("100755", b"#!/bin/sh\n")}
    assert workshop.image(files).layers[2] == {"run": text("#!/bin/sh\n", mode=0o755)}


def test_a_later_copy_sees_what_an_earlier_one_made(workshop: Workshop) -> None:
    image = workshop.build("COPY --chown=7:7 a.car /made/\nCOPY b.car /made")
    assert image.layers[3] == {"made": new(0o755, 7, 7), "made/b.car": text("B")}


SETTINGS_TABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "ENV is added and replaced in place": (
        'ENV A=1 B="two words"\nENV PATH=/x:$PATH\nENV OLD form of it',
        {"Env": ["PATH=/x:/usr/bin:/bin", f"WSO2_SERVER_HOME=/{SERVER}", "A=1", "B=two words", "OLD=form of it"]},
    ),
    "one ENV line sees what was before it": ("ENV A=1\nENV A=2 B=$A", {"Env": [*SETTINGS["Env"], "A=2", "B=1"]}),
    "an ARG becomes an ENV of its name": ("ARG V=1\nENV V=${V}", {"Env": [*SETTINGS["Env"], "V=1"]}),
    "LABEL is added to the base's": ('LABEL a=1 maintainer="me too"', {"Labels": {"maintainer": "me too", "a": "1"}}),
    "WORKDIR is joined": ("WORKDIR wso2mi-4.2.0/./conf/", {"WorkingDir": f"/{SERVER}/conf"}),
    "USER": ("ARG U=7\nUSER ${U}:8", {"User": "7:8"}),
    "EXPOSE adds ports and ranges": (
        "EXPOSE 80 90-91/udp",
        {"ExposedPorts": {"8290/tcp": {}, "80/tcp": {}, "90/udp": {}, "91/udp": {}}},
    ),
    "CMD in JSON": ('CMD ["a", "$B"]', {"Cmd": ["a", "$B"]}),
    "CMD of the shell": ("CMD a  $B", {"Cmd": ["/bin/sh", "-c", "a  $B"]}),
    "ENTRYPOINT resets the base's CMD": ('ENTRYPOINT ["e"]', {"Entrypoint": ["e"], "Cmd": None}),
    "ENTRYPOINT keeps a CMD of this Dockerfile": (
        'CMD ["c"]\nENTRYPOINT e',
        {"Entrypoint": ["/bin/sh", "-c", "e"], "Cmd": ["c"]},
    ),
}


@pytest.mark.parametrize(("lines", "changed"), SETTINGS_TABLE.values(), ids=SETTINGS_TABLE.keys())
def test_the_configuration_changes_in_these_fields_only(
    workshop: Workshop, lines: str, changed: dict[str, Any]
) -> None:
    image = workshop.build(lines)
    expected = {**SETTINGS, **changed}
    expected["Labels"] = {**expected["Labels"], "org.opencontainers.image.revision": order(workshop.base).commit}
    del expected["Hostname"]
    assert image.config["config"] == {key: value for key, value in expected.items() if value is not None}
    assert image.layers[2:] == []


def test_unknown_fields_of_the_base_are_kept_and_a_containers_are_dropped(workshop: Workshop) -> None:
    config = workshop.build("COPY a.car /home/\nUSER 7").config
    assert config["variant_of_no_one"] == {"kept": True}
    assert "container" not in config
    assert config["created"] == "2024-05-06T07:08:09Z"
    assert [(line["created_by"], line.get("empty_layer", False)) for line in config["history"]] == [
        ("made by hand", False),
        ("made by hand", False),
        ("COPY a.car /home/", False),
        ("USER 7", True),
    ]


REFUSED = {
    "RUN true": "needs an engine",
    "ADD a.car /": "needs an engine",
    "VOLUME /data": "needs an engine",
    "FROM $BASE_IMAGE": "several stages",
    "COPY --from=x a /": "only one --chown",
    "COPY --chmod=755 a.car /": "only one --chown",
    "COPY --link a.car /": "only one --chown",
    "COPY <<EOF /x\nhello\nEOF": "here-document",
    "COPY missing /": "not in the build context",
    "COPY *.none /": "not in the build context",
    "COPY ../a.car /": "`..`",
    "COPY [ab].car /": "brackets",
    'COPY "a.car" /': "JSON form",
    "COPY a.car b.car /home": "several sources",
    "COPY *.car /home": "several sources",
    "COPY a.car/ /home/": "not a directory",
    "COPY a.car /loop/": "loop",
    "COPY a.car /top/plain": "symbolic link to something",
    "COPY a.car /shared/new/": "setgid",
    "COPY a.car /unlisted/deep/": "does not say",
    "COPY a.car /etc/passwd/": "not a directory",
    "COPY conf /etc/passwd": "not a directory",
    "COPY conf/deployment.toml /home/wso2carbon/wso2mi-4.2.0/conf/deployment.toml/": "not a directory",
    "COPY a.car /home/.wh.x": "deletions",
    "COPY --chown=nobody a.car /": "'nobody' is not in /etc/passwd",
    "COPY --chown=root:nobody a.car /": "'nobody' is not in /etc/group",
    "COPY --chown=odd a.car /": "engines differ on the group",
    "COPY --chown=7:8 conf /new/deep/": "engines differ on who owns",
    "WORKDIR /new": "engines differ on who owns",
    "ENV A=1\nARG A": "also in ENV",
    "ARG TARGETARCH": "engines treat differently",
    "EXPOSE 0": "not a port",
    "EXPOSE http": "not a port",
    "USER $NOTHING": "empty",
    "# a comment\n\nRUN true": "needs an engine",
}


@pytest.mark.parametrize(("lines", "why"), REFUSED.items(), ids=REFUSED.keys())
def test_what_needs_an_engine_is_refused_with_line_and_reason(workshop: Workshop, lines: str, why: str) -> None:
    with pytest.raises(Refused) as caught:
        workshop.build(lines)
    last = 3 + lines.partition("\nhello")[0].count("\n")
    assert caught.value.reason_code == "dockerfile_unsupported"
    assert caught.value.message.startswith(f"Dockerfile:{last}: ")
    assert why in caught.value.message
    assert "GITOPS_BOT_BUILDER=docker" in caught.value.fix
    assert workshop.registry.digest(order(workshop.base).target) is None


def test_a_link_in_the_context_is_copied_by_an_engine_only(workshop: Workshop) -> None:
    for word in ("way", "conf/"):
        with pytest.raises(Refused) as caught:
            workshop.build(f"COPY {word} /x/", context={"way": ("120000", b"a"), "conf/way": ("120000", b"../a")})
        assert caught.value.reason_code == "dockerfile_unsupported"
        assert "is a symbolic link" in caught.value.message


def test_a_foreign_frontend_is_refused(workshop: Workshop) -> None:
    files = {"Dockerfile": "# escape=`\n# syntax=example/other:1\nFROM registry.example/wso2/mi:4.2.0\n"}
    with pytest.raises(Refused, match="Dockerfile:2: # syntax: another frontend"):
        workshop.image(files)


def test_the_usual_frontend_is_not(workshop: Workshop) -> None:
    files = {"Dockerfile": "# syntax=docker/dockerfile:1\nFROM registry.example/wso2/mi:4.2.0\nCOPY x /\n", "x": ""}
    assert set(workshop.image(files).layers[2]) == {"x"}


BASES: dict[str, tuple[dict[str, Any], str]] = {
    "ONBUILD": ({"settings": {"OnBuild": ["RUN true"]}}, "ONBUILD"),
    "another platform": ({"architecture": "arm64"}, "linux/arm64"),
    "a history that does not fit": ({"history": [{"created_by": "x"}]}, "history"),
    "layers that do not fit": ({"rootfs": {"type": "layers", "diff_ids": []}}, "layers"),
    "no rootfs": ({"rootfs": None}, "malformed"),
    "an environment that is none": ({"settings": {"Env": ["PATH"]}}, "Env is malformed"),
    "settings of another type": ({"settings": {"WorkingDir": ["/"]}}, "WorkingDir is malformed"),
}


@pytest.mark.parametrize(("change", "why"), BASES.values(), ids=BASES.keys())
def test_a_base_that_is_not_understood_is_refused(workshop: Workshop, change: dict[str, Any], why: str) -> None:
    settings = change.pop("settings", SETTINGS)
    base = publish(workshop.registry, parse("registry.example/odd:1"), [LOWER, UPPER], settings, **change)
    with pytest.raises(Refused, match=why) as caught:
        workshop.builder.build(order(base), source({"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"}))
    assert caught.value.reason_code == "base_unsupported"


def test_a_layer_that_is_none_is_refused(workshop: Workshop) -> None:
    base = publish(workshop.registry, parse("registry.example/odd:2"), [b"not a tar" * 500], {})
    with pytest.raises(Refused, match="cannot be used as a layer"):
        workshop.builder.build(order(base), source({"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"}))


def test_too_many_layers_are_refused(workshop: Workshop) -> None:
    base = publish(workshop.registry, parse("registry.example/odd:6"), [LOWER] * 120, {})
    builder = workshop._replace(base=base)
    builder.build("USER 1")
    with pytest.raises(Refused, match="more than 120 layers"):
        builder.build("COPY a.car /")


def test_a_layers_digest_is_never_used_as_a_path(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "x.index").write_bytes(b"not to be read")
    manifest = json.loads(workshop.registry.manifest(workshop.base).body)  # type: ignore[union-attr]  # it is there
    manifest["layers"][0]["digest"] = "../../x"
    with pytest.raises(Refused, match="no digest or size"):
        AssembleBuilder(_Answering(workshop.registry, manifest), tmp_path / "work").build(
            order(workshop.base), source({"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"})
        )


class _Answering:
    """A registry that answers every question for a manifest with one of its own."""

    def __init__(self, registry: Any, manifest: dict[str, Any]) -> None:
        self._registry, self._manifest = registry, manifest

    def manifest(self, reference: Reference) -> Manifest:
        return Manifest(self._manifest["mediaType"], reference.version, json.dumps(self._manifest).encode())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)


def test_a_base_that_is_gone_is_not_found(workshop: Workshop) -> None:
    base = workshop.base.with_digest(f"sha256:{'0' * 64}")
    with pytest.raises(NotFound) as caught:
        workshop.builder.build(order(base), source({"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"}))
    assert caught.value.reason_code == "base_not_found"


@pytest.mark.parametrize("kind", [DOCKER, "application/vnd.oci.image.manifest.v1+json"])
def test_the_manifest_stays_in_the_bases_family(workshop: Workshop, kind: str) -> None:
    base = publish(workshop.registry, parse("registry.example/family:1"), [LOWER, UPPER], SETTINGS, kind)
    image = workshop._replace(base=base).build("COPY a.car /home/")
    assert image.manifest["mediaType"] == kind
    assert len({one["mediaType"] for one in image.manifest["layers"]}) == 1


def test_the_same_inputs_give_the_same_digest(workshop: Workshop, tmp_path: Path) -> None:
    dockerfile = "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY . /home/all/\nENV A=1\n"
    files = {"Dockerfile": dockerfile, "ü/" + "long" * 60: "x", "b": "y"}
    found = set()
    for number in range(2):
        builder = AssembleBuilder(workshop.registry, tmp_path / f"work-{number}")
        wanted = order(workshop.base)
        found.add(builder.push(builder.build(wanted, source(files)), wanted.target))
    assert len(found) == 1


def test_a_damaged_index_is_read_anew(workshop: Workshop, tmp_path: Path) -> None:
    before = workshop.build("COPY a.car /srv/conf/").manifest
    indexes = list((tmp_path / "work" / "layers").iterdir())
    assert len(indexes) == 2
    for index in indexes:
        index.write_bytes(index.read_bytes()[:-3] + b"???")
    assert workshop.build("COPY a.car /srv/conf/").manifest == before


def test_an_index_is_not_read_from_the_registry_twice(workshop: Workshop, tmp_path: Path) -> None:
    before = workshop.build("COPY a.car /srv/conf/").manifest
    work = AssembleBuilder(_WithoutLayers(workshop.registry, before), tmp_path / "work")
    wanted = order(workshop.base)
    files = {"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY a.car /srv/conf/\n", "a.car": "A"}
    assert work.build(wanted, source(files))


class _WithoutLayers:
    """A registry that lost its layers."""

    def __init__(self, registry: Any, manifest: dict[str, Any]) -> None:
        self._registry, self._layers = registry, {one["digest"] for one in manifest["layers"]}

    def open_blob(self, repository: Any, digest: str) -> Any:
        assert digest not in self._layers
        return self._registry.open_blob(repository, digest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)


def test_a_base_of_another_registry_is_copied(workshop: Workshop) -> None:
    target = parse("other.example/team/app:1")
    handle = workshop.builder.build(
        order(workshop.base), source({"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY x /\n", "x": ""})
    )
    assert workshop.builder.push(handle, target) == workshop.registry.digest(target)


def test_a_discarded_image_leaves_only_indexes(workshop: Workshop, tmp_path: Path) -> None:
    handle = workshop.builder.build(
        order(workshop.base), source({"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY x /\n", "x": ""})
    )
    workshop.builder.discard(handle)
    workshop.builder.discard(handle)
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["layers"]

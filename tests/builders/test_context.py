"""The build context is a tar with the tree of one commit and nothing of this machine."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from bot.builders.context import open_context
from bot.core.errors import NotFound, Refused
from bot.core.references import parse
from tests.builders.source import WHEN, order, source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.builders.context import Context

BASE = parse(f"registry.example/wso2/mi@sha256:{'a' * 64}")
FROM = "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"


def made(files: Mapping[str, str | tuple[str, bytes]], **changes: str) -> Context:
    return open_context(order(BASE, **changes), source(files))


def members(context: Context) -> dict[str, tarfile.TarInfo]:
    with context.archive, tarfile.open(fileobj=context.archive) as tar:
        return {member.name: member for member in tar}


def content(context: Context, name: str) -> str:
    with context.archive, tarfile.open(fileobj=context.archive) as tar:
        file = tar.extractfile(name)
        assert file
        return file.read().decode()


def test_modes_and_time_come_from_git_and_nobody_owns_a_file() -> None:
    found = members(made({"Dockerfile": FROM, "bin/run": ("100755", b"x"), "bin/data": "y"}))
    assert [(name, member.mode) for name, member in found.items()] == [
        ("bin", 0o755), ("Dockerfile", 0o644), ("bin/data", 0o644), ("bin/run", 0o755)
    ]  # fmt: skip
    assert {member.mtime for member in found.values()} == {int(WHEN.timestamp())}
    assert {(member.uid, member.gid, member.uname, member.gname) for member in found.values()} == {(0, 0, "", "")}


def test_only_the_contexts_folder_is_in_it() -> None:
    files = {"app/Dockerfile": FROM, "app/x": "", "application/y": "", "z": ""}
    assert set(members(made(files, context="app"))) == {"Dockerfile", "x"}


def test_submodules_are_left_out() -> None:
    files: dict[str, str | tuple[str, bytes]] = {"Dockerfile": FROM, "vendor": ("160000", b"")}
    assert set(members(made(files))) == {"Dockerfile"}


def test_an_ignored_dockerfile_is_there_for_the_engine_and_hidden_from_copy() -> None:
    context = made({"Dockerfile": FROM, ".dockerignore": "*\n!x", "x": "", "y": ""})
    assert context.hidden == {"Dockerfile", ".dockerignore"}
    assert content(context, ".dockerignore") == "Dockerfile\n.dockerignore\n"


def test_a_base_by_name_is_pinned_in_the_context() -> None:
    context = made({"Dockerfile": "FROM registry.example/wso2/mi:4.2.0\n"})
    assert content(context, "Dockerfile") == f"FROM {BASE}\n"


def test_a_link_in_the_context_stays_a_link() -> None:
    files: dict[str, str | tuple[str, bytes]] = {"Dockerfile": FROM, "way": ("120000", b"/etc/passwd")}
    way = members(made(files))["way"]
    assert (way.issym(), way.linkname) == (True, "/etc/passwd")
    assert set(members(made({**files, ".dockerignore": "way"}))) == {"Dockerfile", ".dockerignore"}


@pytest.mark.parametrize("changes", [{"dockerfile": "none"}, {"context": "none"}, {"dockerfile": "../Dockerfile"}])
def test_a_missing_dockerfile_is_not_found(changes: dict[str, str]) -> None:
    with pytest.raises(NotFound) as caught:
        made({"Dockerfile": FROM, "x/y": ""}, **changes)
    assert caught.value.reason_code == "dockerfile_not_found"


@pytest.mark.parametrize("context", ["..", "a/../../b", "/etc"])
def test_a_context_outside_the_repository_is_refused(context: str) -> None:
    with pytest.raises(Refused, match="outside the repository"):
        made({"Dockerfile": FROM}, context=context)


def test_paths_that_lead_out_are_refused() -> None:
    with pytest.raises(Refused, match="not a usable path"):
        made({"Dockerfile": FROM, "a/../../x": ""})


def test_a_broken_dockerignore_is_refused() -> None:
    with pytest.raises(Refused, match=r"\.dockerignore"):
        made({"Dockerfile": FROM, ".dockerignore": "[a"})

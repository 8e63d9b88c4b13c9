"""The test command of an assembled image sees the image's files and nothing of the bot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import BotError
from bot.core.references import parse
from tests.builders.conftest import SETTINGS
from tests.builders.images import Seen, file, folder, hard_link, layer, link, publish
from tests.builders.source import order, source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.core.models import TestRun
    from tests.builders.conftest import Workshop

DOCKERFILE = "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY *.car /srv/conf/\nENV APP=1 LD_PRELOAD=./x.so PATH=/image\n"


def run(workshop: Workshop, *command: str, seconds: float = 30) -> TestRun:
    handle = workshop.builder.build(order(workshop.base), source({"Dockerfile": DOCKERFILE, "a.car": "A"}))
    return workshop.builder.test(handle, command, seconds)


def test_a_command_that_succeeds(workshop: Workshop) -> None:
    done = run(workshop, "sh", "-c", 'cat "$IMAGE_ROOT"/srv/conf/a.car && pwd')
    assert done.exit_code == 0
    assert done.output.startswith("A/")
    assert done.output.endswith("/home/wso2carbon\n")


def test_a_command_that_fails_says_why(workshop: Workshop) -> None:
    done = run(workshop, "sh", "-c", "echo not there >&2; exit 3")
    assert done == (3, "not there\n")


def test_what_a_command_prints_does_not_steer_the_terminal(workshop: Workshop) -> None:
    done = run(workshop, "printf", r"a\tb\033[2Jc\n")
    assert done.output == "a\tb\N{REPLACEMENT CHARACTER}[2Jc\n"


def test_only_the_end_of_a_long_output_is_kept(workshop: Workshop) -> None:
    done = run(workshop, "sh", "-c", "i=0; while [ $i -lt 3000 ]; do echo ü$i; i=$((i+1)); done")
    assert len(done.output) == 4000
    assert done.output.endswith("ü2999\n")


def test_a_command_is_killed_at_the_time_limit_with_its_children(workshop: Workshop) -> None:
    done = run(workshop, "sh", "-c", "echo begun; sleep 60 & sleep 60", seconds=0.5)
    assert done == (124, "begun\n\n(killed after 0.5 seconds)")


def test_the_bots_environment_is_not_seen(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPS_BOT_GIT_TOKEN", "very-secret")
    done = run(workshop, "env")
    found = dict(line.partition("=")[::2] for line in done.output.splitlines())
    assert "very-secret" not in done.output
    assert set(found) - {"PWD", "SHLVL", "_"} == {"HOME", "IMAGE_ROOT", "PATH", "TMPDIR"}
    assert found["PATH"] == os.environ["PATH"]


RUNS = {
    "TAR_OPTIONS": "--checkpoint=1 --checkpoint-action=exec=./run.sh",
    "MAKEFLAGS": "--eval=$(shell$(IFS)./run.sh)",
    "JAVA_TOOL_OPTIONS": "-XX:OnError=./run.sh",
    "LESSOPEN": "|./run.sh %s",
    "OPENSSL_CONF": "./openssl.cnf",
    "GIT_SSH_COMMAND": "./run.sh",
    "PERL5OPT": "-M./run",
    "BASH_ENV": "./run.sh",
    "anything_else": "x",
}


def hostile(workshop: Workshop, name: str) -> str:
    """An image whose variable has programs run a script that lies in the working folder."""
    env = f"ENV {name}='{RUNS[name]}'\n"
    dockerfile = f"ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY run.sh a.car /home/wso2carbon/\n{env}"
    script = ("100755", b"#!/bin/sh\necho ran > ran\n")
    return workshop.builder.build(
        order(workshop.base), source({"Dockerfile": dockerfile, "run.sh": script, "a.car": "A"})
    )


@pytest.mark.parametrize("name", RUNS)
def test_no_variable_of_the_image_reaches_a_program_of_this_machine(workshop: Workshop, name: str) -> None:
    script = f'tar -cf "$TMPDIR"/x.tar a.car; test ! -e ran && test -z "${{{name}+there}}"'
    assert workshop.builder.test(hostile(workshop, name), ["sh", "-c", script], 30) == (0, "")


def test_a_variable_that_the_test_names_reaches_it(workshop: Workshop) -> None:
    handle = hostile(workshop, "TAR_OPTIONS")
    script = 'tar -cf "$TMPDIR"/x.tar a.car; cat ran; echo "$WSO2_SERVER_HOME" "${MISSING-none}"'
    done = workshop.builder.test(handle, ["sh", "-c", script], 30, ["TAR_OPTIONS", "WSO2_SERVER_HOME", "MISSING"])
    assert done == (0, "ran\n/home/wso2carbon/wso2mi-4.2.0 none\n")


def test_deletions_of_upper_layers_are_applied(workshop: Workshop) -> None:
    assert run(workshop, "sh", "-c", 'test ! -e "$IMAGE_ROOT"/gone && test -d "$IMAGE_ROOT"/top').exit_code == 0


@pytest.mark.parametrize("name", ["no-such-program", "./run", "bin/run", ""])
def test_a_program_is_looked_up_on_this_machine_only(workshop: Workshop, name: str) -> None:
    with pytest.raises(BotError) as caught:
        run(workshop, name)
    assert caught.value.reason_code == "test_not_runnable"


HOSTILE: dict[str, Sequence[tuple[str, Seen]]] = {
    "a link out": [link("out", "/../../../../{outside}"), file("out/hit", "x")],
    "a relative link out": [link("out", "../../../../../../../..{outside}"), file("out/hit", "x")],
    "a link above a directory": [
        folder("a"),
        link("a/out", "../../../../../../../..{outside}"),
        file("a/out/hit", "x"),
    ],
    "an absolute path": [file("{outside}/hit", "x")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_layer_writes_outside_its_folder(
    workshop: Workshop, tmp_path: Path, members: Sequence[tuple[str, Seen]]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    filled = [
        (path.format(outside=outside), seen._replace(content=seen.content.format(outside=outside)))
        for path, seen in members
    ]
    base = publish(workshop.registry, parse("registry.example/odd:3"), [layer(*filled)], SETTINGS)
    handle = workshop.builder.build(order(base), source({"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"}))
    assert workshop.builder.test(handle, ["true"], 30).exit_code == 0
    assert not list(outside.iterdir())


def test_links_of_the_image_lead_to_the_images_files(workshop: Workshop) -> None:
    members = [folder("etc"), file("etc/hostname", "the image"), link("absolute", "/etc"), link("up", "../../../etc")]
    base = publish(workshop.registry, parse("registry.example/odd:4"), [layer(*members)], {})
    handle = workshop.builder.build(order(base), source({"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"}))
    done = workshop.builder.test(
        handle, ["sh", "-c", 'cat "$IMAGE_ROOT"/absolute/hostname "$IMAGE_ROOT"/up/hostname'], 30
    )
    assert done == (0, "the imagethe image")


def test_a_hard_link_to_a_file_of_this_machine_leads_nowhere(workshop: Workshop, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    members = [link("out", str(tmp_path)), hard_link("direct", str(secret)), hard_link("indirect", "out/secret")]
    base = publish(workshop.registry, parse("registry.example/odd:5"), [layer(*members)], {})
    handle = workshop.builder.build(order(base), source({"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"}))
    command = ["sh", "-c", 'cd "$IMAGE_ROOT" && cat direct indirect 2>/dev/null; echo done']
    assert workshop.builder.test(handle, command, 30) == (0, "done\n")

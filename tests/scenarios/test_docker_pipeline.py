"""The same pipeline on a real Docker Engine and a real registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.cli.demo.world import APPLICATION, HOME
from bot.core.references import parse
from tests.conftest import start_registry
from tests.scenarios.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

pytestmark = [pytest.mark.docker, pytest.mark.registry]


@pytest.fixture
def story(engine: DockerClient, registry_program: str, tmp_path: Path) -> Iterator[Story]:
    """A world whose images are built by the Engine and live in a registry of its own."""
    for host in start_registry(tmp_path):
        yield Story(tmp_path / "world", host)
        for image in engine.images.list():
            if any(tag.startswith(host) for tag in image.tags):
                engine.images.remove(str(image.id), force=True)


def test_a_commit_goes_through_all_environments_as_one_digest(story: Story, engine: DockerClient) -> None:
    story.run()
    version = story.running("dev")
    story.approve("staging", "alice")
    story.merge("staging", "alice")
    story.approve("prod", "alice")
    story.approve("prod", "bob")
    story.merge("prod", "bob")
    assert story.running("prod") == version
    assert story.tags() == (version.tag,)

    image = f"{story.world.repository}@{version.digest}"
    out = engine.containers.run(image, remove=True, network_mode="none")
    assert out.decode().splitlines() == ["Micro Integrator with:", "hello.car"]
    car = f"{HOME}/repository/deployment/server/carbonapps/hello.car"
    out = engine.containers.run(image, ["-c", f"cat {car}"], entrypoint="/bin/sh", remove=True, network_mode="none")
    assert out.decode() == "A carbon application that says hello.\n"


def test_a_base_update_is_built_and_a_second_run_changes_nothing(story: Story) -> None:
    story.run()
    first = story.running("dev")
    digest = story.update_base("2")
    story.run()
    assert story.running("dev").tag == f"{first.tag}-{digest.removeprefix('sha256:')[:8]}"
    info = story.edges().registry.image(parse(f"{story.world.repository}:{story.running('dev').tag}"))
    assert info is not None
    assert info.labels["org.opencontainers.image.base.digest"] == digest
    assert story.run().done == ()


def test_a_failing_test_in_the_container_pushes_nothing(story: Story) -> None:
    story.rewrite_config(lambda text: text.replace("[sh, -c, 'ls ", "[sh, -c, 'id; exit 3; ls "))
    report = story.try_run()
    assert len(report.failed) == 1
    assert "exit code 3" in report.failed[0][1]
    assert "802" in report.failed[0][1], "it ran as the image's user"
    assert not story.has_images()


def test_a_failing_build_pushes_nothing_and_says_why(story: Story) -> None:
    dockerfile = "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nUSER root\nRUN echo wrong turn && exit 9\n"
    story.commit({"Dockerfile": dockerfile})
    report = story.try_run()
    assert len(report.failed) == 1
    assert "wrong turn" in report.failed[0][1]
    assert "9" in report.failed[0][1]
    assert not story.has_images()


def test_a_registry_that_is_down_holds_everything(story: Story) -> None:
    story.run()
    pulls = story.pulls()
    text = story.file("gitops.yaml").replace(str(story.world.host), "127.0.0.1:1")
    values = {f"envs/{e}/{APPLICATION}/values.yaml" for e in ("dev", "staging", "prod")}
    files = {path: story.file(path).replace(str(story.world.host), "127.0.0.1:1") for path in values}
    story.commit_gitops({"gitops.yaml": text, **files})
    report = story.run()
    assert [a.kind for a in report.done] == ["set_status"], "what is unknown is pending"
    assert "127.0.0.1:1" in report.left.skips[0].reason
    assert {s.reason_code for s in report.left.skips if s.environment != "prod"} == {"unavailable"}
    assert story.pulls() == pulls

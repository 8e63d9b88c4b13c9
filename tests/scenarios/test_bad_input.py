"""Whatever is wrong outside: the message names the place and the fix, nothing is lost, and the rest goes on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.cli.demo.world import APPLICATION, git
from bot.core.errors import BotError
from bot.core.references import parse, parse_repository
from tests.registries.fake import Trouble, serve
from tests.scenarios.story import Story
from tests.scenarios.test_pipeline import followed, without_values

if TYPE_CHECKING:
    from pathlib import Path


def failure(story: Story) -> str:
    """The text of the only action that fails."""
    report = story.try_run()
    assert len(report.failed) == 1, report
    return report.failed[0][1]


def stop(story: Story) -> str:
    """The text with which the whole run ends."""
    with pytest.raises(BotError) as caught:
        story.run()
    return str(caught.value)


def test_a_missing_gitops_yaml_says_how_to_get_one(story: Story) -> None:
    git(story.world.checkout, "rm", "-q", "gitops.yaml")
    story.commit_gitops({})
    text = stop(story)
    assert "gitops.yaml" in text
    assert str(story.world.gitops) in text
    assert "gitops-bot init" in text


def test_an_invalid_gitops_yaml_names_line_column_and_fix(story: Story) -> None:
    story.rewrite_config(lambda text: text.replace("    merge: auto", "    merg: auto"))
    text = stop(story)
    assert "gitops.yaml:9:5: environments.dev.merg: " in text
    assert "merge" in text.splitlines()[-1]


def test_an_unknown_environment_is_told_with_those_that_exist(story: Story) -> None:
    with pytest.raises(BotError) as caught:
        story.promote("production")
    assert str(caught.value) == "gitops.yaml has no environment named 'production'\n  → it has dev, staging, prod"


def test_a_missing_dockerfile_is_named_and_nothing_is_pushed(story: Story) -> None:
    git(story.world.artifacts, "rm", "-q", "Dockerfile")
    story.commit({})
    text = failure(story)
    assert "Dockerfile" in text
    assert git(story.world.artifacts, "rev-parse", "HEAD")[:7] in text
    assert not story.has_images()


def test_a_refused_dockerfile_names_line_instruction_and_reason(story: Story) -> None:
    story.commit({"Dockerfile": "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPY *.car /opt/\nRUN rm -rf /tmp/x\n"})
    text = failure(story)
    assert "Dockerfile:4" in text
    assert "RUN" in text
    assert "GITOPS_BOT_BUILDER=docker" in text
    assert not story.has_images()


def test_a_base_image_that_is_not_there_is_told(story: Story) -> None:
    story.rewrite_config(lambda text: text.replace("wso2mi:4.2.0", "wso2mi:4.3.0"))
    story.run()
    skip = story.skip("dev")
    assert skip.reason_code == "base_not_found"
    assert "docker.io/wso2/wso2mi:4.3.0 is not in its registry" in skip.reason
    assert "correct `base` in gitops.yaml" in skip.reason


def test_a_failing_test_command_pushes_nothing_and_shows_its_output(story: Story) -> None:
    story.rewrite_config(lambda text: text.replace("[sh, -c, 'ls ", "[sh, -c, 'echo no such integration; exit 4; ls "))
    text = failure(story)
    assert "exit code 4" in text
    assert "no such integration" in text
    assert "nothing was pushed" in text
    assert not story.has_images()
    assert story.running("dev").tag == "4.2.0"
    assert story.skip("dev").reason_code == "building"


def test_an_unreadable_registry_closes_and_downgrades_nothing(in_dev: Story) -> None:
    pulls, running = in_dev.pulls(), in_dev.running("dev")
    kept = in_dev.world.folder / "registry-away"
    in_dev.world.registry.rename(kept)
    in_dev.world.registry.mkdir()
    (in_dev.world.registry / "registry.example.com").mkdir()
    shutil.copytree(kept / "docker.io", in_dev.world.registry / "docker.io")
    broken = in_dev.world.registry / "registry.example.com" / "wso2" / APPLICATION
    shutil.copytree(kept / "registry.example.com" / "wso2" / APPLICATION, broken)
    (broken / "index.json").write_text('{"schemaVersion": 2, "manif')
    report = in_dev.run()
    assert [a.kind for a in report.done] == ["set_status"]
    assert {s.reason_code for s in report.left.skips if s.environment in ("dev", "staging")} == {"unavailable"}
    assert "index.json" in report.left.skips[0].reason
    assert in_dev.pulls() == pulls
    assert in_dev.pull("staging").statuses[0].state == "pending"
    assert in_dev.pull("staging").statuses[0].description.startswith("unavailable: ")
    assert in_dev.running("dev") == running


def test_a_values_file_that_cannot_be_edited_exactly_is_refused_by_name_and_the_rest_goes_on(story: Story) -> None:
    story.rewrite_config(without_values)
    path = f"envs/staging/{APPLICATION}/values.yaml"
    text = story.file(path).replace('imageTag: "4.2.0"', "imageTag: ${MI_TAG}")
    story.commit_gitops({path: text})
    story.run()
    assert story.running("dev").tag != "4.2.0", "dev goes on"
    skip = story.skip("staging")
    assert skip.reason_code == "substituted"
    assert path in skip.reason
    assert "MI_TAG" in skip.reason
    assert story.file(path) == text


def test_a_moved_tag_is_refused_before_it_goes_anywhere(in_dev: Story) -> None:
    before, pull = in_dev.running("dev"), in_dev.pull("staging")
    in_dev.push(before.tag)
    in_dev.run()
    skip = in_dev.skip("staging")
    assert skip.reason_code == "tag_moved"
    assert f"{before.tag} was promoted as {before.digest} and now names sha256:" in skip.reason
    assert in_dev.running("dev") == before
    assert in_dev.pull("staging").head == pull.head


def test_somebody_elses_image_under_the_bots_tag_is_not_taken_for_a_build(story: Story) -> None:
    tag = f"4.2.0-{git(story.world.artifacts, 'rev-parse', 'HEAD')[:7]}"
    digest = story.push(tag)
    story.run()
    assert story.skip("dev").reason_code == "tag_taken"
    assert story.edges().registry.digest(parse_repository(story.world.repository).with_tag(tag)) == digest


def test_an_image_that_vanished_from_the_registry_is_not_promoted(in_dev: Story) -> None:
    pull = in_dev.pull("staging")
    in_dev.rewrite_config(followed)
    shutil.rmtree(in_dev.world.registry / "registry.example.com")
    report = in_dev.run()
    assert [a.kind for a in report.done if a.kind != "record_deployment"] == ["set_status"]
    assert replace(in_dev.pull("staging"), statuses=()) == replace(pull, statuses=())
    (status,) = in_dev.pull("staging").statuses
    assert (status.state, status.description.partition(":")[0]) == ("pending", "image_missing")


def test_a_repository_without_a_default_branch_is_told(story: Story) -> None:
    git(story.world.gitops, "symbolic-ref", "HEAD", "refs/heads/gone")
    text = stop(story)
    assert "has no default branch" in text
    assert "→ " in text


def test_an_artifact_repository_that_is_away_holds_only_its_own_release(in_dev: Story) -> None:
    in_dev.world.artifacts.rename(in_dev.world.folder / "away")
    report = in_dev.run()
    assert report.done == ()
    skips = {s.environment: s for s in report.left.skips}
    assert str(in_dev.world.artifacts) in skips["dev"].reason
    assert skips["staging"].reason_code == "needs_approval", "what dev has already still goes on"


def test_a_values_source_without_this_environments_file_is_told(story: Story) -> None:
    git(story.world.values, "rm", "-q", "values-staging.yaml")
    story.commit_values({})
    story.run()
    skip = story.skip("staging")
    assert skip.reason_code == "values_missing"
    assert "values-staging.yaml" in skip.reason


def test_a_values_file_that_would_lose_the_image_field_is_refused(in_dev: Story) -> None:
    in_dev.commit_values({"values-dev.yaml": "replicas: 3\n"})
    in_dev.run()
    skip = in_dev.skip("dev")
    assert skip.reason_code == "image_field_missing"
    assert f"envs/dev/{APPLICATION}/values.yaml" in skip.reason


def test_no_tag_that_satisfies_the_policy_is_told(story: Story) -> None:
    story.rewrite_config(lambda text: followed(text).replace(">=4.0 <5", ">=7"))
    story.push("4.2.0")
    story.push("4.3.0")
    story.run()
    assert story.running("dev").tag == "4.2.0"
    assert "none of the 2 tags satisfies the policy" in story.skip("dev").reason


def test_the_base_image_is_named_by_its_digest_in_the_build(story: Story) -> None:
    digest = story.edges().registry.digest(parse(story.world.base))
    action = next(a for a in story.plan().actions if a.kind == "build_image")
    assert digest is not None
    assert action.title.endswith(f"on {story.world.base}@{digest}")


def test_a_registry_that_refuses_us_is_told_with_the_way_in_and_nothing_is_closed(tmp_path: Path) -> None:
    with serve() as fake:
        story = Story(tmp_path / "world", fake.host)
        story.rewrite_config(followed)
        story.push("4.3.0")
        story.run()
        pulls = story.pulls()
        fake.auth = "basic"
        report = story.run()
        assert [a.kind for a in report.done] == ["set_status"]
        skip = next(s for s in report.left.skips if s.environment == "dev")
        assert skip.reason_code == "unauthorised"
        assert f"docker login {fake.host}" in skip.reason
        assert story.pulls() == pulls


def test_a_list_of_tags_that_was_cut_short_is_no_list(tmp_path: Path) -> None:
    with serve() as fake:
        story = Story(tmp_path / "world", fake.host)
        story.rewrite_config(followed)
        for tag in ("4.3.0", "4.4.0"):
            story.push(tag)
        story.run()
        pulls, running = story.pulls(), story.running("dev")
        assert running.tag == "4.4.0"
        fake.page = 1
        fake.troubles = [Trouble("GET", "last=", status=500, times=100)]
        report = story.run()
        assert report.done == ()
        assert next(s for s in report.left.skips if s.environment == "dev").reason_code == "unavailable"
        assert (story.pulls(), story.running("dev")) == (pulls, running)

"""From a commit to production: build → push → pull request per environment → approval → promotion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.cli.demo.world import APPLICATION, git
from bot.core.errors import Refused
from bot.core.references import parse_repository
from tests.scenarios.story import Row

if TYPE_CHECKING:
    from tests.scenarios.story import Story

VALUES = f"envs/dev/{APPLICATION}/values.yaml"


def test_a_commit_is_built_and_reaches_dev_by_itself(story: Story) -> None:
    sha = git(story.world.artifacts, "rev-parse", "HEAD").strip()
    story.run()

    version = story.running("dev")
    assert version.tag == f"4.2.0-{sha[:7]}"
    assert story.tags() == (version.tag,)
    image = story.edges().registry.image(parse_repository(story.world.repository).with_tag(version.tag))
    assert image is not None
    assert image.digest == version.digest
    labels = {k.removeprefix("org.opencontainers.image."): v for k, v in image.labels.items()}
    assert labels["revision"] == sha
    assert labels["source"] == str(story.world.artifacts)
    assert labels["version"] == version.tag
    assert labels["base.name"] == story.world.base
    assert labels["base.digest"].startswith("sha256:")
    assert labels["created"].endswith("Z")


def test_the_pull_request_changes_one_line_a_field(story: Story) -> None:
    story.rewrite_config(without_values)
    story.run()
    merged = git(story.world.gitops, "log", "--format=%H", "-1", "--", VALUES).strip()
    diff = git(story.world.gitops, "diff", "--unified=0", f"{merged}^", merged).splitlines()
    changed = [line for line in diff if line[0] in "+-" and line[:3] not in ("+++", "---")]
    version = story.running("dev")
    assert changed == ['-      imageTag: "4.2.0"', f'+      imageTag: "{version}"']


def test_staging_gets_the_same_digest_when_a_person_merges(in_dev: Story) -> None:
    with pytest.raises(Refused, match="0 of 1 approval"):
        in_dev.merge("staging", "alice")
    in_dev.approve("staging", "alice")
    in_dev.merge("staging", "alice")
    assert in_dev.running("staging") == in_dev.running("dev")
    assert len(in_dev.tags()) == 1


def test_prod_needs_two_people_who_are_not_the_author(in_staging: Story) -> None:
    with pytest.raises(Refused):
        in_staging.approve("prod", "gitops-bot")
    in_staging.approve("prod", "alice")
    in_staging.approve("prod", "Alice")
    with pytest.raises(Refused, match="1 of 2 approvals"):
        in_staging.merge("prod", "alice")
    in_staging.approve("prod", "bob")
    in_staging.merge("prod", "bob")
    assert in_staging.running("prod") == in_staging.running("dev")
    assert [s.reason_code for s in in_staging.plan().skips] == ["up_to_date"] * 3


def test_who_asked_for_a_promotion_does_not_approve_it(in_dev: Story) -> None:
    in_dev.rewrite_config(
        lambda text: text.replace("    after: staging\n", "    after: staging\n    promote: manual\n")
    )
    in_dev.approve("staging", "alice")
    in_dev.merge("staging", "alice")
    assert in_dev.skip("prod").reason_code == "promote_manually"
    in_dev.promote("prod", by="carol")
    in_dev.approve("prod", "carol")
    assert in_dev.skip("prod").reason.endswith("0 of 2 approvals")
    in_dev.approve("prod", "alice")
    assert in_dev.skip("prod").reason.endswith("1 of 2 approvals (alice)")


def test_a_newer_release_rewrites_an_open_pull_request_in_place(in_dev: Story) -> None:
    number, old = in_dev.number("staging"), in_dev.pull("staging")
    in_dev.approve("staging", "alice")
    in_dev.commit({"second.car": "2\n"})
    in_dev.run()
    new = in_dev.pull("staging")
    assert (new.number, new.branch) == (number, old.branch)
    assert str(in_dev.running("dev")) in in_dev.file(f"envs/staging/{APPLICATION}/values.yaml", new.branch)
    assert in_dev.running("dev").tag in new.title
    assert in_dev.skip("staging").reason.endswith("0 of 1 approval"), "the approval was for what it was before"
    assert len(git(in_dev.world.gitops, "log", "--format=%H", f"main..{new.branch}").split()) == 1


def test_a_pull_request_that_became_obsolete_is_closed_with_the_reason(in_dev: Story) -> None:
    number = in_dev.number("staging")
    path = f"envs/staging/{APPLICATION}/values.yaml"
    in_dev.commit_gitops({path: in_dev.file(path, f"bot/staging/{APPLICATION}")}, "Set it by hand")
    in_dev.run()
    row = next(r for r in in_dev.pulls() if r.number == number)
    assert row.state == "closed"
    assert "already has what this would bring" in in_dev.forge().comments(number)[-1].body
    assert f"bot/staging/{APPLICATION}" not in git(in_dev.world.gitops, "branch", "--list", "bot/*")
    assert in_dev.running("staging") == in_dev.running("dev")


def test_a_persons_commit_on_the_bots_branch_is_never_overwritten(in_dev: Story) -> None:
    branch, number = f"bot/staging/{APPLICATION}", in_dev.number("staging")
    git(in_dev.world.checkout, "fetch", "-q")
    git(in_dev.world.checkout, "checkout", "-q", branch)
    (in_dev.world.checkout / "NOTES.md").write_text("mine\n")
    git(in_dev.world.checkout, "add", "NOTES.md")
    git(in_dev.world.checkout, "-c", "user.name=erin", "-c", "user.email=erin@example.com", "commit", "-qm", "Mine")
    git(in_dev.world.checkout, "push", "-q", "origin", branch)
    theirs = git(in_dev.world.checkout, "rev-parse", "HEAD").strip()
    git(in_dev.world.checkout, "checkout", "-q", "main")

    in_dev.commit({"second.car": "2\n"})
    in_dev.run()
    in_dev.run()

    assert git(in_dev.world.gitops, "rev-parse", branch).strip() == theirs
    comments = in_dev.forge().comments(number)
    assert [c.key for c in comments] == ["review", "foreign-commit"]
    assert theirs[:12] in comments[1].body
    assert "delete that branch" in comments[1].body
    skip = in_dev.skip("staging")
    assert (skip.reason_code, skip.waits_for) == ("foreign_commit", f"the branch {branch} to be deleted (#{number})")
    in_dev.forge().approve(number, "alice")
    with pytest.raises(Refused):
        in_dev.merge("staging", "alice")

    git(in_dev.world.checkout, "push", "-q", "origin", "--delete", branch)
    in_dev.run()
    assert in_dev.number("staging") != number, "the branch is the bot's again"


def test_a_new_digest_behind_the_bases_tag_is_built_under_a_tag_of_its_own(in_dev: Story) -> None:
    first = in_dev.running("dev")
    digest = in_dev.update_base("2")
    in_dev.run()
    second = in_dev.running("dev")
    assert second.tag == f"{first.tag}-{digest.removeprefix('sha256:')[:8]}"
    assert second.digest != first.digest
    assert in_dev.tags() == (first.tag, second.tag)
    assert second.tag in in_dev.pull("staging").title


def test_changed_values_travel_with_the_release_and_the_image_fields_stay(in_dev: Story) -> None:
    before = in_dev.running("dev")
    files = {
        f"values-{e}.yaml": in_dev.world.values.joinpath(f"values-{e}.yaml").read_text() + f"extra: {e}\n"
        for e in ("dev", "staging", "prod")
    }
    sha = in_dev.commit_values(files)
    in_dev.run()
    assert in_dev.file(VALUES).startswith(f"# Synced by gitops-bot from {in_dev.world.values} values-dev.yaml at {sha}")
    assert in_dev.file(VALUES).endswith("extra: dev\n")
    assert in_dev.running("dev") == before
    in_dev.approve("staging", "alice")
    in_dev.merge("staging", "alice")
    staged = in_dev.file(f"envs/staging/{APPLICATION}/values.yaml")
    assert f" at {sha};" in staged
    assert staged.endswith("extra: staging\n")
    assert in_dev.running("staging") == before


def test_an_image_that_others_push_is_promoted_the_same_way(story: Story) -> None:
    story.rewrite_config(followed)
    for tag in ("4.3.0", "4.4.0", "5.0.0"):
        story.push(tag)
    story.run()
    assert story.running("dev").tag == "4.4.0"
    assert story.running("dev").digest is not None
    assert "4.4.0" in story.pull("staging").title
    story.push("4.5.0")
    story.run()
    assert story.running("dev").tag == "4.5.0"
    assert "4.5.0" in story.pull("staging").title


def test_a_chart_version_travels_with_the_release(in_dev: Story) -> None:
    path = f"envs/dev/{APPLICATION}/helmrelease.yaml"
    in_dev.commit_gitops({path: in_dev.file(path).replace("version: 4.2.0-1", "version: 4.2.0-2")})
    in_dev.run()
    staged = in_dev.file(path.replace("dev", "staging"), f"bot/staging/{APPLICATION}")
    assert "version: 4.2.0-2" in staged


def test_a_second_run_changes_nothing(in_dev: Story) -> None:
    before = (in_dev.pulls(), git(in_dev.world.gitops, "for-each-ref"), in_dev.tags())
    assert in_dev.run().done == ()
    assert (in_dev.pulls(), git(in_dev.world.gitops, "for-each-ref"), in_dev.tags()) == before


def test_a_release_that_a_person_turned_down_is_not_proposed_again(in_dev: Story) -> None:
    number = in_dev.number("staging")
    in_dev.forge().close(number, "alice")
    in_dev.run()
    skip = in_dev.skip("staging")
    assert (skip.reason_code, skip.reason) == (
        "closed_by_person",
        f"#{number} with this release was closed without a merge",
    )
    assert in_dev.promote("staging").ok
    assert in_dev.number("staging") != number
    in_dev.forge().close(in_dev.number("staging"), "alice")
    in_dev.commit({"second.car": "2\n"})
    in_dev.run()
    assert in_dev.running("dev").tag in in_dev.pull("staging").title


def test_an_older_version_asked_for_by_name_stays_until_it_is_decided(in_staging: Story) -> None:
    first = in_staging.running("staging")
    in_staging.commit({"second.car": "2\n"})
    in_staging.run()
    in_staging.approve("staging", "alice")
    in_staging.merge("staging", "alice")
    assert in_staging.running("staging").tag in in_staging.pull("prod").title

    in_staging.promote("prod", version=first.tag, by="carol")
    in_staging.run()
    pull = in_staging.pull("prod")
    assert pull.title == f"prod: {APPLICATION} {first.tag}"
    assert f"asked for by carol: version `{first.tag}`" in pull.body
    in_staging.approve("prod", "carol")
    in_staging.approve("prod", "alice")
    assert "1 of 2 approvals (alice)" in in_staging.skip("prod").reason
    in_staging.approve("prod", "bob")
    in_staging.merge("prod", "bob")
    assert in_staging.running("prod") == first


def test_the_order_of_the_environments_holds(in_dev: Story) -> None:
    report = in_dev.promote("prod", version=in_dev.running("dev").tag)
    assert report.done == ()
    assert report.left.skips[0].reason_code == "version_not_found"
    assert report.left.skips[0].reason == f"staging never had {APPLICATION} {in_dev.running('dev').tag}; it had 4.2.0"


def test_pull_requests_are_numbered_in_the_order_of_the_pipeline(in_staging: Story) -> None:
    tag = in_staging.running("dev").tag
    assert in_staging.pulls() == [
        Row(1, f"bot/dev/{APPLICATION}", "merged", f"dev: {APPLICATION} {tag}"),
        Row(2, f"bot/staging/{APPLICATION}", "merged", f"staging: {APPLICATION} {tag}"),
        Row(3, f"bot/prod/{APPLICATION}", "open", f"prod: {APPLICATION} {tag}"),
    ]


def without_values(text: str) -> str:
    """gitops.yaml without its values source."""
    return text[: text.index("    # One file an environment")]


def followed(text: str) -> str:
    """gitops.yaml whose image is pushed by others."""
    head, _, rest = without_values(text).partition("        # Built when")
    assert rest
    return head + "        policy: {semver: '>=4.0 <5'}\n"

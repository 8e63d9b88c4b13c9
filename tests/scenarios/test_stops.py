"""What stops, stops: whatever else happens in the same round, fails, or cannot be read, and in whatever order."""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, Any

import pytest

from bot.cli.demo.world import APPLICATION, git
from bot.core.errors import BotError, Refused, Unavailable
from bot.core.events import Build, Promote, Reconcile
from bot.core.plan.places import APPROVAL
from bot.engine import handle

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.story import Story

STAGING_VALUES = f"envs/staging/{APPLICATION}/values.yaml"


@pytest.fixture
def in_prod(in_staging: Story) -> Story:
    """prod's pull request has both approvals, and may be merged."""
    in_staging.forge().set_person("root", "admin")
    in_staging.approve("prod", "alice")
    in_staging.approve("prod", "bob")
    assert status(in_staging)[0] == "success"
    return in_staging


def status(story: Story, environment: str = "prod") -> tuple[str, str]:
    """State and text of what the bot says of the environment's open pull request."""
    own = [s for s in story.pull(environment).statuses if s.context == APPROVAL]
    return (own[0].state, own[0].description) if own else ("none", "")


def no_merge(story: Story, environment: str = "prod") -> None:
    """Nobody can merge the environment's pull request."""
    with pytest.raises(Refused):
        story.forge().merge(story.number(environment), "mallory", story.pull(environment).head)


# --- the status is decided by the gates, whatever is known of the release


def _break_staging(story: Story) -> None:
    story.commit_gitops({STAGING_VALUES: story.file(STAGING_VALUES) + "broken: [\n"})


def _lose_registry(story: Story) -> None:
    (story.world.registry / "registry.example.com" / "wso2" / APPLICATION / "index.json").write_text("{")


LOST = [_break_staging, _lose_registry]


@pytest.mark.parametrize("lost", LOST)
def test_what_is_approved_is_pending_once_its_release_cannot_be_computed(
    in_prod: Story, lost: Callable[[Story], None]
) -> None:
    lost(in_prod)
    in_prod.run()
    assert status(in_prod)[0] == "pending"
    no_merge(in_prod)
    assert in_prod.run().done == ()


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize(
    ("stop", "says"),
    [
        ("/freeze prod --for=2h an outage", "frozen"),
        ("/hold the logs are full of errors", "held"),
        ("/lock prod a load test", "is locked"),
        ("changes", "bob asked for changes"),
        ("configuration", "2 of 3 approvals"),
    ],
)
def test_whatever_stops_is_said_while_the_release_cannot_be_computed(
    in_prod: Story, lost: Callable[[Story], None], stop: str, says: str
) -> None:
    lost(in_prod)
    number = in_prod.number("prod")
    if stop == "changes":
        in_prod.forge().request_changes(number, "bob")
    elif stop == "configuration":
        in_prod.rewrite_config(lambda text: text.replace("approvals: 2", "approvals: 3"))
    elif stop.startswith("/lock"):
        # A lock keeps the environment for the pull request that it is written on.
        in_prod.forge().add_comment(1, "root", stop)
    else:
        in_prod.forge().add_comment(number, "root", stop)
    in_prod.run()
    state, text = status(in_prod)
    assert state != "success"
    assert says in text or says in ("bob asked for changes", "2 of 3 approvals")
    no_merge(in_prod)


@pytest.mark.parametrize("event", [Build(()), Promote("dev", (), None, "dana")])
def test_what_a_run_has_read_stops_also_what_the_run_is_not_about(in_prod: Story, event: Any) -> None:
    in_prod.forge().request_changes(in_prod.number("prod"), "bob")
    in_prod.run(event)
    assert "bob asked for changes" in status(in_prod)[1]
    no_merge(in_prod)


# --- stops that were written before a merge, in one round with it


@pytest.mark.parametrize("stop", ["/hold the logs are full of errors", "/freeze staging --for=1h an outage"])
@pytest.mark.parametrize("merge", ["auto", "manual"])
def test_a_stop_that_was_written_before_the_approval_stops(in_dev: Story, stop: str, merge: str) -> None:
    in_dev.forge().set_person("root", "admin")
    in_dev.rewrite_config(lambda text: text.replace("    approvals: 1", f"    merge: {merge}\n    approvals: 1"))
    in_dev.run()
    number = in_dev.number("staging")
    comment = in_dev.forge().add_comment(number, "root", stop)
    in_dev.forge().approve(number, "alice")
    in_dev.run()
    assert status(in_dev, "staging")[0] in ("pending", "failure")
    assert in_dev.reactions(comment) == {"eyes", "rocket"}
    no_merge(in_dev, "staging")


def test_what_is_cancelled_is_closed_and_not_merged(in_dev: Story) -> None:
    in_dev.rewrite_config(lambda text: text.replace("    approvals: 1", "    merge: auto\n    approvals: 1"))
    in_dev.run()
    number = in_dev.number("staging")
    in_dev.forge().add_comment(number, "alice", "/cancel")
    in_dev.forge().approve(number, "bob")
    in_dev.run()
    assert [p.state for p in in_dev.pulls() if p.number == number] == ["closed"]


def test_comments_that_cannot_be_read_may_hold_a_stop(in_dev: Story) -> None:
    in_dev.approve("staging", "alice")
    assert status(in_dev, "staging")[0] == "success"
    edges = in_dev.edges()

    class Deaf:
        def __getattr__(self, name: str) -> Any:
            return getattr(edges.forge, name)

        def comments_since(self, _: object) -> Any:
            raise Unavailable("the comments are away")

    assert handle(Reconcile(), edges._replace(forge=Deaf())).ok
    state, text = status(in_dev, "staging")
    assert (state, "the comments are away" in text) == ("pending", True)


# --- commands of one round, each on the world after those before it


def both(story: Story, *said: tuple[str, str]) -> list[str]:
    """Comments on staging's pull request before one run, by whom: the answers."""
    number = story.number("staging")
    comments = [story.forge().add_comment(number, by, text) for by, text in said]
    story.run()
    return [story.answer(number, comment) for comment in comments]


def test_a_hold_after_the_end_of_another_holds(in_dev: Story) -> None:
    in_dev.comment("staging", "/hold", by="bob")
    ended, held = both(in_dev, ("bob", "/unhold"), ("erin", "/hold the logs are full of errors"))
    assert "is held by erin: the logs are full of errors" in ended
    assert "is held by erin: the logs are full of errors" in held
    in_dev.approve("staging", "alice")
    assert status(in_dev, "staging")[0] == "failure"


def test_the_end_of_a_hold_in_the_same_round_ends_it(in_dev: Story) -> None:
    held, ended = both(in_dev, ("erin", "/hold wait"), ("erin", "/unhold"))
    assert "is not held" in held
    assert "is not held" in ended
    assert "hold" not in in_dev.pull("staging").labels
    assert in_dev.run().done == ()


def test_a_freeze_and_its_end_count_in_their_order(in_dev: Story) -> None:
    in_dev.forge().set_person("root", "admin")
    both(in_dev, ("root", "/freeze --for=1h first"), ("root", "/unfreeze over"), ("root", "/freeze --for=2h again"))
    assert "again" in status(in_dev, "staging")[1]
    frozen, over = both(in_dev, ("root", "/freeze --for=1h third"), ("root", "/unfreeze it is over"))
    assert "everything is not frozen" in frozen
    assert "everything is not frozen" in over
    assert "0 of 1 approval" in status(in_dev, "staging")[1]


def test_a_lock_between_two_promotions_stops_the_second(in_staging: Story) -> None:
    in_staging.commit({"second.car": "2\n"})
    in_staging.run()
    first, locked, second = both(
        in_staging, ("alice", "/promote staging"), ("bob", "/lock staging a load test"), ("erin", "/promote staging")
    )
    assert "**locked**" not in first
    assert "staging is locked by bob" in locked
    assert "**locked**" in second


def test_a_label_that_a_person_puts_on_after_the_end_of_a_hold_stays(in_dev: Story) -> None:
    in_dev.forge().set_person("root", "admin")
    in_dev.comment("staging", "/hold", by="bob")
    number = in_dev.number("staging")
    comment = in_dev.forge().add_comment(number, "bob", "/unhold")
    in_dev.forge().label(number, "root", "hold", present=False)
    in_dev.forge().label(number, "root", "hold")
    in_dev.run()
    assert "hold" in in_dev.pull("staging").labels
    assert "root put the label hold on after this was written" in in_dev.answer(number, comment)
    no_merge(in_dev, "staging")
    sleep(1.1)  # the forge's times have seconds, and within one nobody can tell
    in_dev.comment("staging", "/unhold", by="alice")
    assert "hold" not in in_dev.pull("staging").labels


def test_who_may_only_read_ends_the_own_hold_whole(in_dev: Story) -> None:
    in_dev.forge().set_person("rita", "read")
    in_dev.comment("staging", "/hold", by="rita")
    answer = in_dev.comment("staging", "/unhold", by="rita")
    assert "is not held" in answer
    assert "permission_denied" not in answer
    assert "hold" not in in_dev.pull("staging").labels


def test_who_may_only_read_ends_nobody_elses_hold_nor_label(in_dev: Story) -> None:
    forge = in_dev.forge()
    forge.set_person("rita", "read")
    in_dev.comment("staging", "/hold", by="bob")
    assert "permission_denied" in in_dev.comment("staging", "/unhold", by="rita")
    in_dev.comment("staging", "/unhold", by="bob")
    forge.label(in_dev.number("staging"), "bob", "hold")
    sleep(1.1)
    assert "permission_denied" in in_dev.comment("staging", "/unhold", by="rita")
    assert "hold" in in_dev.pull("staging").labels


def test_a_command_that_was_overtaken_is_not_done_once_more(in_dev: Story) -> None:
    number = in_dev.number("staging")
    hold = in_dev.forge().add_comment(number, "erin", "/hold wait")
    edges = in_dev.edges()

    class Shy:
        """A forge that takes no reaction to the first comment."""

        def __getattr__(self, name: str) -> Any:
            return getattr(edges.forge, name)

        def react(self, comment: str, reaction: Any) -> None:
            if comment == hold:
                raise Unavailable("no reaction")
            edges.forge.react(comment, reaction)

    shy = edges._replace(forge=Shy())
    handle(Reconcile(), shy)
    in_dev.forge().add_comment(number, "erin", "/unhold")
    handle(Reconcile(), shy)
    handle(Reconcile(), shy)
    assert "hold" not in in_dev.pull("staging").labels
    in_dev.run()
    assert "is not held" in in_dev.answer(number, hold)
    assert "hold" not in in_dev.pull("staging").labels


# --- what was approved once is not approved for ever


def elsewhere(story: Story, commit: str, by: str = "mallory") -> None:
    """Somebody puts a commit on a branch of another name and tries to merge that at once."""
    git(story.world.gitops, "update-ref", "refs/heads/innocent", commit)
    number = story.forge().open_pull_request("innocent", "Innocent", "")
    with pytest.raises(Refused):
        story.forge().merge(number, by, commit)


def test_what_was_turned_down_is_not_merged_from_another_branch(in_prod: Story) -> None:
    head = in_prod.pull("prod").head
    in_prod.forge().close(in_prod.number("prod"), "erin")
    in_prod.run()
    elsewhere(in_prod, head)


def test_what_was_rewritten_is_not_merged_from_another_branch(in_prod: Story) -> None:
    head = in_prod.pull("prod").head
    in_prod.commit({"second.car": "2\n"})
    in_prod.run()
    in_prod.approve("staging", "alice")
    in_prod.merge("staging", "alice")
    assert in_prod.pull("prod").head != head
    elsewhere(in_prod, head)


def test_an_older_head_of_somebodys_own_request_is_not_merged_from_another_branch(in_dev: Story) -> None:
    checkout = in_dev.world.checkout
    git(checkout, "fetch", "-q")
    git(checkout, "checkout", "-q", "-B", "memory", "origin/main")
    old = in_dev_commit(in_dev, "memory: 1Gi\n")
    number = in_dev.forge().open_pull_request("memory", "More memory", "")
    in_dev.forge().approve(number, "alice")
    in_dev.run()
    new = in_dev_commit(in_dev, "memory: 2Gi\n")
    in_dev.run()
    assert new != old
    elsewhere(in_dev, old)


def in_dev_commit(story: Story, text: str) -> str:
    """A person's commit on the branch `memory`."""
    checkout = story.world.checkout
    (checkout / f"envs/staging/{APPLICATION}/notes.yaml").write_text(text)
    git(checkout, "add", ".")
    git(checkout, "-c", "user.name=e", "-c", "user.email=e@example.com", "commit", "-qm", text.strip())
    git(checkout, "push", "-qf", "origin", "memory")
    return git(checkout, "rev-parse", "HEAD").strip()


# --- a run that cannot go on


def test_an_action_that_raises_anything_is_that_actions_failure(in_prod: Story) -> None:
    in_prod.commit({"second.car": "2\n"})
    number = in_prod.number("prod")
    in_prod.forge().add_comment(number, "root", "/freeze prod --for=1h an outage")
    edges = in_prod.edges()

    class Broken:
        def __getattr__(self, name: str) -> Any:
            return getattr(edges.builder, name)

        def build(self, *_: object) -> str:
            raise ValueError("embedded null byte, and a secret")

    report = handle(Reconcile(), edges._replace(builder=Broken()))
    ((action, reason),) = report.failed
    assert action.kind == "build_image"
    assert reason.startswith("ValueError")
    assert "secret" not in reason
    assert "frozen" in status(in_prod)[1]


def test_before_a_run_ends_without_a_decision_it_takes_back_what_is_approved(in_prod: Story) -> None:
    in_prod.commit_gitops({"gitops.yaml": "version: 1\nenvironments: []\n"})
    with pytest.raises(BotError):
        in_prod.run()
    state, text = status(in_prod)
    assert (state, text.startswith("not judged: ")) == ("pending", True)
    no_merge(in_prod)


def test_what_cannot_be_read_at_all_takes_nothing_back(in_prod: Story) -> None:
    edges = in_prod.edges()

    class Away:
        def __getattr__(self, name: str) -> Any:
            return getattr(edges.git, name)

        def fetch(self) -> None:
            raise Unavailable("git is away")

    with pytest.raises(Unavailable):
        handle(Reconcile(), edges._replace(git=Away()))
    assert status(in_prod)[0] == "success"


# --- title and text


def test_title_and_text_are_put_right_and_the_status_says_what_is_brought(in_prod: Story) -> None:
    before = in_prod.pull("prod")
    mark = before.body[before.body.index("<!-- gitops-bot") :]
    in_prod.forge().update_pull_request(before.number, "prod: fix a typo", f"Nothing to see here.\n\n{mark}")
    in_prod.run()
    after = in_prod.pull("prod")
    assert (after.title, after.body, after.head) == (before.title, before.body, before.head)
    assert status(in_prod)[1].startswith(f"{in_prod.running('staging').tag}: 2 of 2 approvals")

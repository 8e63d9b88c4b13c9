"""Comments as commands, from the words on a pull request to the answer under them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.cli.demo.world import APPLICATION, commit, git
from bot.core.errors import Refused, Unavailable
from bot.core.events import Commented, Reconcile
from bot.core.models import Unknown
from bot.core.state import BRANCH
from bot.engine import look
from tests.engine.test_engine import Trouble

if TYPE_CHECKING:
    from tests.scenarios.story import Story


def test_a_stranger_may_not_promote_and_is_told_who_may(in_dev: Story) -> None:
    in_dev.rewrite_config(lambda text: text.replace("    after: dev\n", "    after: dev\n    deployers: [alice]\n"))
    answer = in_dev.comment("staging", "/promote staging", by="mallory")
    assert answer.startswith("mallory:\n- `/promote staging`: **permission_denied**: ")
    assert "alice" in answer
    assert in_dev.pulls()[-1].number == in_dev.number("staging"), "nothing was opened"


def test_a_promotion_by_comment_opens_the_pull_request_and_says_so_once(in_staging: Story) -> None:
    in_staging.rewrite_config(lambda t: t.replace("    after: staging\n", "    after: staging\n    promote: manual\n"))
    in_staging.forge().close(in_staging.number("prod"), "bob")
    in_staging.commit({"second.car": "2\n"})
    in_staging.run()
    number = in_staging.number("staging")
    comment = in_staging.forge().add_comment(number, "alice", "Good.\n\n/promote prod")
    in_staging.run()
    pull = in_staging.pull("prod")
    assert in_staging.answer(number, comment) == (
        f"alice:\n- `/promote prod`: prod, {APPLICATION}: \\#{pull.number}: 0 of 2 approvals"
        f"; it waits for 2 more approvals of \\#{pull.number}\n"
    ) or f"#{pull.number}" in in_staging.answer(number, comment).replace("\\", "")
    assert in_staging.reactions(comment) == {"eyes", "rocket"}
    talk = [c for c in in_staging.forge().comments(number) if c.author == "gitops-bot" and c.key == f"reply-{comment}"]
    assert len(talk) == 1
    assert in_staging.run().done == ()


def test_who_promotes_by_comment_does_not_approve(in_staging: Story) -> None:
    in_staging.rewrite_config(lambda t: t.replace("    after: staging\n", "    after: staging\n    promote: manual\n"))
    in_staging.forge().close(in_staging.number("prod"), "bob")
    in_staging.commit({"second.car": "2\n"})
    in_staging.run()
    in_staging.comment("staging", "/promote prod", by="alice")
    in_staging.approve("prod", "alice")
    assert "0 of 2 approvals" in in_staging.skip("prod").reason


def test_a_command_whose_webhook_was_lost_is_found_by_the_next_sweep_and_done_once(in_dev: Story) -> None:
    number = in_dev.number("staging")
    comment = in_dev.forge().add_comment(number, "alice", "/hold look at the logs first")
    in_dev.run()
    in_dev.run()
    assert in_dev.reactions(comment) == {"eyes", "rocket"}
    assert git(in_dev.world.gitops, "rev-list", "--count", BRANCH, "--", "holds").strip() == "1"


def test_a_hold_keeps_an_approved_pull_request_from_being_merged_until_it_is_ended(in_dev: Story) -> None:
    answer = in_dev.comment("staging", "/hold look at the logs first", by="bob")
    assert "is held by bob" in answer
    assert "hold" in in_dev.pull("staging").labels
    in_dev.approve("staging", "alice")
    assert in_dev.skip("staging").reason_code == "held"
    with pytest.raises(Refused, match="look at the logs first"):
        in_dev.merge("staging", "alice")
    in_dev.comment("staging", "/unhold", by="bob")
    assert "hold" not in in_dev.pull("staging").labels
    in_dev.merge("staging", "alice")
    assert in_dev.running("staging") == in_dev.running("dev")


def test_a_lock_stops_all_other_pull_requests_of_its_environment(in_staging: Story) -> None:
    number = in_staging.number("prod")
    in_staging.commit({"second.car": "2\n"})
    in_staging.run()
    answer = in_staging.comment("staging", "/lock prod --for=4h we restore a backup", by="alice")
    assert "prod is locked by alice" in answer
    in_staging.approve("prod", "bob")
    in_staging.approve("prod", "carol")
    skip = in_staging.skip("prod")
    assert skip.reason_code == "locked"
    assert "we restore a backup" in skip.reason
    with pytest.raises(Refused, match="locked by alice"):
        in_staging.merge("prod", "bob")
    denied = in_staging.comment("staging", "/lock prod me too", by="bob")
    assert "**locked**" in denied
    in_staging.comment("staging", "/unlock prod", by="alice")
    assert in_staging.number("prod") == number
    in_staging.merge("prod", "bob")


def test_a_freeze_by_an_admin_stops_merges_but_not_a_rollback(in_staging: Story) -> None:
    in_staging.rewrite_config(lambda text: text + "admins: [root]\n")
    in_staging.approve("prod", "alice")
    in_staging.approve("prod", "bob")
    assert "**permission_denied**" in in_staging.comment("prod", "/freeze prod --for=2d holidays", by="alice")
    in_staging.comment("prod", "/freeze prod --for=2d holidays", by="root")
    assert in_staging.skip("prod").reason_code == "frozen"
    with pytest.raises(Refused, match="holidays"):
        in_staging.merge("prod", "alice")
    in_staging.comment("prod", "/unfreeze prod over", by="root")
    in_staging.merge("prod", "alice")
    assert in_staging.running("prod") == in_staging.running("staging")


def test_the_label_of_an_admin_excepts_one_pull_request_from_a_freeze(in_staging: Story) -> None:
    in_staging.commit({"second.car": "2\n"})
    in_staging.run()
    in_staging.rewrite_config(lambda text: text + "admins: [root]\n")
    in_staging.approve("prod", "alice")
    in_staging.approve("prod", "bob")
    answer = in_staging.comment("prod", "/freeze --for=2d holidays", by="root")
    assert "the label `hotfix`, put on by an admin, excepts one pull request" in answer
    number = in_staging.number("prod")
    in_staging.forge().label(number, "alice", "hotfix")
    in_staging.run()
    stopped = in_staging.skip("prod")
    assert stopped.reason_code == "frozen"
    assert "the label hotfix does not count: alice may not do this; who may: root; everything is" in stopped.reason
    with pytest.raises(Refused, match="hotfix does not count"):
        in_staging.merge("prod", "alice")
    in_staging.forge().label(number, "alice", "hotfix", present=False)
    in_staging.forge().label(number, "root", "hotfix")
    in_staging.run()
    assert in_staging.skip("prod").reason_code == "needs_merge"
    review = next(c.body for c in in_staging.forge().comments(number) if c.key == "review")
    assert "- **Excepted** from a freeze: root put the label hotfix on\\; everything is frozen by root" in review
    in_staging.merge("prod", "alice")
    assert in_staging.running("prod") == in_staging.running("staging")
    assert in_staging.skip("staging").reason_code == "frozen", "only the one with the label passes"


def test_who_labelled_is_not_asked_while_nothing_is_frozen(in_staging: Story) -> None:
    number = in_staging.number("prod")
    in_staging.forge().label(number, "root", "hotfix")
    snapshot = in_staging.run().snapshot
    assert (snapshot.labelled, "root" in snapshot.people) == ({}, False)
    in_staging.rewrite_config(lambda text: text + "admins: [root]\n")
    in_staging.comment("prod", "/freeze staging --for=2d holidays", by="root")
    assert in_staging.run().snapshot.labelled == {}
    in_staging.comment("prod", "/freeze prod --for=2d holidays", by="root")
    snapshot = in_staging.run().snapshot
    assert {key: getattr(put, "by", None) for key, put in snapshot.labelled.items()} == {(number, "hotfix"): "root"}
    assert not isinstance(snapshot.people["root"], Unknown)


def test_a_forge_that_cannot_say_who_labelled_or_who_the_bot_is_excepts_nothing(in_staging: Story) -> None:
    in_staging.rewrite_config(lambda text: text + "admins: [root]\n")
    in_staging.comment("prod", "/freeze prod --for=2d holidays", by="root")
    in_staging.forge().label(in_staging.number("prod"), "root", "hotfix")
    for method in ("labelled_by", "own_name"):
        edges = in_staging.edges()
        snapshot, planned = look(Reconcile(), edges._replace(forge=Trouble(edges.forge, method, Unavailable("away"))))
        codes = [skip.reason_code for skip in planned.skips if skip.environment == "prod"]
        assert codes == ["frozen" if method == "labelled_by" else "needs_approval"]
        assert isinstance(snapshot.own_name, Unknown) is (method == "own_name")


def test_a_rollback_brings_back_what_was_there_and_needs_its_approvals(in_staging: Story) -> None:
    first = in_staging.running("staging")
    in_staging.commit({"second.car": "2\n"})
    in_staging.run()
    in_staging.approve("staging", "alice")
    in_staging.merge("staging", "alice")
    second = in_staging.running("staging")
    in_staging.comment("prod", "/rollback staging it loses messages", by="dana")
    pull = in_staging.pull("staging")
    assert pull.title == f"staging: roll back {APPLICATION} to {first.tag}"
    with pytest.raises(Refused):
        in_staging.merge("staging", "dana")
    in_staging.approve("staging", "alice")
    in_staging.merge("staging", "alice")
    assert in_staging.running("staging") == first != second


@pytest.mark.parametrize("command", ["/promote staging", "/lock staging I want it too"])
def test_a_locks_reason_is_text_where_it_refuses_others_too(in_dev: Story, command: str) -> None:
    in_dev.comment("staging", "/lock staging ask @acme/ops <b>first</b> ![x](https://example.com/x)", by="alice")
    answer = in_dev.comment("staging", command, by="bob")
    assert "**locked**: staging is locked by alice" in answer
    assert r"ask \@acme\/ops \<b\>first\<\/b\> \!\[x\]" in answer


def test_help_shows_what_this_person_may_do_here(in_dev: Story) -> None:
    in_dev.rewrite_config(
        lambda text: text.replace("    after: dev\n", "    after: dev\n    deployers: [alice]\n") + "admins: [root]\n"
    )
    for_alice = in_dev.comment("staging", "/help", by="alice")
    for_bob = in_dev.comment("staging", "/help", by="bob")
    assert "/promote" in for_alice
    assert "/freeze" not in for_alice
    assert "(in dev, prod)" in for_bob
    assert "staging needs 1 approval and is merged by a person" in for_bob
    assert "/hold" in for_bob
    assert "/approve" not in for_alice, "it is off"
    in_dev.rewrite_config(lambda text: text + "commands: {approve: true}\n")
    assert "/approve" in in_dev.comment("staging", "/help", by="alice")


def test_help_on_another_pull_request_leaves_out_what_is_about_the_bots(in_dev: Story) -> None:
    commit(in_dev.world.checkout, {"README.txt": "hello\n"}, "Explain it")
    git(in_dev.world.checkout, "push", "-q", "origin", "HEAD:refs/heads/mine")
    number = in_dev.forge().open_pull_request("mine", "Mine", "")
    comment = in_dev.forge().add_comment(number, "alice", "/help")
    in_dev.run()
    answer = in_dev.answer(number, comment)
    assert "/promote" in answer
    assert "/hold" not in answer


def test_help_with_a_command_that_is_not_yours_says_so(in_dev: Story) -> None:
    assert "You may not use `/freeze` here" in in_dev.comment("staging", "/help freeze", by="alice")
    assert "`/lock <environment>" in in_dev.comment("staging", "/help lock", by="alice")


def test_mistakes_are_told_and_nothing_of_the_comment_is_done(in_dev: Story) -> None:
    number = in_dev.number("staging")
    comment = in_dev.forge().add_comment(number, "alice", "/hold\n/promot staging\n")
    in_dev.run()
    answer = in_dev.answer(number, comment)
    assert "**unknown_command**" in answer
    assert "/promote" in answer
    assert in_dev.reactions(comment) == {"confused"}
    assert "hold" not in in_dev.pull("staging").labels
    assert not any(line.startswith("/") for line in answer.splitlines())


def test_what_is_no_command_is_met_with_silence(in_dev: Story) -> None:
    for text in ("Looks good /promote prod", "> /promote prod", "```\n/promote prod\n```", "/usr/bin/true", "/lgtm"):
        assert in_dev.comment("staging", text, by="alice") == ""


def test_an_edited_comment_is_not_done(in_dev: Story) -> None:
    number, forge = in_dev.number("staging"), in_dev.forge()
    comment = forge.add_comment(number, "alice", "hello")
    forge.edit_comment(comment, "alice", "/hold")
    in_dev.run()
    assert "hold" not in in_dev.pull("staging").labels
    assert "**edited**" in in_dev.answer(number, comment)


def test_a_cancelled_promotion_is_closed_and_not_proposed_again(in_dev: Story) -> None:
    number = in_dev.number("staging")
    in_dev.comment("staging", "/cancel", by="alice")
    in_dev.run()
    assert next(r.state for r in in_dev.pulls() if r.number == number) == "closed"
    assert in_dev.skip("staging").reason_code == "closed_by_person"


def test_a_configuration_in_the_pull_requests_own_branch_changes_nothing(in_dev: Story) -> None:
    """Who may approve is said by the default branch, whatever the pull request brings along."""
    branch, checkout = f"bot/staging/{APPLICATION}", in_dev.world.checkout
    git(checkout, "fetch", "-q")
    git(checkout, "checkout", "-q", branch)
    text = (checkout / "gitops.yaml").read_text().replace("approvals: 1", "approvals: 0")
    (checkout / "gitops.yaml").write_text(text)
    # Not even a commit that names the bot as its author passes for the bot's own work.
    who = ["-c", "user.name=gitops-bot", "-c", "user.email=gitops-bot@localhost"]
    git(checkout, *who, "commit", "-qam", "Nothing to see")
    git(checkout, "push", "-q", "origin", branch)
    git(checkout, "checkout", "-q", "main")
    forged = in_dev.pull("staging").head
    in_dev.run()
    assert in_dev.pull("staging").head != forged, "the bot made its branch anew"
    assert in_dev.skip("staging").reason_code == "needs_approval"


def test_an_approval_by_command_counts_where_it_is_turned_on_and_names_the_commit(in_dev: Story) -> None:
    head = in_dev.pull("staging").head
    assert "**command_off**" in in_dev.comment("staging", f"/approve {head[:12]}", by="alice")
    in_dev.rewrite_config(lambda text: text + "commands:\n  approve: true\n")
    wrong = in_dev.comment("staging", f"/approve {'0' * 12}", by="alice")
    assert "**head_moved**" in wrong
    in_dev.comment("staging", f"/approve {in_dev.pull('staging').head[:12]}", by="alice")
    assert in_dev.skip("staging").reason_code == "needs_merge"


def test_a_promotion_into_a_locked_environment_is_refused(in_staging: Story) -> None:
    in_staging.comment("prod", "/lock prod we restore a backup", by="alice")
    answer = in_staging.comment("prod", "/promote prod", by="bob")
    assert "**locked**" in answer
    assert "/unlock prod" in answer


def test_status_and_diff_answer_in_the_comment(in_dev: Story) -> None:
    status = in_dev.comment("staging", "/status", by="bob")
    assert f"| dev | {APPLICATION} | `{in_dev.running('dev').tag}` |" in status
    diff = in_dev.comment("staging", "/diff staging", by="bob")
    assert "imageTag: 4.2.0 → 4.2.0-" in diff
    assert "not rendered: kubectl is not asked in this test" in diff


def test_an_event_puts_no_words_into_anybodys_comment(in_dev: Story) -> None:
    """Whoever can start the bot on a file of theirs names a comment; what it says is what the forge says."""
    in_dev.rewrite_config(lambda text: text + "commands: {approve: true}\n")
    in_dev.run()
    number, forge = in_dev.number("staging"), in_dev.forge()
    comment = forge.add_comment(number, "alice", "Looks fine to me")
    in_dev.run(Commented(comment, number))
    assert in_dev.reactions(comment) == set()
    assert in_dev.skip("staging").reason_code == "needs_approval"


def test_what_was_edited_before_the_bot_read_it_is_not_done(in_dev: Story) -> None:
    number, forge = in_dev.number("staging"), in_dev.forge()
    comment = forge.add_comment(number, "alice", "Looks fine to me")
    forge.edit_comment(comment, "alice", "/hold")
    in_dev.run(Commented(comment, number))
    assert "**edited**" in in_dev.answer(number, comment)
    assert "hold" not in in_dev.pull("staging").labels


def test_a_replayed_webhook_of_a_comment_that_is_gone_does_nothing(in_dev: Story) -> None:
    assert in_dev.run(Commented("comment:999", in_dev.number("staging"))).done == ()


def test_a_rebuild_gets_a_tag_of_its_own_and_voids_the_approvals(in_dev: Story) -> None:
    first = in_dev.running("dev")
    in_dev.approve("staging", "alice")
    answer = in_dev.comment("staging", "/rebuild", by="bob")
    assert f"{APPLICATION} is built again" in answer
    second = in_dev.running("dev")
    assert second.tag.startswith(f"{first.tag}-r")
    assert in_dev.tags() == (first.tag, second.tag)
    assert in_dev.skip("staging").reason_code == "needs_approval"
    in_dev.commit({"second.car": "2\n"})
    in_dev.run()
    assert "-r" not in in_dev.running("dev").tag, "the next commit is built as ever"


def test_a_rollback_where_the_bot_merges_by_itself_stays_until_it_is_unlocked(in_dev: Story) -> None:
    first = in_dev.running("dev")
    in_dev.commit({"second.car": "2\n"})
    in_dev.run()
    second = in_dev.running("dev")
    answer = in_dev.comment("staging", "/rollback dev it loses messages", by="alice")
    assert "/unlock dev" in answer
    assert in_dev.running("dev") == first
    assert in_dev.run().done == ()
    assert in_dev.skip("dev").reason_code == "locked"
    in_dev.comment("staging", "/unlock dev", by="alice")
    assert in_dev.running("dev") == second


def test_commands_that_undo_each_other_are_refused(in_dev: Story) -> None:
    for text in ("/hold\n/unhold", "/lock prod because\n/unlock prod"):
        assert "**contradiction**" in in_dev.comment("staging", text, by="alice")
    assert "hold" not in in_dev.pull("staging").labels


def test_a_freeze_until_a_time_that_is_over_is_refused(in_dev: Story) -> None:
    in_dev.rewrite_config(lambda text: text + "admins: [root]\n")
    answer = in_dev.comment("staging", "/freeze prod --until=2020-01-01 holidays", by="root")
    assert "**bad_value**" in answer


def test_who_cancels_is_told_so(in_dev: Story) -> None:
    number = in_dev.number("staging")
    comment = in_dev.forge().add_comment(number, "alice", "/cancel")
    in_dev.run()
    assert in_dev.answer(number, comment) == f"alice:\n- `/cancel`: #{number} is closed\n"
    assert in_dev.reactions(comment) == {"eyes", "rocket"}

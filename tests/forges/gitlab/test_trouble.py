"""When GitLab fails, refuses or talks nonsense: bounded patience, nothing taken for empty, no token in any text."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Refused, Unauthorised, Unavailable
from bot.core.models import Deployment, Status
from bot.forges.gitlab import GitLabForge
from tests.forges.gitlab.fake import PROJECT, TOKEN, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.forges.gitlab.place import GitLabPlace

EVER = datetime(2000, 1, 1, tzinfo=UTC)
JSON = (("Content-Type", "application/json"),)
READS: dict[str, Callable[[GitLabPlace], object]] = {
    "pull requests": lambda place: place.forge.pull_requests(),
    "comments": lambda place: place.forge.comments_since(EVER),
    "deployments": lambda place: place.forge.deployments(),
    "person": lambda place: place.forge.person("carol", frozenset({"acme/ops"})),
    "label": lambda place: place.forge.labelled_by(1, "hotfix"),
    "own name": lambda place: place.again().own_name(),
}


def prepared(place: GitLabPlace) -> GitLabPlace:
    """Something of everything."""
    number, _ = place.request()
    place.person("carol", "write", ["acme/ops"])
    place.approve(number, "carol", "/promote prod")
    place.label(number, "carol", "hotfix")
    place.forge.set_deployment(Deployment("prod", place.git.head().sha, "shop 1"))
    return place


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("fault", [Fault(503), Fault(502), Fault(429), Fault(cut=True)], ids=str)
def test_a_passing_failure_is_waited_out(
    place: GitLabPlace, read: Callable[[GitLabPlace], object], fault: Fault
) -> None:
    expected = read(prepared(place))
    place.server.faults += [("", fault), ("", fault)]
    assert read(place) == expected
    assert place.server.faults == []
    assert place.waits == [0.5, 1.0]


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(
    "fault",
    [
        Fault(503),
        Fault(cut=True),
        Fault(200, JSON, b"[]"),
        Fault(200, JSON, b'{"data": null}'),
        Fault(200, JSON, b'{"data": {"project": {}}}'),
        Fault(200, JSON, b'{"data": {"project": null}, "errors": [{"message": "complexity"}]}'),
        Fault(200, JSON, b'{"data": '),
        Fault(200, JSON, b"\xff\xfe"),
        Fault(200, (("Content-Type", "text/html"),), b"<html>Sign in</html>"),
        Fault(302, (("Location", "https://gitlab.example/users/sign_in"),)),
        Fault(401, JSON, b'{"message": "401 Unauthorized"}'),
        Fault(403, JSON, b'{"message": "403 Forbidden"}'),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_unknown_and_never_empty(
    place: GitLabPlace, read: Callable[[GitLabPlace], object], fault: Fault
) -> None:
    prepared(place)
    if read is READS["person"] and fault.body == b"[]":
        return  # which says that nobody has that name
    place.server.faults += [("", fault)] * 4
    with pytest.raises(Unavailable) as error:
        read(place)
    shown = "".join(traceback.format_exception(error.value)) + repr(place.forge)
    assert TOKEN not in shown


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_every_request_of_a_read_must_succeed(place: GitLabPlace, read: Callable[[GitLabPlace], object]) -> None:
    prepared(place)
    for i in range(101):
        place.comment(1, "carol", f"comment {i}")
    read(place)  # who the bot is, it asks but once
    place.server.seen.clear()
    read(place)
    for before in range(len(place.server.seen)):
        place.server.faults = [("", Fault(403, JSON, b'{"message": "403 Forbidden"}', skip=before))]
        with pytest.raises(Unauthorised):
            read(place)


def test_a_server_says_how_long_to_wait_within_reason(place: GitLabPlace) -> None:
    place.server.faults.append(("", Fault(429, (("Retry-After", "7"),))))
    assert list(place.forge.pull_requests()) == []
    assert place.waits == [7.0]
    place.server.faults.append(("", Fault(429, (("Retry-After", "86400"),))))
    with pytest.raises(Unavailable, match="86400 seconds"):
        place.forge.pull_requests()
    assert place.waits == [7.0]


def test_a_server_that_is_gone_is_unavailable(place: GitLabPlace) -> None:
    place.stop()
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
        place.forge.pull_requests()
    assert len(place.waits) == 3


def test_a_comment_is_not_sent_twice_when_its_answer_is_lost(place: GitLabPlace) -> None:
    number, _ = place.request()
    place.server.faults.append(("POST", Fault(502, done=True)))
    with pytest.raises(Unavailable):
        place.forge.comment(number, "status", "text")
    place.forge.comment(number, "status", "text")
    assert len(place.texts(number)) == 1


def test_a_reaction_is_there_once_when_its_answer_is_lost(place: GitLabPlace) -> None:
    number, _ = place.request()
    comment = place.comment(number, "carol", "/promote prod")
    place.server.faults += [("POST", Fault(502)), ("POST", Fault(502, done=True, skip=1))]
    place.forge.react(comment, "eyes")
    assert place.server.faults == []
    assert len(place.world.note(int(comment.removeprefix("note:"))).awards) == 1


def test_gitlabs_words_are_shown_without_the_token_and_short(place: GitLabPlace) -> None:
    number, _ = place.request()
    words = f'{{"message": "bad {TOKEN} \\u001b[31m {"x" * 500}"}}'.encode()
    place.server.faults.append(("PUT", Fault(400, JSON, words)))
    with pytest.raises(Refused) as error:
        place.forge.update_pull_request(number, "Title", "Body")
    assert "bad *** " in str(error.value)
    assert "\x1b" not in str(error.value)
    assert len(str(error.value)) < 350


def test_a_wrong_token_is_refused_and_not_shown(place: GitLabPlace) -> None:
    forge = GitLabForge(PROJECT, "glpat-wrong", place.server.url)
    with pytest.raises(Unauthorised) as error:
        forge.pull_requests()
    assert "glpat" not in "".join(traceback.format_exception(error.value)) + repr(forge)


def test_a_project_that_the_token_may_not_see_is_not_an_empty_one(place: GitLabPlace) -> None:
    with pytest.raises(Unauthorised, match="acme/hidden"):
        GitLabForge("acme/hidden", TOKEN, place.server.url).pull_requests()


def test_the_token_of_a_ci_job_is_turned_down_at_once() -> None:
    with pytest.raises(Refused) as error:
        GitLabForge(PROJECT, "glcbt-64_secret")
    assert error.value.reason_code == "job_token"
    assert "secret" not in str(error.value)


def test_the_token_is_there_for_git(place: GitLabPlace) -> None:
    assert place.forge.token() == TOKEN


def test_a_description_of_a_pending_status_changes_again_and_again(place: GitLabPlace) -> None:
    _, head = place.request()
    for i in range(5):
        status = Status("gitops-bot/approval", "pending", f"{i} of 9 approvals")
        place.forge.set_status(head, status)
        assert place.forge.pull_requests()[0].statuses == (status,)

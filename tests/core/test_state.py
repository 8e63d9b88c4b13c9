"""The state branch says who stopped what; what it says unclearly stops things until somebody mends it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.state import (
    MOST_SEEN,
    Damaged,
    FirstSeen,
    Freeze,
    GivenApproval,
    Hold,
    Lock,
    State,
    active_freeze,
    active_hold,
    active_lock,
    read_state,
    with_approval,
    with_first_seen,
    with_freeze,
    with_hold,
    with_lock,
    without_freeze,
    without_hold,
    without_lock,
)

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
LATER, MUCH_LATER = NOW + timedelta(hours=4), NOW + timedelta(days=2)
HEAD = "0123456789abcdef" * 2 + "01234567"
LOCK = Lock("prod", "alice", 7, "c1", "testing", NOW, LATER)
FREEZE = Freeze(None, "alice", "c2", "sale", NOW, LATER)
HOLD = Hold(7, "alice", "c3", "", NOW)
APPROVAL = GivenApproval(7, "Alice", HEAD, "c4", NOW)
SEEN = FirstSeen("registry.example.com:5000/shop", {"1.0.0@sha256:abc": NOW, "1.1.0": LATER})


def branch(*files: tuple[str, bytes | None]) -> State:
    """The state that those files hold."""
    return read_state({path: content for path, content in files if content is not None})


def test_a_branch_without_files_stops_nothing() -> None:
    state = branch(("README.md", b"What this branch is for."))
    assert state == State()
    assert active_lock(state, "prod", NOW) is None
    assert active_freeze(state, "prod", NOW) is None
    assert active_hold(state, 7) is None


def test_what_is_written_is_readable_sorted_and_ends_with_a_line_break() -> None:
    path, content = with_lock(LOCK)
    assert path == "locks/prod.json"
    assert content.decode().splitlines() == [
        "{",
        '  "comment": "c1",',
        '  "environment": "prod",',
        '  "number": 7,',
        '  "owner": "alice",',
        '  "reason": "testing",',
        '  "since": "2027-01-01T12:00:00Z",',
        '  "until": "2027-01-01T16:00:00Z"',
        "}",
    ]
    assert content.endswith(b"}\n")


def test_each_record_has_its_file() -> None:
    assert with_freeze(FREEZE)[0] == "freezes/all.json"
    assert with_freeze(FREEZE._replace(environment="prod"))[0] == "freezes/prod.json"
    assert with_hold(HOLD)[0] == "holds/7.json"
    assert with_approval(APPROVAL)[0] == "approvals/7/alice.json"
    assert with_first_seen(SEEN)[0] == "seen/registry.example.com%3A5000%2Fshop.json"
    assert with_first_seen(FirstSeen("https://charts.example.com/shop", {}))[0].count("/") == 1


def test_an_environment_that_is_called_all_is_not_everywhere() -> None:
    freeze = FREEZE._replace(environment="all")
    assert with_freeze(freeze)[0] == without_freeze("all")[0] == "freezes/%61ll.json"
    state = branch(with_freeze(freeze))
    assert active_freeze(state, "all", NOW) == freeze
    assert active_freeze(state, "prod", NOW) is None


def test_removing_names_the_file_that_was_made() -> None:
    assert without_lock("prod") == (with_lock(LOCK)[0], None)
    assert without_freeze(None) == (with_freeze(FREEZE)[0], None)
    assert without_freeze("prod") == (with_freeze(FREEZE._replace(environment="prod"))[0], None)
    assert without_hold(7) == (with_hold(HOLD)[0], None)


def test_a_lock_ends_when_its_time_is_over() -> None:
    state = branch(with_lock(LOCK))
    assert active_lock(state, "prod", NOW) == LOCK
    assert active_lock(state, "prod", LATER - timedelta(microseconds=1)) == LOCK
    assert active_lock(state, "prod", LATER) is None
    assert active_lock(state, "dev", NOW) is None


def test_a_lock_without_an_end_stays() -> None:
    lock = LOCK._replace(until=None)
    assert active_lock(branch(with_lock(lock)), "prod", NOW + timedelta(days=10_000)) == lock


def test_a_freeze_of_everywhere_freezes_each_environment() -> None:
    state = branch(with_freeze(FREEZE))
    assert active_freeze(state, "prod", NOW) == FREEZE
    assert active_freeze(state, "dev", NOW) == FREEZE
    assert active_freeze(state, "dev", LATER) is None


def test_of_two_freezes_the_one_that_ends_last_is_told() -> None:
    own = FREEZE._replace(environment="prod", until=MUCH_LATER)
    state = branch(with_freeze(FREEZE), with_freeze(own))
    assert active_freeze(state, "prod", NOW) == own
    assert active_freeze(state, "prod", LATER) == own
    assert active_freeze(state, "dev", NOW) == FREEZE
    assert active_freeze(state, "dev", LATER) is None


def test_a_hold_is_of_one_pull_request() -> None:
    state = branch(with_hold(HOLD))
    assert active_hold(state, 7) == HOLD
    assert active_hold(state, 70) is None


def test_a_time_is_written_in_utc_and_must_have_a_zone() -> None:
    east = LOCK._replace(since=NOW.astimezone(timezone(timedelta(hours=2))))
    assert with_lock(east) == with_lock(LOCK)
    with pytest.raises(ValueError, match="no zone"):
        with_lock(LOCK._replace(since=NOW.replace(tzinfo=None)))


def changed(record: tuple[str, bytes], **values: object) -> bytes:
    """A file with other values; `...` leaves the key out."""
    fields = json.loads(record[1]) | values
    return json.dumps({key: value for key, value in fields.items() if value is not ...}).encode()


L = with_lock(LOCK)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (L[1][:-3], "not JSON"),
        (b"<<<<<<< HEAD\n" + L[1], "not JSON"),
        (b"null", "keys"),
        (b"[]", "keys"),
        (b"{}", "keys"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 50_000, "nested"),
        (b" " * 70_000, "larger"),
        (L[1].replace(b'"number": 7', b'"number": 7, "number": 8'), "twice"),
        (L[1].replace(b'"number": 7', b'"number": ' + b"7" * 5000), "not as|digits"),
        (changed(L, until=...), "keys"),
        (changed(L, more="x"), "keys"),
        (changed(L, number="7"), "number"),
        (changed(L, number=True), "number"),
        (changed(L, number=7.0), "number"),
        (changed(L, number=-1), "number"),
        (changed(L, owner=""), "owner"),
        (changed(L, owner=None), "owner"),
        (changed(L, comment=1), "comment"),
        (changed(L, reason="\ud800"), "reason"),
        (changed(L, since="yesterday"), "since"),
        (changed(L, since="2027-01-01T12:00:00"), "since"),
        (changed(L, since=1_800_000_000), "since"),
        (changed(L, until=""), "until"),
        (changed(L, until="9999-12-31T23:59:59-23:59"), "until"),
        (changed(L, environment="dev"), "belongs into locks/dev.json"),
        (changed(L, environment="PROD"), "belongs into locks/PROD.json"),
    ],
)
def test_a_damaged_lock_locks_until_it_is_mended_and_says_which_file(content: bytes, why: str) -> None:
    state = read_state({"locks/prod.json": content})
    (damaged,) = state.damaged
    assert damaged.path == "locks/prod.json"
    assert any(word in damaged.reason for word in why.split("|")), damaged.reason
    assert state.locks == {}
    assert active_lock(state, "prod", MUCH_LATER) == damaged
    assert active_lock(state, "dev", NOW) is None
    assert active_freeze(state, "prod", NOW) is None
    assert active_hold(state, 7) is None


def test_a_damaged_freeze_freezes_what_its_path_names() -> None:
    one, everywhere = read_state({"freezes/prod.json": b""}), read_state({"freezes/all.json": b""})
    assert isinstance(active_freeze(one, "prod", NOW), Damaged)
    assert active_freeze(one, "dev", NOW) is None
    assert isinstance(active_freeze(everywhere, "prod", NOW), Damaged)
    assert active_lock(everywhere, "prod", NOW) is None
    called_all = read_state({"freezes/%61ll.json": b""})
    assert isinstance(active_freeze(called_all, "all", NOW), Damaged)
    assert active_freeze(called_all, "prod", NOW) is None


def test_a_freeze_must_end() -> None:
    path, content = with_freeze(FREEZE)
    assert isinstance(active_freeze(read_state({path: changed((path, content), until=None)}), "dev", NOW), Damaged)


def test_a_damaged_hold_holds_its_pull_request() -> None:
    state = read_state({"holds/7.json": b""})
    assert isinstance(active_hold(state, 7), Damaged)
    assert active_hold(state, 8) is None


@pytest.mark.parametrize(
    "values", [{"commit": "0123456789a"}, {"commit": HEAD.upper()}, {"commit": ""}, {"user": "bob"}, {"number": 8}]
)
def test_a_damaged_approval_approves_nothing_and_stops_nothing(values: dict[str, object]) -> None:
    path, content = with_approval(APPROVAL)
    state = read_state({path: changed((path, content), **values)})
    assert [damaged.path for damaged in state.damaged] == [path]
    assert state.approvals == ()
    assert active_hold(state, 7) is None
    assert active_lock(state, "prod", NOW) is None


def test_when_versions_were_first_seen_is_kept_by_repository() -> None:
    path, content = with_first_seen(SEEN)
    assert content.decode().splitlines() == [
        "{",
        '  "repository": "registry.example.com:5000/shop",',
        '  "versions": {',
        '    "1.0.0@sha256:abc": "2027-01-01T12:00:00Z",',
        '    "1.1.0": "2027-01-01T16:00:00Z"',
        "  }",
        "}",
    ]
    assert branch((path, content)) == State(seen={SEEN.repository: SEEN.versions})


@pytest.mark.parametrize(
    "values",
    [
        {"repository": ""},
        {"repository": "registry.example.com/desk"},
        {"versions": []},
        {"versions": {"": "2027-01-01T12:00:00Z"}},
        {"versions": {"1.0.0": "2027-01-01T12:00:00"}},
        {"versions": {"1.0.0": None}},
        {"versions": {"1.0.0": 0}},
        {"versions": dict.fromkeys(map(str, range(MOST_SEEN + 1)), "2027-01-01T12:00:00Z")},
        {"more": 1},
    ],
)
def test_a_damaged_record_of_what_was_seen_says_nothing_and_stops_nothing(values: dict[str, object]) -> None:
    path, content = with_first_seen(SEEN)
    for state in (read_state({path: changed((path, content), **values)}), read_state({path: content + b"x"})):
        assert [damaged.path for damaged in state.damaged] == [path]
        assert state.seen == {}
        assert active_lock(state, "prod", NOW) is active_freeze(state, "prod", NOW) is active_hold(state, 7) is None


def test_as_many_versions_as_a_file_may_hold_are_read_again() -> None:
    longest = {f"{number:0256}@sha512:{'f' * 128}": NOW for number in range(MOST_SEEN)}
    record = FirstSeen("registry.example.com/" + "a" * 1000, longest)
    assert branch(with_first_seen(record)) == State(seen={record.repository: longest})


@pytest.mark.parametrize(
    "path", ["locks", "locks/", "locks/Prod.json", "locks/prod", "locks/a/b.json", "locks/all.json"]
)
def test_a_lock_of_who_knows_what_locks_everything(path: str) -> None:
    state = read_state({path: b"{}"})
    assert active_lock(state, "prod", NOW) == state.damaged[0]
    assert active_freeze(state, "prod", NOW) is None


@pytest.mark.parametrize("path", ["holds/x.json", "holds/07.json", "holds/\u0667.json", "holds/7/8.json"])
def test_a_hold_of_who_knows_what_holds_everything(path: str) -> None:
    state = read_state({path: b"{}"})
    assert active_hold(state, 7) == state.damaged[0]
    assert active_lock(state, "prod", NOW) is None


@pytest.mark.parametrize("path", ["lock/prod.json", "windows/prod.json", "prod.json", "docs/README.md", ""])
def test_a_file_of_an_unknown_kind_stops_everything(path: str) -> None:
    state = read_state({path: b"{}"})
    (damaged,) = state.damaged
    assert active_lock(state, "prod", NOW) == active_freeze(state, "prod", NOW) == active_hold(state, 7) == damaged


def test_a_record_that_was_moved_by_hand_is_damaged() -> None:
    state = read_state({"locks/dev.json": L[1], "holds/8.json": with_hold(HOLD)[1]})
    assert state == State(
        damaged=(
            Damaged("holds/8.json", "what it holds belongs into holds/7.json"),
            Damaged("locks/dev.json", "what it holds belongs into locks/prod.json"),
        )
    )


names = st.from_regex(r"[a-z0-9](\.?[a-z0-9_-]){0,20}", fullmatch=True) | st.just("all")
users = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
texts = st.text(st.characters(codec="utf-8"), max_size=100)
numbers = st.integers(1, 2**53)
times = st.datetimes(timezones=st.just(UTC))
commits = st.text("0123456789abcdef", min_size=12, max_size=64)
locks = st.builds(Lock, names, users, numbers, users, texts, times, st.none() | times)
freezes = st.builds(Freeze, st.none() | names, users, users, texts, times, times)
holds = st.builds(Hold, numbers, users, users, texts, times)
approvals = st.builds(GivenApproval, numbers, users, commits, users, times)
seen = st.builds(FirstSeen, users, st.dictionaries(users, times, max_size=5))


@given(locks, freezes, holds, approvals, seen)
def test_what_was_written_is_read_again(
    lock: Lock, freeze: Freeze, hold: Hold, approval: GivenApproval, seen: FirstSeen
) -> None:
    files = dict(
        [with_lock(lock), with_freeze(freeze), with_hold(hold), with_approval(approval), with_first_seen(seen)]
    )
    state = State({lock.environment: lock}, {freeze.environment: freeze}, {hold.number: hold}, (approval,))
    assert read_state(files) == replace(state, seen={seen.repository: seen.versions})


@given(users, numbers)
def test_no_name_climbs_out_of_its_folder(name: str, number: int) -> None:
    lock, approval = without_lock(name)[0], with_approval(APPROVAL._replace(number=number, user=name))[0]
    assert lock.count("/") == 1
    assert approval.count("/") == 2
    assert lock.isascii()
    assert approval.isascii()
    assert not {".", "..", ".git"} & {part.lower() for part in (*lock.split("/"), *approval.split("/"))}


@given(
    st.dictionaries(st.text(max_size=20) | st.sampled_from(["locks/a.json", "holds/1.json"]), st.binary(max_size=50))
)
def test_no_branch_is_so_damaged_that_it_cannot_be_read(files: dict[str, bytes]) -> None:
    state = read_state(files)
    assert [damaged.path for damaged in state.damaged] == sorted(set(files) - {"README.md"})

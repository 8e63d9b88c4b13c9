"""A repository is read and written without a checkout, and the remote only changes when nobody else was faster."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Conflict, NotFound, Refused, Unavailable
from bot.core.models import Entry
from bot.engine.brought import lands
from bot.git import Git, landing
from tests.git_moves import Moves
from tests.git_remote import Person, run

if TYPE_CHECKING:
    from pathlib import Path

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def alice(tmp_path: Path) -> Person:
    return Person(tmp_path / "remote.git", tmp_path / "alice")


@pytest.fixture
def git(alice: Person, tmp_path: Path) -> Git:
    return Git(str(alice.remote), tmp_path / "cache")


def test_what_alice_pushed_is_seen_after_a_fetch(alice: Person, git: Git) -> None:
    first = alice.push({"a.txt": "one\n"})
    git.fetch()
    second = alice.push({"a.txt": "two\n"})
    assert git.head().sha == first
    git.fetch()
    assert git.head().sha == second
    assert git.read(second, ["a.txt"]) == {"a.txt": b"two\n"}


def test_a_commit_names_its_committer_time_and_message(
    alice: Person, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-02-03T04:05:06+02:00")
    alice.push({"a": ""})
    alice.git("-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--amend", "-m", "Grüße".encode("latin-1"))  # type: ignore[arg-type]  # bytes of another encoding
    alice.git("push", "-q", "--force", "origin", "HEAD:main")
    commit = git.head("main")
    assert (commit.committer, commit.time) == ("alice@example.org", datetime(2026, 2, 3, 2, 5, 6, tzinfo=UTC))
    assert commit.message == "Grüße"


def test_the_first_read_fetches_when_nothing_was_fetched_yet(alice: Person, git: Git) -> None:
    sha = alice.push({"a": "1"})
    assert git.entries(sha) == (Entry("a", "100644", run(alice.clone, "rev-parse", "HEAD:a")),)


def test_a_branch_that_is_gone_is_gone_after_a_fetch(alice: Person, git: Git) -> None:
    alice.push({"a": "1"})
    alice.push({"b": "1"}, branch="topic/x", start="origin/main")
    git.fetch()
    assert git.head("topic/x").message == "change b"
    alice.git("push", "-q", "origin", ":topic/x")
    alice.push({"c": "1"}, branch="topic", start="origin/main")
    git.fetch()
    with pytest.raises(NotFound, match="has no branch 'topic/x'"):
        git.head("topic/x")
    assert git.head("topic").message == "change c"


def test_branches_are_found_by_the_beginning_of_their_names(alice: Person, git: Git) -> None:
    main = alice.push({"a": "1"})
    topics = {
        name: alice.push({name: "1"}, branch=name, start=main) for name in ("bot/dev/shop", "bot/dev/web", "bots")
    }
    git.fetch()
    assert git.branches("bot/") == {name: sha for name, sha in topics.items() if name != "bots"}
    assert git.branches("") == topics | {"main": main}
    assert git.branches("none") == {}


def test_the_default_branch_is_the_remotes_and_follows_it(alice: Person, git: Git) -> None:
    alice.push({"a": "1"})
    alice.push({"b": "1"}, branch="trunk")
    alice.push({"b": "2"}, branch="HEAD-is-not-me")
    git.fetch()
    assert git.default_branch() == "main"
    run(alice.remote, "symbolic-ref", "HEAD", "refs/heads/trunk")
    git.fetch()
    assert git.default_branch() == "trunk"
    assert git.head() == git.head("trunk")


def test_an_empty_repository_has_no_default_branch_and_says_what_to_do(alice: Person, git: Git) -> None:
    git.fetch()
    with pytest.raises(NotFound, match="has no default branch") as error:
        git.head()
    assert error.value.reason_code == "no_default_branch"
    assert str(alice.remote) in error.value.message
    assert "push a first commit" in error.value.fix


def test_a_head_that_points_nowhere_is_no_default_branch(alice: Person, git: Git) -> None:
    sha = alice.push({"a": "1"})
    run(alice.remote, "symbolic-ref", "HEAD", "refs/heads/nowhere")
    git.fetch()
    with pytest.raises(NotFound, match="has no default branch"):
        git.default_branch()
    assert git.head("main").sha == sha


def test_a_commit_is_found_by_a_short_sha_and_nothing_else(alice: Person, git: Git) -> None:
    sha = alice.push({"a": "1"})
    blob = alice.git("rev-parse", "HEAD:a")
    assert git.commit_of(sha[:7]).sha == sha
    for other in ("0" * 40, "abcd", "main", "HEAD", "", "--help", f"{sha}^{{tree}}", blob, f"{sha}\nHEAD"):
        with pytest.raises(NotFound):
            git.commit_of(other)


def test_only_files_of_the_asked_folder_are_listed(alice: Person, git: Git) -> None:
    sha = alice.push({"a/x": "1", "a/b/y": "2", "ab/z": "3", "a.txt": "4", "a*": "5"})
    assert [entry.path for entry in git.entries(sha)] == ["a*", "a.txt", "a/b/y", "a/x", "ab/z"]
    assert [entry.path for entry in git.entries(sha, "a")] == ["a/b/y", "a/x"]
    assert [entry.path for entry in git.entries(sha, "a/b/")] == ["a/b/y"]
    assert len(git.entries(sha, ".")) == 5
    assert git.entries(sha, "nothing") == git.entries(sha, "a.txt") == ()
    with pytest.raises(NotFound):
        git.entries("1" * 40)


def test_names_in_any_script_and_with_any_character_are_kept(alice: Person, git: Git) -> None:
    names = ["ä/日本.txt", 'quo"te', "new\nline", "tab\there", "-rf", ":(glob)*", "back\\slash", "con", "\udcff.bin"]
    sha = alice.push({name: f"content of {name!r}" for name in names})
    assert [entry.path for entry in git.entries(sha)] == sorted(names)
    assert git.read(sha, names) == {name: f"content of {name!r}".encode() for name in names}
    new = git.write([sha], {"new\nline": b"changed", "\udcff.bin": None, "-rf": b""}, "m", WHEN)
    assert git.changed(sha, new) == ("-rf", "new\nline", "\udcff.bin")
    assert git.log(sha, new, [":(glob)*"]) == ()


def test_many_files_are_read_at_once(alice: Person, git: Git) -> None:
    files = {f"folder/{number}": f"{number}" for number in range(150)}
    sha = alice.push(dict(files))
    assert git.read(sha, [*files, "folder", "missing"]) == {name: text.encode() for name, text in files.items()}
    assert git.read(sha, ["folder", "folder/1"]) == {"folder/1": b"1"}
    assert git.read(sha, []) == {}


def test_links_and_submodules_are_not_regular_files(alice: Person, git: Git) -> None:
    alice.push({"a": "1"})
    (alice.clone / "link").symlink_to("/etc/passwd")
    (alice.clone / "run.sh").write_text("#!/bin/sh\n")
    (alice.clone / "run.sh").chmod(0o755)
    alice.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    alice.git("add", "link", "run.sh")
    alice.git("commit", "-q", "-m", "links")
    alice.git("push", "-q", "origin", "HEAD:main")
    sha = git.head().sha
    assert [(e.path, e.mode) for e in git.entries(sha)] == [("a", "100644"), ("link", "120000"), ("run.sh", "100755")]
    assert git.read(sha, ["a", "link", "module", "missing", "../a"]) == {"a": b"1"}
    for path in ("link", "module", "link/below", "a/below"):
        with pytest.raises(Refused) as error:
            git.write([sha], {path: b"x"}, "m", WHEN)
        assert error.value.reason_code == "not_a_file"
    new = git.write([sha], {"run.sh": b"#!/bin/bash\n", "link": None, "a": None, "a/below": b""}, "m", WHEN)
    assert [(e.path, e.mode) for e in git.entries(new)] == [("a/below", "100644"), ("run.sh", "100755")]
    assert "module" in run(git._folder, "ls-tree", "--name-only", new)


def test_the_same_arguments_make_the_same_commit(alice: Person, git: Git, tmp_path: Path) -> None:
    sha = alice.push({"a": "1", "b": "2"})
    other = Git(str(alice.remote), tmp_path / "other cache")
    files = {"b": None, "c/d": b"\r\n\0\xff", "a": b"new"}
    one, two = (each.write([sha], dict(files), "Title\n\nbody ü\n", WHEN) for each in (git, other))
    assert one == two
    assert git.commit_of(one)[1:] == ("gitops-bot@localhost", WHEN, "Title\n\nbody ü")
    assert git.read(one, ["a", "b", "c/d"]) == {"a": b"new", "c/d": b"\r\n\0\xff"}
    assert git.log(sha, one)[0].sha == one
    assert alice.on("main") == sha


def test_a_history_can_begin_with_a_written_commit(alice: Person, git: Git) -> None:
    first = git.write([], {"state.yaml": b"{}\n"}, "Begin", WHEN)
    git.push("gitops-bot/state", first, None)
    assert alice.on("gitops-bot/state") == first
    assert git.head("gitops-bot/state").sha == first


def test_line_ends_filters_and_hooks_leave_the_bytes_alone(alice: Person, git: Git, tmp_path: Path) -> None:
    sha = alice.push({".gitattributes": "* text=auto eol=crlf filter=evil\n", "a": "1\n"})
    settings = tmp_path / "home.config"
    trap = tmp_path / "trap"
    settings.write_text(
        f"[core]\n autocrlf = true\n hooksPath = {tmp_path}\n[commit]\n gpgSign = true\n[log]\n showSignature = true\n"
        f'[filter "evil"]\n clean = touch {trap}; cat\n smudge = touch {trap}; cat\n required = true\n'
    )
    hook = tmp_path / "pre-push"
    hook.write_text(f"#!/bin/sh\ntouch {trap}\nexit 1\n")
    hook.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(settings))
        new = git.write([sha], {"b": b"1\r\n2\n"}, "m", WHEN)
        git.push("main", new, sha)
    assert git.read(new, ["a", "b"]) == {"a": b"1\n", "b": b"1\r\n2\n"}
    assert alice.on("main") == new
    assert not trap.exists()


def test_a_log_is_newest_first_and_only_of_the_folder(alice: Person, git: Git) -> None:
    first = alice.push({"a/1": "1"})
    second = alice.push({"b/1": "1"})
    third = alice.push({"a/1": "2"})
    assert [c.sha for c in git.log(None, third)] == [third, second, first]
    assert [c.sha for c in git.log(first, third)] == [third, second]
    assert [c.sha for c in git.log(None, third, ["a"])] == [third, first]
    assert [c.sha for c in git.log(None, third, limit=1)] == [third]
    assert git.log(third, third) == ()


def test_unrelated_histories_have_no_merge_base(alice: Person, git: Git) -> None:
    one = alice.push({"a": "1"})
    two = git.write([], {"a": b"1"}, "other", WHEN)
    topic = git.write([one], {"b": b"1"}, "topic", WHEN)
    assert git.merge_base(one, topic) == one
    with pytest.raises(NotFound, match="no common history"):
        git.merge_base(one, two)
    with pytest.raises(NotFound, match="has no commit"):
        git.merge_base(one, "2" * 40)


def test_where_each_side_has_merged_the_others_work_there_are_several_merge_bases(alice: Person, git: Git) -> None:
    start = alice.push({"a": "1"})
    one, two = (git.write([start], {name: b"1"}, name, WHEN) for name in ("b", "c"))
    ours, theirs = git.merge(one, two, "Ours", WHEN), git.merge(two, one, "Theirs", WHEN)
    assert set(git.merge_bases(ours, theirs)) == {one, two}
    assert git.merge_base(ours, theirs) == git.merge_bases(ours, theirs)[0]
    assert git.merge_bases(ours, one) == (one,)


def test_changes_to_different_files_are_merged(alice: Person, git: Git) -> None:
    start = alice.push({"a": "1", "b": "1", "c": "1"})
    base = git.write([start], {"a": b"2", "same": b"x"}, "base", WHEN)
    head = git.write([start], {"b": b"2", "c": None, "same": b"x"}, "head", WHEN)
    merge = git.merge(base, head, "Merge", WHEN)
    assert git.read(merge, ["a", "b", "c", "same"]) == {"a": b"2", "b": b"2", "same": b"x"}
    assert git.merge(base, head, "Merge", WHEN) == merge
    assert git.merge_base(merge, head) == head


@pytest.mark.parametrize("theirs", [{"a": b"3"}, {"a": None}, {"a": None, "a/b": b""}, {"a": b"2\n", "b": b""}])
def test_one_file_changed_on_both_sides_is_a_conflict(alice: Person, git: Git, theirs: dict[str, bytes | None]) -> None:
    start = alice.push({"a": "1"})
    base = git.write([start], {"a": b"2"}, "base", WHEN)
    head = git.write([start], theirs, "head", WHEN)
    with pytest.raises(Conflict, match=r"both sides changed .*a"):
        git.merge(base, head, "Merge", WHEN)


def test_a_file_and_a_folder_of_one_name_are_a_conflict(alice: Person, git: Git) -> None:
    start = alice.push({"x": "1"})
    base = git.write([start], {"a": b"2"}, "base", WHEN)
    head = git.write([start], {"a/b": b"2"}, "head", WHEN)
    with pytest.raises(Conflict):
        git.merge(base, head, "Merge", WHEN)


def test_a_push_makes_moves_and_deletes_a_branch_and_is_known_at_once(alice: Person, git: Git) -> None:
    start = alice.push({"a": "1"})
    one = git.write([start], {"a": b"2"}, "one", WHEN)
    two = git.write([start], {"a": b"3"}, "two", WHEN)
    git.push("bot/dev/shop", one, None)
    git.push("bot/dev/shop", two, one)
    assert alice.on("bot/dev/shop") == git.head("bot/dev/shop").sha == two
    git.push("bot/dev/shop", None, two)
    assert alice.on("bot/dev/shop") == ""
    with pytest.raises(NotFound):
        git.head("bot/dev/shop")


def test_whoever_was_faster_keeps_the_branch(alice: Person, git: Git) -> None:
    start = alice.push({"a": "1"})
    mine = git.write([start], {"a": b"2"}, "mine", WHEN)
    hers = alice.push({"a": "hers"})
    with pytest.raises(Conflict):
        git.push("main", mine, start)
    git.fetch()
    for commit, expected in [(mine, start), (None, start), (mine, None), (hers, start)]:
        with pytest.raises(Conflict):
            git.push("main", commit, expected)
    for commit, expected in [(mine, start), (None, start)]:
        with pytest.raises(Conflict):
            git.push("not-there", commit, expected)
    git.push("not-there", None, None)
    git.push("main", hers, hers)
    assert alice.on("main") == hers
    assert alice.on("not-there") == ""


def test_the_remotes_own_hooks_decide_what_may_be_pushed(alice: Person, git: Git) -> None:
    start = alice.push({"a": "1"})
    hook = alice.remote / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho only on Mondays; exit 1\n")
    hook.chmod(0o755)
    with pytest.raises(Refused, match="only on Mondays") as error:
        git.push("main", git.write([start], {"a": b"2"}, "m", WHEN), start)
    assert error.value.reason_code == "push_refused"
    assert alice.on("main") == start


def test_a_checked_out_branch_of_a_working_copy_is_not_pushed_to(alice: Person, tmp_path: Path) -> None:
    start = alice.push({"a": "1"})
    alice.git("checkout", "-q", "-B", "main")
    git = Git(str(alice.clone), tmp_path / "cache")
    with pytest.raises(Refused, match="checked out"):
        git.push("main", git.write([start], {"a": b"2"}, "m", WHEN), start)


def test_two_objects_and_two_processes_share_one_cache(alice: Person, git: Git, tmp_path: Path) -> None:
    sha = alice.push({"a": "1"})
    code = "import sys, pathlib; from bot.git import Git; g = Git(sys.argv[1], pathlib.Path(sys.argv[2]))\n"
    code += "for _ in range(5): g.fetch(); print(g.head().sha)"
    command = [sys.executable, "-c", code, str(alice.remote), str(tmp_path / "cache")]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for number in range(5):
        git.fetch()
        new = git.write([sha], {"b": b"%d" % number}, "m", WHEN)
        git.push(f"bot/{number}", new, None)
    assert [process.communicate(timeout=60)[0].split() for process in others] == [[sha] * 5] * 3
    assert len(os.listdir(tmp_path / "cache")) == 1


def test_where_a_merge_and_a_rebase_put_things_follows_what_was_moved(alice: Person, git: Git) -> None:
    lines = "".join(f"{n}: {n}\n" for n in range(20))
    base = alice.push({"a/x": lines, "a/y": f"y\n{lines}", "b/z": "z\n"})
    alice.push({"a/x": lines.replace("3: 3", "3: 0")}, "side", start=base)
    side = alice.push({"a/new": "new\n"}, "side")
    moved = alice.push({"a/x": None, "a/y": None, "c/x": lines, "c/y": f"y\n{lines}"})
    git.fetch()
    assert set(git.landing(moved, side)) == {"c/x", "c/new"}
    assert set(git.landing(base, side)) == {"a/x", "a/new"}
    assert git.deletes(base, moved)
    assert not git.deletes(base, side)


def test_what_is_deleted_and_brought_back_was_deleted_on_the_way(alice: Person, git: Git) -> None:
    base = alice.push({"a": "1\n", "b": "1\n"})
    alice.push({"a": None}, "side", start=base)
    back = alice.push({"a": "1\n"}, "side")
    git.fetch()
    assert git.deletes(base, back)


def test_what_is_in_conflict_lands_there_too(alice: Person, git: Git) -> None:
    base = alice.push({"a": "1\n"})
    side = alice.push({"a": "2\n"}, "side", start=base)
    main = alice.push({"a": "3\n"})
    git.fetch()
    assert git.landing(main, side) == ("a",)


def test_a_branch_of_very_many_commits_is_not_replayed(
    alice: Person, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = alice.push({"a": "1\n"})
    side = [alice.push({"b": f"{n}\n"}, "side", start=base if n == 0 else None) for n in range(3)]
    main = alice.push({"c": "3\n"})
    git.fetch()
    monkeypatch.setattr(landing, "MOST_COMMITS", 2)
    assert git.landing(main, side[1]) == ("b",)
    with pytest.raises(Unavailable, match="more than 2 commits"):
        git.landing(main, side[2])


def test_what_takes_git_too_long_cannot_be_told_and_is_not_tried_again(
    alice: Person, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = alice.push({"a": "1\n"})
    side = alice.push({"b": "1\n"}, "side", start=base)
    main = alice.push({"c": "3\n"})
    git.fetch()
    monkeypatch.setattr(landing, "SECONDS", 0)
    with pytest.raises(Unavailable, match=r"git merge-tree of .* took longer than 0 s"):
        git.landing(main, side)
    monkeypatch.setattr(landing, "SECONDS", 20)
    with pytest.raises(Unavailable, match="took longer"):
        git.landing(main, side)
    assert git.landing(base, side) == ("b",)


LINES = "".join(f"{n}: {n}\n" for n in range(20))
EDITED = LINES.replace("3: 3", "3: 0")


def test_a_rebase_leaves_out_what_is_there_already_and_the_next_commit_follows_it(alice: Person, git: Git) -> None:
    base = alice.push({"z": "z\n"})
    draft = alice.push({"a/x": LINES}, "side", start=base)
    side = alice.push({"a/x": EDITED}, "side")
    alice.push({"o": "o\n"})
    alice.git("cherry-pick", draft)
    alice.git("push", "-q", "origin", "HEAD:main")
    main = alice.push({"a/x": None, "b/x": LINES})
    git.fetch()
    assert "b/x" in git.landing(main, side)


def test_a_rebase_leaves_out_what_a_merge_brought_and_the_next_commit_lands_elsewhere(alice: Person, git: Git) -> None:
    base = alice.push({"z": "z\n"})
    alice.push({"s": "s\n"}, "side", start=base)
    alice.push({"t": "t\n"}, "other", start=base)
    alice.git("checkout", "-q", "--detach", "origin/side")
    alice.git("fetch", "-q", "origin")
    alice.git("merge", "-q", "--no-commit", "--no-ff", "origin/other")
    (alice.clone / "a").write_text(LINES)
    merge = alice.commit("side", "Merge, and more")
    side = alice.push({"a": EDITED}, "side")
    main = alice.push({"b": LINES})
    git.fetch()
    assert "b" in lands(git, main, side)
    assert git.touched(base, merge) == ("a", "s", "t")


def test_what_is_in_conflict_here_does_not_hide_what_comes_after_it(alice: Person, git: Git) -> None:
    """Attributes of the tree, as `merge=union`, solve on a forge what is a conflict here."""
    base = alice.push({"notes": "a\n", "a/x": LINES})
    alice.push({"notes": "a\nb\n"}, "side", start=base)
    alice.push({"a/x": EDITED}, "side")
    side = alice.push({"a/x": LINES}, "side")
    main = alice.push({"notes": "a\nc\n", "a/x": None, "b/x": LINES})
    git.fetch()
    assert "b/x" in git.landing(main, side)


def test_what_a_commit_changes_and_the_next_takes_back_lands_too(alice: Person, git: Git) -> None:
    """By a rebase or fast-forward its state is one of the default branch's own."""
    base = alice.push({"z": "z\n"})
    alice.push({"a": "1\n"}, "side", start=base)
    side = alice.push({"a": None, "b": "1\n"}, "side")
    git.fetch()
    assert lands(git, base, side) == {"a", "b"}


@pytest.mark.parametrize("seed", range(12))
def test_no_merge_or_rebase_of_git_lands_anywhere_else(tmp_path: Path, seed: int) -> None:
    """Moves, copies of commits, deletions and merges on both sides, in any order."""
    drawn = Moves(tmp_path / "work", random.Random(seed))  # the same one each time
    run(tmp_path, "clone", "-q", "--bare", "work", "remote.git")
    git = Git(str(tmp_path / "remote.git"), tmp_path / "cache")
    git.fetch()
    said = lands(git, drawn.main, drawn.side)
    assert drawn.merged() <= said
    assert drawn.rebased() <= said


def test_a_branch_that_git_has_no_room_for_is_said_by_its_name(alice: Person, git: Git) -> None:
    alice.push({"bot-not": "1"})
    alice.push({"a": "1"}, "bot")
    git.fetch()
    new = git.write([git.head().sha], {"b": b"1"}, "m", WHEN)
    with pytest.raises(Refused, match="'bot/dev/shop' cannot be made beside the branch 'bot'") as error:
        git.push("bot/dev/shop", new, None)
    assert error.value.reason_code == "push_refused"
    git.push("bots", new, None)


def test_of_a_file_that_is_too_large_nothing_is_held(alice: Person, git: Git) -> None:
    sha = alice.push({"large": "x" * 3_000_000, "small": "x"})
    git.fetch()
    with pytest.raises(Refused, match="says more than 2 MiB") as error:
        git.read(sha, ["large", "small"], 2 << 20)
    assert error.value.reason_code == "too_large"
    assert git.read(sha, ["small"], 2 << 20) == {"small": b"x"}
    assert len(git.read(sha, ["large"], 4 << 20)["large"]) == 3_000_000


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="this system cannot bound another process' memory")
def test_a_tree_without_end_takes_no_more_memory_than_is_allowed(alice: Person, git: Git) -> None:
    """A hundred million files, in five objects."""
    base = alice.push({"a": "1"})
    tree = _tree(alice, "100644", alice.git("rev-parse", "HEAD:a"))
    for _ in range(3):
        tree = _tree(alice, "040000", tree)
    bomb = alice.git("commit-tree", tree, "-p", base, "-m", "Very many")
    alice.git("push", "-q", "origin", f"{bomb}:refs/heads/side")
    git.fetch()
    with pytest.raises(Refused, match=r"git needs more than 1,024 MiB|says more than") as error:
        git.changed(base, bomb)
    assert error.value.reason_code == "too_large"


def _tree(alice: Person, mode: str, sha: str) -> str:
    kind = "blob" if mode == "100644" else "tree"
    lines = "".join(f"{mode} {kind} {sha}\t{n}\n" for n in range(100))
    command = ["git", "mktree"]
    return subprocess.run(
        command, cwd=alice.clone, input=lines, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_strange_object_is_fetched_whatever_the_user_has_set(
    alice: Person, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[transfer]\n fsckObjects = true\n[fetch]\n fsckObjects = true\n")
    main = alice.push({"a": "1"})
    (tmp_path / "commit").write_text(f"tree {alice.git('rev-parse', 'HEAD^{tree}')}\nparent {main}\n\nNobody's\n")
    strange = run(alice.remote, "hash-object", "-t", "commit", "--literally", "-w", str(tmp_path / "commit"))
    run(alice.remote, "update-ref", "refs/heads/strange", strange)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    git.fetch()
    assert git.head().sha == main


def test_settings_of_the_user_change_nothing_of_where_things_land(
    alice: Person, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[merge]\n renames = false\n directoryRenames = false\n[diff]\n renames = false\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    test_where_a_merge_and_a_rebase_put_things_follows_what_was_moved(alice, git)


def test_the_history_of_the_branch_itself_leaves_out_what_was_only_ever_on_a_side_branch(
    alice: Person, git: Git
) -> None:
    first = alice.push({"a": "1\n"})
    alice.push({"a": "2\n"}, "side", start=first)
    alice.push({"a": "1\n"}, "side")
    alice.push({"b": "1\n"})
    alice.git("checkout", "-q", "--detach", "origin/main")
    alice.git("fetch", "-q", "origin")
    alice.git("checkout", "-q", "--detach", "origin/main")
    alice.git("merge", "-q", "--no-ff", "-m", "Merge the side", "origin/side")
    merged = alice.commit("main", "on top")
    git.fetch()
    assert [c.sha for c in git.log(None, merged, ["a"], first_parent=True)] == [first]
    assert len(git.log(None, merged)) == 6

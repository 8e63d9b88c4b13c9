"""Git: a private bare copy of a remote repository in a cache folder; the remote changes by `push` alone."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bot.core.errors import Conflict, NotFound, Refused, Unavailable
from bot.core.identity import BOT_EMAIL, BOT_NAME
from bot.git import index, landing, objects
from bot.git.failures import end_of, network_error, push_error
from bot.git.memory import Memory, by_sha
from bot.git.names import branch_ref, full_sha, is_revision, is_safe_path, tree_folder, tree_path
from bot.git.program import MOST_BYTES, MOST_MEMORY, MOST_NAMES, Finished, Program, alone
from bot.git.remote import parse
from bot.ports import reads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from bot.core.models import Commit, Entry

_ORIGIN = "refs/remotes/origin/"
_NONE = "refs/gitops-bot/none"
_BYTES = ("utf-8", "surrogateescape")
"""A path may be any bytes."""


class Git:
    """`ports.GitRepository` by the git program, version 2.30 or newer (2.31 for `token`).

    `url` is an https or ssh URL or a local path. `cache` is a folder that several processes may share. `token` is
    sent to the URL's host alone and over https only; without one, git's own helpers and ssh keys are used. `name`
    and `email` are the author and committer of commits. `seconds` is the time limit of each git command.
    Raises `Refused` for a URL of another form or with credentials in it.
    """

    def __init__(
        self,
        url: str,
        cache: Path,
        *,
        token: str | None = None,
        name: str = BOT_NAME,
        email: str = BOT_EMAIL,
        seconds: float = 300,
    ) -> None:
        remote = parse(url)
        self.url = remote.url
        self._folder = cache.absolute() / f"{hashlib.sha256(remote.url.encode()).hexdigest()[:32]}.git"
        self._git = Program(self._folder, remote, token, seconds)
        self._seconds = seconds
        self._author = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", name), ("EMAIL", email))
        }
        self._usable = False
        self._memory = Memory()
        self._untold: dict[tuple[str, ...], Unavailable] = {}
        self._refs: dict[str, str] | None = None
        self._default: str | None = None

    @reads
    def fetch(self) -> None:
        """See `ports.GitRepository`. One look at the remote when nothing is new there."""
        self._make()
        with self._alone():
            self._fetch()
        self._usable = True

    @reads
    def head(self, branch: str | None = None) -> Commit:
        """See `ports.GitRepository`."""
        name = self.default_branch() if branch is None else branch
        ref = branch_ref(name).replace("refs/heads/", _ORIGIN, 1)
        commit = self._commits([(self._refs or {}).get(name, ref)])[0]
        if commit is None:
            raise NotFound(f"{self.url} has no branch {name!r}", fix="check its spelling, or push it first")
        return commit

    @reads
    def default_branch(self) -> str:
        """See `ports.GitRepository`."""
        self._ready()
        if self._refs is not None and self._default in self._refs:
            return str(self._default)
        ref = self._text(self._git.local("symbolic-ref", "HEAD")).strip()
        if not ref.startswith(_ORIGIN):
            raise NotFound(
                f"{self.url} has no default branch",
                fix="push a first commit, or set the repository's default branch (HEAD) to one that exists",
                reason_code="no_default_branch",
            )
        return ref.removeprefix(_ORIGIN)

    @reads
    def branches(self, prefix: str) -> Mapping[str, str]:
        """See `ports.GitRepository`."""
        self._ready()
        known = self._known() if self._refs is None else self._refs
        return {name: sha for name, sha in known.items() if name.startswith(prefix)}

    @reads
    def commit_of(self, revision: str) -> Commit:
        """See `ports.GitRepository`. `NotFound` also for anything that is not a SHA, and for an ambiguous one."""
        commit = self._commits([revision])[0] if is_revision(revision) else None
        if commit is None:
            fix = "give the full SHA of a commit that is on a branch"
            raise NotFound(f"{self.url} has no commit {revision[:100]!r}, or more than one", fix=fix)
        return commit

    @reads
    def entries(self, commit: str, folder: str = "") -> tuple[Entry, ...]:
        """See `ports.GitRepository`. Submodules are left out. `Refused` for a tree with unsafe paths."""
        below = tree_folder(folder)
        found = self._tree(commit, *([f"{below}/"] if below else [])).values()
        return tuple(sorted(entry for entry in found if entry.mode != "160000"))

    @reads
    def read(self, commit: str, paths: Iterable[str], most: int = MOST_BYTES) -> Mapping[str, bytes]:
        """See `ports.GitRepository`."""
        return self._contents(commit, paths, "100", most)

    @reads
    def links(self, commit: str, paths: Iterable[str]) -> Mapping[str, str]:
        """See `ports.GitRepository`."""
        found = self._contents(commit, paths, "120", MOST_BYTES)
        return {path: target.decode("utf-8", "surrogateescape") for path, target in found.items()}

    def _contents(self, commit: str, paths: Iterable[str], kind: str, most: int) -> dict[str, bytes]:
        """The bytes of those paths whose mode begins with `kind`."""
        wanted = [path for path in dict.fromkeys(paths) if is_safe_path(path)]
        # A command line has its limits; past these the whole tree is listed.
        tree = self._tree(commit, *(wanted if len(wanted) <= 100 else ())) if wanted else {}
        files = {path: tree[path].sha for path in wanted if path in tree and tree[path].mode.startswith(kind)}
        blobs = self._objects(list(files.values()), most)
        if any(blob.kind != "blob" for blob in blobs):
            raise self._broken(f"a file of commit {commit} is missing")
        return {path: blob.body for path, blob in zip(files, blobs, strict=True)}

    @reads
    def changed(self, old: str, new: str) -> tuple[str, ...]:
        """See `ports.GitRepository`."""
        arguments = ("diff-tree", "-r", "-z", "--no-renames", "--name-only", full_sha(old), full_sha(new))
        names = self._local(*arguments, commits=(old, new), most=MOST_NAMES).split(b"\0")[:-1]
        return tuple(sorted(name.decode("utf-8", "surrogateescape") for name in names))

    @reads
    def merge_base(self, one: str, other: str) -> str:
        """See `ports.GitRepository`."""
        return self.merge_bases(one, other)[0]

    @reads
    def merge_bases(self, one: str, other: str) -> tuple[str, ...]:
        """See `ports.GitRepository`."""
        self._ready()
        question = ("merge-base", "--all", full_sha(one), full_sha(other))
        found = self._memory.get(question)
        if found is None:
            finished = self._git.local(*question)
            if finished.code == 1:
                raise NotFound(f"{one} and {other} have no common history", fix="start the branch from the other one")
            found = self._memory.keep(question, self._checked(finished, (one, other)))
        return tuple(found.decode("ascii").split())

    @reads
    def deletes(self, old: str, new: str) -> bool:
        """See `ports.GitRepository`."""
        only = ("-m", "--no-renames", "--diff-filter=D", "--name-only", "--format=", "--max-count=1")
        history = ("log", *only, full_sha(new), f"^{full_sha(old)}", "--")
        return bool(self._local(*history, commits=(old, new)).strip())

    @reads
    def touched(self, old: str, new: str) -> tuple[str, ...]:
        """See `ports.GitRepository`."""
        only = ("-c", "-z", "--no-renames", "--name-only", "--format=")
        history = ("log", *only, full_sha(new), f"^{full_sha(old)}", "--")
        names = self._local(*history, commits=(old, new), most=MOST_NAMES).split(b"\0")
        return tuple(sorted({name.decode(*_BYTES) for name in names if name}))

    @reads
    def merges(self, old: str, new: str) -> bool:
        """See `ports.GitRepository`."""
        question = ("rev-list", "--merges", "--max-count=1", full_sha(new), f"^{full_sha(old)}")
        return bool(self._local(*question, commits=(old, new)))

    @reads
    def landing(self, onto: str, head: str) -> tuple[str, ...]:
        """See `ports.GitRepository`. Two commits are asked about once, also if it could not be told."""
        question = ("landing", full_sha(onto), full_sha(head))
        if question in self._untold:
            raise self._untold[question]
        known = self._memory.get(question)
        if known is None:
            try:
                known = self._memory.keep(question, "\0".join(sorted(self._landing(onto, head))).encode(*_BYTES))
            except Unavailable as error:
                self._untold[question] = error
                raise
        return tuple(path for path in known.decode(*_BYTES).split("\0") if path)

    def _landing(self, onto: str, head: str) -> set[str]:
        bases = self.merge_bases(onto, head)
        dates = {f"GIT_{role}_DATE": "1000000000 +0000" for role in ("AUTHOR", "COMMITTER")}
        git = self._git.within(landing.SECONDS)
        merged = landing.merged(git, onto, head)
        return {*merged, *landing.replayed(git, onto, bases, head, self._author | dates)}

    @reads
    def log(
        self,
        since: str | None,
        until: str,
        paths: Sequence[str] = (),
        limit: int = 100,
        *,
        first_parent: bool = False,
    ) -> tuple[Commit, ...]:
        """See `ports.GitRepository`."""
        ends = (until,) if since is None else (until, since)
        below = [folder for path in paths if (folder := tree_folder(path))]
        arguments = ["rev-list", f"--max-count={limit}", full_sha(until)]
        arguments += [f"^{full_sha(since)}"] if since is not None else []
        arguments += ["--first-parent"] if first_parent else []
        shas = self._local(*arguments, "--", *below, commits=ends).decode("ascii").split()
        return tuple(commit for commit in self._commits(shas) if commit is not None)

    @reads
    def write(self, parents: Sequence[str], files: Mapping[str, bytes | None], message: str, when: datetime) -> str:
        """See `ports.GitRepository`. Without parents: the first commit of a new history.

        `Refused` for an unsafe path and for one with a symbolic link, a submodule or a folder in its way.
        """
        self._ready()
        start = full_sha(parents[0]) if parents else None
        present = self._tree(start) if start else {}
        tree = index.replaced(self._git, start, present, {tree_path(path): body for path, body in files.items()})
        return self._commit(tree, parents, message, when)

    @reads
    def merge(self, base: str, head: str, message: str, when: datetime) -> str:
        """See `ports.GitRepository`. `NotFound` for unrelated histories."""
        tree = index.merged(self._git, self.merge_base(base, head), base, head)
        return self._commit(tree, (base, head), message, when)

    def push(self, branch: str, commit: str | None, expected: str | None) -> None:
        """See `ports.GitRepository`. `Refused` (`push_refused`) if the remote's own rules forbid it."""
        ref = branch_ref(branch)
        source, lease = full_sha(commit) if commit else "", full_sha(expected) if expected else ""
        if source:
            self.commit_of(source)
        self._ready()
        options = ["--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no"]
        lease_option = f"--force-with-lease={ref}:{lease}"
        finished = self._git.network("push", *options, lease_option, "--", self.url, f"{source}:{ref}")
        self._judge(finished, branch, source, lease)
        tracking = f"{_ORIGIN}{branch}"
        with self._alone():
            self._text(self._git.local("update-ref", *((tracking, source) if source else ("-d", tracking))))
        kept = {name: sha for name, sha in (self._refs or {}).items() if name != branch}
        self._refs = (kept | ({branch: source} if source else {})) if self._refs is not None else None

    def _judge(self, finished: Finished, branch: str, commit: str, expected: str) -> None:
        """Raise unless the push did what it should: the lease does not cover what git finds already done."""
        already = any(line.startswith("=\t") for line in finished.stdout.decode("utf-8", "replace").splitlines())
        gone = not commit and "remote ref does not exist" in finished.stderr
        if (already and commit != expected) or (gone and expected):
            raise Conflict(f"{branch!r} of {self.url} was changed by somebody else meanwhile", fix="try again")
        if finished.code and commit and (other := self._in_the_way(branch)):
            message = f"{branch!r} cannot be made beside the branch {other!r} of {self.url}"
            raise Refused(message, fix=f"delete the branch {other!r}, or rename it", reason_code="push_refused")
        if finished.code and not gone:
            raise push_error(branch, self.url, finished.stdout.decode("utf-8", "replace"), finished.stderr)

    def _in_the_way(self, branch: str) -> str | None:
        """A branch whose name is a folder of the other's: for git both cannot be there, and trying again is no help."""
        return next((n for n in self._known() if n.startswith(f"{branch}/") or branch.startswith(f"{n}/")), None)

    def _make(self) -> None:
        """Make the private copy, or repair one whose making was cut short."""
        with self._alone():
            if not (self._folder / "gitops-bot").exists():
                self._text(self._git.local("init", "-q", "--bare", "--template=", "--object-format=sha1"))
                self._text(self._git.local("symbolic-ref", "HEAD", _NONE))

    def _ready(self) -> None:
        """Fetch once if no process ever has: an empty private copy says nothing of the remote."""
        if not self._usable and not (self._folder / "gitops-bot").exists():
            self.fetch()
        self._usable = True

    def _fetch(self) -> None:
        default, branches = self._advertised()
        if (self._refs, self._default) == (branches, default) and (self._folder / "gitops-bot").exists():
            return
        known = self._known()
        if known != branches:
            options = ("--prune", "--force", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "-q")
            finished = self._git.network("fetch", *options, "--", self.url, f"+refs/heads/*:{_ORIGIN}*")
            if finished.code:
                raise network_error("fetch", self.url, finished.stderr)
            # A branch may have moved since it was advertised: what was fetched counts.
            known = self._known()
        self._text(self._git.local("symbolic-ref", "HEAD", f"{_ORIGIN}{default}" if default in known else _NONE))
        (self._folder / "gitops-bot").touch()
        self._refs, self._default = known, default

    def _known(self) -> dict[str, str]:
        """The private copy's branches: SHAs by name."""
        listed = self._text(self._git.local("for-each-ref", "--format=%(objectname) %(refname)", _ORIGIN))
        # Not splitlines: names may hold what Unicode calls a line's end.
        lines = (line.partition(" ") for line in listed.split("\n") if line)
        return {ref.removeprefix(_ORIGIN): sha for sha, _, ref in lines}

    def _advertised(self) -> tuple[str | None, dict[str, str]]:
        """The remote's default branch, and its branches' SHAs by name."""
        finished = self._git.network("ls-remote", "--symref", "--", self.url, "HEAD", "refs/heads/*")
        if finished.code:
            raise network_error("ls-remote", self.url, finished.stderr)
        default, branches = None, {}
        for line in finished.stdout.decode("utf-8", "surrogateescape").split("\n"):
            value, _, ref = line.partition("\t")
            if ref == "HEAD" and value.startswith("ref: refs/heads/"):
                default = value.removeprefix("ref: refs/heads/")
            elif ref.startswith("refs/heads/"):
                branches[ref.removeprefix("refs/heads/")] = value
        return default, branches

    def _tree(self, commit: str, *below: str) -> dict[str, Entry]:
        return objects.tree(
            self._local("ls-tree", "-r", "-z", full_sha(commit), "--", *below, commits=(commit,), most=MOST_NAMES)
        )

    def _commit(self, tree: str, parents: Sequence[str], message: str, when: datetime) -> str:
        date = f"{int(when.timestamp())} +0000"
        author = self._author | {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        options = [part for parent in parents for part in ("-p", full_sha(parent))]
        return self._text(self._git.local("commit-tree", tree, *options, stdin=message.encode(), extra=author)).strip()

    def _commits(self, revisions: Sequence[str]) -> list[Commit | None]:
        found = self._objects([f"{revision}^{{commit}}" for revision in revisions])
        return [objects.commit(one.sha, one.body) if one.kind == "commit" else None for one in found]

    def _objects(self, names: Sequence[str], most: int = MOST_BYTES) -> list[objects.Object]:
        if not names:
            return []
        question = ("cat-file", tuple(names))
        lasting = all(by_sha(name) for name in names)
        stdin = "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
        output = self._memory.get(question)
        if output is None:
            self._ready()
            output = self._checked(self._git.local("cat-file", "--batch", stdin=stdin, most=most), ())
        found = list(objects.batch(output))
        if len(found) != len(names):
            raise self._broken("git cat-file left objects out")
        if lasting and all(one.sha for one in found):
            self._memory.keep(question, output)
        return found

    def _local(self, *arguments: str, commits: Sequence[str], most: int = MOST_BYTES) -> bytes:
        """The answer to a question about commits that are named by their SHAs; each is asked once."""
        self._ready()
        known = self._memory.get(arguments)
        if known is None:
            known = self._memory.keep(arguments, self._checked(self._git.local(*arguments, most=most), commits))
        return known

    def _checked(self, finished: Finished, commits: Sequence[str]) -> bytes:
        """Standard output of a command on `commits`: if it failed, `NotFound` for the one that is not there."""
        if finished.code:
            for commit in commits:
                self.commit_of(commit)
            if "out of memory" in finished.stderr.lower():
                message = f"git needs more than {MOST_MEMORY >> 20:,} MiB for an answer about {self.url}"
                raise Refused(message, fix="take what is so large out of it", reason_code="too_large")
            raise self._broken(end_of(finished.stderr))
        return finished.stdout

    def _text(self, finished: Finished) -> str:
        return self._checked(finished, ()).decode("utf-8", "surrogateescape")

    def _broken(self, why: str) -> Unavailable:
        fix = f"delete {self._folder} and try again: it is only a copy"
        return Unavailable(f"the private copy of {self.url} cannot be used: {why}", fix=fix)

    def _alone(self) -> AbstractContextManager[None]:
        return alone(self._folder / "gitops-bot.lock", self._seconds)

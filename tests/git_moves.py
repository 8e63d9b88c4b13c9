"""Two branches on which people have moved, changed, copied and merged things at random, and what git makes of them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.git_remote import run

if TYPE_CHECKING:
    import random
    from pathlib import Path

FOLDERS = ("drafts", "envs/prod", "envs/dev", "lib")


class Moves:
    """A repository with the branches `main` and `side`."""

    def __init__(self, folder: Path, random: random.Random) -> None:
        self.folder, self._random = folder, random
        folder.mkdir()
        self._git("init", "-q", "-b", "main")
        self._commit({f"{random.choice(FOLDERS)}/{n}.yaml": self._text() for n in range(6)})
        self._git("branch", "other")
        self._git("checkout", "-q", "-b", "side")
        self._change(("merge",))
        self._git("checkout", "-q", "main")
        self._change(("copy",))
        self.main, self.side = self._git("rev-parse", "main"), self._git("rev-parse", "side")

    def merged(self) -> set[str]:
        """What the merge of `side` changes on `main`; nothing if it cannot be done."""
        return self._done("main", "merge", "side", "diff", self.main, "HEAD")

    def rebased(self) -> set[str]:
        """What any commit of a rebase of `side` changes there."""
        return self._done("side", "rebase", "main", "log", "--format=", f"{self.main}..HEAD")

    def _done(self, start: str, how: str, other: str, *shown: str) -> set[str]:
        self._git("checkout", "-q", "--detach", start)
        if not self._try(how, "-q", other):
            self._git(how, "--abort")
            return set()
        return set(self._git(*shown, "--no-renames", "--name-only").split())

    def _change(self, more: tuple[str, ...]) -> None:
        for _ in range(self._random.randrange(1, 6)):
            kind = self._random.choice(("add", "edit", "edit", "move", "move", "folder", "delete", *more))
            getattr(self, f"_{kind}")()

    def _files(self) -> list[str]:
        return self._git("ls-files").split()

    def _text(self) -> str:
        kind = self._random.randrange(4)
        return "".join(f"{kind} {n}\n" for n in range(12))

    def _new(self) -> str:
        return f"{self._random.choice(FOLDERS)}/{self._random.randrange(9)}.yaml"

    def _add(self) -> None:
        self._commit({self._new(): self._text()})

    def _edit(self) -> None:
        name = self._random.choice(self._files())
        lines = (self.folder / name).read_text().splitlines()
        lines[self._random.randrange(len(lines))] = f"edited {self._random.randrange(3)}"
        self._commit({name: "".join(f"{line}\n" for line in lines)})

    def _move(self) -> None:
        old, new = self._random.choice(self._files()), self._new()
        if new not in self._files():
            self._commit({old: None, new: (self.folder / old).read_text()})

    def _folder(self) -> None:
        old, new = self._random.choice(FOLDERS), self._random.choice(FOLDERS)
        moved = {name: (self.folder / name).read_text() for name in self._files() if name.startswith(f"{old}/")}
        there = {f"{new}/moved{name.removeprefix(old)}": text for name, text in moved.items()}
        self._commit(dict.fromkeys(moved) | there)

    def _delete(self) -> None:
        if len(self._files()) > 2:
            self._commit({self._random.choice(self._files()): None})

    def _copy(self) -> None:
        theirs = self._git("rev-list", "--no-merges", "main..side").split()
        if theirs and not self._try("cherry-pick", self._random.choice(theirs)):
            self._git("cherry-pick", "--abort")

    def _merge(self) -> None:
        """A merge that brings a file which neither side has."""
        self._git("checkout", "-q", "other")
        self._commit({f"other/{self._random.randrange(1000)}": "other\n"})
        self._git("checkout", "-q", "side")
        if self._try("merge", "-q", "--no-ff", "--no-commit", "other"):
            self._add()
        else:
            self._git("merge", "--abort")

    def _commit(self, files: dict[str, str | None]) -> None:
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "Change")

    def _git(self, *arguments: str) -> str:
        return run(self.folder, *arguments)

    def _try(self, *arguments: str) -> bool:
        try:
            run(self.folder, "-c", "core.editor=true", *arguments)
        except subprocess.CalledProcessError:
            return False
        return True

"""A real bare repository, and a person's clone of it, for tests."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

AUTHOR = ("-c", "user.name=Alice", "-c", "user.email=alice@example.org", "-c", "core.autocrlf=false")


class Person:
    """Somebody who works in a clone of the remote repository, as people do."""

    def __init__(self, remote: Path, clone: Path) -> None:
        self.remote = remote
        self.clone = clone
        if not (remote / "HEAD").exists():
            run(remote.parent, "init", "-q", "--bare", "-b", "main", str(remote))
        run(clone.parent, "init", "-q", "-b", "main", str(clone))
        run(clone, "remote", "add", "origin", str(remote))

    def git(self, *arguments: str) -> str:
        """Run git in the clone; its output without the last newline."""
        return run(self.clone, *arguments)

    def on(self, branch: str) -> str:
        """The remote's SHA of a branch, empty if there is none."""
        return run(self.remote, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")

    def push(self, files: dict[str, str | bytes | None], branch: str = "main", start: str | None = None) -> str:
        """Commit files (None: delete) onto the remote's branch, or onto `start` for a new one; the new SHA."""
        self.git("fetch", "-q", "--prune", "origin")
        origin = start or (f"origin/{branch}" if self.on(branch) else None)
        self.git("checkout", "-q", *(("--detach", origin) if origin else ("--orphan", f"first/{branch}")))
        for name, content in files.items():
            path = self.clone / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.commit(branch, f"change {', '.join(files)}")

    def commit(self, branch: str, message: str) -> str:
        """Commit everything in the clone and push it to the branch; the new SHA."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")


def run(folder: Path, *arguments: str) -> str:
    """Run git in a folder; its output without the last newline."""
    command = ["git", *AUTHOR, *arguments]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

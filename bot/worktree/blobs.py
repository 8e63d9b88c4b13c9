"""Which content each YAML file of a checkout has, by git's SHA of it, without reading what git knows to be unchanged.

https://git-scm.com/docs/git-ls-files, https://git-scm.com/docs/git-diff-files
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from typing import TYPE_CHECKING

from bot.core.filenames import is_yaml
from bot.worktree.content import Unread, content

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SECONDS = 60
# Whatever a checkout's own settings say, nothing of it is run to list its files: no monitor, no hook, no transport by
# which a missing object would be fetched, and (`_without_filters`) no filter by which a file would be compared.
_NOTHING_RUNS = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
_FILTERS = ("config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|smudge|process|required)$")
_NO_SUCH_KEY = 1
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.untrackedCache=false")
# Index entries with their flags; what differs from the index; what git does not track, and does not ignore.
_QUESTIONS = (
    ("ls-files", "-z", "--stage", "-v"),
    ("diff-files", "-z", "--name-only", "--ignore-submodules=all"),
    ("ls-files", "-z", "--others", "--exclude-standard"),
)
_SHA = re.compile("[0-9a-f]{40,64}")
_SUBMODULE = b"160000 "
_ENDINGS = (b".yaml", b".yml", b"Kustomization")


def blob_sha(body: bytes) -> str:
    """What git calls a file with this content, in a repository with SHA-1."""
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def with_content(blobs: Mapping[str, str]) -> dict[str, str]:
    """Those of `list_blobs` that have a content, and so a SHA."""
    return {name: sha for name, sha in blobs.items() if _SHA.fullmatch(sha)}


def list_blobs(root: Path) -> dict[str, str] | None:
    """The SHA of each YAML file of the checkout at `root`; None if git does not say.

    What has no content of its own, such as a link, a submodule or what cannot be read, has a text that says so instead.
    """
    # All at once: while git looks through the folders, what it has answered already is read.
    unfiltered = _without_filters(root)
    if unfiltered is None:
        return None
    entries, changed, untracked = [_asked(root, question, unfiltered) for question in _QUESTIONS]
    staged = _staged(_answer(entries))
    others = [_answer(changed), _answer(untracked)]
    if staged is None or None in others:
        return None
    names = {os.fsdecode(name) for answer in others if answer for name in answer.split(b"\0")[:-1]}
    again = {name for name in names if is_yaml(name)} | {name for name, sha in staged.items() if sha is None}
    return {n: sha for n, sha in staged.items() if sha} | {name: _sha_of(root, name) for name in again}


def _staged(answer: bytes | None) -> dict[str, str | None] | None:
    """What the index has; None as a SHA where that does not tell what the file holds."""
    if answer is None:
        return None
    found: dict[str, str | None] = {}
    for line in answer.split(b"\0")[:-1]:
        if not (line.endswith(_ENDINGS) or line[2:9] == _SUBMODULE):
            continue
        about, _, path = line.partition(b"\t")
        name = os.fsdecode(path)
        # `H`, and stage 0: neither assumed to be unchanged nor left out of the checkout, nor in a conflict.
        plain = about[:2] == b"H " and about[-2:] == b" 0"
        if about[2:9] == _SUBMODULE or is_yaml(name):
            found[name] = _content_of(about[2:-2].decode("ascii")) if plain else None
    return found


def _content_of(entry: str) -> str:
    mode, _, sha = entry.partition(" ")
    return sha if mode.startswith("100") else entry


def _sha_of(root: Path, name: str) -> str:
    found = content(root, name, named=False)
    if isinstance(found, bytes):
        return blob_sha(found)
    return repr(found) if isinstance(found, Unread) else "absent"


def _without_filters(root: Path) -> dict[str, str] | None:
    """Settings, as environment, under which no filter is left of those that are set anywhere; None if git does not say.

    Git would run one to compare a file that is as old as the index. https://git-scm.com/docs/gitattributes
    """
    asked = _asked(root, _FILTERS, {})
    answer = _answer(asked)
    if answer is None and (asked is None or asked.returncode != _NO_SUCH_KEY):
        return None
    names = list(dict.fromkeys(os.fsdecode(name) for name in (answer or b"").split(b"\0")[:-1]))
    settings = {"GIT_CONFIG_COUNT": str(len(names))}
    for number, name in enumerate(names):
        settings[f"GIT_CONFIG_KEY_{number}"] = name
        settings[f"GIT_CONFIG_VALUE_{number}"] = "false" if name.endswith(".required") else ""
    return settings


def _asked(root: Path, question: tuple[str, ...], settings: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    kept |= {**_NOTHING_RUNS, "GIT_WORK_TREE": str(root), **settings}
    try:
        return subprocess.Popen(
            ["git", *_SAFE, *question], cwd=root, env=kept, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return None


def _answer(process: subprocess.Popen[bytes] | None) -> bytes | None:
    if process is None:
        return None
    with process:
        try:
            answer = process.communicate(timeout=_SECONDS)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    return answer if process.returncode == 0 else None

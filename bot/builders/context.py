"""One build context, a tar made from a git tree, feeds every builder: no checkout, no umask, no clock.

`.dockerignore`: https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

import io
import posixpath
import re
import tarfile
import tempfile
from typing import IO, TYPE_CHECKING, NamedTuple

from e2b_dockerfile_utils import PatternMatcher

from bot.builders.dockerfile import Dockerfile, parse, pin_base, printable
from bot.core.errors import NotFound, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bot.core.models import BuildOrder, Entry
    from bot.ports import GitRepository

_IGNORE = ".dockerignore"
_LINK = "120000"
_MODES = {"100644": 0o644, "100755": 0o755}
_MOST_RULES, _LONGEST_RULE = 1_000, 4_000
_MOST_TRIES = 10**8
_BATCH = 256  # files read at once, so that a big context is never in memory as a whole


class Context(NamedTuple):
    """A build context: the tar (a temporary file, gone when closed), the Dockerfile with its base pinned.

    `when` is the commit's time, that of every file (seconds since the epoch). `hidden` are paths that are in the
    tar because an engine wants them, and that no COPY may see.
    """

    archive: IO[bytes]
    dockerfile: Dockerfile
    when: int
    hidden: frozenset[str]


def open_context(order: BuildOrder, source: GitRepository) -> Context:
    """The context of `order` from the tree of its commit; the caller closes `archive`.

    `NotFound` (`dockerfile_not_found`) if there is no such Dockerfile, `Refused` for what cannot be a context.
    """
    entries = _entries(order, source)
    name = posixpath.normpath(order.dockerfile)
    dockerfile = pin_base(parse(_join(order.context, name), _dockerfile(order, source, entries, name)), order)
    ignore, matcher = _matcher(order, source, entries, name)
    kept = {path: entry for path, entry in entries.items() if not matcher.matches(path)}
    hidden = {path for path in (name, _IGNORE) if path in entries and path not in kept}
    given = {name: dockerfile.data}
    if name in hidden and (_IGNORE not in kept or ignore != _IGNORE):
        # An engine drops these two before the first COPY only if the tar's own .dockerignore says so.
        given[_IGNORE] = f"{name}\n{_IGNORE}\n".encode()
        hidden.add(_IGNORE)
    kept[name] = entries[name]
    if _IGNORE in given:
        kept[_IGNORE] = entries.get(_IGNORE, entries[name])
    when = int(source.commit_of(order.commit).time.timestamp())
    return Context(_write(order, source, kept, given, when), dockerfile, when, frozenset(hidden))


def _join(folder: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(folder, name))


def _entries(order: BuildOrder, source: GitRepository) -> dict[str, Entry]:
    folder = posixpath.normpath(order.context)
    if folder.startswith(("../", "/")) or folder == "..":
        raise Refused(f"the context {order.context!r} is outside the repository", reason_code="context_outside")
    prefix = "" if folder == "." else f"{folder}/"
    found = source.entries(order.commit, prefix.rstrip("/"))
    files = {e.path.removeprefix(prefix): e for e in found if e.path.startswith(prefix) and e.mode in (*_MODES, _LINK)}
    for path in files:
        if {"", ".", ".."} & set(path.split("/")):
            raise Refused(f"{path!r} at {order.commit[:12]} is not a usable path", reason_code="context_path")
    return files


def _dockerfile(order: BuildOrder, source: GitRepository, entries: Mapping[str, Entry], name: str) -> bytes:
    data = source.read(order.commit, [entries[name].path]) if name in entries else {}
    if not data:
        raise NotFound(
            f"{_join(order.context, name)}: no such file at commit {order.commit[:12]} of {source.url}",
            fix="set `context` and `dockerfile` of this image in gitops.yaml, or add the Dockerfile",
            reason_code="dockerfile_not_found",
        )
    return data[entries[name].path]


def _matcher(
    order: BuildOrder, source: GitRepository, entries: Mapping[str, Entry], name: str
) -> tuple[str, PatternMatcher]:
    for path in (f"{name}.dockerignore", _IGNORE):
        if path in entries:
            content = source.read(order.commit, [entries[path].path])
            break
    else:
        return "", PatternMatcher([])
    rules = b"".join(content.values()).decode("utf-8-sig", "surrogateescape").split("\n")
    try:
        _check_rules(rules, entries)
        return path, PatternMatcher(rules)
    except (ValueError, RecursionError, OverflowError) as error:
        what = printable(f"{_join(order.context, path)}: {str(error)[:500]}")
        fix = "correct it in the artifact repository"
        raise Refused(what, fix=fix, reason_code="dockerignore_invalid") from error


def _check_rules(rules: Sequence[str], paths: Iterable[str]) -> None:
    """`ValueError` for rules that take too long: a match tries every way to share out a name among the wildcards."""
    split = [path.split("/") for path in paths]
    longest = max((len(part) for parts in split for part in parts), default=1)
    deepest = max(map(len, split), default=1)
    if len(rules) > _MOST_RULES or max(map(len, rules)) > _LONGEST_RULE:
        raise ValueError(f"more than {_MOST_RULES:,} rules, or one of more than {_LONGEST_RULE:,} characters")
    for rule in (rule for rule in rules if not rule.startswith("#")):
        wildcards = re.findall(r"\*+", rule)
        within = wildcards.count("*")
        if longest**within * deepest ** (len(wildcards) - within) > _MOST_TRIES:
            raise ValueError(f"the rule {rule[:60]!r} has too many wildcards for names of up to {longest} characters")


def _write(
    order: BuildOrder, source: GitRepository, kept: Mapping[str, Entry], given: Mapping[str, bytes], when: int
) -> IO[bytes]:
    folders = {folder for path in kept for folder in parents(path)}
    archive = tempfile.TemporaryFile()  # noqa: SIM115  # it outlives this function; the caller closes it
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in sorted(folders):
            tar.addfile(_info(folder, tarfile.DIRTYPE, 0o755, when))
        links = {path: entry for path, entry in kept.items() if entry.mode == _LINK and path not in given}
        targets = source.links(order.commit, [entry.path for entry in links.values()])
        for path in sorted(links):
            info = _info(path, tarfile.SYMTYPE, 0o777, when)
            target = targets.get(links[path].path)
            if target is None:
                raise _unread(order, source, links[path])
            info.linkname = target
            tar.addfile(info)
        files = {path: entry for path, entry in kept.items() if path not in links}
        for path, content in _contents(order, source, files, given):
            info = _info(path, tarfile.REGTYPE, _MODES.get(kept[path].mode, 0o644), when)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    archive.seek(0)
    return archive


def _contents(
    order: BuildOrder, source: GitRepository, kept: Mapping[str, Entry], given: Mapping[str, bytes]
) -> Iterator[tuple[str, bytes]]:
    paths = sorted(kept)
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        read = source.read(order.commit, [kept[path].path for path in batch if path not in given])
        for path in batch:
            content = given[path] if path in given else read.get(kept[path].path)
            if content is None:
                raise _unread(order, source, kept[path])
            yield path, content


def _unread(order: BuildOrder, source: GitRepository, entry: Entry) -> Unavailable:
    return Unavailable(printable(f"{entry.path} at {order.commit[:12]} of {source.url} could not be read"))


def _info(path: str, kind: bytes, mode: int, when: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.mode, info.mtime = kind, mode, when
    return info


def parents(path: str) -> Sequence[str]:
    """Every folder above a relative path, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]

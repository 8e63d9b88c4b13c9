"""What a layer holds, without its bytes, and what a stack of layers looks like to a process.

Layers and whiteouts: https://github.com/opencontainers/image-spec/blob/main/layer.md
"""

from __future__ import annotations

import posixpath
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bot.builders.context import parents

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterator, Sequence

_ACCOUNTS = ("etc/passwd", "etc/group")
_MAX_TEXT = 1 << 20
_MAX_LINKS, _MAX_PARTS = 40, 1000
_LONGEST_NAME, _LONGEST_PATH, _DEEPEST = 255, 4000, 200  # deeper folders cannot be deleted everywhere
_OWNERS, _TIMES = range(2**32), range(-(2**40), 2**40)
_LONGEST_NUMBER = 10  # digits of an owner
_MOST_GLOBALS = 100
_MOST_TEXT = 1 << 28
MOST_PATHS = 1_000_000
"""Paths of one layer, directories without an entry among them; an index of more takes too much memory."""


class Unclear(Exception):
    """The files of a base do not say what an engine would do; the text says why."""


class Node(NamedTuple):
    """One path: `kind` is file, dir, link, other, or implied (a directory without an entry of its own)."""

    kind: str
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    link: str = ""
    xattrs: bool = False


@dataclass
class Layer:
    """The paths of one layer, relative to the root, and what it hides of the layers below.

    `whiteouts` are hidden paths, `opaque` directories whose lower content is hidden; `texts` holds the content of
    the account files.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    whiteouts: set[str] = field(default_factory=set)
    opaque: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)

    def hides(self, path: str) -> bool:
        """Whether the layer hides `path` of the layers below it without having that path itself."""
        above = parents(path)
        if path in self.whiteouts or not self.whiteouts.isdisjoint(above):
            return True
        if "" in self.opaque or not self.opaque.isdisjoint(above):
            return True
        return any(folder in self.nodes and self.nodes[folder].kind not in ("dir", "implied") for folder in above)


class Files:
    """A stack of layers, the lowest first. Paths are relative to the root; the root is the empty text."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)

    def lookup(self, path: str) -> Node | None:
        """What is at `path`, links not followed; None if nothing is."""
        if not path:
            return Node("dir", 0o755)
        implied = None
        for layer in reversed(self.layers):
            node = layer.nodes.get(path)
            if node and node.kind != "implied":
                # A directory that a layer only implies takes the place of what is no directory below it.
                return node if node.kind == "dir" else implied or node
            implied = node or implied
            if layer.hides(path):
                break
        return implied

    def is_dir(self, path: str) -> bool:
        """Whether a directory is at `path`, links not followed."""
        node = self.lookup(path)
        return node is not None and node.kind in ("dir", "implied")

    def resolve(self, path: str) -> str:
        """`path` with every link followed inside the root, as far as it exists. `Unclear` for a loop."""
        done: list[str] = []
        rest, links = path.split("/")[::-1], 0
        while rest:
            if len(rest) > _MAX_PARTS or len(done) > _DEEPEST:
                raise Unclear(f"/{path[:60]}… is too long a way")
            part = rest.pop()
            if part == "..":
                done = done[:-1]
            elif part not in ("", "."):
                node = self.lookup("/".join([*done, part]))
                if node is None or node.kind != "link":
                    done.append(part)
                    continue
                links += 1
                if links > _MAX_LINKS:
                    raise Unclear(f"/{path} is a loop of symbolic links")
                done = [] if node.link.startswith("/") else done
                rest += node.link.split("/")[::-1]
        return "/".join(done)

    def text(self, path: str) -> str:
        """The content of an account file as the topmost layer has it. `Unclear` if it is not known."""
        real = self.resolve(path)
        for layer in reversed(self.layers):
            if real in layer.texts:
                return layer.texts[real]
            if real in layer.nodes or layer.hides(real):
                break
        raise Unclear(f"the base has no readable /{path}")


def read_layer(tar: tarfile.TarFile) -> Layer:
    """Index a layer from its tar, which may be a stream. `Unclear` for a path that leads out of the root."""
    layer, text = Layer(), 0
    for member in tar:
        _read_member(tar, member, layer)
        text += len(member.name) + len(member.linkname)
        if text > _MOST_TEXT or len(tar.pax_headers) > _MOST_GLOBALS:
            raise Unclear("a layer of the base says more of its paths than fits into memory")
        _check_count(layer)
        tar.members.clear()  # type: ignore[attr-defined]  # not in the stubs; else it keeps every member ever seen
    for path in list(layer.nodes):
        folder = posixpath.dirname(path)
        while folder and folder not in layer.nodes:
            layer.nodes[folder] = Node("implied")
            folder = posixpath.dirname(folder)
        _check_count(layer)
    return layer


def _read_member(tar: tarfile.TarFile, member: tarfile.TarInfo, layer: Layer) -> None:
    path = clean(member.name)
    folder, name = posixpath.split(path)
    if name == ".wh..wh..opq":
        layer.opaque.add(folder)
    elif name.startswith(".wh."):
        layer.whiteouts.add(posixpath.join(folder, _hidden(member.name, name)))
    elif path:
        layer.nodes[path] = _node(member, layer)
        _read_text(tar, member, path, layer)


def _check_count(layer: Layer) -> None:
    if len(layer.nodes) + len(layer.whiteouts) + len(layer.opaque) > MOST_PATHS:
        raise Unclear(f"a layer of the base has more than {MOST_PATHS:,} paths")


def clean(name: str) -> str:
    """A tar member's name as a path relative to the root. `Unclear` if it leads out of it, or is none."""
    path = posixpath.normpath("/" + name.lstrip("/")).strip("/")
    if ".." in name.split("/"):
        raise Unclear(f"a layer of the base holds the path {name[:200]!r}")
    check_path(path)
    return path


def check_path(path: str) -> None:
    """`Unclear` for a path, relative to a root, that could be another than it says, or that no file can have.

    The root is the empty path.
    """
    parts = path.split("/") if path else []
    if {"", ".", ".."} & set(parts) or "\0" in path:
        raise Unclear(f"the path {path[:200]!r} is none that a layer can hold")
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise Unclear(f"the path {path[:200]!r} is none that a layer can hold") from None
    if len(raw) > _LONGEST_PATH or len(parts) > _DEEPEST or any(len(part) > _LONGEST_NAME for part in raw.split(b"/")):
        raise Unclear(f"the path {path[:60]!r}… is too long or too deep for a layer")


def _hidden(path: str, name: str) -> str:
    """What a whiteout's name hides beside itself."""
    hidden = name.removeprefix(".wh.")
    if hidden in ("", ".", ".."):
        raise Unclear(f"a layer of the base holds {path[:200]!r}, which deletes no file of its folder")
    return hidden


def _node(member: tarfile.TarInfo, layer: Layer) -> Node:
    if member.islnk():
        # A hard link to a symbolic link is one too.
        target = layer.nodes.get(clean(member.linkname))
        if target and target.kind == "link":
            return target
    _check_numbers(member)
    kind = "other"
    if member.isreg() or member.islnk():
        kind = "file"
    elif member.isdir():
        kind = "dir"
    elif member.issym():
        kind = "link"
    xattrs = any(key.startswith("SCHILY.xattr.") for key in member.pax_headers)
    link = member.linkname if kind == "link" else ""
    return Node(kind, stat.S_IMODE(member.mode), member.uid, member.gid, int(member.mtime), link, xattrs)


def _check_numbers(member: tarfile.TarInfo) -> None:
    known = member.size >= 0 and member.uid in _OWNERS and member.gid in _OWNERS and int(member.mtime) in _TIMES
    if not known or member.issparse():  # a few bytes can say a sparse file of any size
        raise Unclear(f"{member.name[:200]!r} has an owner, a size or a time that no file has, or is sparse")


def _read_text(tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, layer: Layer) -> None:
    layer.texts.pop(path, None)
    if path not in _ACCOUNTS or not member.isreg() or member.size > _MAX_TEXT:
        return
    content = tar.extractfile(member)
    if content:
        layer.texts[path] = content.read().decode("utf-8", "replace")


def account_id(files: Files, path: str, name: str) -> int:
    """The number of a user (`etc/passwd`) or group (`etc/group`) by name or number. `Unclear` if there is none."""
    if name.isascii() and name.isdigit():
        if not _is_number(name) or int(name) >= 2**31:
            raise Unclear(f"{name[:60]} is too large for an owner")
        return int(name)
    for fields in _accounts(files, path):
        if fields[0] == name and _is_number(fields[2]):
            return int(fields[2])
    raise Unclear(f"{name!r} is not in /{path} of the base")


def primary_group(files: Files, user: str) -> int:
    """The number of a user's own group; for a number, the same number. `Unclear` if it is not known."""
    if user.isascii() and user.isdigit():
        return account_id(files, "etc/group", user)
    for fields in _accounts(files, "etc/passwd"):
        if fields[0] == user and len(fields) > 3 and _is_number(fields[3]):
            return int(fields[3])
    raise Unclear(f"{user!r} is not in /etc/passwd of the base")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER and int(text) in _OWNERS


def _accounts(files: Files, path: str) -> Iterator[list[str]]:
    for line in files.text(path).splitlines():
        fields = line.strip().split(":")
        if len(fields) >= 3 and not line.lstrip().startswith("#"):
            yield fields

"""COPY, as an engine does it, worked out on paths: nothing is read and nothing is written.

https://docs.docker.com/reference/dockerfile/#copy; where the classic builder and BuildKit differ, `Unclear`.
"""

from __future__ import annotations

import posixpath
import stat
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from bot.builders.context import parents
from bot.builders.layers import Files, Layer, Node, Unclear, check_path

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Collection, Sequence

Owner = tuple[int, int]
ROOT: Owner = (0, 0)


class NewLayer(NamedTuple):
    """A layer to write: its paths, and for each file the path in the context that has its content."""

    nodes: dict[str, Node]
    origins: dict[str, str]


class Tree:
    """The files of a build context, without those that no COPY may see; `when` is their time (epoch)."""

    def __init__(self, context: tarfile.TarFile, hidden: Collection[str], when: int) -> None:
        self.when = when
        self.members = {member.name: member for member in context.getmembers() if member.name not in hidden}

    def match(self, source: str) -> list[str]:
        """The paths that a source of COPY names, sorted; the whole context is the empty text."""
        if not source or ".." in source.split("/") or any(letter in source for letter in "[]\\"):
            raise Unclear(f"the source {source!r} is empty, or has `..`, brackets or a backslash")
        name = posixpath.normpath(source.lstrip("/") or ".")
        if name == ".":
            return [""]
        found = self._wildcard(name) if {"*", "?"} & set(name) else [name]
        if not found or not set(found) <= set(self.members):
            raise Unclear(f"{source!r} is not in the build context (is it in .dockerignore?)")
        for path in found:
            if source.endswith("/") and not self.members[path].isdir():
                raise Unclear(f"the source {source!r} is not a directory")
        return found

    def _wildcard(self, pattern: str) -> list[str]:
        parts = pattern.split("/")
        split = ((path, path.split("/")) for path in self.members)
        return sorted(path for path, names in split if len(names) == len(parts) and all(map(fnmatchcase, names, parts)))

    def refuse_links(self, found: Sequence[str]) -> None:
        """`Unclear` if any of the paths, or what is below it, is a symbolic link: engines follow them differently."""
        for path in found:
            for each in [path, *self.under(path)] if self.is_dir(path) else [path]:
                if each and self.members[each].issym():
                    raise Unclear(f"{each!r} is a symbolic link in the build context")

    def is_dir(self, path: str) -> bool:
        """Whether `path` is a directory of the context."""
        return not path or self.members[path].isdir()

    def under(self, folder: str) -> list[str]:
        """All paths below a folder, sorted, so that a directory comes before what it holds."""
        return sorted(path for path in self.members if not folder or path.startswith(f"{folder}/"))


class Draft:
    """A layer in the making on top of `files`, which see it at once. `when` is the time of what is new (epoch)."""

    def __init__(self, files: Files, when: int) -> None:
        self._files, self._when = files, when
        self._layer, self._origins = Layer(), dict[str, str]()
        files.layers.append(self._layer)

    def make_folders(self, path: str, owner: Owner) -> None:
        """Make the directory `path` (links followed already) and those above it, where they are missing."""
        wanted = [folder for folder in [*parents(path), path] if folder]
        missing = [folder for folder in wanted if self._files.lookup(folder) is None]
        for folder in wanted:
            if folder not in missing and not self._files.is_dir(folder):
                raise Unclear(f"/{folder} is not a directory in the base")
        above = self._files.lookup(posixpath.dirname(missing[0])) if missing else None
        if above and above.mode & stat.S_ISGID:
            raise Unclear(f"/{missing[0]} would be a new directory in one with the setgid bit")
        for folder in missing:
            self._put(folder, Node("dir", 0o755, *owner, self._when))

    def copy(self, tree: Tree, sources: Sequence[str], target: str, owner: Owner) -> None:
        """COPY `sources` to `target`, an absolute path whose trailing `/` says that it is a directory."""
        found = [path for source in sources for path in tree.match(source)]
        tree.refuse_links(found)
        into = target.endswith("/")
        if len(found) > 1 and not into:
            raise Unclear("several sources need a target that ends in `/`")
        place = self._place(target.strip("/"), into)
        for path in found:
            if tree.is_dir(path):
                self._copy_folder(tree, path, place, owner)
            elif into or self._files.is_dir(place):
                self.make_folders(place, owner)
                self._copy_file(tree, path, posixpath.join(place, posixpath.basename(path)), owner)
            else:
                self.make_folders(posixpath.dirname(place), owner)
                self._copy_file(tree, path, place, owner)

    def finish(self) -> NewLayer | None:
        """The layer, with every directory above its paths as the base has it; None if nothing is new."""
        nodes = self._layer.nodes
        for folder in {folder for path in nodes for folder in parents(path)} - set(nodes):
            node = self._files.lookup(folder)
            if node is None or node.kind == "implied" or node.xattrs:
                raise Unclear(f"the base does not say, or says more than can be kept, of the directory /{folder}")
            nodes[folder] = node
        if not nodes:
            self._files.layers.remove(self._layer)
            return None
        return NewLayer(nodes, self._origins)

    def _place(self, path: str, into: bool) -> str:
        folder, name = posixpath.split(path)
        place = self._files.resolve(path)
        last = self._files.lookup(posixpath.join(self._files.resolve(folder), name))
        if not into and last and last.kind == "link" and not self._files.is_dir(place):
            raise Unclear(f"the target /{path} is a symbolic link to something that is not a directory")
        return place

    def _copy_folder(self, tree: Tree, folder: str, place: str, owner: Owner) -> None:
        above = posixpath.dirname(place)
        if owner != ROOT and above and self._files.lookup(above) is None:
            raise Unclear(f"engines differ on who owns the new directory /{above}")
        self.make_folders(place, owner)
        for path in tree.under(folder):
            self._copy_file(tree, path, posixpath.join(place, path.removeprefix(folder).lstrip("/")), owner)

    def _copy_file(self, tree: Tree, path: str, place: str, owner: Owner) -> None:
        member = tree.members[path]
        kind = "dir" if member.isdir() else "file"
        self._put(place, Node(kind, member.mode, *owner, int(member.mtime)), path)

    def _put(self, path: str, node: Node, origin: str = "") -> None:
        check_path(path)
        old = self._files.lookup(path)
        if old and (old.kind in ("dir", "implied")) != (node.kind == "dir"):
            raise Unclear(f"/{path} is a directory here and none there: one would replace the other")
        if posixpath.basename(path).startswith(".wh."):
            raise Unclear(f"/{path} has a name that layers use for deletions")
        above = self._files.lookup(posixpath.dirname(path))
        if node.kind == "dir" and old is None and above and above.mode & stat.S_ISGID:
            raise Unclear(f"/{path} would be a new directory in one with the setgid bit")
        self._layer.nodes[path] = node
        if node.kind == "file":
            self._origins[path] = origin

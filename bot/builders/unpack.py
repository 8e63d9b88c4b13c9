"""An assembled image's files are unpacked into a folder that no link and no name leads out of.

Owners, devices and setuid bits are left out.
"""

from __future__ import annotations

import posixpath
import tarfile
from typing import TYPE_CHECKING

from bot.builders.base import refuse
from bot.builders.index import open_layer
from bot.builders.layers import Unclear, clean
from bot.builders.rooted import Rooted
from bot.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.builders.archive import Blob
    from bot.builders.base import Base
    from bot.builders.layers import Files, Layer
    from bot.ports import Registry


def unpack(registry: Registry, base: Base, files: Files, layers: Sequence[Blob], folder: Path) -> None:
    """Unpack the layers of `base` and the own `layers` into the empty `folder`, deletions applied.

    `files` is the index of the same layers, lowest first. `Refused` (`base_unsupported`) for a layer with a path that
    is none, `Unavailable` if they cannot be written here.
    """
    try:
        root = Rooted(folder)
        for index, descriptor in zip(files.layers, base.layers, strict=False):
            with open_layer(registry, base.reference.repository, descriptor) as tar:
                _unpack_layer(tar, index, root)
        for blob in layers:
            with tarfile.open(blob.file, mode="r|gz") as tar:
                for member in tar:
                    _extract(tar, member, root)
    except OSError as error:
        raise Unavailable(f"the base {base.reference} cannot be unpacked here: {error.strerror or error}") from error
    except (Unclear, ValueError) as error:
        raise refuse(base.reference, f"it cannot be unpacked: {error}") from error


def _unpack_layer(tar: tarfile.TarFile, index: Layer, root: Rooted) -> None:
    for path in index.whiteouts:
        root.remove(path)
    for path in index.opaque:
        root.empty(path)
    for member in tar:
        _extract(tar, member, root)
        tar.members.clear()  # type: ignore[attr-defined]  # not in the stubs; else it keeps every member ever seen


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, root: Rooted) -> None:
    path = clean(member.name)
    if not path or posixpath.basename(path).startswith(".wh."):
        return
    if member.isdir():
        root.make_folder(path)
    elif member.issym():
        root.link(path, member.linkname)
    elif member.islnk():
        root.hard_link(path, clean(member.linkname))
    elif member.isreg():
        root.write(path, member, tar)
    else:
        root.remove(path)  # a device: what a lower layer has there is gone

"""Renders a folder as Flux would: kustomize first, then the Helm charts that lie in the repository."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bot import confine
from bot.core.errors import Refused
from bot.ports import Rendering, reads
from bot.renderers.helm import releases
from bot.renderers.kustomize import build

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_BYTES = 64_000_000
UNCONFINED = ("this machine has no Landlock: kubectl and helm were not kept from other files of it",)


class LocalRenderer:
    """`ports.Renderer` by the programs kubectl and helm, each ended after `seconds`."""

    def __init__(self, seconds: float = 30) -> None:
        self._seconds = seconds

    @reads
    def render(self, files: Mapping[str, bytes], folder: str) -> Rendering:
        """See `ports.Renderer`."""
        size = sum(map(len, files.values()))
        if size > MOST_BYTES:
            raise Refused(f"the repository has {size:,} bytes, more than {MOST_BYTES:,}")
        with tempfile.TemporaryDirectory(prefix="gitops-bot-") as name:
            root = Path(name).resolve()
            _write(files, root / "tree")
            objects = build(files, folder, root, self._seconds)
            charts = releases(files, objects, root, self._seconds)
        return Rendering("\n---\n".join([objects, *charts.objects]), (*charts.notes, *UNCONFINED[: not confine.how()]))


def _write(files: Mapping[str, bytes], tree: Path) -> None:
    """The files, and no links, so that no path leads out of the tree."""
    tree.mkdir()
    for path, content in files.items():
        parts = PurePosixPath(path).parts
        if path != "/".join(parts) or ".." in parts or path.startswith("/") or "\0" in path:
            raise Refused(f"{path!r} is not the path of a file in a repository", reason_code="unsafe_path")
        target = tree.joinpath(*parts)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "its name cannot be written"
            raise Refused(f"{path!r} cannot be written to a temporary folder: {why}") from error

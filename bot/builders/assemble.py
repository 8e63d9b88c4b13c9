"""Builds an image without an engine: base layers are mounted, one small layer is written for each COPY.

Every step is worked out before anything is pushed; the manifest goes last, so a tag never names half an image.
"""

from __future__ import annotations

import contextlib
import hashlib
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bot import confine
from bot.builders.archive import Blob, write_blob, write_layer
from bot.builders.base import MAX_LAYERS, Base, read_base, refuse
from bot.builders.context import open_context
from bot.builders.copying import Tree
from bot.builders.evaluate import Result, evaluate
from bot.builders.image import configuration, manifest
from bot.builders.index import layer_index
from bot.builders.layers import MOST_PATHS, Files
from bot.builders.scratch import scratch
from bot.builders.testing import Test, run_in_files
from bot.builders.unpack import unpack
from bot.core.errors import Refused, Unavailable
from bot.ports import reads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.builders.evaluate import Step
    from bot.builders.layers import Layer
    from bot.core.models import BuildOrder, TestRun
    from bot.core.references import Reference
    from bot.ports import GitRepository, Registry


class _Built(NamedTuple):
    """A finished image in its folder: what to push, and what a test needs to see its files."""

    folder: tempfile.TemporaryDirectory[str]
    base: Base
    files: Files
    settings: dict[str, Any]
    layers: tuple[Blob, ...]
    config: Blob
    manifest: bytes


class AssembleBuilder:
    """`ports.Builder` for Dockerfiles without RUN (https://docs.docker.com/reference/dockerfile/).

    `work` is a folder of its own for indexes of base layers, kept for ever, and images that are not pushed yet.
    """

    def __init__(self, registry: Registry, work: Path) -> None:
        self._registry, self._work = registry, work
        self._built: dict[str, _Built] = {}

    @reads
    def build(self, order: BuildOrder, source: GitRepository) -> str:
        """Assemble the image in a folder; returns its handle. Errors as in `ports.Builder`.

        `Refused` (`dockerfile_unsupported`, `base_unsupported`) is for what only an engine can build; `build_failed`
        for what is in no way understood.
        """
        with _understood(f"{order.target} cannot be assembled"):
            return self._build(order, source)

    def _build(self, order: BuildOrder, source: GitRepository) -> str:
        self._work.mkdir(parents=True, exist_ok=True)
        context = open_context(order, source)
        with contextlib.closing(context.archive):
            base = read_base(self._registry, order)
            files = self._files(base)
            with tarfile.open(fileobj=context.archive) as tar:
                tree = Tree(tar, context.hidden, context.when)
                result = evaluate(context.dockerfile, order, base.config.get("config") or {}, files, tree)
                if len(files.layers) > MAX_LAYERS:
                    raise refuse(base.reference, f"the image would have more than {MAX_LAYERS} layers")
                return self._write(order, base, result, tar)

    @reads
    def test(self, handle: str, command: Sequence[str], seconds: float, variables: Sequence[str] = ()) -> TestRun:
        """Unpack the image's files and run `command` beside them, on this machine: see `testing.run_in_files`."""
        built = self._built[handle]
        base = built.base.reference
        with _understood(f"the image on {base} cannot be tested"), scratch("test-", confine.room(self._work)) as folder:
            unpack(self._registry, built.base, built.files, built.layers, folder)
            return run_in_files(folder, built.files, built.settings, Test(command, seconds, variables))

    def push(self, handle: str, target: Reference) -> str:
        """Mount or copy the base's layers, upload what is new, then the manifest; returns its digest."""
        built = self._built[handle]
        with _understood(f"{target} cannot be pushed"):
            return self._push(built, target)

    def _push(self, built: _Built, target: Reference) -> str:
        for digest, size in {str(layer["digest"]): int(layer["size"]) for layer in built.base.layers}.items():
            self._carry(built.base.reference, target.repository, digest, size)
        for blob in [*built.layers, built.config]:
            if not self._registry.has_blob(target.repository, blob.digest):
                with blob.file.open("rb") as content:
                    self._registry.put_blob(target.repository, blob.digest, blob.size, content)
        digest = self._registry.put_manifest(target, built.base.media_type, built.manifest)
        if digest != f"sha256:{hashlib.sha256(built.manifest).hexdigest()}":
            raise Unavailable(f"{target} was pushed, but the registry names it {digest}", reason_code="digest_mismatch")
        return digest

    @reads
    def discard(self, handle: str) -> None:
        """Forget the image and delete its folder; a handle that is gone is no error."""
        built = self._built.pop(handle, None)
        if built:
            built.folder.cleanup()

    def _carry(self, base: Reference, target: Reference, digest: str, size: int) -> None:
        """Make a base layer be in the target's repository, without moving its bytes if that can be."""
        near = base.registry == target.registry and base.path != target.path
        if near and self._registry.mount_blob(target, digest, base.repository):
            return
        if not self._registry.has_blob(target, digest):
            with self._registry.open_blob(base.repository, digest) as content:
                self._registry.put_blob(target, digest, size, content)

    def _files(self, base: Base) -> Files:
        indexes, repository = self._work / "layers", base.reference.repository
        found: list[Layer] = []
        for layer in base.layers:
            found.append(layer_index(self._registry, repository, layer, indexes))
            if sum(len(one.nodes) for one in found) > MOST_PATHS:
                raise refuse(base.reference, f"its layers have more than {MOST_PATHS:,} paths")
        return Files(found)

    def _write(self, order: BuildOrder, base: Base, result: Result, context: tarfile.TarFile) -> str:
        temporary = tempfile.TemporaryDirectory(prefix="image-", dir=self._work)
        try:
            built = self._written(temporary, order, base, result, context)
        except BaseException:
            temporary.cleanup()
            raise
        name = Path(temporary.name).name
        self._built[name] = built
        return name

    def _written(
        self,
        temporary: tempfile.TemporaryDirectory[str],
        order: BuildOrder,
        base: Base,
        result: Result,
        context: tarfile.TarFile,
    ) -> _Built:
        folder = Path(temporary.name)
        steps: list[tuple[Step, Blob | None]] = []
        for number, step in enumerate(result.steps):
            new = step.layer
            blob = write_layer(folder / f"{number}.tar.gz", new.nodes, new.origins, context) if new else None
            steps.append((step, blob))
        layers = tuple(blob for _, blob in steps if blob)
        config = write_blob(folder / "config.json", configuration(base, result.settings, steps, order.created))
        return _Built(temporary, base, result.files, result.settings, layers, config, manifest(base, config, layers))


@contextlib.contextmanager
def _understood(what: str) -> Iterator[None]:
    """The second line: what nobody has thought of is the failure of this image."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{what} here: {error.strerror or type(error).__name__}") from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        message = f"{what}: its source or base is malformed ({type(error).__name__})"
        raise Refused(message, fix="correct the Dockerfile, or the base", reason_code="build_failed") from error

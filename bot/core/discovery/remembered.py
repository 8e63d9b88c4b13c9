"""The facts of files, read when they are asked for: of a repository, an environment needs a part."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING

from bot.core.discovery.extract import extract
from bot.core.discovery.facts import Facts
from bot.core.discovery.files import chart_folders, file_class, generated_values, template_of
from bot.core.filenames import is_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from bot.core.discovery.facts import FileClass

_MOST = 50_000
_KNOWN: dict[tuple[FileClass, bytes], Facts] = {}
"""Facts follow from class and bytes alone, and most files are the same from one look to the next."""


class Reading(Mapping[str, Facts]):
    """The facts of a repository's YAML files. `names` are those of all files, of which `files` has the contents so far.

    `missing` are the files that were asked for, and whose contents are not there; `asked` are all that were.
    """

    def __init__(self, files: Mapping[str, bytes], names: Collection[str] | None = None) -> None:
        self.files = files
        self.names: Collection[str] = files if names is None else names
        self.missing: set[str] = set()
        self.asked: set[str] = set()
        self._facts: dict[str, Facts] = {}
        self._values: set[str] = set()

    @staticmethod
    def of(facts: Mapping[str, Facts], names: Collection[str]) -> Reading:
        """The same, of facts that are there already."""
        known = Reading({}, names)
        known._facts = dict(facts)
        return known

    def __contains__(self, file: object) -> bool:
        """Whether the file is there, and one that is read."""
        return isinstance(file, str) and file in self.names and self._is_read(file)

    def __getitem__(self, file: str) -> Facts:
        """The facts of a file; none, and it is missed, if its contents are not there. `KeyError` if it is not."""
        if file not in self._facts and file not in self:
            raise KeyError(file)
        self.asked.add(file)
        if file in self._facts:
            return self._facts[file]
        if file not in self.files:
            self.missing.add(file)
            return Facts()
        kind = file_class(file)
        found = remembered("values" if kind == "manifest" and file in self._values else kind, self.files[file])
        self._facts[file] = found
        self._values.update(generated_values({file: found}))
        return found

    def __iter__(self) -> Iterator[str]:
        """The names of the files that are read."""
        return (file for file in self._sorted if self._is_read(file))

    def __len__(self) -> int:
        """How many there are."""
        return sum(1 for _ in self)

    def below(self, folder: str) -> Iterator[str]:
        """The names of the files below a folder that are read, in order."""
        start = f"{folder}/" if folder else ""
        for position in range(bisect_left(self._sorted, start), len(self._sorted)):
            if not self._sorted[position].startswith(start):
                return
            if self._is_read(self._sorted[position]):
                yield self._sorted[position]

    def is_folder(self, folder: str) -> bool:
        """Whether there is any file below it."""
        start = f"{folder}/" if folder else ""
        position = bisect_left(self._sorted, start)
        return position < len(self._sorted) and self._sorted[position].startswith(start)

    def folders(self, above: str) -> list[str]:
        """The folders in a folder, in order."""
        start = f"{above}/" if above else ""
        inner = (name[len(start) :].partition("/") for name in self._sorted if name.startswith(start))
        return list(dict.fromkeys(f"{start}{first}" for first, slash, _ in inner if slash))

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.names)

    @cached_property
    def _charts(self) -> frozenset[str]:
        return chart_folders(self.names)

    def _is_read(self, file: str) -> bool:
        return is_yaml(file) and template_of(file, self._charts) is None


def remembered(kind: FileClass, content: bytes) -> Facts:
    """As `extract`, once for the same bytes."""
    key = (kind, blake2b(content, digest_size=20).digest())
    if key not in _KNOWN:
        if len(_KNOWN) >= _MOST:
            _KNOWN.clear()
        _KNOWN[key] = extract(kind, content)
    return _KNOWN[key]

"""Which values of an application's files travel with its release, and which are each environment's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.manifests import Edited, find_values, set_values
from bot.core.manifests.hazards import Hazard
from bot.core.manifests.locate import pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.config import Application
    from bot.core.manifests import Found
    from bot.core.models import Carried, Refusal


class Values(NamedTuple):
    """Values by `file#pointer`, the file relative to the application's folder; and what cannot be read."""

    promoted: Mapping[str, Carried]
    kept: Mapping[str, Carried]
    refusals: tuple[Refusal, ...]


def promoted_values(
    app: Application, folder: str, files: Mapping[str, bytes], images: Iterable[Found], charts: set[tuple[str, str]]
) -> Values:
    """The values of one environment. `files` are by their path in the repository; `folder` is the application's.

    What `keep` names is not promoted, nor are the places of `images` and those (file, pointer) of the chart.
    """
    places = {p for found in images for one in found.all for p in _pointers(one.file, one.tag, one.digest, one.image)}
    taken = places | charts
    kept, doubts = _read(app.keep, folder, files)
    promoted, refusals = _read(app.promote, folder, files)
    own = {k: v for k, v in promoted.items() if k not in kept and (_path(folder, k), k.partition("#")[2]) not in taken}
    # What is not there cannot be kept; what is there and cannot be read must not be lost.
    unreadable = [one for one in doubts if one.reason_code not in ("file_missing", "path_missing")]
    return Values(own, kept, (*refusals, *unreadable))


def named(app: Application, key: str) -> bool:
    """Whether `promote` names this very value, and not only by a `*`: then it must be there."""
    return key in app.promote


def write_values(folder: str, files: Mapping[str, bytes], values: Mapping[str, Carried]) -> list[tuple[str, Edited]]:
    """Each file with its new content, or with what must not be edited."""
    wanted: dict[str, dict[str, Carried]] = {}
    for key, value in values.items():
        wanted.setdefault(_path(folder, key), {})[key.partition("#")[2]] = value
    return [(path, _written(path, files.get(path), some)) for path, some in wanted.items()]


def places(patterns: Iterable[str], folder: str) -> set[tuple[str, str]]:
    """The file (its path in the repository) and the pointer of each pattern."""
    return {(_path(folder, one), one.partition("#")[2]) for one in patterns}


def _written(path: str, content: bytes | None, values: Mapping[str, Carried]) -> Edited:
    if content is None:
        gone = Hazard("file_missing", 1, "a promoted value belongs into this file, and it is not there")
        return Edited(b"", (), tuple(gone.refusal(path, at) for at in values))
    return set_values(path, content, values)


def _read(
    patterns: Iterable[str], folder: str, files: Mapping[str, bytes]
) -> tuple[dict[str, Carried], tuple[Refusal, ...]]:
    values: dict[str, Carried] = {}
    refusals: list[Refusal] = []
    wanted: dict[str, list[str]] = {}
    for pattern in patterns:
        name, _, at = pattern.partition("#")
        wanted.setdefault(name, []).append(at)
    for name, pointers in wanted.items():
        path = _path(folder, name)
        if path not in files:
            gone = Hazard("file_missing", 1, f"there is no file {name}")
            refusals += [gone.refusal(path, at) for at in pointers]
            continue
        found = find_values(path, files[path], pointers)
        values |= {f"{name}#{key}": value for key, value in found.values.items()}
        refusals += found.refusals
    return values, tuple(refusals)


def _path(folder: str, key: str) -> str:
    name = key.partition("#")[0]
    return f"{folder}/{name}" if folder else name


def _pointers(file: str, *paths: tuple[str | int, ...] | None) -> Iterable[tuple[str, str]]:
    return ((file, pointer(path)) for path in paths if path)

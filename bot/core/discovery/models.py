"""What discovery finds: places of versions, and what is there but must not be edited."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from bot.core.manifests.locate import pointer

if TYPE_CHECKING:
    from bot.core.manifests import Identity, Place
    from bot.core.models import Path
    from bot.core.references import Reference

What: TypeAlias = Literal["image", "name", "tag", "digest", "chart-version", "semver"]
FoundBy: TypeAlias = Literal["marker", "convention", "configuration"]


class ChartName(NamedTuple):
    """A chart, and the URL of the repository that has it; None where no source of that name is in the files."""

    name: str
    repository: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One scalar that holds a version, or a part of one. Lines and columns count from 1.

    `document` is what an `Edit` takes, `object` what a person calls it (None in a file of values). `place` is the
    whole place that the scalar belongs to: tag and digest of one image, or of a chart in an OCI registry, have the
    same, and change together. It is None for what `Edit` alone can set: a chart's version, or a range.
    """

    file: str
    line: int
    column: int
    document: Identity | int
    object: Identity | None
    path: Path
    what: What
    value: str
    image: Reference | None
    chart: ChartName | None
    environment: str | None
    application: str | None
    found_by: FoundBy
    place: Place | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, Any]:
        """The finding for scripts."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "document": _document(self.object),
            "path": pointer(self.path),
            "what": self.what,
            "value": self.value,
            "image": str(self.image) if self.image else None,
            "chart": self.chart._asdict() if self.chart else None,
            "environment": self.environment,
            "application": self.application,
            "found_by": self.found_by,
        }


class Skipped(NamedTuple):
    """Something that must not be edited, or could not be read: where, a stable reason code, and what to do.

    `image` or `chart` is what it is a version of, as far as that is known.
    """

    file: str
    line: int
    path: str
    value: str | None
    reason_code: str
    reason: str
    image: Reference | None = None
    chart: ChartName | None = None

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {key: value for key, value in self._asdict().items() if key not in ("image", "chart")}


class Discovery(NamedTuple):
    """All findings and all that was skipped, by file and line."""

    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]


def _document(named: Identity | None) -> dict[str, str] | None:
    if named is None:
        return None
    return {
        "apiVersion": named.api_version,
        "kind": named.kind,
        "namespace": named.namespace,
        "name": named.name,
    }

"""The edit that gives a chart another version, in a HelmRelease or in the OCIRepository that it refers to.

https://fluxcd.io/flux/components/helm/helmreleases/#chart-template and …/#chart-reference
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.core.manifests.splice import Edit

if TYPE_CHECKING:
    from bot.core.manifests.nodes import Identity
    from bot.core.models import Path, Refusal


class Chart(NamedTuple):
    """Where a chart's version is: file, object, 1-based line, the version (or range) as written, and its path.

    `is_tag` says that it is a tag, in which `+` is written as `_`; `shared` why it must not be edited here alone;
    `around` what else the scalar holds, where the version is the default of a variable.
    """

    file: str
    document: Identity | int
    line: int
    version: str
    path: Path
    is_tag: bool = False
    shared: Refusal | None = None
    around: tuple[str, str] | None = None


def set_chart(version: str, chart: Chart) -> Edit:
    """The edit, for `edit` on `chart.file`, that sets the chart's version."""
    # A tag cannot have the `+` of a version; Helm and Flux write `_` for it.
    new = version.replace("+", "_") if chart.is_tag else version
    before, behind = chart.around or ("", "")
    return Edit(chart.path, f"{before}{new}{behind}", chart.document, part=chart.around is not None)

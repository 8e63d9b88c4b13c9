"""A chart in git becomes a package as Helm makes it, but the same bytes each time, and is pushed as Helm does it.

https://helm.sh/docs/topics/registries/#oci-feature-deprecation-and-behavior-changes-with-v380 and
https://github.com/helm/community/blob/main/hips/hip-0006.md
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from typing import TYPE_CHECKING, Any

from bot.builders.archive import pack
from bot.builders.chart_dependencies import vendored
from bot.builders.dockerfile import printable
from bot.builders.helmignore import ignored
from bot.core.chart_metadata import metadata, with_version
from bot.core.errors import NotFound, Refused, Unavailable
from bot.ports import Package, reads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.models import ChartOrder
    from bot.core.references import Reference
    from bot.ports import GitRepository, Registry

CONFIG_TYPE = "application/vnd.cncf.helm.config.v1+json"
CONTENT_TYPE = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
MOST_BYTES = 20 << 20
"""Of all files of a chart; Helm itself refuses single files of more than 5 MiB."""
MOST_FILES = 10_000
_LONGEST_NAME, _LONGEST_PATH = 255, 3000  # in bytes, of what can be unpacked everywhere
_CHART, _IGNORE = "Chart.yaml", ".helmignore"


class ChartPackager:
    """`ports.Packager`; dependencies that are not in the chart's folder are fetched by helm, where it is installed."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @reads
    def package(self, order: ChartOrder, source: GitRepository) -> Package:
        """See the port."""
        files = _files(order, source)
        fields = metadata(files[_CHART], order.name)
        files = vendored(files, fields)
        if order.version != fields["version"]:
            fields["version"] = order.version
            files[_CHART] = with_version(files[_CHART], order.version)
        # Helm reads the description from the annotations too.
        about = fields.get("description")
        described = {"org.opencontainers.image.description": about} if isinstance(about, str) else {}
        return Package(_json(fields), _archive(order, files), described | dict(order.annotations))

    def push(self, package: Package, target: Reference) -> str:
        """See the port: blobs first, the tag last."""
        for blob in (package.config, package.content):
            if not self._registry.has_blob(target.repository, _digest(blob)):
                self._registry.put_blob(target.repository, _digest(blob), len(blob), io.BytesIO(blob))
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(CONFIG_TYPE, package.config),
            "layers": [_descriptor(CONTENT_TYPE, package.content)],
            "annotations": dict(package.annotations),
        }
        return self._registry.put_manifest(target, MANIFEST_TYPE, _json(manifest))


def _files(order: ChartOrder, source: GitRepository) -> dict[str, bytes]:
    """The chart's files by their path in it, without those that `.helmignore` names."""
    folder = "" if order.folder == "." else order.folder
    prefix = f"{folder}/" if folder else ""
    entries = {e.path.removeprefix(prefix): e for e in source.entries(order.commit, folder)}
    if _CHART not in entries:
        raise NotFound(f"{order.source} has no {prefix}{_CHART} at {order.commit[:12]}", fix="correct `path`")
    rules = source.read(order.commit, [prefix + _IGNORE]).get(prefix + _IGNORE, b"")
    kept = [path for path in entries if path == _CHART or not ignored(path, rules)]
    if len(kept) > MOST_FILES:
        raise _refused(order, f"it has more than {MOST_FILES:,} files")
    for path in kept:
        if {"", ".", ".."} & set(path.split("/")):
            raise _refused(order, "a path leads out of its folder")
        if entries[path].mode not in ("100644", "100755"):
            raise _refused(order, f"{path} is a link or a submodule")
        if len(os.fsencode(path)) > _LONGEST_PATH or max(map(len, map(os.fsencode, path.split("/")))) > _LONGEST_NAME:
            raise _refused(order, f"the path {path[:60]}… is too long")
    content = source.read(order.commit, [prefix + path for path in kept])
    if not {prefix + path for path in kept} <= set(content):
        raise Unavailable(f"a file of {order.source} at {order.commit[:12]} could not be read")
    if sum(map(len, content.values())) > MOST_BYTES:
        raise _refused(order, f"it has more than {MOST_BYTES >> 20} MiB")
    return {path: content[prefix + path] for path in kept}


def _archive(order: ChartOrder, files: Mapping[str, bytes]) -> bytes:
    """The `.tgz`: one folder with the chart's name, Chart.yaml first as Helm writes it."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as out:
        for path in sorted(files, key=lambda path: (path != _CHART, path)):
            info = tarfile.TarInfo(f"{order.name}/{path}")
            info.size, info.mode, info.mtime = len(files[path]), 0o644, int(order.created.timestamp())
            out.addfile(info, io.BytesIO(files[path]))
    return pack(tar.getvalue())


def _descriptor(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _refused(order: ChartOrder, why: str) -> Refused:
    return Refused(
        printable(f"the chart {order.name} at {order.commit[:12]} cannot be packaged: {why[:500]}"),
        fix="take it out, or name it in .helmignore",
        reason_code="bad_chart",
    )

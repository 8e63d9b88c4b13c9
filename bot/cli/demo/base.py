"""A base image as small as can be, shaped like WSO2's: its user, its home, its environment; and a chart of theirs."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.core.errors import BotError

if TYPE_CHECKING:
    from bot.core.references import Reference
    from bot.ports import Registry

HOME = "/home/wso2carbon/wso2mi-4.2.0"
PROGRAMS = ("sh", "ls", "cat", "id", "sleep")
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def push_base(registry: Registry, reference: Reference, build: str, *, userland: bool = False) -> str:
    """Make the base image and push it; another `build` text is another digest. Returns the digest.

    With `userland` it holds this machine's shell and a few programs with their libraries, so that a container of
    it can run; without, only files.
    """
    tar = _layer(build, userland=userland)
    layer = gzip.compress(tar, 6, mtime=0)
    config = _json(_config(_sha256(tar), build))
    for blob in (layer, config):
        if not registry.has_blob(reference.repository, _sha256(blob)):
            registry.put_blob(reference.repository, _sha256(blob), len(blob), io.BytesIO(blob))
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": _CONFIG, "digest": _sha256(config), "size": len(config)},
        "layers": [{"mediaType": _LAYER, "digest": _sha256(layer), "size": len(layer)}],
    }
    return registry.put_manifest(reference, _MANIFEST, _json(manifest))


def push_chart(registry: Registry, target: Reference) -> str:
    """Push a chart of the target's name and version that installs nothing, as its vendor would. Returns the digest."""
    from bot.builders.charts import ChartPackager
    from bot.ports import Package

    name, version = target.path.rpartition("/")[2], str(target.tag)
    metadata = _json({"apiVersion": "v2", "name": name, "version": version})
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _file(tar, f"{name}/Chart.yaml", metadata)
    return ChartPackager(registry).push(Package(metadata, gzip.compress(out.getvalue(), 6, mtime=0), {}), target)


def _config(diff_id: str, build: str) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {
            "User": "wso2carbon",
            "WorkingDir": "/home/wso2carbon",
            "Env": ["PATH=/usr/bin:/bin", f"WSO2_SERVER_HOME={HOME}"],
            "Entrypoint": ["/home/wso2carbon/docker-entrypoint.sh"],
            "Labels": {"build": build},
            "ExposedPorts": {"8290/tcp": {}, "8253/tcp": {}},
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "the demo's base image"}],
    }


def _layer(build: str, *, userland: bool) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _file(tar, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\nwso2carbon:x:802:802::/home/wso2carbon:/bin/sh\n")
        _file(tar, "etc/group", b"root:x:0:\nwso2:x:802:\n")
        if userland:
            for path, content in sorted(_userland().items()):
                _file(tar, path, content, mode=0o755)
        _folder(tar, "home", owner=0)
        _folder(tar, "home/wso2carbon")
        script = (
            b'#!/bin/sh\necho "Micro Integrator with:"\nls $WSO2_SERVER_HOME/repository/deployment/server/carbonapps\n'
        )
        _file(tar, "home/wso2carbon/docker-entrypoint.sh", script, mode=0o755, owner=802)
        for folder in ("", "/conf", "/repository", "/repository/deployment", "/repository/deployment/server"):
            _folder(tar, HOME[1:] + folder)
        _folder(tar, f"{HOME[1:]}/repository/deployment/server/carbonapps")
        _file(tar, f"{HOME[1:]}/updates/product.txt", f"4.2.0 build {build}\n".encode(), owner=802)
    return out.getvalue()


def _folder(tar: tarfile.TarFile, path: str, owner: int = 802) -> None:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, 0o755, owner, owner
    tar.addfile(entry)


def _file(tar: tarfile.TarFile, path: str, content: bytes, *, mode: int = 0o644, owner: int = 0) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, owner, owner
    tar.addfile(entry, io.BytesIO(content))


def _userland() -> dict[str, bytes]:
    """This machine's shell and a few programs, with the libraries that `ldd` names: path → content."""
    found: dict[str, bytes] = {}
    for program in PROGRAMS:
        where = shutil.which(program)
        if where is None or not shutil.which("ldd"):
            raise BotError(
                f"the demo's base image takes {program} and its libraries from this machine, and cannot find them",
                fix="run the demo with --docker on Linux, or without --docker anywhere",
            )
        found[f"bin/{program}"] = Path(where).read_bytes()
        listed = subprocess.run(["ldd", where], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            found[library.lstrip("/")] = Path(library).read_bytes()
    return found


def _sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

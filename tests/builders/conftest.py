"""A registry in a folder with a base image in it, and the builder that assembles on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from bot.builders.assemble import AssembleBuilder
from bot.core.references import Reference, parse
from bot.registries.layout import LayoutRegistry
from tests.builders.images import Image, file, folder, layer, link, publish, read_image
from tests.builders.source import order, source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bot.core.models import BuildOrder
    from bot.ports import Registry

HOME = "home/wso2carbon"
SERVER = f"{HOME}/wso2mi-4.2.0"
SETTINGS = {
    "Env": ["PATH=/usr/bin:/bin", f"WSO2_SERVER_HOME=/{SERVER}"],
    "User": "wso2carbon",
    "WorkingDir": f"/{HOME}",
    "Entrypoint": [f"/{HOME}/docker-entrypoint.sh"],
    "Cmd": ["base-cmd"],
    "ExposedPorts": {"8290/tcp": {}},
    "Labels": {"maintainer": "base"},
    "Hostname": "0123456789ab",
    "StopSignal": "SIGTERM",
}
LOWER = layer(
    folder("etc"),
    file(
        "etc/passwd", "root:x:0:0::/root:/bin/sh\nwso2carbon:x:802:802::/home/wso2carbon:/bin/sh\nodd:x:900:802::/:\n"
    ),
    file("etc/group", "root:x:0:\nwso2:x:802:\nodd:x:901:\nwso2carbon:x:802:\n"),
    folder("home"),
    folder(HOME, 0o750, 802, 802),
    folder(SERVER, 0o770, 802, 802),
    folder(f"{SERVER}/conf", 0o700, 802, 802),
    file(f"{SERVER}/conf/deployment.toml", "base", 0o600, 802, 802),
    folder(f"{SERVER}/conf/sub", 0o700, 802, 802),
    link("srv", f"/{SERVER}"),
    link("loop", "loop"),
    folder("gone"),
    file("gone/old"),
    folder("shared", 0o2775, 0, 802),
    file("unlisted/deep/file"),
)
UPPER = layer(file(".wh.gone"), folder("top"), link("top/data", "../home"), link("top/plain", f"../{HOME}/missing"))


class Workshop(NamedTuple):
    """All that a build needs."""

    registry: Registry
    base: Reference
    builder: AssembleBuilder

    def image(self, files: Mapping[str, str | tuple[str, bytes]], **changes: Any) -> Image:
        """Build and push the files on the base, then read back what is in the registry."""
        wanted: BuildOrder = order(self.base, **changes)
        handle = self.builder.build(wanted, source(files))
        digest = self.builder.push(handle, wanted.target)
        assert self.registry.digest(wanted.target) == digest
        return read_image(self.registry, wanted.target)

    def build(self, dockerfile: str, *, context: Mapping[str, str | tuple[str, bytes]] | None = None) -> Image:
        """As `image`, with the lines behind FROM and a small context."""
        small = {"a.car": "A", "b.car": "B", "conf/deployment.toml": "new", "conf/sub/x": "x"}
        files: dict[str, str | tuple[str, bytes]] = {**small, **(context or {})}
        return self.image({**files, "Dockerfile": f"ARG BASE_IMAGE\nFROM ${{BASE_IMAGE}}\n{dockerfile}\n"})


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A registry in a folder, a base in it, and a builder."""
    registry = LayoutRegistry(tmp_path / "registry")
    name = parse("registry.example/wso2/mi:4.2.0")
    base = publish(registry, name, [LOWER, UPPER], SETTINGS, variant_of_no_one={"kept": True}, container="dropped")
    return Workshop(registry, base, AssembleBuilder(registry, tmp_path / "work"))

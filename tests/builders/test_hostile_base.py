"""Whatever a registry says of a base, the base is understood or refused by name."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.builders.assemble import AssembleBuilder
from bot.core.errors import BotError, Refused
from bot.core.references import parse
from bot.ports import Manifest
from tests.builders.conftest import LOWER, SETTINGS
from tests.builders.failures import failure
from tests.builders.images import OCI, digest
from tests.builders.source import order, source
from tests.builders.test_rooted import MOST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bot.core.references import Reference
    from bot.ports import Registry

INDEX = "application/vnd.oci.image.index.v1+json"
NAME = parse("registry.example/told:1")
EVERYTHING = """ARG BASE_IMAGE
FROM $BASE_IMAGE
ENV a=$PATH b=${WORDS:-none}
LABEL c=d
EXPOSE 80
COPY --chown=wso2carbon:wso2carbon a /srv/
USER root
WORKDIR sub
CMD run
"""
# Raw JSON: some of it cannot be made from any Python object.
HOSTILE = [
    "null", "true", "-1", "0", "1.5", "1e400", "NaN", "-Infinity", "9" * 400, "9" * 5000, '""', '"\\u0000"',
    '"\\ud800"', '"../../x"', '"sha256:../x"', "[]", "[null]", "[1]", '["\\u0000=\\u0000"]', '["\\udc00=x"]', '["a"]',
    "{}", '{"": ""}', '{"a": 1}', '{"a": {"b": []}}', '{"\\ud800": {}}', "[" * 3000 + "]" * 3000,
    "[" * 200_000, '{"a":' * 900 + "1" + "}" * 900, f'"{"x" * 2_000_000}"',
]  # fmt: skip


class Told:
    """A registry that says what it is told, however little sense that makes."""

    def __init__(self, manifests: Mapping[str, tuple[str, bytes]], blobs: Mapping[str, bytes]) -> None:
        self._manifests, self._blobs = manifests, blobs

    def manifest(self, reference: Reference) -> Manifest | None:
        found = self._manifests.get(reference.digest or "")
        return Manifest(found[0], reference.digest or "", found[1]) if found else None

    @contextlib.contextmanager
    def open_blob(self, repository: Reference, name: str) -> Iterator[io.BytesIO]:
        if name not in self._blobs:
            raise BotError(f"{repository} has no {name}")
        yield io.BytesIO(self._blobs[name])


def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """A sound manifest and a sound configuration of a base of one layer."""
    layer_type = "application/vnd.oci.image.layer.v1.tar"
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "", "size": 1},
        "layers": [{"mediaType": layer_type, "digest": digest(LOWER), "size": len(LOWER)}],
    }
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {**copy.deepcopy(SETTINGS), "Shell": ["/bin/bash", "-c"], "Volumes": {"/v": {}}},
        "rootfs": {"type": "layers", "diff_ids": [digest(LOWER)]},
        "history": [{"created_by": "by hand", "empty_layer": False}],
    }
    return manifest, config


def raw(document: Mapping[str, Any]) -> bytes:
    """As JSON, with each text `@raw…` as it is behind that."""
    text = json.dumps(document)
    for value in HOSTILE:
        text = text.replace(json.dumps(f"@{hashlib.sha256(value.encode()).hexdigest()}"), value)
    return text.encode()


def put(document: Any, way: list[int], value: str) -> Any:
    """The document with a hostile value at some place of it."""
    mark = f"@{hashlib.sha256(value.encode()).hexdigest()}"
    if not way or not document or not isinstance(document, dict | list):
        return mark
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    key = keys[way[0] % len(keys)]
    document[key] = put(document[key], way[1:], value)
    return document


def told(manifest: Any, config: Any) -> tuple[Registry, Reference]:
    body = raw(config)
    if isinstance(manifest, dict) and isinstance(manifest.get("config"), dict):
        manifest["config"]["digest"] = manifest["config"].get("digest") or digest(body)
    described = raw(manifest)
    registry = Told({digest(described): (OCI, described)}, {digest(body): body, digest(LOWER): LOWER})
    return registry, NAME.repository.with_digest(digest(described))  # type: ignore[return-value]  # as much as is read


def built(registry: Registry, base: Reference, work: Path) -> bytes:
    """The configuration of an image on the base."""
    builder = AssembleBuilder(registry, work)
    handle = builder.build(order(base), source({"Dockerfile": EVERYTHING, "a": "A"}))
    try:
        return builder._built[handle].config.file.read_bytes()
    finally:
        builder.discard(handle)


def _refuse(text: str) -> None:
    raise AssertionError(f"{text} is not JSON")


def test_a_sound_base_is_built_on(tmp_path: Path) -> None:
    made = json.loads(built(*told(*documents()), tmp_path))
    assert made["config"]["WorkingDir"] == "/home/wso2carbon/sub"


WAYS = st.lists(st.integers(0, 9), min_size=1, max_size=4)


@given(st.booleans(), WAYS, st.sampled_from(HOSTILE))
@settings(deadline=None, max_examples=MOST)
def test_a_base_is_understood_or_refused(
    tmp_path_factory: pytest.TempPathFactory, in_config: bool, way: list[int], value: str
) -> None:
    manifest, config = documents()
    manifest, config = (manifest, put(config, way, value)) if in_config else (put(manifest, way, value), config)
    registry, base = told(manifest, config)
    work = tmp_path_factory.getbasetemp() / "told"
    made: list[bytes] = []
    failed = failure(lambda: made.append(built(registry, base, work)))
    assert not failed or "registry.example/told" in failed or failed.startswith("Dockerfile:")
    for body in made:
        found = json.loads(body, parse_constant=_refuse)
        assert all("\0" not in pair and "=" in pair for pair in found["config"]["Env"])
        assert all(isinstance(word, str) for word in found["config"]["Cmd"])
    assert not list(work.glob("image-*"))


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("key", [*SETTINGS, "Shell", "Volumes"])
def test_a_setting_of_a_base_is_understood_or_refused_by_name(tmp_path: Path, key: str, value: str) -> None:
    manifest, config = documents()
    config["config"][key] = f"@{hashlib.sha256(value.encode()).hexdigest()}"
    registry, base = told(manifest, config)
    failed = failure(lambda: json.loads(built(registry, base, tmp_path), parse_constant=_refuse))
    assert not failed or "registry.example/told" in failed or failed.startswith("Dockerfile:")


@pytest.mark.parametrize("value", ["../../../x", "sha256:../../x", f"sha256:{'A' * 64}", 7, None, {}])
def test_no_digest_but_a_digest_is_asked_for(tmp_path: Path, value: object) -> None:
    manifest, config = documents()
    manifest["config"]["digest"] = value or {"a": "b"}
    with pytest.raises(Refused) as caught:
        built(*told(manifest, config), tmp_path)
    assert caught.value.reason_code == "base_unsupported"
    index = json.dumps(
        {"manifests": [{"digest": value, "platform": {"os": "linux", "architecture": "amd64"}}]}
    ).encode()
    registry: Registry = Told({digest(index): (INDEX, index)}, {})  # type: ignore[assignment]  # as much as is read
    with pytest.raises(Refused) as caught:
        built(registry, NAME.repository.with_digest(digest(index)), tmp_path)
    assert caught.value.reason_code == "base_unsupported"


def test_a_base_of_very_many_layers_is_refused_before_any_is_read(tmp_path: Path) -> None:
    manifest, config = documents()
    manifest["layers"] *= 5000
    with pytest.raises(Refused, match="more than 120 layers"):
        built(*told(manifest, config), tmp_path)
    assert not (tmp_path / "layers").exists()


def test_what_a_registry_says_steers_no_terminal(tmp_path: Path) -> None:
    manifest, config = documents()
    manifest["layers"][0]["mediaType"] = "\x1b[2J" + "x" * 5000
    with pytest.raises(Refused) as caught:
        built(*told(manifest, config), tmp_path)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 1500

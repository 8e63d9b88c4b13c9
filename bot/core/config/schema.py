"""The JSON Schema of `gitops.yaml`, for editors, for the documentation, and to say which keys there are.

JSON Schema 2020-12: https://json-schema.org/draft/2020-12/schema
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from bot.core.config.models import Config

if TYPE_CHECKING:
    from bot.core.models import Path

ID = "https://raw.githubusercontent.com/gitops-bot/gitops-bot/main/docs/gitops.schema.json"


def json_schema() -> dict[str, Any]:
    """The schema as plain data, ready for `json.dumps`."""
    schema = Config.model_json_schema()
    _close(schema)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, "title": "gitops.yaml"}
    return {**head, **{key: value for key, value in schema.items() if key not in head}}


def below(path: Path) -> dict[str, Any]:
    """The part of the schema that describes the value at `path`; empty where there is none."""
    root = _schema()
    part: dict[str, Any] = root
    for step in path:
        part = _step(part, step)
        part = next((option for option in part.get("anyOf", ()) if option.get("type") != "null"), part)
        if "$ref" in part:
            part = root["$defs"][part["$ref"].rpartition("/")[2]]
    return part


@cache
def _schema() -> dict[str, Any]:
    return json_schema()


def _step(part: dict[str, Any], step: str | int) -> dict[str, Any]:
    if isinstance(step, int):
        found = part.get("items", {})
    elif "properties" in part:
        found = part["properties"].get(step, {})
    else:
        found = next(iter(part.get("patternProperties", {}).values()), part.get("additionalProperties"))
    return found if isinstance(found, dict) else {}


def _close(part: Any) -> None:
    # A mapping whose names have a pattern refuses all other names; pydantic leaves that out.
    if isinstance(part, dict):
        if "patternProperties" in part:
            part["additionalProperties"] = False
        for value in part.values():
            _close(value)
    elif isinstance(part, list):
        for value in part:
            _close(value)

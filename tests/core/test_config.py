"""A configuration is used whole or refused whole: every problem has its line, column, path and fix, and no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.core.config import (
    Config,
    ConfigError,
    Problem,
    json_schema,
    load_config,
)
from tests.documentation import DOCS, tables, yaml_examples

HEAD = "version: 1\nenvironments:\n  dev: {path: envs/dev}\n"
IMAGE = HEAD + "applications:\n  shop:\n    images:\n      web:\n        "
BUILT = (
    IMAGE
    + "repository: host.example/web\n        build:\n          base: base:1\n          git: https://host/x\n          "
)
PLAIN = HEAD + "applications: {shop: {}}\n"
VALUES = HEAD + "applications:\n  shop:\n    values:\n      "


def problems(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        load_config(text.encode() if isinstance(text, str) else text)
    return caught.value.problems


def problems_if_any(text: str) -> tuple[Problem, ...]:
    try:
        load_config(text.encode())
    except ConfigError as error:
        return error.problems
    return ()


def only(text: str | bytes) -> Problem:
    found = problems(text)
    assert len(found) == 1, found
    return found[0]


def environments(text: str) -> str:
    return f"version: 1\nenvironments:\n{text}applications: {{shop: {{}}}}\n"


def test_a_valid_file_becomes_the_configuration() -> None:
    config = load_config((DOCS.parent / "gitops.yaml").read_bytes())
    assert list(config.environments) == ["dev", "staging", "prod"]
    assert config.applications["micro-integrator"].images["micro-integrator"].build is not None


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    text = (HEAD + "applications: {shop: {}}\n").encode()
    assert load_config(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")) == load_config(text)


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(
            b"version: 1\n"
            b"environments:\n"
            b"  dev: {path: envs/dev, aprovals: 1}\n"
            b"  prod:\n"
            b"    path: ../prod\n"
            b"    approvals: '2'\n"
            b"applications:\n"
            b"  shop:\n"
            b"    images:\n"
            b"      web: {build: {git: 'ext::sh', base: x}}\n",
            "conf/gitops.yaml",
        )
    assert str(caught.value) == (
        "conf/gitops.yaml:3:25: environments.dev.aprovals: unknown key `aprovals`\n"
        "  → did you mean `approvals`?\n"
        "conf/gitops.yaml:5:11: environments.prod.path: `../prod` cannot stand here\n"
        "  → write a path inside the repository such as envs/dev: no `/` at either end, no `..`, no spaces\n"
        "conf/gitops.yaml:6:16: environments.prod.approvals: this is the text `2`, but a whole number is wanted\n"
        "  → write approvals: 1\n"
        "conf/gitops.yaml:10:7: applications.shop.images.web.repository: the key `repository` is missing\n"
        "  → add it. Registry and repository, without a tag."
    )
    assert caught.value.reason_code == "invalid_config"


def expected_default(part: dict[str, Any], name: str) -> str:
    field = part["properties"][name]
    if name in part.get("required", ()):
        return "required"
    default = field.get("default", {})
    return "none" if default is None else f"`{default if isinstance(default, str) else json.dumps(default)}`"


def test_every_key_is_documented_with_its_default() -> None:
    schema = json_schema()
    parts = {"The file": schema, **schema["$defs"]}
    documented = tables(DOCS / "configuration.md")
    assert set(documented) == set(parts)
    for title, part in parts.items():
        rows = {row[0]: row for row in documented[title]}
        assert list(rows) == [f"`{name}`" for name in part["properties"]], title
        for name in part["properties"]:
            _, kind, default, meaning = rows[f"`{name}`"]
            assert default == expected_default(part, name), f"{title}.{name}"
            assert kind, f"{title}.{name}"
            assert meaning, f"{title}.{name}"


@pytest.mark.parametrize("example", yaml_examples(DOCS / "configuration.md"))
def test_every_example_in_the_documentation_is_valid(example: str) -> None:
    assert isinstance(load_config(example.encode(), "docs/configuration.md"), Config)


def test_the_published_schema_is_that_of_the_code() -> None:
    published = json.loads(Path(DOCS, "gitops.schema.json").read_text())
    assert published == json_schema(), "write it anew: gitops-bot schema > docs/gitops.schema.json"


def test_the_schema_refuses_what_the_program_refuses_as_a_name() -> None:
    found = json_schema()["properties"]["environments"]
    assert found["additionalProperties"] is False
    assert list(found["patternProperties"]) == [r"^[a-z0-9](\.?[a-z0-9_-])*$"]

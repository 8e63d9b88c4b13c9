"""GitHub's own descriptions of its two APIs, from npm: what the bot asks and what the fake answers is held to them.

REST: OpenAPI, https://github.com/octokit/openapi. GraphQL: the schema, https://github.com/octokit/graphql-schema.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from graphql import GraphQLSchema, build_schema
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.conftest import missing

_PACKAGES = {"@octokit/openapi": "23", "@octokit/graphql-schema": "15"}
_PARTS = "pulls|issues|statuses|collaborators|labels|deployments|installation"
_USED = re.compile(
    rf"/repos/\{{owner\}}/\{{repo\}}(/({_PARTS})\b.*)?"
    r"|/orgs/\{org\}/teams/\{team_slug\}/memberships/.*|/app/installations/.*"
)
_DOCUMENT = "urn:github"


class Operation(NamedTuple):
    """One operation of the REST API, and its path as the description has it."""

    template: str
    about: Any


class Descriptions:
    """Both descriptions; what they do not allow is told as text."""

    def __init__(self, rest: Any, graphql: GraphQLSchema) -> None:
        self.graphql = graphql
        self._rest = rest
        self._registry: Registry[Any] = Registry().with_resource(_DOCUMENT, DRAFT4.create_resource(rest))
        self._validators: dict[int, OAS30Validator] = {}  # by the schema's place in `rest`, which stays
        self._patterns = [
            (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path) for path in rest["paths"]
        ]
        # `{owner}/{repo}/labels/{name}` would not be told from fixed words by the first that fits.
        self._patterns.sort(key=lambda each: each[1].count("{"))

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation of a request's method and path (without the query)."""
        for pattern, template in self._patterns:
            if pattern.fullmatch(path) and method.lower() in self._rest["paths"][template]:
                return Operation(template, self._rest["paths"][template][method.lower()])
        return None

    def request_problems(self, operation: Operation, query: dict[str, str], body: Any) -> list[str]:
        """What is wrong with a request: unknown or bad parameters of the query, a bad body."""
        known = {p["name"]: p for p in map(self._resolved, operation.about.get("parameters", [])) if p["in"] == "query"}
        found = [f"no parameter {name}" for name in query if name not in known]
        for name, text in query.items():
            if schema := known.get(name, {}).get("schema"):
                found += self._problems(schema, int(text) if schema.get("type") == "integer" else text)
        if body is None:
            return found + (["no body"] if operation.about.get("requestBody", {}).get("required") else [])
        content = self._resolved(operation.about.get("requestBody", {})).get("content", {})
        if "application/json" not in content:
            return [*found, "a body where none is expected"]
        schema = content["application/json"]["schema"]
        unknown = set(body) - set(schema.get("properties", body)) if isinstance(body, dict) else set()
        return [*found, *(f"no property {name}" for name in unknown), *self._problems(schema, body)]

    def answer_problems(self, operation: Operation, status: int, body: Any) -> list[str]:
        """What is wrong with an answer: a status or a body that GitHub does not give."""
        responses = operation.about["responses"]
        if str(status) not in responses:
            if status == 404:  # not said of every operation, and true of each
                return []
            return [f"no answer {status}, only {sorted(responses)}"]
        content = self._resolved(responses[str(status)]).get("content", {})
        schema = next((content[kind]["schema"] for kind in content if "json" in kind), None)
        return self._problems(schema, body) if schema else []

    def example(self, operation: Operation, status: int) -> Any:
        """The answer that the description gives as an example, None if there is none."""
        response = self._resolved(operation.about["responses"].get(str(status), {}))
        examples = response.get("content", {}).get("application/json", {}).get("examples", {})
        values = [self._resolved(example)["value"] for example in examples.values()]
        return max(values, key=len, default=None)

    def _resolved(self, value: Any) -> Any:
        if "$ref" not in value:
            return value
        found = self._rest
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found

    def _problems(self, schema: Any, value: Any) -> list[str]:
        validator = self._validators.get(id(schema))
        if validator is None:
            text = json.dumps(schema).replace('"#/components', f'"{_DOCUMENT}#/components')
            validator = self._validators[id(schema)] = OAS30Validator(json.loads(text), registry=self._registry)
        errors = validator.iter_errors(value)
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in errors]


@functools.cache
def load() -> Descriptions:
    """The descriptions; skips the test where npm or a package cannot be had."""
    folder = _installed()
    rest = json.loads((folder / "rest.json").read_text())
    schema = build_schema((folder / "schema.graphql").read_text(), assume_valid=True, no_location=True)
    return Descriptions(rest, schema)


def _installed() -> Path:
    """The folder with the compact descriptions, made once on a machine; several processes may ask at once."""
    versions = "-".join(_PACKAGES.values())
    folder = Path(tempfile.gettempdir(), f"gitops-bot-tests-{os.getuid()}", f"github-{versions}")
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                _install(Path(scratch), Path(scratch, "done"))
                Path(scratch, "done").rename(folder)
    return folder


def _install(scratch: Path, target: Path) -> None:
    if not shutil.which("npm"):
        missing("npm, to get GitHub's descriptions of its API")
    names = [f"{name}@{version}" for name, version in _PACKAGES.items()]
    command = ["npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(scratch)]
    done = subprocess.run([*command, *names], capture_output=True, text=True, check=False)
    if done.returncode:
        missing(f"{' and '.join(names)} from npm: {done.stderr[-300:]}")
    modules = scratch / "node_modules" / "@octokit"
    target.mkdir()
    rest = json.loads((modules / "openapi" / "generated" / "api.github.com.json").read_text())
    (target / "rest.json").write_text(json.dumps(_extract(rest)))
    shutil.copy(modules / "graphql-schema" / "schema.graphql", target)


def _extract(rest: Any) -> Any:
    """The operations that a forge may need, and the components that they lead to: reading all takes long."""
    paths = {path: about for path, about in rest["paths"].items() if _USED.fullmatch(path)}
    wanted: dict[str, Any] = {}
    left = [paths]
    while left:
        for reference in set(re.findall(r'"#/components/([^"]+)"', json.dumps(left.pop()))) - set(wanted):
            kind, name = reference.split("/")
            wanted[reference] = rest["components"][kind][name]
            left.append(wanted[reference])
    components: dict[str, Any] = {}
    for reference, value in wanted.items():
        kind, name = reference.split("/")
        components.setdefault(kind, {})[name] = value
    return {"openapi": rest["openapi"], "paths": paths, "components": components}

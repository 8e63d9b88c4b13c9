"""What the bot imports is what installing it brings along, not only what its tests bring."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

HERE = Path(__file__).parents[1]


def test_what_is_imported_is_a_dependency_and_the_other_way_round() -> None:
    declared = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]["dependencies"]
    wanted = {_name(each) for each in declared}
    providers = packages_distributions()
    imported = {_normal(providers[name][0]) for path in (HERE / "bot").rglob("*.py") for name in _outside(path)}
    brought = {_name(each) for package in wanted for each in requires(package) or () if "extra ==" not in each}
    assert imported - brought <= wanted
    assert wanted <= imported


def _outside(path: Path) -> set[str]:
    """The packages that a module imports when it runs, without Python's own and the bot's."""
    tree = ast.parse(path.read_bytes())
    for_types = {id(n) for each in ast.walk(tree) if _is_for_types(each) for n in ast.walk(each)}
    found = set[str]()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"bot"}


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _name(requirement: str) -> str:
    return _normal(re.split(r"[<>=!~ ;\[(]", requirement, maxsplit=1)[0])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

"""Reads the documentation's tables and examples, so that tests hold them against the code."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def tables(page: Path) -> dict[str, list[list[str]]]:
    """The rows (cells, without the header) of the table below each heading that has one."""
    found: dict[str, list[list[str]]] = {}
    title = ""
    for line in page.read_text().splitlines():
        if line.startswith("#"):
            title = line.lstrip("# ")
        elif line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip("|"))
            found.setdefault(title, []).append([cell.strip().replace(r"\|", "|") for cell in cells])
    return {title: rows[2:] for title, rows in found.items()}


def yaml_examples(page: Path) -> list[str]:
    """The text of each YAML block."""
    return re.findall(r"^```yaml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)

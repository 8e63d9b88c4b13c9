"""What a file's name says that it holds."""

from __future__ import annotations

import re

_VALUES_FILE = re.compile(r"(?:^|/)(?:[^/]*[-._])?values(?:[-._][^/]*)?\.ya?ml$|(?:^|/)values[^/]*\.ya?ml$")
_KUSTOMIZATION_FILE = re.compile(r"(?:^|/)(?:kustomization\.ya?ml|Kustomization)$")


def is_yaml(file: str) -> bool:
    """Whether the file is one that the conventions look into."""
    return file.endswith((".yaml", ".yml")) or is_kustomization(file)


def is_values(file: str) -> bool:
    """Whether the file's name says that it holds the values of a chart."""
    return bool(_VALUES_FILE.search(file))


def is_kustomization(file: str) -> bool:
    """Whether the file's name says that it is a kustomization."""
    return bool(_KUSTOMIZATION_FILE.search(file))

"""How Flux reads YAML: a small Go program around its two readers, built once a session from tests/goyaml."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.conftest import missing

if TYPE_CHECKING:
    from collections.abc import Iterable

SOURCE = Path(__file__).parent / "goyaml"


class Answer(NamedTuple):
    """What the readers made of one text: `v3` all its documents, `sigs` the first; an error where it is none.

    In `v3` a scalar that is no string is `{"!": its type, "=": its text}`.
    """

    v3: list[Any]
    sigs: Any
    error: str


class GoReaders:
    """`go.yaml.in/yaml/v3` and `sigs.k8s.io/yaml`."""

    def __init__(self, program: Path) -> None:
        self.program = program

    def read(self, texts: Iterable[str]) -> list[Answer]:
        """Every text, in order, by one process."""
        asked = "".join(json.dumps(text) + "\n" for text in texts)
        run = subprocess.run([self.program], input=asked, capture_output=True, text=True, check=True)
        return [_answer(json.loads(line)) for line in run.stdout.splitlines()]


@pytest.fixture(scope="session")
def go_readers(tmp_path_factory: pytest.TempPathFactory) -> GoReaders:
    """The program, built; a machine without Go skips the test by name, and fails it where CI=true."""
    go = shutil.which("go") or missing("Go (https://go.dev/doc/install)")
    program = tmp_path_factory.mktemp("goyaml") / "goyaml"
    build = subprocess.run([go, "build", "-o", program, "."], cwd=SOURCE, capture_output=True, text=True, check=False)
    if build.returncode:
        missing(f"Go's modules of tests/goyaml, once over the network: {build.stderr[-300:]}")
    return GoReaders(program)


def _answer(read: dict[str, Any]) -> Answer:
    error = read.get("v3_error", "") or read.get("sigs_error", "")
    return Answer(read["v3"] or [], read.get("sigs"), error)


def flat(tree: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """Path → value; a value that is no string is the marked object that Go's program writes."""
    if isinstance(tree, dict) and "!" not in tree:
        pairs = list(tree.items())
    elif isinstance(tree, list):
        pairs = list(enumerate(tree))
    else:
        return {path: tree}
    return {name: leaf for key, value in pairs for name, leaf in flat(value, (*path, key)).items()}

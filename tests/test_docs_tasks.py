"""The commands on the documentation's pages do what the pages say, in a world like the reader's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from bot.bootstrap import open_registry
from bot.cli.demo.world import APPLICATION, World, git, lay_out
from bot.cli.main import main
from bot.settings import read_settings
from tests.documentation import DOCS, yaml_examples

if TYPE_CHECKING:
    from collections.abc import Iterator

README = DOCS.parent / "README.md"
PAGES = sorted(DOCS.rglob("*.md"))

# Commands that are not run here, each with the reason; those of the bot are parsed all the same.
NOT_RUN = {
    "make demo": "sets up .venv; tests/test_makefile.py runs it",
    "make test": "runs these very tests",
    "gitops-bot demo --step": "waits for a person, and else is the demo that is run above it",
    "gitops-bot demo --docker --registry localhost:5000": "needs a Docker Engine; the Docker scenarios play it",
    "git push --set-upstream https://git.example.com/shop/gitops.git main": "there is no such server",
    "kubectl": "needs a cluster",
}
# What a reader puts in the place of a word in capitals.
HELPERS = """
answer() { python -c "import json, sys; found = json.load(sys.stdin); print($1)"; }
NUMBER() { gitops-bot pr list --json | answer 'next(p["number"] for p in found if p["state"] == "open")'; }
TAG() { gitops-bot status --json | answer 'found[1]["images"][0]["tag"]'; }
"""


class Reader:
    """Someone who types what a page says, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(folder)
        config = folder.parent / f"{folder.name}.gitconfig"
        config.write_text("[user]\n    name = dana\n    email = dana@example.com\n")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environ = os.environ | {"PATH": path, "GIT_CONFIG_GLOBAL": str(config), "GITOPS_BOT_USER": "dana"}

    def follow(self, page: str) -> str:
        """Run all shell blocks of a page, in one shell; returns what was printed."""
        lines = [re.sub(r"\b(NUMBER|TAG)\b", r'"$(\1)"', line) for line in commands(DOCS / page) if not not_run(line)]
        script = HELPERS + "set -ex\n" + "\n".join(lines)
        done = subprocess.run(
            ["sh", "-c", script], cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{page}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ask(self, *arguments: str, folder: Path | None = None) -> Any:
        """What `gitops-bot ARGUMENTS --json` says now."""
        environ = self.environ | World(folder or self.folder).environ()
        done = subprocess.run(
            ["gitops-bot", *arguments, "--json"], env=environ, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """A reader in an empty folder."""
    (tmp_path / "reader").mkdir()
    return Reader(tmp_path / "reader")


@pytest.fixture
def in_a_demo(reader: Reader) -> Reader:
    """A reader in the folder of a demo in which nothing has run yet."""
    lay_out(reader.world, open_registry(read_settings(reader.environ | reader.world.environ())))
    return reader


def blocks(page: Path) -> Iterator[str]:
    """The shell blocks of a page, continued lines joined."""
    for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        yield block.replace("\\\n", " ")


def commands(page: Path) -> list[str]:
    """Every line of the shell blocks of a page."""
    return [line for block in blocks(page) for line in block.splitlines()]


def not_run(line: str) -> bool:
    """Whether the command is one of those that are not run here."""
    return any(line == name or line.startswith(f"{name} ") for name in NOT_RUN)


def test_every_page_with_commands_is_followed_by_a_test() -> None:
    assert {page.name for page in PAGES if any(blocks(page))} == {
        "comments.md",
        "getting-started.md",
        "images.md",
        "new-repository.md",
        "places.md",
        "policies.md",
        "promotion.md",
        "scan.md",
        "set.md",
        "values.md",
    }


def test_getting_started_goes_from_the_demo_to_production(reader: Reader) -> None:
    printed = reader.follow("getting-started.md")
    demo = reader.folder / "demo"
    assert "foreign_commit" in printed
    assert re.search(r"#9 +open +staging:", printed)
    assert {path.name for path in demo.iterdir()} == {
        *("gitops.git", "gitops", "artifacts", "values", "registry", "cache", "env.sh")
    }
    dev, staging, prod = reader.ask("status", folder=demo)
    assert dev["images"] == staging["images"] != prod["images"]
    newest = reader.ask("pr", "list", folder=demo)[0]
    assert (newest["branch"], newest["number"]) == (f"bot/prod/{APPLICATION}", prod["pull_request"])
    assert "2 more approvals" in prod["waits_for"]


def test_a_new_repository_is_valid_and_committed(reader: Reader) -> None:
    printed = reader.follow("new-repository.md")
    assert "gitops.yaml: valid — 3 environments, 1 application" in printed
    shop = reader.folder / "shop"
    assert json.loads((shop / "gitops.schema.json").read_text()) == json.loads(
        (DOCS / "gitops.schema.json").read_text()
    )
    assert (shop / "envs/dev/shop/helmrelease.yaml").is_file()
    assert git(shop, "log", "--format=%s").strip() == "The shop in dev, staging and prod"


def test_an_image_is_built_once(in_a_demo: Reader) -> None:
    printed = in_a_demo.follow("images.md")
    sha = git(in_a_demo.world.artifacts, "rev-parse", "--short=7", "HEAD").strip()
    assert [line.split()[0] for line in printed.splitlines() if line.startswith(("done", "nothing"))] == [
        "done",
        "nothing",
    ]
    assert f"4.2.0-{sha} from" in printed
    assert in_a_demo.ask("pr", "list") == []


def test_a_policy_is_tried(reader: Reader) -> None:
    printed = reader.follow("policies.md").splitlines()
    assert [line for line in printed if ":" not in line][:8] == [
        *("1.10.0", "1.10.0", "2.0.0", "1.10.0", "2024.10", "main-5fb4d21-19", "b", "{"),
    ]
    assert "1.11.0-rc.1: it is a pre-release, and the range names none (prerelease)" in printed
    assert "c: nobody knows when it was made (date_unknown)" in printed
    assert '  "selected": "b",' in printed


def test_a_promotion_is_approved_turned_down_and_asked_for(in_a_demo: Reader) -> None:
    printed = in_a_demo.follow("promotion.md")
    assert "closed_by_person" in printed
    rows = [(p["number"], p["state"], p["branch"]) for p in in_a_demo.ask("pr", "list")]
    assert rows == [
        (4, "open", f"bot/prod/{APPLICATION}"),
        (3, "closed", f"bot/prod/{APPLICATION}"),
        (2, "merged", f"bot/staging/{APPLICATION}"),
        (1, "merged", f"bot/dev/{APPLICATION}"),
    ]
    tag = in_a_demo.ask("status")[1]["images"][0]["tag"]
    assert f"asked for by dana: version `{tag}`" in in_a_demo.ask("pr", "show", "4")["body"]


def test_comments_are_answered_and_kept(in_a_demo: Reader) -> None:
    printed = in_a_demo.follow("comments.md")
    assert f"| dev | {APPLICATION} | `4.2.0-" in printed
    assert "is held by alice" in printed
    number = in_a_demo.ask("pr", "list")[0]["number"]
    titles = [line.strip() for line in printed.splitlines() if line.startswith(("    Hold", "    End"))]
    assert titles == [f"End the hold of #{number}", f"Hold #{number}"]


def test_values_arrive_under_a_line_that_says_from_where(in_a_demo: Reader) -> None:
    printed = in_a_demo.follow("values.md")
    sha = git(in_a_demo.world.values, "rev-parse", "HEAD").strip()
    origin = f"{in_a_demo.world.values} values-dev.yaml at {sha}"
    assert printed.splitlines()[-1] == f"# Synced by gitops-bot from {origin}; edit it there."
    form = "# Synced by gitops-bot from REPOSITORY FILE at COMMIT; edit it there."
    assert form in (DOCS / "values.md").read_text()


def test_a_scan_finds_what_the_demo_has(in_a_demo: Reader) -> None:
    printed = in_a_demo.follow("scan.md")
    assert re.search(r"envs/prod/micro-integrator/values\.yaml  \(prod\)\n +\d+  tag +", printed)
    assert '"found_by": "convention"' in printed


def test_the_demos_environments_have_places_of_their_own(in_a_demo: Reader) -> None:
    assert "every environment has places of its own" in in_a_demo.follow("places.md")


def test_versions_are_set_in_the_demos_files(in_a_demo: Reader) -> None:
    printed = in_a_demo.follow("set.md")
    assert printed.count('+      imageTag: "4.3.0"') == 2
    assert "3 values in 3 files would change" in printed
    assert "+      hostname: mi.example.com" in printed


@pytest.mark.parametrize("name", [name for name in NOT_RUN if name.startswith("gitops-bot")])
def test_what_is_not_run_is_a_command_of_the_bot(name: str) -> None:
    # --help is looked at when all options are known to be right.
    assert CliRunner().invoke(main, [*name.split()[1:], "--help"]).exit_code == 0


@pytest.mark.parametrize("name", NOT_RUN)
def test_what_is_not_run_is_still_on_a_page(name: str) -> None:
    assert any(line.startswith(name) for page in (README, *PAGES) for line in commands(page))


@pytest.mark.parametrize("page", ["images.md", "policies.md", "values.md"])
def test_examples_of_a_configuration_are_valid(page: str, tmp_path: Path) -> None:
    examples = yaml_examples(DOCS / page)
    assert examples
    for example in examples:
        (tmp_path / "gitops.yaml").write_text(example)
        assert CliRunner().invoke(main, ["validate", str(tmp_path / "gitops.yaml")]).exit_code == 0

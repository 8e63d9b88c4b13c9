"""The documentation lists what the code has, no more and no less: commands, reasons, JSON shapes, links."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any, get_args

import click
import pytest
from click.testing import CliRunner

from bot.bootstrap import open_local_forge
from bot.cli.demo.world import commit
from bot.cli.main import main
from bot.cli.pulls import REACTIONS
from bot.cli.set import NOT_FOUND
from bot.core.actions import Action
from bot.core.commands import VERBS, Level, usage
from bot.core.discovery.reasons import OWN
from bot.core.manifests import REASONS
from tests.documentation import DOCS, tables
from tests.scenarios.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ROOT = DOCS.parent
BOT = ROOT / "bot"
README = ROOT / "README.md"
PAGES = sorted([README, ROOT / "CHANGELOG.md", ROOT / "bench" / "README.md", *DOCS.rglob("*.md")])
JSON = tables(DOCS / "json.md")
COMMENTS = tables(DOCS / "comments.md")
PLAIN: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "text or null": (str, type(None)),
    "number": (int,),
    "number or null": (int, type(None)),
    "true or false": (bool,),
}
# Codes of errors that only a write can meet: the action is then `failed`, and its reason has the words.
WRITING = {"push_refused", "not_a_file"}


def walk(command: click.Command, path: str = "gitops-bot") -> Iterator[tuple[str, click.Command]]:
    """Every command of the program, by how it is typed."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, f"{path} {name}")


COMMANDS = dict(walk(main))


def first_sentence(command: click.Command) -> str:
    """What `gitops-bot --help` says of a command, not cut."""
    return command.get_short_help_str(limit=500).removesuffix(".")


def test_the_readme_lists_the_commands() -> None:
    assert [row[0].strip("`") for row in tables(README)["Commands"]] == list(main.commands)
    assert [row[1] for row in tables(README)["Commands"]] == [first_sentence(c) for c in main.commands.values()]


def test_every_command_and_option_has_its_entry_and_no_other() -> None:
    page = (DOCS / "commands.md").read_text()
    assert re.findall(r"^## (gitops-bot.*)$", page, re.MULTILINE) == list(COMMANDS)
    listed = tables(DOCS / "commands.md")
    for path, command in COMMANDS.items():
        options = [p for p in command.params if isinstance(p, click.Option)]
        rows = [[f"`{' '.join([*p.opts, *filter(None, [p.metavar])])}`", p.help] for p in options]
        assert listed.get(path, []) == rows, path
        assert f"`{' '.join([path, *command.collect_usage_pieces(click.Context(command))])}`" in page


def test_the_exit_codes_are_those_of_the_help() -> None:
    codes = [row[0] for row in tables(DOCS / "commands.md")["Exit codes"]]
    assert codes == re.findall(r"(?<= )\d(?= )", (main.help or "").partition("Exit codes:")[2])


def slug(heading: str) -> str:
    """The anchor that a forge gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """All anchors of a page."""
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.is_relative_to(ROOT), target
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_every_page_is_reached_from_the_index() -> None:
    indexes = [DOCS / "README.md", DOCS / "decisions" / "README.md"]
    linked = {
        (index.parent / target.partition("#")[0]).resolve()
        for index in indexes
        for target in re.findall(r"\]\(([^)\s]+)\)", index.read_text())
    }
    assert {page for page in DOCS.rglob("*.md") if page not in indexes} <= linked


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str, ast.AST]]:
    """Every call in a module, the name of what is called, and the function that it stands in."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                    yield node, getattr(node.func, "id", getattr(node.func, "attr", "")), function


def texts(node: ast.AST, function: ast.AST) -> set[str]:
    """The texts that an expression may be: written there, or given to that name in the function."""
    if isinstance(node, ast.Name):
        given = [a.value for a in ast.walk(function) if isinstance(a, ast.Assign) and is_name(a.targets[0], node.id)]
        return {text for value in given for text in texts(value, function)}
    if isinstance(node, ast.IfExp):
        return texts(node.body, function) | texts(node.orelse, function)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def is_name(node: ast.AST, name: str) -> bool:
    """Whether the node is that name."""
    return isinstance(node, ast.Name) and node.id == name


def codes(position: int, name: str) -> set[str]:
    """Every code that is written as that argument of a call of `name`, anywhere in the program."""
    return {
        text
        for file in sorted(BOT.rglob("*.py"))
        for call, called, function in calls(ast.parse(file.read_text()))
        if called == name and len(call.args) > position
        for text in texts(call.args[position], function)
    }


def error_codes(files: Iterable[Path]) -> set[str]:
    """Every `reason_code` that the modules give an error, in a call or for a class."""
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "reason_code":
                found |= texts(node.value, node)
            if isinstance(node, ast.Assign) and is_name(node.targets[0], "reason_code"):
                found |= texts(node.value, node)
    return found


def listed(title: str) -> list[str]:
    """The codes of a table on the page on promotion."""
    return [row[0].strip("`") for row in tables(DOCS / "promotion.md")[title]]


def test_every_decision_has_a_code_that_is_explained() -> None:
    written = codes(2, "Skip") | codes(0, "skip") | codes(0, "Stop")
    assert len(written) > 10, "the program's skips are not found any more"
    assert sorted(listed("Decisions")) == sorted(written)


def test_every_failed_read_has_a_code_that_is_explained() -> None:
    reading = [
        BOT / "core/errors.py",
        BOT / "core/chart_metadata.py",
        BOT / "engine/outside.py",
        *BOT.glob("git/*.py"),
        *BOT.glob("registries/*.py"),
    ]
    written = error_codes(reading) - WRITING - set(listed("Decisions"))
    assert sorted(listed("What could not be read")) == sorted(written)


def test_every_refused_edit_has_a_code_that_is_explained() -> None:
    written = codes(3, "Refusal") | set(REASONS)
    assert sorted(listed("Files that must not be edited")) == sorted(written)
    fixes = {row[0].strip("`"): row[2] for row in tables(DOCS / "promotion.md")["Files that must not be edited"]}
    for code, fix in REASONS.items():
        assert fixes[code].lower() == f"{fix}.".lower(), code


def test_every_rejected_tag_has_a_code_that_is_explained() -> None:
    rows = tables(DOCS / "policies.md")["Why a tag lost"]
    assert sorted(row[0].strip("`") for row in rows) == sorted(codes(1, "Rejected"))


def test_every_skipped_finding_has_a_code_that_is_explained() -> None:
    written = set(OWN) | codes(1, "Unread")
    rows = tables(DOCS / "scan.md")["What is skipped"]
    assert [row[0].strip("`") for row in rows] == sorted(written)
    fixes = {row[0].strip("`"): row[2] for row in rows}
    for code, fix in OWN.items():
        assert fixes[code].lower() == f"{fix}.".lower(), code


def test_every_refusal_of_set_has_a_code_that_is_explained() -> None:
    rows = tables(DOCS / "set.md")["What is refused"]
    assert [row[0].strip("`") for row in rows] == sorted({*codes(1, "Unwritten"), NOT_FOUND})


def test_every_ignored_event_has_a_code_that_is_explained() -> None:
    rows = tables(DOCS / "webhooks.md")["What is ignored"]
    assert [row[0].strip("`") for row in rows] == sorted(codes(0, "Ignored"))


def test_every_answer_to_a_comment_has_a_code_that_is_explained() -> None:
    written = codes(0, "Problem") | codes(0, "Mistake") | codes(1, "Verdict") | codes(2, "Outcome")
    assert len(written) > 10, "the codes of the answers are not found any more"
    assert [row[0].strip("`") for row in COMMENTS["Reason codes of answers"]] == sorted(written)


def test_every_command_in_comments_is_listed_with_who_may_give_it() -> None:
    rows, levels = COMMENTS["Commands"][: len(VERBS)], COMMENTS["Commands"][len(VERBS) + 2 :]
    assert rows == [
        [f"`{usage(verb)}`", rule.level + (f"; own: {rule.own}" if rule.own else ""), rule.help, rule.effect]
        for verb, rule in VERBS.items()
    ]
    assert [row[0].strip("`") for row in levels] == list(get_args(Level))


def test_the_reactions_are_those_of_the_bot() -> None:
    assert [row[0] for row in COMMENTS["Answers"]] == list(REACTIONS.values())


def test_codes_that_other_pages_name_are_explained() -> None:
    explained = {*listed("Decisions"), *listed("What could not be read"), *listed("Files that must not be edited")}
    rows = tables(DOCS / "values.md")["What is refused"]
    assert {code for row in rows for code in re.findall(r"`(\w+)`", row[0])} <= explained


class Shapes:
    """The documented shapes of JSON, those that were met, and the keys that were null."""

    def __init__(self) -> None:
        self.met: set[str] = set()
        self.null: set[tuple[str, str]] = set()

    def check(self, value: Any, form: str) -> None:
        """Compare a value with a cell such as `text or null`, `[Plan](#plan)` or `list of [Row](#row)`."""
        items = form.removeprefix("list of ")
        if items != form:
            assert isinstance(value, list), form
            for item in value:
                self.check(item, items)
        elif value is None and form.endswith(") or null"):
            pass
        elif form in PLAIN:
            assert type(value) in PLAIN[form], f"{value!r} is no {form}"
        else:
            self.object(value, form.partition("]")[0].removeprefix("["))

    def object(self, value: Any, name: str) -> None:
        """Compare an object's keys, in order, and each value."""
        rows = JSON[name]
        assert list(value) == [row[0].strip("`") for row in rows], name
        for key, form in ((row[0].strip("`"), row[1]) for row in rows):
            self.check(value[key], form)
            if value[key] is None:
                self.null.add((name, key))
        self.met.add(name)


def told(exit_code: int, *arguments: str, given: str | None = None) -> Any:
    """What a command says with --json, when it is given that on standard input."""
    result = CliRunner().invoke(main, [*arguments, "--json"], input=given)
    assert result.exit_code == exit_code, result.output
    return json.loads(result.stdout)


def test_all_json_has_its_documented_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(tmp_path / "world")
    story.rewrite_config(lambda text: f"{text}  empty: {{}}\n")
    for name, value in story.world.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(story.world.checkout)
    (tmp_path / "bad.yaml").write_text("version: 2\n")
    shapes = Shapes()
    asked: set[str] = set()
    forms = {row[0].strip("`").split(maxsplit=1)[1].removesuffix(" --json"): row[1] for row in JSON["JSON"]}

    def hold(exit_code: int, command: str, *arguments: str, given: str | None = None) -> None:
        shapes.check(told(exit_code, *command.split(), *arguments, given=given), forms[command])
        asked.add(command)

    hold(0, "plan")
    hold(0, "run")
    hold(0, "status")
    open_local_forge(story.settings).add_comment(2, "alice", "Looks right to me.")
    open_local_forge(story.settings).approve(2, "alice")
    hold(0, "run")
    hold(0, "pr list")
    hold(0, "pr show", "2")
    hold(0, "promote", "staging", "--app", "micro-integrator")
    (tmp_path / "event.json").write_text("{}")
    for name in ("push", "ping"):
        hold(0, "handle", "--event-path", str(tmp_path / "event.json"), "--event-name", name)
    hold(0, "scan", str(ROOT / "tests" / "core" / "discovery" / "golden"))
    (tmp_path / "values.yaml").write_text("a: &a v1\nb: *a\n")
    hold(1, "set", str(tmp_path / "values.yaml"), "--at", "/a", "--to", "v2", "--at", "/b", "--to", "v3")
    hold(0, "places")
    hold(0, "validate")
    hold(1, "validate", str(tmp_path / "bad.yaml"))
    hold(0, "select", "--policy", "semver", given="1.0.0\n1.1.0\n")
    hold(1, "select", "--policy", "semver", given="latest\n")
    commit(story.world.artifacts, {"Dockerfile": "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nRUN true\n"}, "Need an engine")
    hold(1, "build")
    assert asked == set(forms)
    assert shapes.met == set(JSON) - {"JSON", "Kinds"}
    may_be_null = {(name, row[0].strip("`")) for name in shapes.met for row in JSON[name] if "null" in row[1]}
    assert shapes.null == may_be_null


def test_every_command_that_speaks_json_is_documented() -> None:
    speak = [path for path, command in COMMANDS.items() if any("--json" in option.opts for option in command.params)]
    assert sorted(row[0].strip("`") for row in JSON["JSON"]) == sorted(f"{path} --json" for path in speak)


def test_every_kind_of_action_is_documented() -> None:
    kinds = {kind for below in subclasses(Action) if (kind := below.kind)}
    assert {row[0].strip("`") for row in JSON["Kinds"]} == kinds


def subclasses(kind: type[Action]) -> Iterator[type[Action]]:
    """A class's descendants."""
    for below in kind.__subclasses__():
        yield below
        yield from subclasses(below)


def test_every_test_that_the_page_on_security_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w./]+)`", (ROOT / "docs" / "security.md").read_text())
    assert len(set(named)) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []

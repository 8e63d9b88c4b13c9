"""Whatever a source's git tree holds, an image or chart is made of it or refused: real git, real trees."""

from __future__ import annotations

import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.builders.chart_dependencies import vendored
from bot.builders.charts import ChartPackager
from bot.builders.context import open_context
from bot.core.errors import BotError, Unavailable
from bot.git import Git
from bot.ports import Package
from tests.builders.failures import failure
from tests.builders.source import order
from tests.builders.test_charts import CHART, DEPENDENT, FILES, packaged, unpacked
from tests.builders.test_charts import order as chart_order
from tests.builders.test_rooted import MOST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.builders.conftest import Workshop

HEAD = b"ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"
NAMES = {
    "255 bytes": b"n" * 255,
    "more than a file system takes": b"n" * 300,
    "very long": b"n" * 5000,
    "not UTF-8": b"a\xff\xfeb",
    "half of a character": b"a\xed\xa0\x80b",
    "control characters": b"a\x1b[2J\x07\x7fb",
    "a line end": b"a\nb",
    "a carriage return": b"a\rb",
    "quotes": b"a\"'`$(x)b",
    "a backslash": b"a\\b",
    "white space": b" a \t",
    "dashes": b"--checkpoint=1",
    "a pattern": b"*[!a]?",
    "a deletion": b".wh..wh..opq",
    "a deletion of the folder above": b".wh...",
    "letters of many bytes": "\U0001f600ä\u202e".encode(),
    "a hidden template": b".hidden",
}


def committed(root: Path, entries: Mapping[bytes, tuple[str, bytes]], when: str = "1700000000 +0000") -> str:
    """A commit whose tree has these names, with modes and contents, in a new repository; returns its SHA."""

    def git(*words: str, stdin: bytes = b"") -> str:
        done = subprocess.run(["git", "-C", str(root), *words], input=stdin, capture_output=True, check=True)
        return done.stdout.decode().strip()

    root.mkdir()
    git("init", "-q", "--bare", "-b", "main")
    lines = []
    for name, (mode, content) in entries.items():
        sha = git("hash-object", "-w", "--stdin", stdin=content)
        lines.append(f"{mode} blob {sha}\t".encode() + name + b"\0")
    tree = git("mktree", "-z", stdin=b"".join(lines))
    text = f"tree {tree}\nauthor a <a@b> {when}\ncommitter a <a@b> {when}\n\nx\n"
    made = git("hash-object", "-t", "commit", "--literally", "-w", "--stdin", stdin=text.encode())
    git("update-ref", "refs/heads/main", made)
    return made


def repository(root: Path, cache: Path) -> Git:
    found = Git(str(root), cache)
    found.fetch()
    return found


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_file_of_any_name_is_in_the_context_and_copied_or_refused(
    tmp_path: Path, workshop: Workshop, name: bytes
) -> None:
    commit = committed(
        tmp_path / "git", {b"Dockerfile": ("100644", HEAD + b"COPY . ./\n"), name: ("100644", b"content")}
    )
    git = repository(tmp_path / "git", tmp_path / "cache")
    wanted = order(workshop.base, commit=commit)
    context = open_context(wanted, git)
    with context.archive, tarfile.open(fileobj=context.archive) as tar:
        assert {member.name.encode("utf-8", "surrogateescape") for member in tar} == {b"Dockerfile", name}
    handles: list[str] = []
    failed = failure(lambda: handles.append(workshop.builder.build(wanted, git)))
    assert not failed or failed.startswith("Dockerfile:3: COPY: ")
    for handle in handles:
        shown = workshop.builder.test(handle, ["grep", "-r", "^content", "."], 30)
        assert "content" in shown.output
        workshop.builder.discard(handle)
    assert not list(workshop.builder._work.glob("image-*"))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_chart_with_a_file_of_any_name_is_packaged_or_refused(tmp_path: Path, name: bytes) -> None:
    commit = committed(tmp_path / "git", {b"Chart.yaml": ("100644", CHART.encode()), name: ("100644", b"content")})
    git = repository(tmp_path / "git", tmp_path / "cache")
    packager, packages = ChartPackager(None), list[Package]()  # type: ignore[arg-type]  # the registry is not used
    failed = failure(lambda: packages.append(packager.package(chart_order(commit=commit), git)))
    assert bool(failed) == (len(name) > 255)
    for package in packages:
        files = {path.encode("utf-8", "surrogateescape"): body for path, body in unpacked(package.content).items()}
        assert files == {b"shop/Chart.yaml": CHART.encode(), b"shop/" + name: b"content"}


@pytest.mark.parametrize("target", [b"/", b"../../..", b"\xff", b"a\0b", b"x" * 5000, b"", b"Dockerfile\n"])
def test_links_of_any_target_are_in_the_context_and_lead_no_copy_anywhere(
    tmp_path: Path, workshop: Workshop, target: bytes
) -> None:
    commit = committed(
        tmp_path / "git", {b"Dockerfile": ("100644", HEAD + b"COPY . /x/\n"), b"link": ("120000", target)}
    )
    git = repository(tmp_path / "git", tmp_path / "cache")
    wanted = order(workshop.base, commit=commit)
    with open_context(wanted, git).archive as archive, tarfile.open(fileobj=archive) as tar:
        assert tar.getmember("link").issym()
    with pytest.raises(BotError, match="link"):
        workshop.builder.build(wanted, git)


@pytest.mark.parametrize("when", ["-62135596800", "-1", "0", "99999999999", "253402300799", "999999999999"])
def test_a_commit_of_any_time_is_built_or_refused(tmp_path: Path, workshop: Workshop, when: str) -> None:
    files = {b"Dockerfile": ("100644", HEAD + b"COPY a /x/\n"), b"a": ("100644", b"A")}
    commit = committed(tmp_path / "git", files, f"{when} +0000")
    git = repository(tmp_path / "git", tmp_path / "cache")
    failed = failure(
        lambda: workshop.builder.build(order(workshop.base, commit=commit, created=git.commit_of(commit).time), git)
    )
    assert not failed or commit in failed


CHARTS = {
    "no mapping": "[]",
    "nothing": "",
    "another name": CHART.replace("shop", "other"),
    "half of a character": CHART + 'home: "\\ud800"\n',
    "deep": CHART + "x: " + "[" * 5000 + "]" * 5000,
    "two documents": CHART + "---\n" + CHART,
    "an alias": CHART + "x: &a [b]\ny: *a\n",
    "dependencies of another kind": CHART + "dependencies: 5\n",
    "dependencies without names": CHART + "dependencies: [{}, null]\n",
    "very many dependencies": CHART + "dependencies: [" + "{name: a}," * 5000 + "]\n",
    "a dependency's odd name": CHART + 'dependencies: [{name: "\\0\\e[2J", repository: "https://[::1"}]\n',
    "a dependency's odd repository": CHART + 'dependencies: [{name: "a", repository: ["x"]}]\n',
    "an odd version": CHART.replace("1.2.3", f"1.2.{'9' * 5000}"),
    "a tag": CHART.replace("shop #", "!!python/name:os.system shop #"),
}


@pytest.mark.parametrize("text", CHARTS.values(), ids=CHARTS.keys())
def test_a_chart_that_says_odd_things_is_refused_by_name(text: str) -> None:
    failed = failure(lambda: packaged({**FILES, "Chart.yaml": text}))
    assert failed.startswith("the chart's ") or not failed


RULES = st.text(alphabet="a*?[]!^-\\/.#\n\x85 é\ud800", max_size=40)


@given(RULES)
@settings(deadline=None, max_examples=MOST)
def test_ignore_rules_of_a_chart_are_read_or_refused(rules: str) -> None:
    files: dict[str, str | tuple[str, bytes]] = {
        **FILES,
        ".helmignore": ("100644", rules.encode("utf-8", "surrogatepass")),
    }
    failed = failure(lambda: packaged(files))
    assert failed.startswith("the chart's .helmignore ") or not failed


def test_many_rules_for_many_files_come_to_an_end() -> None:
    rules = "\n".join(f"*a{n}*b*c*" for n in range(300))
    files = {**FILES, **{f"templates/x{n}.yaml": "x" for n in range(2000)}, ".helmignore": rules}
    assert packaged(files)


@pytest.mark.parametrize("path", ["n" * 300, "x/below", "n/" * 3000 + "n", "a\0b", "\ud800"])
def test_a_file_that_helm_cannot_be_given_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    helm = tmp_path / "helm"
    helm.write_text("#!/bin/sh\nexit 1\n")
    helm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    chart = DEPENDENT.format("https://charts.example")
    lock = b"dependencies:\n- {name: common, version: 1.0.0, repository: 'https://charts.example'}\ndigest: sha256:x\n"
    files = {"Chart.yaml": chart.encode(), "Chart.lock": lock, "charts/x": b"x", f"charts/{path}": b"x"}
    dependency = {"name": "common", "version": "1.x.x", "repository": "https://charts.example"}
    with pytest.raises(Unavailable, match="cannot be written here"):
        vendored(files, {"dependencies": [dependency]})
    assert [each.name for each in tmp_path.iterdir()] == ["helm"]

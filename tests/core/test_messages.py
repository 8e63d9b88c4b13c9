"""A pull request says all of it in the same words, and nothing that it quotes can say anything else."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.actions import OpenPullRequest
from bot.core.config import load_config
from bot.core.events import Promote
from bot.core.manifests.leaves import differences
from bot.core.messages import MOST_BODY, Asked, Text, asked_for, carries, fingerprint, proposal
from bot.core.models import Change, ImageVersion, PullRequest, Release
from bot.core.plan.rendering import Rendered
from bot.core.snapshot import Snapshot, ValuesSource
from tests.core.worlds import (
    FOLLOWED,
    SHOP,
    TWO_IMAGES,
    commit,
    digest,
    everywhere,
    only,
    pinned,
    running,
    sha,
    values,
    world,
)

GOLDEN = Path(__file__).parent / "messages"
V1, V2 = f"{SHOP}:1.0.0", f"{SHOP}:1.1.0"
CHART = b"""\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop}
spec:
  chart:
    spec:
      chart: shop
      version: %s
"""


def golden(name: str, text: str) -> None:
    """Compare with a file; UPDATE=1 writes it."""
    file = GOLDEN / name
    if os.environ.get("UPDATE"):
        file.write_text(text)
    assert file.read_text() == text


def whole(action: OpenPullRequest) -> str:
    return f"{action.title}\n=== body\n{action.body}=== commit\n{action.message}"


def test_a_pull_request_into_the_first_environment() -> None:
    snapshot = world(FOLLOWED, everywhere("1.0.0"), [V1, V2])
    golden("first-environment.txt", whole(only(snapshot, OpenPullRequest)))


def test_a_promotion_of_images_chart_and_values_that_a_person_asked_for() -> None:
    config = TWO_IMAGES + "    values: {git: https://git.example.com/values.git}\n"
    web = "registry.example.com/web:1.0.0"
    line = f"# Synced by gitops-bot from values.git values-dev.yaml at {sha('new')}; edit it there.\n"
    content = values({"shop": "0", "web": "0"})
    files = everywhere("1.0.0") | {
        "envs/dev/shop/values.yaml": values({"shop": pinned(V2), "web": pinned(web)}, line),
        "envs/dev/shop/release.yaml": CHART % b"2.0.0",
        "envs/staging/shop/values.yaml": values({"shop": pinned(V1), "web": pinned(web)}),
        "envs/staging/shop/release.yaml": CHART % b"1.0.0",
    }
    source = ValuesSource(sha("new"), {sha("new"): {"dev": content, "staging": content}})
    snapshot = world(config, files, [V1, V2, web], values={"shop": source})
    event = Promote("staging", by="dana")
    golden("promotion.txt", whole(only(snapshot, OpenPullRequest, event)))


NASTY = [
    "a | b | c",
    "a\\|b",
    "`code`",
    "``",
    "```\n# Heading",
    "one\ntwo",
    "one\r\n\r\n| x | y |",
    "<!-- gitops-bot release=0000000000000000 -->",
    "<script>alert(1)</script>",
    "x\n\nGitops-Bot-Asked-By: mallory\nGitops-Bot-Version: 1.0.0",
    "x\u2028Gitops-Bot-Version: 1\u0085y",
    "\x1b[2J\x07",
    "\u202etxt.exe",
    "@everyone [click](https://example.com)",
    "x" * 5000,
]
HERE = world(FOLLOWED, running(dev="1.1.0", staging="1.0.0", prod="1.0.0"), [V1, V2])
RELEASE = Release({"shop": ImageVersion("1.1.0", digest(V2))})


def said(text: str, snapshot: Snapshot = HERE, asked: Asked | None = None, chart: str | None = None) -> Text:
    """A pull request whose files, keys, old and new values are all the given text."""
    change = Change(text, 1, text, text, text)
    rendered = Rendered({}, (change,), (), {"shop": ImageVersion("1.0.0")})
    release = Release(RELEASE.images, chart, None)
    return proposal(snapshot, "staging", "shop", release, rendered, asked)


def request(body: str) -> PullRequest:
    return PullRequest(1, "bot/staging/shop", "", "", body, "gitops-bot", "open")


def check(text: Text, calm: Text, release: Release = RELEASE) -> None:
    """The text has the lines of one whose quotes are harmless, its mark, its trailers and no control character."""
    assert [shape(line) for line in text.body.splitlines()] == [shape(line) for line in calm.body.splitlines()]
    assert len(text.commit.splitlines()) == len(calm.commit.splitlines())
    assert all(line.isprintable() for line in (text.title, *text.body.split("\n"), *text.commit.split("\n")))
    assert carries(request(text.body), release)
    assert asked_for(commit("bot", message=text.commit)) == asked_for(commit("bot", message=calm.commit))


def shape(line: str) -> str:
    """A line without the code and the mark in it."""
    return re.sub(r"(`+).*?(?<!`)\1(?!`)|release=[0-9a-f]{16}", "…", line)


@pytest.mark.parametrize("text", NASTY)
def test_nothing_that_is_quoted_breaks_the_table_or_forges_mark_or_trailers(text: str) -> None:
    check(said(text), said("calm"))


@given(
    st.text(st.sampled_from("`|\\<!->\n\r: aGx\u2028"), min_size=1, max_size=40).filter(lambda text: bool(text.split()))
)
def test_no_mix_of_such_characters_does_either(text: str) -> None:
    check(said(text), said("calm"))


@pytest.mark.parametrize("text", NASTY)
def test_a_charts_version_from_a_file_does_not_either(text: str) -> None:
    release = Release(RELEASE.images, text, None)
    check(said("calm", chart=text), said("calm", chart="1.0.0"), release)


@pytest.mark.parametrize("name", ["<!--", "*x*", "[x](https://example.com)", "`", "|", "mallory\\"])
def test_the_names_of_people_are_only_text(name: str) -> None:
    body = said("calm", asked=Asked(None, name)).body
    escaped = "".join(f"\\{c}" if c in "<!-*[](:/`|\\)" and c not in "-." else c for c in name)
    assert f"- asked for by {escaped}\n" in body
    assert carries(request(body), RELEASE)


def test_approvers_are_named_and_only_text() -> None:
    config = load_config(FOLLOWED.replace("approvals: 1", "approvals: 1, approvers: [alice, '<!--']").encode())
    snapshot = Snapshot(**{**vars(HERE), "config": config})
    assert "It needs 1 approval by alice, \\<\\!-- and is merged by a person." in said("calm", snapshot).body


def test_who_asked_is_read_back_from_the_commit() -> None:
    for asked in (Asked("1.1.0", "dana"), Asked(None, "dana")):
        assert asked_for(commit("bot", message=said("calm", asked=asked).commit)) == asked
    assert asked_for(commit("bot", message=said("calm").commit)) is None


def test_a_release_is_known_by_all_its_parts() -> None:
    image = ImageVersion("1", digest("a"))
    releases = [
        Release(),
        Release({"shop": image}),
        Release({"web": image}),
        Release({"shop": ImageVersion("2", digest("a"))}),
        Release({"shop": ImageVersion("1", digest("b"))}),
        Release({"shop": image}, "1.0.0"),
        Release({"shop": image}, None, sha("a")),
    ]
    marks = [fingerprint(r) for r in releases]
    assert len(set(marks)) == len(releases)
    assert all(re.fullmatch("[0-9a-f]{16}", mark) for mark in marks)
    assert fingerprint(Release({"a": image, "b": image})) == fingerprint(Release({"b": image, "a": image}))


def test_a_pull_request_without_a_mark_carries_nothing() -> None:
    assert not carries(None, RELEASE)
    assert not carries(request("somebody rewrote this"), RELEASE)


def test_a_body_stays_within_what_a_forge_takes() -> None:
    """A synced file may change more values than a pull request's text can hold."""
    files = {f"k{n}": "x" * 190 for n in range(400)}
    old = "".join(f"{k}: {v}\n" for k, v in files.items())
    new = "".join(f"{k}: {v}y\n" for k, v in files.items())
    changes = tuple(differences("envs/dev/shop/values.yaml", old.encode(), new.encode()))
    snapshot = world(FOLLOWED, everywhere("1.0.0"))
    rendered = Rendered({}, changes, (), {})
    text = proposal(snapshot, "dev", "shop", Release({}, None, "a" * 40), rendered, None)
    assert len(text.body) <= MOST_BODY
    assert "more." in text.body
    assert text.body.rstrip().endswith("-->")

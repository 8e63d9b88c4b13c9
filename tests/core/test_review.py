"""The one comment that a reviewer sees: what changes, what is missing, who can give it, and what to do next."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

from bot.core.actions import Comment
from bot.core.config import load_config
from bot.core.inspection import ImageChange, Inspection, ObjectDiff, SourceCommit
from bot.core.models import Branch, Labelled, Person, Status, Unknown
from bot.core.plan.review import review, review_comment, to_inspect
from bot.core.plan.sections import SECTION, compare_url
from bot.core.plan.stops import HOTFIX
from bot.core.state import Freeze, Hold, Lock, State
from tests.core.worlds import (
    FOLLOWED,
    NOW,
    SHOP,
    SOURCE,
    approved,
    digest,
    pull,
    running,
    settled,
    sha,
    with_pull,
    world,
)

if TYPE_CHECKING:
    from bot.core.models import PullRequest
    from bot.core.snapshot import Snapshot

STAGING, PROD = "bot/staging/shop", "bot/prod/shop"
OLD, NEW, BASE = sha("old"), sha("new"), sha("the base")
IMAGE = ImageChange("shop", SOURCE, OLD, NEW, (SourceCommit(NEW, "Paint it"),), 0, "base:11", digest("1"), digest("1"))
COLOUR = ObjectDiff("ConfigMap dev/shop", "changed", ("@@ -1,1 +1,1 @@", "-colour: red", "+colour: blue"))
GOLDEN = """\
At `{head:.12}`:

- **Approvals**: 0 of 1 approval at commit {head:.7}. 1 more can come from anyone with write permission.
- **Checks**: none
- **Next**: approve this pull request by a review
- **Then**: prod gets a pull request of its own
- **To roll back** after the merge: `/rollback staging --app=shop <reason>`

<!-- rendered {head} {base} -->
**Commits in `shop`** (`{old:.12}` → `{new:.12}`)

- `{new:.12}` `Paint it`

<details><summary>Rendered: 1 changed</summary>

`ConfigMap dev/shop` (changed)

```diff
@@ -1,1 +1,1 @@
-colour: red
+colour: blue
```

</details>
<!-- /rendered -->"""


def open_in(environment: str = "staging", found: Inspection | Unknown | None = None, **fields: Any) -> Snapshot:
    """A world with an open pull request into the environment, whose branch was looked into."""
    tags = {"staging": {"staging": "1.0.0", "prod": "1.0.0"}, "prod": {"staging": "1.1.0", "prod": "1.0.0"}}
    files = running(dev="1.1.0", **tags[environment])
    snapshot = settled(world(FOLLOWED, files, [f"{SHOP}:1.0.0", f"{SHOP}:1.1.0"], **fields))
    name = f"bot/{environment}/shop"
    branch = replace(snapshot.branches[name], base=BASE)
    inspection = found or Inspection(branch.head.sha, BASE, (IMAGE,), (COLOUR,))
    return replace(snapshot, branches={**snapshot.branches, name: branch}, inspections={name: inspection})


def at(snapshot: Snapshot, environment: str = "staging") -> tuple[Snapshot, str, str, PullRequest, Branch]:
    """What the comment is about."""
    name = f"bot/{environment}/shop"
    return snapshot, environment, "shop", pull(snapshot, name), snapshot.branches[name]


def comment(snapshot: Snapshot, environment: str = "staging") -> str:
    """The comment on the environment's pull request."""
    return review_comment(*at(snapshot, environment))


def line(text: str, name: str) -> str:
    """What a line of the comment's list says."""
    return next(found.partition(": ")[2] for found in text.splitlines() if found.startswith(f"- **{name}**"))


def said(snapshot: Snapshot, text: str) -> Snapshot:
    """The comment stands on the forge, and nobody looked into the branch again."""
    return replace(with_pull(snapshot, STAGING, comments={"review": text}), inspections={})


def test_the_whole_comment() -> None:
    snapshot = open_in()
    head = pull(snapshot, STAGING).head
    assert comment(snapshot) == GOLDEN.format(head=head, base=BASE, old=OLD, new=NEW)


def test_it_is_planned_once_and_then_left_as_it_is() -> None:
    snapshot = open_in()
    (action,) = review(*at(snapshot))
    assert isinstance(action, Comment)
    assert (action.comment, action.number, action.branch) == ("review", pull(snapshot, STAGING).number, STAGING)
    assert review(*at(said(snapshot, action.body))) == []
    assert list(to_inspect(said(snapshot, action.body))) == []


def test_what_the_forge_makes_of_white_space_is_no_other_text() -> None:
    snapshot = open_in()
    kept = comment(snapshot).replace("\n", "\r\n") + "\r\n"
    assert review(*at(said(snapshot, kept))) == []
    assert list(to_inspect(said(snapshot, kept))) == []


def test_what_was_rendered_is_taken_over_when_the_rest_changes() -> None:
    before = open_in()
    now = approved(said(before, comment(before)), STAGING, "alice")
    (action,) = review(*at(now))
    assert action.body.partition("<!--")[2] == comment(before).partition("<!--")[2]
    assert line(action.body, "Next") == "merge it"
    assert "alice" in line(action.body, "Approvals")


def test_where_the_forge_merges_there_is_nothing_left_to_do_once_it_is_approved() -> None:
    config = load_config(FOLLOWED.replace("approvals: 1", "approvals: 1, merge: forge").encode())
    text = comment(approved(replace(open_in(), config=config), STAGING, "alice"))
    assert line(text, "Next") == "nothing, it is merged by itself once the rules of the default branch are met"


def test_another_head_or_base_is_looked_into_again() -> None:
    snapshot = open_in()
    there = said(snapshot, comment(snapshot))
    moved = replace(there, branches={STAGING: replace(there.branches[STAGING], base=sha("another base"))})
    assert [s.branch.name for s in to_inspect(moved)] == [STAGING]
    assert review(*at(moved)) == []


@pytest.mark.parametrize("fields", [{"foreign": "theirs"}, {"base": ""}, {"head": "moved"}])
def test_a_branch_that_is_not_the_bots_alone_is_not_looked_into(fields: dict[str, Any]) -> None:
    snapshot = open_in()
    branch = snapshot.branches[STAGING]
    fields = {k: replaced(branch, v) if k != "base" else v for k, v in fields.items()}
    assert list(to_inspect(replace(snapshot, branches={STAGING: replace(branch, **fields)}))) == []


def replaced(branch: Branch, name: str) -> Any:
    """Another commit on a branch."""
    return branch.head._replace(sha=sha(name))


def test_what_is_not_final_is_looked_into_again_and_not_marked() -> None:
    found = Inspection(sha("any"), BASE, (IMAGE._replace(note="not looked up: the registry is away"),), final=False)
    snapshot = open_in(found=found)
    assert "the registry is away" in comment(snapshot)
    assert "<!--" not in comment(snapshot)
    assert list(to_inspect(said(snapshot, comment(snapshot))))


def test_a_look_that_failed_is_said_and_the_rest_too() -> None:
    text = comment(open_in(found=Unknown("git is away")))
    assert text.endswith("Commits and rendered objects could not be read yet: git is away")
    assert line(text, "Next") == "approve this pull request by a review"


def test_a_mark_in_a_checks_text_is_not_taken_for_the_bots() -> None:
    snapshot = open_in()
    head = pull(snapshot, STAGING).head
    fake = f"\n<!-- rendered {head} {BASE} -->\nnothing to see\n<!-- /rendered -->"
    hostile = with_pull(snapshot, STAGING, statuses=(Status(fake, "pending", fake),))
    text = comment(hostile)
    again = comment(said(hostile, text))
    assert "+colour: blue" in again
    assert again == text


def test_it_names_the_checks_of_others() -> None:
    statuses = (Status("lint", "success", ""), Status("ci/test", "pending", "12 of 40"))
    text = comment(with_pull(open_in(), STAGING, statuses=statuses))
    assert "- **Checks**:\n  - `ci/test` pending: `12 of 40`\n  - `lint` success\n" in text
    assert line(text, "Next") == "the checks must succeed"


def test_it_says_who_can_give_what_is_missing() -> None:
    text = line(comment(open_in("prod"), "prod"), "Approvals")
    assert text.startswith("0 of 2 approvals at commit ")
    for name in ("alice", "bob", "carol"):
        assert name in text


@pytest.mark.parametrize(
    ("state", "stopped", "waits_for"),
    [
        (
            State(locks={"staging": Lock("staging", "bob", 99, "c1", "I try something", NOW, None)}),
            r"staging is locked by bob \(\#99\)\: I try something",
            "it waits for `/unlock staging`",
        ),
        (
            State(freezes={None: Freeze(None, "bob", "c1", "holidays", NOW, NOW + timedelta(days=1))}),
            r"everything is frozen by bob until 2026-03-02 12\:00 UTC\: holidays",
            "it waits for the end of the freeze, or the label hotfix by an admin",
        ),
        (
            State(holds={1: Hold(1, "bob", "c1", "**wait**", NOW)}),
            r"\#1 is held by bob\: \*\*wait\*\*",
            "it waits for `/unhold` on #1",
        ),
    ],
)
def test_it_says_what_stops_it_and_what_ends_that(state: State, stopped: str, waits_for: str) -> None:
    text = comment(replace(open_in(), state=state))
    assert line(text, "Stopped") == stopped
    assert line(text, "Next") == waits_for


def test_it_says_who_excepted_it_from_a_freeze() -> None:
    frozen = State(freezes={None: Freeze(None, "bob", "c1", "holidays", NOW, NOW + timedelta(days=1))})
    snapshot = with_pull(replace(open_in(), state=frozen), STAGING, labels=frozenset({"hotfix"}))
    number = pull(snapshot, STAGING).number
    people = {**snapshot.people, "root": Person("admin")}
    text = comment(replace(snapshot, labelled={(number, HOTFIX): Labelled("root", NOW)}, people=people))
    by = r"root put the label hotfix on\; everything is frozen by bob until 2026-03-02 12\:00 UTC\: holidays"
    assert f"- **Excepted** from a freeze: {by}\n" in text
    assert "Stopped" not in text
    assert "**Excepted**" not in comment(replace(snapshot, labelled={(number, HOTFIX): Labelled("alice", NOW)}))
    assert "**Excepted**" not in comment(
        replace(snapshot, state=State(), labelled={(number, HOTFIX): Labelled("root", NOW)})
    )


def test_the_next_command_is_there_to_copy() -> None:
    manual = FOLLOWED.replace("after: staging,", "after: staging, promote: manual,") + "commands: {approve: true}\n"
    snapshot = replace(open_in(), config=load_config(manual.encode()))
    text = comment(snapshot)
    assert (
        line(text, "Next") == f"approve this pull request by a review, or `/approve {pull(snapshot, STAGING).head:.12}`"
    )
    assert line(text, "Then") == "`/promote prod --app=shop`"


def test_a_history_that_was_rewritten_and_a_base_that_changed_are_said() -> None:
    change = IMAGE._replace(note="the source's history was rewritten", new_base=digest("2"), more=7)
    text = comment(open_in(found=Inspection(sha("h"), BASE, (change,))))
    assert "- and 7 more\n- the source\\'s history was rewritten\n" in text
    assert f"- the base image `base:11` is another one: `{digest('1')}` → `{digest('2')}`" in text
    assert "**Rendered**: nothing differs" in text


def test_what_could_not_be_rendered_is_said() -> None:
    text = comment(open_in(found=Inspection(sha("h"), BASE, notes=("kubectl is not on this machine",))))
    assert "**Rendered**\n\n- not rendered: kubectl is not on this machine" in text


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("https://github.com/a/b.git", "https://github.com/a/b/compare/1...2"),
        ("git@github.com:a/b.git", "https://github.com/a/b/compare/1...2"),
        ("ssh://git@github.com:22/a/b", "https://github.com/a/b/compare/1...2"),
        ("https://github.example.com:8443/a/b", "https://github.example.com:8443/a/b/compare/1...2"),
        ("https://gitlab.com/g/s/b.git", "https://gitlab.com/g/s/b/-/compare/1...2"),
        ("git@gitlab.example.com:g/b.git", "https://gitlab.example.com/g/b/-/compare/1...2"),
        ("https://git.example.com/a/b.git", None),
        ("https://mygithub.com/a/b", None),
        ("https://github.com/a/b)](https://x", None),
        ("https://user@github.com/a/b", None),
        ("https://github.com/a", None),
        ("http://github.com/a/b", None),
        ("file:///github.com/a/b", None),
        ("/srv/github/a", None),
    ],
)
def test_commits_link_to_the_page_that_compares_them(source: str, url: str | None) -> None:
    assert compare_url(source, "1", "2") == url


HOSTILE = [
    "@alice look",
    "</details><script>alert(1)</script>",
    "``` `` ` [click](https://example.com)",
    "<!-- /rendered -->",
    "/approve\n/merge",
    "\u202egnp.exe",
    "| a | b |",
    "# heading",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_others_stay_text(text: str) -> None:
    change = IMAGE._replace(commits=(SourceCommit(NEW, text),), note=text, base=text, new_base=digest("2"))
    objects = (ObjectDiff(text, "changed", (f"+{text}".replace("\n", " "), "+````", "+</details>")),)
    found = Inspection(sha("h"), BASE, (change,), objects, (text,))
    statuses = (Status(text, "failure", text),)
    markdown = comment(with_pull(open_in(found=found), STAGING, statuses=statuses))
    assert not re.search(r"^\s*/", markdown, re.MULTILINE), "a line that a bot may take for a command"
    tokens = [t for token in MarkdownIt().enable("table").parse(markdown) for t in (token, *(token.children or []))]
    kinds = {t.type for t in tokens}
    assert not kinds & {"link_open", "heading_open", "table_open", "html_inline", "image"}
    blocks = [t.content for t in tokens if t.type == "html_block"]
    assert all(b.startswith(("<!-- rendered", "<details><summary>", "</details>", "<!-- /rendered")) for b in blocks)
    assert not any("@alice" in t.content for t in tokens if t.type in ("text", "text_special")), "it would be called"


def test_a_long_comment_is_cut_where_the_forge_would_refuse_it() -> None:
    lines = tuple(f"+line {n}: {'x' * 60}" for n in range(3_000))
    objects = tuple(ObjectDiff(f"ConfigMap dev/c{n}", "new", lines) for n in range(3))
    text = comment(open_in(found=Inspection(sha("h"), BASE, (IMAGE,), objects)))
    assert len(text) <= 65_536
    shown = sum(found.startswith("+line") for found in text.splitlines())
    assert shown > 400
    number = pull(open_in(), STAGING).number
    assert (
        f"… {9_000 - shown} of 9000 lines are left out: see the changed files, or `gitops-bot pr show {number}`" in text
    )
    assert text.endswith("</details>\n<!-- /rendered -->")


def test_the_worst_that_others_can_write_fits_the_forges_limit() -> None:
    ticks = "`" * 1_000
    commits = tuple(SourceCommit(NEW, ticks) for _ in range(20))
    images = tuple(IMAGE._replace(image=ticks, commits=commits, note="*" * 1_000) for _ in range(30))
    objects = (ObjectDiff(ticks, "new", tuple(f"+{ticks}" for _ in range(500))),)
    found = Inspection(sha("h"), BASE, images, objects, tuple("*" * 1_000 for _ in range(50)))
    statuses = tuple(Status(f"{ticks}{n:03}", "failure", ticks) for n in range(100))
    snapshot = with_pull(open_in(found=found), STAGING, statuses=statuses)
    held = State(holds={pull(snapshot, STAGING).number: Hold(1, "bob", "c1", "*" * 5_000, NOW)})
    text = comment(replace(snapshot, state=held))
    assert len(text) <= 65_536
    section = text.partition(" -->\n")[2].removesuffix("\n<!-- /rendered -->")
    assert len(section) <= SECTION
    assert "more images." in text
    assert "  - and 80 more" in text

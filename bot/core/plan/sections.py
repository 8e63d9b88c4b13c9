"""The part of a review comment that is made once for a head and its base: commits, base images, rendered objects.

Every text of others in it is in a code span or a fence that it cannot end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.core.messages import code, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bot.core.inspection import ImageChange, Inspection, ObjectDiff

SECTION = 46_000
"""Characters of this part. GitHub takes 65,536 for a comment, and what stands before this part needs up to 18,000."""
IMAGES = 20_000
"""Characters of what is said of images, so that there is always room for objects."""
LONGEST_SUBJECT = 100
MOST_NOTES = 20
_SSH = re.compile(r"^(?:ssh://)?(?:[^@/]+@)?(?P<host>[A-Za-z0-9.-]+)(?::[0-9]+(?=/))?[:/]+(?P<path>.+)$")
_PATH = re.compile(r"^[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)+$")


def section(found: Inspection, number: int) -> str:
    """Markdown for what was found on pull request `number`, at most `SECTION` characters."""
    images = _images(found.images)
    room = SECTION - sum(len(i) + 2 for i in images)
    elsewhere = f"see the changed files, or `gitops-bot pr show {number}`"
    return "\n\n".join([*images, rendered_objects(found, room, elsewhere)])


def _images(changes: Sequence[ImageChange]) -> list[str]:
    """What is said of each image, of as many as there is room for."""
    told: list[str] = []
    room = IMAGES
    for number, change in enumerate(changes):
        text = _image(change)
        room -= len(text)
        if room < 0:
            return [*told, f"… and {len(changes) - number} more images."]
        told.append(text)
    return told


def compare_url(source: str, old: str, new: str) -> str | None:
    """The forge's page that compares two commits, for the URL of a repository on a GitHub or GitLab.

    https://docs.github.com/en/pull-requests/committing-changes-to-your-project/viewing-and-comparing-commits and
    https://docs.gitlab.com/user/project/repository/compare_revisions/. None for any other host.
    """
    if source.startswith("https://"):
        parts = urlsplit(source)
        host, path = parts.netloc, parts.path
    elif "://" not in source or source.startswith("ssh://"):
        match = _SSH.match(source)
        host, path = (match["host"], match["path"]) if match else ("", "")
    else:
        return None
    path = path.strip("/").removesuffix(".git")
    words = host.partition(":")[0].lower().split(".")
    if "@" in host or not _PATH.match(path):
        return None
    if "github" in words:
        return f"https://{host}/{path}/compare/{old}...{new}"
    return f"https://{host}/{path}/-/compare/{old}...{new}" if "gitlab" in words else None


def _image(change: ImageChange) -> str:
    """The commits between two builds of an image, and whether its base is another one."""
    lines = [f"**Commits in {code(change.image)}**"]
    if change.old and change.old == change.new:
        lines[0] += f": both are built from `{change.old[:12]}`"
    elif change.old:
        url = compare_url(change.source, change.old, change.new)
        span = f"`{change.old[:12]}` → `{change.new[:12]}`"
        lines[0] += f" ({f'[{span}]({url})' if url else span})"
    lines.append("")
    lines += [f"- `{c.sha[:12]}` {code(short(c.subject))}" for c in change.commits]
    lines += [f"- and {change.more} more"] if change.more else []
    lines += [f"- {told(change.note)}"] if change.note else []
    if change.old_base != change.new_base:
        old, new = (f"`{digest}`" if digest else "unknown" for digest in (change.old_base, change.new_base))
        lines.append(f"- the base image {code(change.base)} is another one: {old} → {new}")
    return "\n".join(lines).rstrip()


def rendered_objects(found: Inspection, room: int, elsewhere: str) -> str:
    """The objects that differ, folded, as many lines as there is room for; `elsewhere` says where the others are."""
    notes = [f"- not rendered: {told(note)}" for note in found.notes[:MOST_NOTES]]
    if not found.objects:
        head = "**Rendered**" + ("" if found.notes else ": nothing differs")
        return "\n".join([head, "", *notes]).rstrip()
    counts = [f"{n} {state}" for state in ("changed", "new", "gone") if (n := _count(found.objects, state))]
    frame = f"<details><summary>Rendered: {', '.join(counts)}</summary>\n\n"
    more = f"\n\n… {{left}} of {{total}} lines are left out: {elsewhere}"
    end = "\n\n</details>"
    after = "\n\n" + "\n".join(notes) if notes else ""
    blocks, left, total = _blocks(found.objects, room - len(frame) - len(more) - len(end) - len(after) - 20)
    cut = more.format(left=left, total=total) if left else ""
    return frame + "\n\n".join(blocks) + cut + end + after


def _count(objects: Sequence[ObjectDiff], state: str) -> int:
    return sum(o.state == state for o in objects)


def _blocks(objects: Sequence[ObjectDiff], room: int) -> tuple[list[str], int, int]:
    """A block for each object that finds room, the last one cut; how many lines are left out, of how many."""
    blocks: list[str] = []
    left = 0
    for one in objects:
        block, kept = ("", 0) if left else _block(one, room)
        left += len(one.lines) - kept
        if block:
            blocks.append(block)
            room -= len(block) + 2
    return blocks, left, sum(len(o.lines) for o in objects)


def _block(one: ObjectDiff, room: int) -> tuple[str, int]:
    """Heading and fence of an object, with as many of its lines as there is room for; and how many those are."""
    # Longer than any run of backticks inside: https://spec.commonmark.org/0.31.2/#fenced-code-blocks
    runs = (len(run) for line in one.lines for run in re.findall("`+", line))
    fence = "`" * max(3, 1 + max(runs, default=0))
    head = f"{code(one.name)} ({one.state})\n\n{fence}diff\n"
    kept = list(_fitting(one.lines, room - len(head) - len(fence)))
    return (head + "".join(f"{line}\n" for line in kept) + fence, len(kept)) if kept else ("", 0)


def _fitting(lines: Sequence[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return
        yield line


def told(text: str) -> str:
    """Plain text as Markdown; in a code span if it could call somebody by `@`."""
    return code(text) if "@" in text else plain(short(text, 300))


def short(text: str, longest: int = LONGEST_SUBJECT) -> str:
    """The text, or its beginning."""
    return text if len(text) <= longest else text[: longest - 1] + "…"

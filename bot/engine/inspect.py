"""Look into open pull requests for the reviewer: which commits an image brings, which objects the cluster gets."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from bot.core.deployed import deployed
from bot.core.diffs import object_diffs
from bot.core.errors import BotError, NotFound, Refused, Unavailable
from bot.core.inspection import ImageChange, Inspection, SourceCommit
from bot.core.models import Unknown
from bot.core.plan.builds import BASE_DIGEST, REVISION
from bot.core.plan.chatops import questions
from bot.core.plan.review import MOST_COMMITS, to_inspect
from bot.core.references import is_digest, parse_repository
from bot.engine.unforeseen import unforeseen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.core.config import Image
    from bot.core.models import ImageInfo, ImageVersion
    from bot.core.plan.chatops import Question
    from bot.core.plan.review import Subject
    from bot.core.snapshot import Snapshot
    from bot.ports import Edges, GitRepository

MOST_FILES = 10_000
"""Files of a repository that are written to a temporary folder."""
COUNTED = 1_000
"""Commits between two builds that are counted."""
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


class _Found(NamedTuple):
    """What one look found, whether it is final, and in words what was not found."""

    images: tuple[ImageChange, ...] = ()
    notes: tuple[str, ...] = ()
    final: bool = True


class Inspector:
    """Inspects each head on its base once a run; those whose review comment says it already, never."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._seen: dict[tuple[str, str, str], Inspection | Unknown] = {}

    def inspect(self, snapshot: Snapshot) -> Mapping[str, Inspection | Unknown]:
        """What was found, by branch. A read that failed is unknown."""
        found: dict[str, Inspection | Unknown] = {}
        for subject in to_inspect(snapshot):
            key = (subject.branch.name, subject.branch.head.sha, subject.branch.base)
            if key not in self._seen:
                self._seen[key] = self._look(snapshot, subject)
            found[subject.branch.name] = self._seen[key]
        for question in questions(snapshot):
            asked = (question.key, snapshot.head.sha, "")
            if asked not in self._seen:
                self._seen[asked] = self._answer(snapshot.head.sha, question)
            found[question.key] = self._seen[asked]
        return found

    def _answer(self, head: str, question: Question) -> Inspection | Unknown:
        """What the folder's objects are, and would be with other files."""
        self._edges.progress(f"Render what {question.key.strip()} would change")
        try:
            now = self._tree(head)
            return self._compared(question.folder, now, {**now, **question.files}, Inspection(head, head))
        except Refused as refused:
            return Inspection(head, head, notes=(refused.message,))
        except Exception as error:  # noqa: BLE001 # whatever it is, it is of this question
            return _unknown(error)

    def _look(self, snapshot: Snapshot, subject: Subject) -> Inspection | Unknown:
        self._edges.progress(f"Look into #{subject.pull_request.number}")
        head, base = subject.branch.head.sha, subject.branch.base
        try:
            images = self._images(snapshot, subject)
            rendered = self._rendered(_folders(snapshot, subject), base, head)
        except Exception as error:  # noqa: BLE001 # whatever it is, it is of this pull request
            return _unknown(error)
        return rendered._replace(images=images.images, final=images.final)

    def _images(self, snapshot: Snapshot, subject: Subject) -> _Found:
        """Each built image that another one takes the place of."""
        config, environment, application = snapshot.config, subject.environment, subject.application
        files = {**snapshot.files, **{p: c for p, c in subject.branch.files.items() if c is not None}}
        old = snapshot.deployed[environment, application].release.images
        new = deployed(config, files, environment, application).release.images
        found: list[ImageChange] = []
        final = True
        for name, image in config.applications[application].images.items():
            if image.build and name in old and name in new and old[name] != new[name]:
                try:
                    found.append(self._image(name, image, old[name], new[name]))
                except Unavailable as error:
                    found.append(ImageChange(name, image.build.git, note=f"not looked up: {error.message}"))
                    final = False
        return _Found(tuple(found), final=final)

    def _image(self, name: str, image: Image, old: ImageVersion, new: ImageVersion) -> ImageChange:
        """What two versions of an image were made from. The labels are read; where to look, the configuration says."""
        assert image.build is not None
        change = ImageChange(name, image.build.git, base=image.build.base)
        before, after = self._info(image, old), self._info(image, new)
        for version, info in ((old, before), (new, after)):
            if info is None:
                return change._replace(note=f"{version.tag} is not in the registry")
        assert before is not None
        assert after is not None
        bases = [d if is_digest(d) else "" for d in (i.labels.get(BASE_DIGEST, "") for i in (before, after))]
        change = change._replace(old_base=bases[0], new_base=bases[1])
        for version, info in ((old, before), (new, after)):
            if not _SHA.fullmatch(info.labels.get(REVISION, "")):
                return change._replace(note=f"{version.tag} has no label that names its commit")
            if info.labels.get("org.opencontainers.image.source") != image.build.git:
                return change._replace(note=f"{version.tag} was built from another repository, as its labels say")
        change = change._replace(old=before.labels[REVISION], new=after.labels[REVISION])
        return change if change.old == change.new else self._commits(change)

    def _info(self, image: Image, version: ImageVersion) -> ImageInfo | None:
        assert image.build is not None
        repository = parse_repository(image.repository)
        named = repository.with_digest(version.digest) if version.digest else repository.with_tag(version.tag)
        return self._edges.registry.image(named, image.build.platform)

    def _commits(self, change: ImageChange) -> ImageChange:
        repository = self._edges.source(change.source)
        try:
            commits = repository.log(change.old, change.new, limit=COUNTED)
            note = _history(repository, change, bool(commits))
        except NotFound:
            return change._replace(
                note="one of the two commits is not in the source any more: was its history rewritten?"
            )
        listed = tuple(SourceCommit(c.sha, c.message.partition("\n")[0]) for c in commits[:MOST_COMMITS])
        return change._replace(commits=listed, more=len(commits) - len(listed), note=note)

    def _rendered(self, folders: list[str], base: str, head: str) -> Inspection:
        """What the folders' objects were on the base, and are at the head."""
        found = Inspection(base=base, head=head)
        try:
            before, after = self._tree(base), self._tree(head)
            for folder in folders:
                told = self._compared(folder, before, after, found)
                notes = tuple(dict.fromkeys((*found.notes, *told.notes)))
                found = found._replace(objects=(*found.objects, *told.objects), notes=notes)
        except Refused as refused:
            return found._replace(notes=(*found.notes, refused.message))
        return found

    def _compared(
        self, folder: str, before: Mapping[str, bytes], after: Mapping[str, bytes], empty: Inspection
    ) -> Inspection:
        """Render a folder of two trees at once; the inspection with what differs. `Refused` as the renderer."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            old, new = pool.map(lambda files: self._edges.renderer.render(files, folder), (before, after))
        return empty._replace(objects=object_diffs(old.objects, new.objects), notes=new.notes)

    def _tree(self, commit: str) -> Mapping[str, bytes]:
        git = self._edges.git
        paths = [e.path for e in git.entries(commit) if e.mode in ("100644", "100755")]
        if len(paths) > MOST_FILES:
            raise Refused(f"the repository has more than {MOST_FILES:,} files")
        return git.read(commit, paths)


def _folders(snapshot: Snapshot, subject: Subject) -> list[str]:
    """What Flux applies of what changes: the environment's folder, and the others that it names and that change."""
    own = snapshot.config.environments[subject.environment].path
    named = snapshot.applied.get(subject.environment, ())[1:]
    changed = [f"{file}/" for file in subject.branch.files]
    return [own, *(one for one in named if one and any(file.startswith(f"{one}/") for file in changed))]


def _unknown(error: Exception) -> Unknown:
    if isinstance(error, BotError):
        return Unknown(error.message, error.reason_code)
    return Unknown(unforeseen(error))


def _history(repository: GitRepository, change: ImageChange, newer: bool) -> str:
    """What to say if the new commit does not simply follow the old one."""
    try:
        parted = repository.merge_base(change.old, change.new)
    except NotFound:
        parted = ""
    if parted == change.old:
        return ""
    if newer:
        return "the new commit does not follow the old one: the source's history was rewritten, or branched"
    count = len(repository.log(change.new, change.old, limit=COUNTED))
    return f"this goes back: commits of the old image that are not in the new one: {count}"

"""What the bot writes on a pull request for those who review it, from real repositories and real programs."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bot.cli.demo.world import APPLICATION, git
from bot.core.errors import Unavailable
from bot.core.events import Reconcile
from bot.core.references import parse
from bot.engine import handle
from tests.conftest import missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.core.models import ImageInfo
    from bot.core.references import Reference
    from bot.ports import Rendering
    from tests.scenarios.story import Story


class Broken:
    """A renderer that must not be asked."""

    def render(self, files: Mapping[str, bytes], folder: str) -> Rendering:
        """Fail the test."""
        raise AssertionError(f"{folder} with {len(files)} files is rendered again")


class Away:
    """A registry that gives no image by digest."""

    def __init__(self, registry: object) -> None:
        self._registry = registry

    def __getattr__(self, name: str) -> object:
        return getattr(self._registry, name)

    def image(self, reference: Reference, platform: str = "linux/amd64") -> ImageInfo | None:
        """Refuse digests: those are asked for by whoever looks into a pull request."""
        if reference.digest:
            raise Unavailable("the registry is away")
        found: ImageInfo | None = self._registry.image(reference, platform)  # type: ignore[attr-defined]  # any registry
        return found


@pytest.fixture
def released(in_dev: Story) -> Story:
    """staging has a release; the next one waits there for its approval."""
    in_dev.approve("staging", "alice")
    in_dev.merge("staging", "alice")
    in_dev.commit({"second.car": "2\n"}, "Take @alice's second application")
    in_dev.commit({"third.car": "3\n"}, "Take the third\n\nIt was missing.")
    in_dev.update_base("2")
    in_dev.run()
    return in_dev


def review(story: Story, environment: str = "staging") -> str:
    """The comment on the environment's pull request."""
    return story.pull(environment).comments["review"]


def test_a_reviewer_reads_the_commits_and_the_new_base_of_an_image(released: Story) -> None:
    text, base = review(released), parse(released.world.base)
    log = git(released.world.artifacts, "log", "--format=%H").split()
    assert f"(`{log[2][:12]}` → `{log[0][:12]}`)" in text
    assert f"- `{log[0][:12]}` `Take the third`\n- `{log[1][:12]}` `Take @alice's second application`\n" in text
    assert f"- the base image `{released.world.base}` is another one: `sha256:" in text
    assert str(released.edges().registry.digest(base)) in text


def test_a_reviewer_reads_what_becomes_of_the_clusters_objects(released: Story) -> None:
    if not shutil.which("kubectl"):
        missing("kubectl")
    text, tag = review(released), released.running("dev")
    assert "<details><summary>Rendered: 2 changed</summary>" in text
    assert f'\n+          imageTag: "{tag}"\n' in text
    assert f"HelmRelease micro-integrator-staging/{APPLICATION}` (changed)" in text
    assert "is not in this repository" in text, "the chart"


def test_one_comment_is_edited_in_place_as_people_approve_and_the_release_changes(released: Story) -> None:
    number = released.number("staging")
    assert "0 of 1 approval" in review(released)
    released.approve("staging", "bob")
    assert "1 of 1 approval" in review(released)
    assert "- **Next**: merge it" in review(released)
    released.commit({"fourth.car": "4\n"}, "Take the fourth")
    released.run()
    assert "Take the fourth" in review(released)
    assert "0 of 1 approval" in review(released)
    keys = [c.key for c in released.forge().comments(number)]
    assert keys.count("review") == 1


def test_a_run_that_has_nothing_to_do_renders_nothing(released: Story) -> None:
    edges = released.edges()._replace(renderer=Broken())
    assert handle(Reconcile(), edges).done == ()
    released.forge().approve(released.number("staging"), "bob")
    assert "comment" in {a.kind for a in handle(Reconcile(), edges).done}


@pytest.fixture
def programs() -> Iterator[Path]:
    """A folder for PATH that every user may enter: where the bot is root, it runs a test as another."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_machine_without_kubectl_says_so_and_goes_on(
    in_dev: Story, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("git", "sh", "ls"):
        (programs / name).symlink_to(shutil.which(name) or missing(name))
    in_dev.commit({"second.car": "2\n"})
    monkeypatch.setenv("PATH", str(programs))
    in_dev.run()
    assert "not rendered: kubectl is not on this machine" in review(in_dev)
    assert in_dev.run().done == ()


def test_a_remote_base_is_named_and_not_fetched(in_dev: Story) -> None:
    path = f"envs/staging/{APPLICATION}/kustomization.yaml"
    in_dev.commit_gitops({path: f"{in_dev.file(path)}components: ['https://127.0.0.1:1/x']\n"})
    in_dev.commit({"second.car": "2\n"})
    in_dev.run()
    assert r"https\:\/\/127.0.0.1\:1\/x\, which is not in this repository" in review(in_dev)


def test_a_source_whose_history_was_rewritten_is_said(released: Story) -> None:
    artifacts = released.world.artifacts
    git(artifacts, "reset", "-q", "--hard", "HEAD~2")
    git(artifacts, "-c", "user.name=e", "-c", "user.email=e@example.com", "commit", "-q", "--amend", "-m", "Other root")
    released.commit({"other.car": "5\n"}, "Start again")
    released.run()
    assert "`Start again`\n" in review(released)
    assert "- the new commit does not follow the old one" in review(released)


def test_going_back_is_said_with_how_many_commits(released: Story) -> None:
    git(released.world.artifacts, "reset", "-q", "--hard", "HEAD~1")
    released.run()
    released.approve("staging", "bob")
    released.merge("staging", "bob")
    git(released.world.artifacts, "reset", "-q", "--hard", "HEAD~1")
    released.run()
    assert r"this goes back\: commits of the old image that are not in the new one\: 1" in review(released)


def test_what_could_not_be_looked_up_is_looked_up_the_next_time(in_dev: Story) -> None:
    in_dev.approve("staging", "alice")
    in_dev.merge("staging", "alice")
    in_dev.commit({"second.car": "2\n"}, "Take the second")
    edges = in_dev.edges()
    handle(Reconcile(), edges._replace(registry=Away(edges.registry)))  # type: ignore[arg-type]  # a registry but for one answer
    assert r"not looked up\: the registry is away" in review(in_dev)
    in_dev.run()
    assert "`Take the second`" in review(in_dev)
    assert "not looked up" not in review(in_dev)


def test_a_diff_shows_what_the_cluster_would_get_without_a_pull_request(in_dev: Story) -> None:
    if not shutil.which("kubectl"):
        missing("kubectl")
    tag = in_dev.running("dev").tag
    before = [p.branch for p in in_dev.forge().pull_requests()]
    for text, by in (("/diff prod --from=dev", "bob"), ("/promote staging --dry-run", "alice")):
        fields, _, objects = in_dev.comment("staging", text, by=by).partition("<details><summary>Rendered: ")
        assert objects, fields
        assert f"imageTag: 4.2.0 → {tag}" in fields
        assert re.search(rf"^ *\+.*{re.escape(tag)}", objects, re.MULTILINE), objects
        assert not re.search(r"^/", objects, re.MULTILINE), "no bot takes it for a command"
    assert [p.branch for p in in_dev.forge().pull_requests()] == before

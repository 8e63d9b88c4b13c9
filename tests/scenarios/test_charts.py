"""A vendor's chart is followed, and a chart of one's own is packaged: what people then see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.cli.demo.world import APPLICATION, commit, git
from bot.registries.layout import LayoutRegistry

if TYPE_CHECKING:
    from tests.scenarios.story import Story


def _release(environment: str) -> str:
    return f"envs/{environment}/{APPLICATION}/helmrelease.yaml"


def test_a_newer_chart_of_the_vendor_goes_through_the_environments(in_staging: Story) -> None:
    before = in_staging.file(_release("dev"))
    in_staging.push_chart("4.2.0-2")
    in_staging.push_chart("4.3.0-1")
    in_staging.run()
    assert [in_staging.chart(e) for e in ("dev", "staging", "prod")] == ["4.2.0-2", "4.2.0-1", "4.2.0-1"]
    assert in_staging.file(_release("dev")) == before.replace("4.2.0-1", "4.2.0-2")
    staging = in_staging.pull("staging")
    assert staging.title == f"staging: {APPLICATION} chart 4.2.0-2"
    assert "- chart `4.2.0-1` → `4.2.0-2`" in staging.body
    in_staging.approve("staging", "alice")
    in_staging.merge("staging", "alice")
    assert in_staging.chart("staging") == "4.2.0-2"
    assert "chart `4.2.0-1` → `4.2.0-2`" in in_staging.pull("prod").body, "prod's pull request has image and chart"


def test_a_chart_repository_that_cannot_be_read_holds_everything_of_the_application(in_dev: Story) -> None:
    (in_dev.world.registry / "registry.example.com" / "wso2" / "charts" / APPLICATION / "index.json").write_text("{")
    in_dev.commit({"second.car": "2\n"})
    report = in_dev.run()
    assert [a.kind for a in report.done if a.kind == "open_pull_request"] == []
    held = in_dev.skip("dev")
    assert held.reason_code == "unavailable"
    assert "index.json is damaged" in held.reason


def test_a_chart_in_git_is_packaged_once_and_promoted(in_staging: Story) -> None:
    first = in_staging.own_chart("5.0.0")
    report = in_staging.run()
    assert [a.title for a in report.done if a.kind == "package_chart"] == [
        f"Package {in_staging.chart_repository()}:5.0.0 from {first[:12]}"
    ]
    assert in_staging.chart("dev") == "5.0.0"
    assert in_staging.run().done == ()

    second = in_staging.commit_chart("5.0.0", "replicas: 2\n")
    in_staging.run()
    chart = in_staging.chart("dev") or ""
    assert chart.startswith("5.0.1-0.2")
    assert chart.endswith(f"-{second[:12]}")
    assert in_staging.file(_release("dev")).count(chart) == 1

    in_staging.commit_chart("5.0.1", "replicas: 2\n")
    in_staging.run()
    assert in_staging.chart("dev") == "5.0.1"
    tags = LayoutRegistry(in_staging.world.registry).tags(in_staging.chart_repository())
    assert set(tags) == {"4.2.0-1", "5.0.0", chart, "5.0.1"}


def test_a_chart_may_be_a_whole_repository(in_dev: Story) -> None:
    folder = in_dev.world.folder / "hidden.chart"
    folder.mkdir()
    git(folder, "init", "-q", "--initial-branch=main")
    made = f"apiVersion: v2\nname: {APPLICATION}\nversion: 5.0.0\n"
    commit(folder, {"Chart.yaml": made, ".github/x": "not of the chart\n", ".helmignore": ".*/\n"}, "A chart")
    in_dev.package_from(folder, ".")
    in_dev.run()
    assert in_dev.chart("dev") == "5.0.0"


def test_a_chart_that_cannot_be_packaged_fails_with_the_reason_and_holds_the_release(in_dev: Story) -> None:
    in_dev.own_chart("5.0.0\ndependencies: [{name: common, version: 1.x, repository: 'https://charts.example.com'}]")
    report = in_dev.try_run()
    ((action, reason),) = report.failed
    assert action.kind == "package_chart"
    assert "no Chart.lock" in reason
    assert {s.reason_code for s in report.left.skips if s.environment == "dev"} == {"build_failed"}
    assert in_dev.chart("dev") == "4.2.0-1"


def test_a_chart_yaml_that_is_none_holds_the_release(in_dev: Story) -> None:
    in_dev.own_chart("five")
    held = in_dev.skip("dev")
    assert held.reason_code == "bad_chart"
    assert "semantic version" in held.reason

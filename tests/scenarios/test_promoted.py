"""A value is changed in dev and travels; another is each environment's own: what people then see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.cli.demo.world import APPLICATION

if TYPE_CHECKING:
    from tests.scenarios.story import Story

FILE = "extra.yaml"
VALUES = "debug: {}\nlimits:\n  threads: {}\n  heap: {} # of the container\n"


def _path(environment: str) -> str:
    return f"envs/{environment}/{APPLICATION}/{FILE}"


def test_a_value_that_is_changed_in_dev_goes_through_the_environments(in_staging: Story) -> None:
    in_staging.rewrite_config(
        lambda text: text + f"    promote: ['{FILE}#/debug', '{FILE}#/limits/*']\n    keep: ['{FILE}#/limits/heap']\n"
    )
    first = {_path(e): VALUES.format("false", 4, "512m") for e in ("dev", "staging", "prod")}
    in_staging.commit_gitops(first)
    in_staging.run()
    in_staging.commit_gitops({_path("dev"): VALUES.format("true", 8, "1g")})
    in_staging.run()
    staging = in_staging.pull("staging")
    assert "`/debug` | `false` | `true`" in staging.body
    assert "`/limits/threads` | `4` | `8`" in staging.body
    assert "`/limits/heap` | `1g` | `512m`" in staging.body.partition("Kept as they are here")[2]
    in_staging.approve("staging", "alice")
    in_staging.merge("staging", "alice")
    assert in_staging.file(_path("staging")) == VALUES.format("true", 8, "512m")
    assert in_staging.file(_path("prod")) == first[_path("prod")]
    assert "`/limits/threads` | `4` | `8`" in in_staging.pull("prod").body
    assert in_staging.run().done == ()

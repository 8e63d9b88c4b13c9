"""A file's environment follows from where it is, from who applies it, or from its folder's name, in this order."""

from __future__ import annotations

import pytest

from bot.core.discovery import gather
from bot.core.discovery.whereabouts import Environments

APPLY = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps}
spec: {path: %s}
"""


@pytest.mark.parametrize(
    ("file", "environment"),
    [
        ("envs/live/app/values.yaml", "live"),
        ("fleet/environments/live/values.yaml", "live"),
        ("clusters/one/apps.yaml", "one"),
        ("app/overlays/eu/values.yaml", "eu"),
        ("envs/values.yaml", None),
        ("envs/base/values.yaml", None),
        ("envs/shared/prod/values.yaml", "prod"),
        ("apps/staging/values.yaml", "staging"),
        ("apps/shop/values.yaml", None),
        ("values.yaml", None),
        ("chart/values-prod.yaml", "prod"),
        ("chart/values-small.yaml", None),
        ("applied/by-one/deep/values.yaml", "one"),
        ("applied/by-both/values.yaml", None),
        ("applied/by-both/prod/values.yaml", "prod"),
        ("applied/included/values.yaml", None),
        ("applied/by-itself/values.yaml", "one"),
    ],
)
def test_without_a_configuration(file: str, environment: str | None) -> None:
    files = {
        "clusters/one/a.yaml": APPLY % "./applied/by-one",
        "clusters/one/b.yaml": APPLY % "./applied/by-both/",
        "clusters/two/b.yaml": APPLY % "applied/by-both",
        "clusters/one/c.yaml": APPLY % "applied/included",
        "overlays/two/kustomization.yaml": "resources: [../../applied/included]\n",
        "clusters/one/d.yaml": APPLY % "applied/by-itself",
        "clusters/one/kustomization.yaml": "resources: [../../applied/by-itself]\n",
        "elsewhere/c.yaml": APPLY % "apps/shop",
    }
    facts = gather({name: text.encode() for name, text in files.items()})
    assert Environments(facts, None).of(file) == environment

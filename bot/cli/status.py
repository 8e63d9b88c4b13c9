"""`status`: what runs where, which pull requests are open, and what they wait for."""

from __future__ import annotations

import click

from bot.cli.common import as_json, edges, print_json, print_table


@click.command()
@as_json
def status(*, as_json: bool) -> None:
    """Show each application in each environment: versions, waiting pull request, and what it waits for."""
    from bot.core.config import application_folder
    from bot.core.events import Reconcile
    from bot.core.plan.overview import overview
    from bot.engine import look

    here = edges()
    snapshot, planned = look(Reconcile(), here)
    config, commits = snapshot.config, {}
    for environment, application in snapshot.deployed:
        folder = application_folder(config, environment, application)
        newest = here.git.log(None, snapshot.head.sha, [folder], 1, first_parent=True)
        commits[environment, application] = newest[0].sha if newest else None
    rows = overview(snapshot, planned, commits)
    if as_json:
        print_json([row.as_json() for row in rows])
        return
    table = [
        [
            row.application,
            row.environment,
            "\n".join(f"{n} {v.tag}" if len(row.images) > 1 else v.tag for n, v in row.images.items()) or "—",
            row.chart or "—",
            f"#{row.pull_request}" if row.pull_request else "—",
            row.waits_for or "—",
        ]
        for row in rows
    ]
    print_table(["application", "environment", "images", "chart", "pull request", "waits for"], table)

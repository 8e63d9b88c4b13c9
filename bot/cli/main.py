"""The command line: `gitops-bot COMMAND`. Only click is imported before a command runs."""

from __future__ import annotations

import click

from bot import __version__
from bot.cli.common import Bot
from bot.cli.demo import demo
from bot.cli.handle import handle, serve
from bot.cli.places import places
from bot.cli.pulls import pr
from bot.cli.reconcile import build, plan, promote, run
from bot.cli.scaffold import init
from bot.cli.scan import scan
from bot.cli.select import select
from bot.cli.set import set_
from bot.cli.status import status
from bot.cli.validate import schema, validate


@click.group(cls=Bot, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="gitops-bot")
def main() -> None:
    """Build container images and promote them through a Flux GitOps repository by pull request.

    The GitOps repository is that of the current folder, or GITOPS_BOT_REPOSITORY.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing to do (with --exit-code).
    """


ORDER = (init, scan, set_, places, validate, schema, run, plan, status, build, promote, select, pr, handle, serve, demo)
for command in ORDER:
    main.add_command(command)

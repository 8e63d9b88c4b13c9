"""`places`: give environments that share a base a place of their own for each version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.common import as_json, patience, print_json, say
from bot.core.errors import BotError

if TYPE_CHECKING:
    from bot.core.config import Config


@click.command()
@click.argument("path", default=".", type=click.Path(path_type=Path))
@click.option("--environment", "environments", metavar="NAME", multiple=True, help="Only for this environment.")
@click.option("--write", is_flag=True, help="Write it into the files; commit them as any other change.")
@as_json
def places(path: Path, environments: tuple[str, ...], *, write: bool, as_json: bool) -> None:
    """Show what gives each environment of the checkout at PATH a place of its own, where it shares one with others.

    A base that several environments reach is edited for none of them. An entry of `images`, or a patch, in an
    environment's own kustomization says the same for it alone; from then on it is promoted. Exits with 1 if something
    has to be written by hand.
    """
    from bot.bootstrap import open_worktree
    from bot.cli.diff import file_diff
    from bot.core.deployed import own_places
    from bot.core.manifests.leaves import differences
    from bot.core.models import Refusal
    from bot.worktree.writing import write_files

    with patience("reading the files"):
        tree = open_worktree(path)
        result = own_places(_config(tree.files, environments), tree.files, environments)
        failed = write_files(tree, result.contents) if write else []
    refused = [*result.refusals, *(Refusal(one.file, 1, "", one.reason_code, one.reason) for one in failed)]
    if as_json:
        changes = [c for file, new in sorted(result.contents.items()) for c in differences(file, tree.files[file], new)]
        print_json({"changes": [one._asdict() for one in changes], "refused": [one._asdict() for one in refused]})
    else:
        for file in sorted(result.contents):
            click.echo(file_diff(file, tree.files, result.contents), nl=False)
        if not result.contents and not refused:
            say("every environment has places of its own")
    for one in refused:
        say(f"refused ({one.reason_code}): {one.file}:{one.line} {one.reason}", err=True)
    click.get_current_context().exit(1 if refused else 0)


def _config(files: dict[str, bytes], environments: tuple[str, ...]) -> Config:
    from bot.core.config import load_config, missing_config

    if "gitops.yaml" not in files:
        raise missing_config("gitops.yaml at the top of the checkout")
    config = load_config(files["gitops.yaml"])
    for name in environments:
        if name not in config.environments:
            fix = f"it has {', '.join(config.environments)}"
            raise BotError(f"gitops.yaml has no environment named {name!r}", fix=fix, reason_code="unknown_environment")
    return config

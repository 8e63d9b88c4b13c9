"""`demo`: the whole pipeline on this machine, from a commit to production, and a folder to go on in."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--step", is_flag=True, help="Wait for you at each approval.")
@click.option("--docker", is_flag=True, help="Build with the Docker Engine; needs --registry.")
@click.option("--registry", "host", metavar="HOST:PORT", help="Push to this registry instead of an OCI layout.")
def demo(folder: Path | None, *, step: bool, docker: bool, host: str | None) -> None:
    """Play the pipeline in FOLDER (default: demo, or the next free name) and leave it for you to go on.

    It needs neither Docker nor a network nor an account.
    """
    from bot.cli.demo.story import play
    from bot.cli.demo.world import World

    if docker != (host is not None):
        raise click.UsageError("--docker and --registry go together: the Engine pushes to a registry")
    play(World((folder or _free(Path("demo"))).absolute(), host), step=step)


def _free(wanted: Path) -> Path:
    """The folder, or the first of `demo-2`, `demo-3` … that is not there: nobody's work is deleted."""
    number, folder = 1, wanted
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder

"""``galfeat``: all commands together."""

import sys
from typing import Annotated

import typer

from galfeat import __version__
from galfeat.scripts.audit import audit
from galfeat.scripts.classify import classify
from galfeat.scripts.compare import compare
from galfeat.scripts.config import config
from galfeat.scripts.doctor import doctor
from galfeat.scripts.export import export
from galfeat.scripts.extract import extract
from galfeat.scripts.info import info
from galfeat.scripts.running import leave
from galfeat.scripts.show import show
from galfeat.scripts.simulate import simulate
from galfeat.scripts.train import train

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
for _command in (
    simulate,
    extract,
    train,
    classify,
    compare,
    export,
    info,
    show,
    audit,
    config,
    doctor,
):
    app.command()(_command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"galfeat {__version__}")
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Galaxy cutouts to features, a shallow network, and an honest comparison with raw pixels."""


def main() -> None:
    """Run the command line and leave with its exit status."""
    leave(app, next((each for each in sys.argv[1:] if not each.startswith("-")), ""))


if __name__ == "__main__":
    main()

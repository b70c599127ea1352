"""``galfeat config``: the defaults of every command as a settings file."""

from pathlib import Path
from typing import Annotated

import typer

from galfeat.scripts.running import echo_stderr, main_of


def config(
    check: Annotated[
        Path | None, typer.Argument(metavar="[T.toml]", help="A settings file to check instead.")
    ] = None,
) -> None:
    """Print every setting with its default, as a file for --config; or check such a file."""
    from galfeat.scripts.configuring import check_configuration
    from galfeat.scripts.defaults import defaults

    if check is None:
        typer.echo(defaults(), nl=False)
        return
    check_configuration(check)
    echo_stderr(f"config: {check} is valid")


if __name__ == "__main__":
    main_of(config)

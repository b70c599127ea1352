"""``galfeat info``: how a feature table or a model was made."""

import json
from pathlib import Path
from typing import Annotated

import typer

from galfeat.scripts.running import main_of


def info(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="F.parquet|M.galfeat",
            help="A feature table of 'extract' or a model of 'train'.",
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print what a feature table or a model says about itself: settings, versions, counts,
    fingerprint.
    """
    from galfeat.pipeline.info import describe, description_text

    typer.echo(json.dumps(describe(file), indent=2) if as_json else description_text(file))


if __name__ == "__main__":
    main_of(info)

"""``galfeat export``: a feature table for TOPCAT and spreadsheets."""

from pathlib import Path
from typing import Annotated

import typer

from galfeat.scripts.running import echo_stderr, main_of


def export(
    table: Annotated[
        Path, typer.Argument(metavar="F.parquet", help="A feature table of 'galfeat extract'.")
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="F.fits|F.csv", help="File to write: FITS with vector columns, or flat CSV."
        ),
    ],
) -> None:
    """Write a feature table as FITS or CSV."""
    from galfeat.pipeline import export as write

    echo_stderr(f"export: {write(table, out)}")


if __name__ == "__main__":
    main_of(export)

"""``galfeat simulate``: write a simulated survey as FITS cutouts with a catalogue."""

from pathlib import Path
from typing import Annotated

import typer

from galfeat.scripts.configuring import Config
from galfeat.scripts.options import Seed, names
from galfeat.scripts.running import main_of, say


def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; it must be empty or new.")],
    n: Annotated[int, typer.Option(min=1, max=100_000_000, help="Number of galaxies.")] = 1000,
    size: Annotated[int, typer.Option(min=16, max=4096, help="Pixels a side.")] = 64,
    bands: Annotated[str, typer.Option(metavar="A,B,…", help="Bands, from F435W F606W F814W F125W F160W.")] = "F606W,F814W,F160W",
    depth: Annotated[str, typer.Option(help="deep, wide or shallow.")] = "wide",
    seed: Seed = 0,
    layout: Annotated[str, typer.Option(help="cube (a file a galaxy), mef (an extension a band) or files (a file a band).")] = "cube",
    config: Config = None,
) -> None:
    """Write a simulated survey: FITS cutouts, catalog.csv (id, file, label, state) and truth.csv."""
    del config  # it has done its work: it gave the options above their defaults
    from galfeat.data import SimulatedSurvey, write_survey

    write_survey(SimulatedSurvey(n, size=size, bands=names(bands) or (), depth=depth, seed=seed), out, layout=layout)
    say(f"simulate: {n:,} galaxies in {out}")


if __name__ == "__main__":
    main_of(simulate)

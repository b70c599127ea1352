"""``galfeat simulate``: write a simulated survey as FITS cutouts with a catalog."""

from pathlib import Path
from typing import Annotated

import typer

from galfeat.scripts.configuring import Config
from galfeat.scripts.options import Seed, names
from galfeat.scripts.running import echo_stderr, main_of


def simulate(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder to write; it must be empty or new.")
    ],
    n: Annotated[int, typer.Option(min=1, max=100_000_000, help="Number of galaxies.")] = 1000,
    size: Annotated[
        int,
        typer.Option(
            min=16, max=4096, help="Pixels a side: 0.06 arcsec each, or 0.2 on the ground."
        ),
    ] = 64,
    bands: Annotated[
        str,
        typer.Option(
            metavar="A,B,…",
            help="Bands, from F435W F606W F814W F125W F160W (space) or from g r i z (ground).",
        ),
    ] = "F606W,F814W,F160W",
    depth: Annotated[str, typer.Option(help="deep, wide or shallow.")] = "wide",
    noise: Annotated[
        str, typer.Option(help="correlated between pixels as in drizzled images, or white.")
    ] = "correlated",
    realistic: Annotated[
        bool,
        typer.Option(
            "--realistic",
            help=(
                "Let sizes, redshifts, colors and bulges differ from class to class; else they "
                "are matched."
            ),
        ),
    ] = False,
    seed: Seed = 0,
    layout: Annotated[
        str,
        typer.Option(
            help="cube (a file a galaxy), mef (an extension a band) or files (a file a band)."
        ),
    ] = "cube",
    contact_sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FIG.png", help="Also draw some galaxies of each class, as .png or .svg."
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Write a simulated survey: FITS cutouts, catalog.csv (id, file, label, state), truth.csv and
    survey.json (the settings).
    """
    del config  # its callback has set the defaults of the options above
    from galfeat.data import SimulatedSurvey, write_survey
    from galfeat.scripts.progress import Display

    survey = SimulatedSurvey(n, size, names(bands) or (), depth, seed, noise, realistic)
    if contact_sheet is not None:
        from galfeat.pipeline.figures.contact_sheet import SHEET_ENDINGS, write_contact_sheet

        if (
            contact_sheet.suffix.lower() not in SHEET_ENDINGS
        ):  # checked before the survey is written
            raise typer.BadParameter(
                f"a contact sheet must end in {' or '.join(SHEET_ENDINGS)}",
                param_hint="--contact-sheet",
            )
    with Display("simulate", "galaxies") as display:
        write_survey(survey, out, layout, display)
    if contact_sheet is not None:
        echo_stderr(f"simulate: contact sheet {write_contact_sheet(survey, contact_sheet)}")
    kind = "realistic " if realistic else ""
    echo_stderr(f"simulate: {n:,} {kind}galaxies, with {noise} noise, in {out}")


if __name__ == "__main__":
    main_of(simulate)

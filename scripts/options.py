"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

__all__ = [
    "AllowOutside",
    "BadBits",
    "Bands",
    "Catalog",
    "Companions",
    "Label",
    "Layout",
    "MissingBands",
    "Positions",
    "Seed",
    "Size",
    "SizeArcsec",
    "SizePixels",
    "Source",
    "Strict",
    "Workers",
    "names",
]

Source = Annotated[
    Path,
    typer.Argument(
        metavar="SOURCE",
        help=(
            "A folder of cutouts (FITS, JPEG, PNG), a catalogue of their files, one FITS or HDF5 "
            "file, or a mosaic."
        ),
    ),
]
Catalog = Annotated[
    Path | None,
    typer.Option(help="Catalogue of the cutouts in SOURCE, where it is not SOURCE/catalog.csv."),
]
Bands = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,…",
        help="Bands to measure, in this order; names the bands of files that do not.",
    ),
]
Layout = Annotated[
    Literal["auto", "cube", "bands", "galaxies"],
    typer.Option(
        help=(
            "What a FITS file holds: a cube, the bands of one galaxy an extension each, or one "
            "galaxy an extension."
        )
    ),
]
Positions = Annotated[
    Path | None,
    typer.Option(
        help="Catalogue with ra and dec in degrees, or x and y in pixels from 0, or x_image and "
        "y_image in pixels from 1: "
        "SOURCE is then a mosaic, or a folder with one a band."
    ),
]
SizeArcsec = Annotated[
    float | None,
    typer.Option(min=0.0, help="Side of the cutouts around --positions, in arcseconds."),
]
SizePixels = Annotated[
    int | None, typer.Option(min=1, max=4096, help="The same in pixels of the mosaic.")
]
MissingBands = Annotated[
    Literal["fail", "mask"],
    typer.Option(
        help="A galaxy without one of the bands: a failure, or one with no good pixel in that band."
    ),
]
Companions = Annotated[
    bool,
    typer.Option(
        help=(
            "Use the noise maps, masks, data-quality bits and segmentation maps that come with the "
            "cutouts."
        )
    ),
]
BadBits = Annotated[
    int | None,
    typer.Option(
        min=0,
        help=(
            "Data-quality bits that make a pixel bad, as a sum; by default any, but for JWST the "
            "first, DO_NOT_USE."
        ),
    ),
]
AllowOutside = Annotated[
    bool,
    typer.Option(
        "--allow-outside",
        help="Let the paths of a catalogue be absolute, or lead out of its folder.",
    ),
]
Size = Annotated[
    int, typer.Option(min=16, max=4096, help="Pixels a side to which every cutout is brought.")
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Threads; by default one a processor. No result depends on it."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with status 1 if any cutout failed.")]
Label = Annotated[str, typer.Option(help="Catalogue column with the classes.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]


def names(text: str | None) -> tuple[str, ...] | None:
    """Split a list at its commas."""
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())

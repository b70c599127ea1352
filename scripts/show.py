"""``galfeat show``: one galaxy and what each extractor sees of it, as a figure."""

from pathlib import Path
from typing import Annotated

import typer

from galfeat.scripts.configuring import Config
from galfeat.scripts.options import Bands, Catalog, Extension, Layout, Size, names
from galfeat.scripts.running import echo_stderr, main_of


def show(
    cutout: Annotated[
        Path,
        typer.Argument(
            metavar="CUTOUT", help="A FITS file or picture; or, with --id, a folder or catalog."
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FIG.png", help="Figure to write, .png or .svg.")
    ] = Path("figure.png"),
    id: Annotated[str | None, typer.Option(help="Which galaxy, where there are several.")] = None,  # noqa: A002 (the option's name)
    catalog: Catalog = None,
    bands: Bands = None,
    layout: Layout = "auto",
    extension: Extension = None,
    size: Size = 64,
    extractors: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="Extractors of other packages, to draw as well."),
    ] = None,
    config: Config = None,
) -> None:
    """Draw a galaxy with HOG's edges, SIFT's keypoints, binary patterns, co-occurrence,
    histograms, and its shape.
    """
    from galfeat.pipeline import show as draw
    from galfeat.scripts.configuring import preparation

    prepared = preparation(config, size)
    drawn = draw(
        cutout,
        out,
        id=id,
        catalog=catalog,
        bands=names(bands),
        layout=layout,
        extension=extension,
        preparation=prepared,
        extractors=names(extractors) or (),
    )
    echo_stderr(f"show: {drawn}")


if __name__ == "__main__":
    main_of(show)

"""Options that several commands share."""

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from galfeat import UsageError

if TYPE_CHECKING:
    from galfeat.pipeline.models.priors import Priors

__all__ = [
    "Bands",
    "Catalog",
    "Extension",
    "Extractors",
    "Label",
    "Layout",
    "Recipe",
    "Seed",
    "Size",
    "Source",
    "Strict",
    "Workers",
    "names",
    "priors_of",
    "with_read_options",
]

Source = Annotated[
    Path,
    typer.Argument(
        metavar="SOURCE",
        help=(
            "A folder of cutouts (FITS, JPEG, PNG), a catalog of their files, one FITS or HDF5 "
            "file, or a mosaic."
        ),
    ),
]
Catalog = Annotated[
    Path | None,
    typer.Option(help="Catalog of the cutouts in SOURCE, where it is not SOURCE/catalog.csv."),
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
_Positions = Annotated[
    Path | None,
    typer.Option(
        help="Catalog with ra and dec in degrees, or x and y in pixels from 0, or x_image and "
        "y_image in pixels from 1: "
        "SOURCE is then a mosaic, or a folder with one a band."
    ),
]
_SizeArcsec = Annotated[
    float | None,
    typer.Option(min=0.0, help="Side of the cutouts around --positions, in arcseconds."),
]
_SizePixels = Annotated[
    int | None, typer.Option(min=1, max=4096, help="The same in pixels of the mosaic.")
]
_MissingBands = Annotated[
    Literal["fail", "mask"],
    typer.Option(
        help="A galaxy without one of the bands: a failure, or one with no good pixel in that band."
    ),
]
_Companions = Annotated[
    bool,
    typer.Option(
        help=(
            "Use the noise maps, masks, data-quality bits and segmentation maps that come with the "
            "cutouts."
        )
    ),
]
_BadBits = Annotated[
    int | None,
    typer.Option(
        min=0,
        help=(
            "Data-quality bits that make a pixel bad, as a sum; by default any, but for JWST the "
            "first, DO_NOT_USE."
        ),
    ),
]
_AllowOutside = Annotated[
    bool,
    typer.Option(
        "--allow-outside",
        help="Let the paths of a catalog be absolute, or lead out of its folder.",
    ),
]
Extension = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,…",
        help=(
            "Images of each FITS file that are galaxies or bands, by name, number, or name and "
            "version: SCI; 1; SCI,2."
        ),
    ),
]
_MixedUnits = Annotated[
    bool,
    typer.Option(
        "--mixed-units",
        help="Take bands and galaxies whose files state different units (BUNIT).",
    ),
]
_Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help=(
            "Memory that reading and preparing may take, as 500M or 2G; by default 1G, or a "
            "quarter of the machine's if that is less. A cutout that needs more fails."
        ),
    ),
]
_MissingData = Annotated[
    Literal["mask", "keep"],
    typer.Option(
        help=(
            "Regions of one value, such as zeros beyond an image's edge: masked as missing data, "
            "or measured as they are."
        )
    ),
]
Recipe = Annotated[
    Literal["default", "classic"],
    typer.Option(
        help=(
            "Extractors and settings: 'default' are those that the comparison found best, "
            "'classic' the lecture's five with the settings of their papers."
        )
    ),
]
Extractors = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,…",
        help="Extractors, also of installed packages; by default those of the default recipe.",
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
Label = Annotated[str, typer.Option(help="Catalog column with the classes.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]

# options of `galfeat.data.open_source`, in the order of --help
_READ_OPTIONS: dict[str, tuple[Any, Any]] = {
    "catalog": (Catalog, None),
    "bands": (Bands, None),
    "layout": (Layout, "auto"),
    "extension": (Extension, None),
    "positions": (_Positions, None),
    "size_arcsec": (_SizeArcsec, None),
    "size_pixels": (_SizePixels, None),
    "missing_bands": (_MissingBands, "fail"),
    "companions": (_Companions, True),
    "bad_bits": (_BadBits, None),
    "allow_outside": (_AllowOutside, False),
    "mixed_units": (_MixedUnits, False),
    "memory": (_Memory, None),
    "missing_data": (_MissingData, "mask"),
}


def with_read_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for reading cutouts to a command, in place of its parameter `reading`.

    The command receives them as one `galfeat.data.sources.options.ReadOptions`.
    """

    @wraps(command)
    def wrapped(**given: Any) -> None:
        from galfeat.data.sources.options import ReadOptions

        options = {name: given.pop(name) for name in _READ_OPTIONS}
        options["bands"] = names(options["bands"])
        command(**given, reading=ReadOptions(**options))

    kind = Parameter.KEYWORD_ONLY
    parameters: list[Parameter] = []
    for each in signature(command).parameters.values():
        if each.name == "reading":
            parameters += [
                Parameter(name, kind, default=default, annotation=option)
                for name, (option, default) in _READ_OPTIONS.items()
            ]
        else:
            parameters.append(each.replace(kind=kind))
    wrapped.__signature__ = signature(command).replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapped


def names(text: str | None) -> tuple[str, ...] | None:
    """Split a comma-separated list."""
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def priors_of(text: str, words: Sequence[str]) -> "Priors":
    """Return class priors as they stand on the command line.

    Parameters
    ----------
    text : str
    words : sequence of str
        What they may be besides numbers, for the message.

    Raises
    ------
    UsageError
        If they are neither one word nor numbers.
    """
    if "=" not in text:
        return text  # type: ignore[return-value]  # another word is refused where it is used
    given = {}
    for part in names(text) or ():
        name, _, value = part.rpartition("=")
        try:
            given[name.strip()] = float(value)
        except ValueError as error:
            raise UsageError(
                f"--priors takes {', '.join(map(repr, words))}, or numbers such as "
                f"spiral=0.7,merger=0.3; not '{text}'"
            ) from error
    return given

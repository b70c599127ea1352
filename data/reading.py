"""Reading of all cutouts of a source into one batch, or of one cutout."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import CutoutError, UsageError
from galfeat.data.cutouts import Cutout, Cutouts
from galfeat.data.fits.file import open_fits
from galfeat.data.fits.intact_part import open_intact_part
from galfeat.data.fits.layouts import Layout, format_shape
from galfeat.data.fits.selectors import split_selectors
from galfeat.data.grids.wcs_cards import HEADER_ERRORS
from galfeat.data.preparation.steps import Preparation, prepare_one
from galfeat.data.sources.base import Shard
from galfeat.data.sources.files import FileSource
from galfeat.data.sources.folders import is_fits, is_picture, without_suffix
from galfeat.data.sources.open import CatalogedSource, open_with_options
from galfeat.data.sources.options import ReadOptions
from galfeat.data.sources.select_bands import MissingBands
from galfeat.data.units import find_mixture

if TYPE_CHECKING:
    from astropy.wcs import WCS

__all__ = ["read_cutout", "read_cutouts"]


def read_cutouts(  # noqa: PLR0913 - the options of open_source
    path: str | Path | Sequence[str | Path],
    *,
    catalog: str | Path | None = None,
    bands: Sequence[str] | None = None,
    layout: Layout = "auto",
    positions: str | Path | None = None,
    size_arcsec: float | None = None,
    size_pixels: int | None = None,
    missing_bands: MissingBands = "fail",
    companions: bool = True,
    bad_bits: int | None = None,
    allow_outside: bool = False,
    extension: str | Sequence[str] | None = None,
    mixed_units: bool = False,
    memory: int | str | None = None,
    missing_data: Literal["mask", "keep"] = "mask",
    preparation: Preparation | None = None,
) -> Cutouts:
    """Read all cutouts of a folder, a catalog, a FITS file or a picture into one batch.

    Parameters
    ----------
    path, catalog, bands, layout, positions, size_arcsec, size_pixels
        As in `galfeat.data.open_source`.
    missing_bands, companions, bad_bits, allow_outside, extension, mixed_units, memory, missing_data
        As in `galfeat.data.open_source`.
    preparation : Preparation, optional
        Resamples cutouts of any size to one grid, subtracts the sky and scales the noise to one.
        Without it the pixels are those of the files, which must have one size.

    Returns
    -------
    Cutouts
        With the catalog's row of each galaxy; and, without `preparation`, with noise and
        segmentation maps where some galaxies have them.

    Raises
    ------
    UsageError
        If there is no such file or folder, a catalog cannot be used, or sizes differ and no
        preparation is given.
    CutoutError
        If some cutouts cannot be read or prepared, or have other bands than the first; ``reasons``
        has their rows in the catalog. To go on with the others, use `galfeat.data.open_source`,
        which returns failures beside cutouts.

    Examples
    --------
    >>> from galfeat.data import Preparation, read_cutouts
    >>> cutouts = read_cutouts("cutouts/", preparation=Preparation(size=64))  # doctest: +SKIP
    >>> cutouts.pixels.shape  # doctest: +SKIP
    (3343, 3, 64, 64)
    """
    options = ReadOptions(
        catalog=catalog,
        bands=bands,
        layout=layout,
        positions=positions,
        size_arcsec=size_arcsec,
        size_pixels=size_pixels,
        missing_bands=missing_bands,
        companions=companions,
        bad_bits=bad_bits,
        allow_outside=allow_outside,
        extension=extension,
        mixed_units=mixed_units,
        memory=memory,
        missing_data=missing_data,
    )
    source = open_with_options(path, options)
    found: list[Cutout] = []
    reasons: dict[int, str] = {}
    for shard in source.shards():
        reading = source.read(shard)
        reasons.update(
            {
                failure.row or 0: f"{failure.id} ({failure.file}): {failure.reason}"
                for failure in reading.failures
            }
        )
        for cutout in reading.cutouts:
            try:
                bands_of_batch = (found[0] if found else cutout).bands
                found.append(_prepare(cutout, bands_of_batch, preparation))
            except CutoutError as error:
                reasons[cutout.row or 0] = f"{cutout.id} ({cutout.file}): {error}"
    if reasons:
        raise CutoutError(reasons)
    return _stack_cutouts(found, source)


def read_cutout(
    path: str | Path,
    *,
    hdu: int | None = None,
    bands: Sequence[str] | None = None,
    layout: Layout = "auto",
    extension: str | Sequence[str] | None = None,
    missing_data: Literal["mask", "keep"] = "mask",
) -> Cutout:
    """Read the one galaxy of a file, with its celestial coordinates (WCS) if the file has them.

    Parameters
    ----------
    path : str or Path
        A FITS file or a picture; ``file.fits[SCI]`` chooses one image of it.
    hdu : int, optional
        Number of the image in the file, counted from 0, if it holds several galaxies.
    bands, layout, extension, missing_data
        As in `galfeat.data.open_source`.

    Raises
    ------
    UsageError
        If there is no such file, or it holds several galaxies and `hdu` does not select one.
    CutoutError
        If it cannot be read.
    """
    place = Path(path).expanduser().absolute()
    if not place.exists() and split_selectors(str(place))[1]:
        file, chosen = split_selectors(str(place))
        place, extension = Path(file), chosen if extension is None else extension
    if not place.is_file() or not (is_fits(place.name) or is_picture(place.name)):
        raise UsageError(
            f"{path}: is neither a FITS file nor a picture"
            if place.exists()
            else f"{path}: there is no such file"
        )
    options = ReadOptions(
        bands=bands, layout=layout, extension=extension, missing_data=missing_data
    )
    source = open_with_options(place, options)
    if hdu is not None and isinstance(source, FileSource):
        selected = pa.table(
            {"id": [f"{without_suffix(place.name)}[{hdu}]"], "file": [place.name], "hdu": [hdu]}
        )
        source = replace(source, catalog=selected, numbers=None, extensions=None)
    if len(source) > 1:
        raise UsageError(
            f"{path}: holds {len(source)} galaxies; choose one by its extension (hdu, or extension)"
        )
    reading = source.read(Shard(0, 1))
    if reading.failures:
        raise CutoutError(f"{path}: {reading.failures[0].reason}")
    wcs = _read_wcs(place, options, hdu) if is_fits(place.name) else None
    return replace(reading.cutouts[0], wcs=wcs)


def _read_wcs(path: Path, options: ReadOptions, hdu: int | None) -> "WCS | None":
    """Read the celestial coordinates of a galaxy's first image: too slow for batches."""
    from astropy.io import fits
    from astropy.wcs import WCS  # imported late: it takes half a second

    with open_fits(path) as file:
        number = file.grid_hdu(file.galaxies(options.layout, hdu, options.selectors)[0])
    # astropy warns about what it repairs; this function is not for threads
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open_intact_part(path) as opened:
                wcs = WCS(opened[number].header).celestial
        # astropy's exceptions on a thousand damaged headers; the pixels are good all the same
        except (*HEADER_ERRORS, fits.VerifyError):
            return None
    return wcs if wcs.has_celestial else None


def _prepare(cutout: Cutout, bands: tuple[str, ...], preparation: Preparation | None) -> Cutout:
    selected = cutout.select(bands)
    if preparation is None:
        return selected
    return Cutout(
        cutout.id,
        prepare_one(selected, preparation),
        bands,
        file=cutout.file,
        named=cutout.named,
        row=cutout.row,
        picture=cutout.picture,
    )


def _stack_cutouts(found: list[Cutout], source: CatalogedSource) -> Cutouts:
    shapes = sorted({cutout.pixels.shape[1:] for cutout in found})
    if len(shapes) > 1:
        sizes = f"from {format_shape(shapes[0])} to {format_shape(shapes[-1])}"
        raise UsageError(
            f"the cutouts have {len(shapes)} sizes, {sizes}: pass "
            "preparation=Preparation(size=64) to resample them to one"
        )
    ids = [cutout.id for cutout in found]
    catalog = source.catalog.take(pa.array([cutout.row for cutout in found]))
    catalog = catalog.set_column(catalog.column_names.index("id"), "id", pa.array(ids))
    pixels = np.stack([cutout.pixels for cutout in found])
    noise = _stack_maps([cutout.noise for cutout in found], pixels.shape, np.float32(np.nan))
    segments = _stack_maps(
        [cutout.segmentation for cutout in found], (len(found), *pixels.shape[2:]), np.int32(0)
    )
    return Cutouts(
        pixels,
        tuple(ids),
        found[0].bands,
        noise=noise,
        catalog=catalog,
        segmentation=segments,
        units=_common_units(found),
        picture=any(cutout.picture for cutout in found),
    )


def _common_units(found: Sequence[Cutout]) -> tuple[str, ...]:
    """Return the first stated unit of each band; empty if none is stated, or they are mixed."""
    stated = [cutout.units for cutout in found if cutout.units]
    if not stated or any(map(find_mixture, zip(*stated, strict=True))):
        return ()
    return tuple(next(filter(None, units), "") for units in zip(*stated, strict=True))


def _stack_maps(
    maps: Sequence[NDArray[Any] | None], shape: tuple[int, ...], fill_value: np.generic
) -> NDArray[Any] | None:
    """Stack maps, with one value in place of those that are missing; None if all are missing."""
    if all(each is None for each in maps):
        return None
    stacked = np.full(shape, fill_value)
    for row, values in enumerate(maps):
        if values is not None:
            stacked[row] = values
    return stacked

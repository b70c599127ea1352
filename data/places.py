"""Positions of a catalogue, in the sky or in pixels, to the first pixel of each cutout."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data.mosaics import NOWHERE

__all__ = ["Places", "corners_of", "places_of"]

_SKY = (
    *(("ra", "dec"), ("ra_deg", "dec_deg"), ("ramean", "decmean"), ("alpha_j2000", "delta_j2000")),
    *(("raj2000", "dej2000"), ("_raj2000", "_dej2000"), ("raj2000", "decj2000"), ("ra_icrs", "de_icrs")),
)
_PIXELS = {("x", "y"): 0, ("xcentroid", "ycentroid"): 0, ("x_image", "y_image"): 1}  # and the number of the first pixel's centre
_SURE = 6  # decimals of a pixel: less is rounding, and must not move one band against another where two pixels are equally near


@dataclass(frozen=True, eq=False)
class Places:
    """Where galaxies are.

    Parameters
    ----------
    sky : bool
        Whether in the sky.
    values : array of float, shape (2, n)
        Right ascension and declination in degrees (ICRS); or x and y in pixels, 0 at the centre of the first pixel. NaN where none stand.
    """

    sky: bool
    values: NDArray[np.float64]


def places_of(table: pa.Table, path: Path) -> Places:
    """Return the positions of a catalogue.

    Columns ``ra`` and ``dec`` (or under another of their usual names) are in the sky; without them ``x`` and ``y`` or ``xcentroid`` and
    ``ycentroid`` are pixels counted from 0, as NumPy, astropy and photutils do, and ``x_image`` and ``y_image`` pixels counted from 1, as
    FITS, SExtractor and DS9 do.

    Raises
    ------
    UsageError
        If there are no such columns, or other things than numbers in them.
    """
    names = {name.lower(): name for name in table.column_names}
    sky = next((pair for pair in _SKY if set(pair) <= set(names)), None)
    pixels = next((pair for pair in _PIXELS if set(pair) <= set(names)), None)
    pair = sky or pixels
    if pair is None:
        raise UsageError(
            f"{path}: needs the columns 'ra' and 'dec' in degrees, or 'x' and 'y' in pixels counted from 0, or 'x_image' and 'y_image' "
            f"counted from 1; its columns are {', '.join(table.column_names)}"
        )
    values = np.array([_numbers(table, names[name], "degrees" if sky else "pixels", path) for name in pair])
    if sky is None:
        return Places(False, values - _PIXELS[pair])
    if (np.abs(values[1]) > 90).any():
        raise UsageError(f"{path}: declinations go from -90 to 90 degrees; row {1 + int(np.argmax(np.abs(values[1]) > 90))} has another")
    return Places(True, values)


def _numbers(table: pa.Table, name: str, unit: str, path: Path) -> NDArray[np.float64]:
    column = table.column(name)
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise UsageError(f"{path}: the column '{name}' must hold {unit}, as numbers")
    found: NDArray[np.float64] = column.cast(pa.float64()).to_numpy()
    return found


def corners_of(wcs: Any, places: Places, size: int) -> NDArray[np.int64]:
    """Return row and column of the first pixel of each cutout: the one that `astropy.nddata.Cutout2D` takes.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates of the mosaic; not needed for positions in pixels.
    places : Places
    size : int
        Pixels a side.
    """
    good = np.asarray(np.isfinite(places.values).all(axis=0))
    corners = np.full((good.size, 2), NOWHERE, np.int64)
    x, y = _on_the_sky(wcs, places.values[:, good]) if places.sky else places.values[:, good]
    first = np.ceil(np.round(np.stack([y, x], axis=-1), _SURE) - size / 2)
    reached = np.isfinite(first).all(axis=-1) & (np.abs(first) < -NOWHERE).all(axis=-1)
    corners[np.nonzero(good)[0][reached]] = first[reached].astype(np.int64)
    return corners


def _on_the_sky(wcs: Any, sky: NDArray[np.float64]) -> Any:
    from astropy.coordinates import SkyCoord
    from astropy.wcs import NoConvergence

    place = SkyCoord(*sky, unit="deg", frame="icrs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return wcs.world_to_pixel(place)
        except NoConvergence as error:  # far outside, where the polynomials of the distortion run away
            x, y = np.array(error.best_solution, dtype=float).T
            for lost in (error.divergent, error.slow_conv):
                x[[] if lost is None else lost] = np.nan
            return x, y

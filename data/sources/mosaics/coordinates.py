"""Positions of a catalogue, in the sky or in pixels, to the first pixel of each cutout."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data.sources.mosaics.source import NOWHERE

__all__ = ["Places", "corners_of", "places_of"]

_SKY = (
    *(("ra", "dec"), ("ra_deg", "dec_deg"), ("ramean", "decmean"), ("alpha_j2000", "delta_j2000")),
    *(
        ("raj2000", "dej2000"),
        ("_raj2000", "_dej2000"),
        ("raj2000", "decj2000"),
        ("ra_icrs", "de_icrs"),
    ),
)
# and the number of the first pixel's centre
_PIXELS = {("x", "y"): 0, ("xcentroid", "ycentroid"): 0, ("x_image", "y_image"): 1}
# -180 to 180 is another usual way
_RANGES = (("right ascensions", -360, 360, "0 to 360"), ("declinations", -90, 90, "-90 to 90"))
_SHOWN = 40  # characters of a cell in a reason
# decimals of a pixel: less is rounding, and must not move one band against another where two pixels
# are equally near
_SURE = 6


@dataclass(frozen=True, eq=False)
class Places:
    """Where galaxies are.

    Parameters
    ----------
    sky : bool
        Whether in the sky.
    values : array of float, shape (2, n)
        Right ascension and declination in degrees (ICRS); or x and y in pixels, 0 at the centre of
        the first pixel. NaN where none stand.
    reasons : dict of int to str
        Rows without a position, and why.
    """

    sky: bool
    values: NDArray[np.float64]
    reasons: dict[int, str] = field(default_factory=dict)


def places_of(table: pa.Table, path: Path) -> Places:
    """Return the positions of a catalogue.

    Columns ``ra`` and ``dec`` (or under another of their usual names) are in the sky; without them
    ``x`` and ``y`` or ``xcentroid`` and ``ycentroid`` are pixels counted from 0, as NumPy, astropy
    and photutils do, and ``x_image`` and ``y_image`` pixels counted from 1, as FITS, SExtractor and
    DS9 do. A row in which no usable number stands costs no other row.

    Raises
    ------
    UsageError
        If there are no such columns, other things than numbers in them, or no position in any row.
    """
    names = {name.lower(): name for name in table.column_names}
    sky = next((pair for pair in _SKY if set(pair) <= set(names)), None)
    pixels = next((pair for pair in _PIXELS if set(pair) <= set(names)), None)
    pair = sky or pixels
    if pair is None:
        raise UsageError(
            f"{path}: needs the columns 'ra' and 'dec' in degrees, or 'x' and 'y' in pixels "
            "counted from 0, or 'x_image' and 'y_image' "
            f"counted from 1; its columns are {', '.join(table.column_names)}"
        )
    reasons: dict[int, str] = {}
    values = np.array(
        [
            _numbers(table, names[name], "degrees" if sky else "pixels", path, reasons)
            for name in pair
        ]
    )
    for axis, (what, low, high, said) in enumerate(_RANGES if sky else ()):
        for row in np.flatnonzero((values[axis] < low) | (values[axis] > high)).tolist():
            reasons.setdefault(
                row, f"{what} go from {said} degrees; this one is {values[axis, row]:g}"
            )
    for row in np.flatnonzero(~np.isfinite(values).all(axis=0)).tolist():
        reasons.setdefault(
            row,
            (
                f"no position stands in its row: it needs a number in '{names[pair[0]]}' and in "
                f"'{names[pair[1]]}'"
            ),
        )
    if len(reasons) == table.num_rows:
        raise UsageError(f"{path}: no row has a position that can be used; in row 1: {reasons[0]}")
    values[:, list(reasons)] = np.nan
    return Places(sky is not None, values if sky else values - _PIXELS[pair], reasons)


def _numbers(
    table: pa.Table, name: str, unit: str, path: Path, reasons: dict[int, str]
) -> NDArray[np.float64]:
    """Return the numbers of a column, NaN where none stands.

    Note the rows in which something else does.
    """
    column = table.column(name)
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        found: NDArray[np.float64] = column.cast(pa.float64()).to_numpy()
        return found
    if not pa.types.is_string(column.type):
        raise UsageError(f"{path}: the column '{name}' must hold {unit}, as numbers")
    # one cell that is no number makes a whole column of a CSV text
    numbers, wrong = np.full(len(column), np.nan), 0
    for row, text in enumerate(column.to_pylist()):
        try:
            numbers[row] = float(text or "nan")
        except ValueError:
            if text.strip():
                wrong += 1
                reasons.setdefault(row, f"'{name}' is no number: '{text.strip()[:_SHOWN]}'")
    if wrong and np.isnan(numbers).all():
        raise UsageError(f"{path}: the column '{name}' must hold {unit}, as numbers")
    return numbers


def corners_of(wcs: Any, places: Places, size: int) -> NDArray[np.int64]:
    """Return row and column of the first pixel of each cutout.

    The one that `astropy.nddata.Cutout2D` takes.

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
        # far outside, where the polynomials of the distortion run away
        except NoConvergence as error:
            x, y = np.array(error.best_solution, dtype=float).T
            for lost in (error.divergent, error.slow_conv):
                x[[] if lost is None else lost] = np.nan
            return x, y

"""Positions of galaxies in a catalog: on the sky, or in pixels of an image."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import UsageError

__all__ = ["Positions", "find_positions"]

_SKY = (
    ("ra", "dec"),
    ("ra_deg", "dec_deg"),
    ("ramean", "decmean"),
    ("alpha_j2000", "delta_j2000"),
    ("raj2000", "dej2000"),
    ("_raj2000", "_dej2000"),
    ("raj2000", "decj2000"),
    ("ra_icrs", "de_icrs"),
)
# and the coordinate of the center of the first pixel
_PIXELS = {("x", "y"): 0, ("xcentroid", "ycentroid"): 0, ("x_image", "y_image"): 1}
# right ascensions from -180 to 180 are common too
_RANGES = (("right ascensions", -360, 360, "0 to 360"), ("declinations", -90, 90, "-90 to 90"))
_SHOWN = 40  # characters of a cell in a message


@dataclass(frozen=True, eq=False)
class Positions:
    """Positions of galaxies.

    Parameters
    ----------
    on_sky : bool
        Whether they are celestial coordinates; otherwise they are pixels.
    values : array of float, shape (2, n)
        Right ascension and declination in degrees (ICRS); or x and y in pixels, 0 at the center of
        the first pixel. NaN in rows without a position.
    reasons : dict of int to str
        Why a row has no position, by row.
    """

    on_sky: bool
    values: NDArray[np.float64]
    reasons: dict[int, str] = field(default_factory=dict)


def find_positions(table: pa.Table, path: Path) -> Positions:
    """Return the positions in a catalog.

    Columns ``ra`` and ``dec`` (or under another of their usual names) are on the sky; without them
    ``x`` and ``y`` or ``xcentroid`` and ``ycentroid`` are pixels counted from 0, as in NumPy,
    astropy and photutils, and ``x_image`` and ``y_image`` pixels counted from 1, as in FITS,
    SExtractor and DS9. A row without a usable number does not affect the other rows.

    Raises
    ------
    UsageError
        If there are no such columns, they do not hold numbers, or no row has a position.
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
    unit = "degrees" if sky else "pixels"
    values = np.array([_numbers(table, names[name], unit, path, reasons) for name in pair])
    if sky:
        _report_out_of_range(values, reasons)
    for row in np.flatnonzero(~np.isfinite(values).all(axis=0)).tolist():
        reasons.setdefault(
            row,
            f"there is no position in its row: it needs a number in '{names[pair[0]]}' and in "
            f"'{names[pair[1]]}'",
        )
    if len(reasons) == table.num_rows:
        raise UsageError(f"{path}: no row has a position that can be used; in row 1: {reasons[0]}")
    values[:, list(reasons)] = np.nan
    return Positions(sky is not None, values if sky else values - _PIXELS[pair], reasons)


def _report_out_of_range(values: NDArray[np.float64], reasons: dict[int, str]) -> None:
    for axis, (what, low, high, usual) in enumerate(_RANGES):
        for row in np.flatnonzero((values[axis] < low) | (values[axis] > high)).tolist():
            reasons.setdefault(
                row, f"{what} go from {usual} degrees; this one is {values[axis, row]:g}"
            )


def _numbers(
    table: pa.Table, name: str, unit: str, path: Path, reasons: dict[int, str]
) -> NDArray[np.float64]:
    """Return a column of numbers, NaN in empty cells; add a reason for each cell of other text."""
    column = table.column(name)
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        found: NDArray[np.float64] = column.cast(pa.float64()).to_numpy()
        return found
    if not pa.types.is_string(column.type):
        raise UsageError(f"{path}: the column '{name}' must hold {unit}, as numbers")
    # one cell that is not a number makes a whole column of a CSV text
    numbers, wrong = np.full(len(column), np.nan), 0
    for row, text in enumerate(column.to_pylist()):
        try:
            numbers[row] = float(text or "nan")
        except ValueError:
            if text.strip():
                wrong += 1
                reasons.setdefault(row, f"'{name}' is not a number: '{text.strip()[:_SHOWN]}'")
    if wrong and np.isnan(numbers).all():
        raise UsageError(f"{path}: the column '{name}' must hold {unit}, as numbers")
    return numbers

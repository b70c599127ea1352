"""Positions of galaxies in a catalog: on the sky, or in pixels of an image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data.sources.catalogs.angles import (
    AngleUnit,
    angle_unit,
    degrees_of,
    text_of,
    to_icrs,
)
from galfeat.data.sources.catalogs.position_columns import Column, PositionColumns, find_columns

__all__ = ["Positions", "find_positions"]

# right ascensions from -180 to 180 are common too
_RANGES = ((-360, 360, "0 to 360"), (-90, 90, "-90 to 90"))
_EQUATORIAL_NAMES = ("right ascensions", "declinations")
_GALACTIC_NAMES = ("galactic longitudes", "galactic latitudes")
_PIXEL_UNITS = ("", "pix", "pixel", "pixels", "px")
# tables of the Rubin pipelines hold radians, its data releases degrees
_AMBIGUOUS = ("coord_ra", "coord_dec")


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


def find_positions(
    table: pa.Table,
    path: Path,
    units: Mapping[str, str] | None = None,
    frames: Mapping[str, str] | None = None,
) -> Positions:
    """Return the positions in a catalog.

    Columns ``ra`` and ``dec`` (or under another of their usual names) are on the sky; without them
    ``x`` and ``y`` or ``xcentroid`` and ``ycentroid`` are pixels counted from 0, as in NumPy,
    astropy and photutils, and ``x_image`` and ``y_image`` pixels counted from 1, as in FITS,
    SExtractor and DS9. A row without a usable number does not affect the other rows.

    Parameters
    ----------
    table : pyarrow.Table
    path : Path
        Its file, for messages.
    units, frames : mapping of str to str, optional
        Units and frames of columns, where the file states them; degrees (ICRS) otherwise.

    Raises
    ------
    UsageError
        If there are no such columns, they do not hold what they should, their unit or frame cannot
        be read, or no row has a position.
    """
    try:
        columns = find_columns(table.column_names)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error
    if columns is None:
        raise UsageError(
            f"{path}: needs the columns 'ra' and 'dec' in degrees, or 'x' and 'y' in pixels "
            "counted from 0, or 'x_image' and 'y_image' "
            f"counted from 1; its columns are {', '.join(table.column_names)}"
        )
    reasons: dict[int, str] = {}
    read = _pixels if columns.frame == "pixels" else _angles
    values = read(table, columns, path, units or {}, reasons)
    first, second = columns.first.name, columns.second.name
    for row in np.flatnonzero(~np.isfinite(values).all(axis=0)).tolist():
        reasons.setdefault(
            row,
            f"there is no position in its row: it needs a number in '{first}' and in '{second}'",
        )
    if len(reasons) == table.num_rows:
        raise UsageError(f"{path}: no row has a position that can be used; in row 1: {reasons[0]}")
    values[:, list(reasons)] = np.nan
    if columns.frame == "pixels":
        return Positions(False, values - columns.origin, reasons)
    frame = columns.frame or (frames or {}).get(first, "")
    try:
        return Positions(True, to_icrs(values, frame), reasons)
    except ValueError as error:
        raise UsageError(
            f"{path}: its positions are in the frame {frame}, which cannot be read: convert them "
            "to ICRS"
        ) from error


def _angles(
    table: pa.Table,
    columns: PositionColumns,
    path: Path,
    units: Mapping[str, str],
    reasons: dict[int, str],
) -> NDArray[np.float64]:
    """Return longitudes and latitudes in degrees, shape (2, n)."""
    found = []
    for column, longitude in ((columns.first, True), (columns.second, False)):
        stated = units.get(column.name, "")
        unit = _unit(column, stated, path, longitude=longitude)
        try:
            values = degrees_of(
                table.column(column.name),
                column.name,
                unit,
                text_in_hours=longitude and columns.frame != "galactic",
                reasons=reasons,
            )
        except ValueError as error:
            what = f"{stated or column.unit or 'degrees'}, as {error}"
            raise UsageError(f"{path}: the column '{column.name}' must hold {what}") from error
        found.append(values)
    if not (units.get(columns.first.name) or columns.first.unit):
        _refuse_ambiguous(columns, found, path)
    names = _GALACTIC_NAMES if columns.frame == "galactic" else _EQUATORIAL_NAMES
    for what, values, (low, high, usual) in zip(names, found, _RANGES, strict=True):
        for row in np.flatnonzero((values < low) | (values > high)).tolist():
            reasons.setdefault(row, f"{what} go from {usual} degrees; this one is {values[row]:g}")
    return np.array(found)


def _unit(column: Column, stated: str, path: Path, *, longitude: bool) -> AngleUnit | None:
    """Return a column's unit, which its name and the file may state; None if neither does."""
    found = []
    for text in (stated, column.unit):
        if not text.strip():
            continue
        try:
            found.append(angle_unit(text, longitude=longitude))
        except ValueError as error:
            raise UsageError(
                f"{path}: the unit of the column '{column.name}' is '{text}', which is not a unit "
                "of positions that can be read: convert it to degrees"
            ) from error
    if len(set(found)) > 1:
        raise UsageError(
            f"{path}: the column '{column.name}' has the unit '{stated}', and its name says "
            f"'{column.unit}': correct one of them"
        )
    return found[0] if found else None


def _refuse_ambiguous(
    columns: PositionColumns, values: list[NDArray[np.float64]], path: Path
) -> None:
    """Refuse positions of the Rubin pipelines that may be radians, where no unit is stated."""
    names = columns.first.name, columns.second.name
    if tuple(name.lower() for name in names) != _AMBIGUOUS:
        return
    most = [np.nanmax(np.abs(each), initial=0) for each in values]
    if most[0] <= 2 * np.pi and most[1] <= np.pi / 2:
        raise UsageError(
            f"{path}: '{names[0]}' and '{names[1]}' may be radians or degrees, and no unit is "
            f"stated: rename them to '{names[0]}_rad' and '{names[1]}_rad', or to "
            f"'{names[0]}_deg' and '{names[1]}_deg'"
        )


def _pixels(
    table: pa.Table,
    columns: PositionColumns,
    path: Path,
    units: Mapping[str, str],
    reasons: dict[int, str],
) -> NDArray[np.float64]:
    """Return x and y in pixels as they stand in the catalog, shape (2, n)."""
    found = []
    for each in (columns.first, columns.second):
        column, name = table.column(each.name), each.name
        unit = units.get(name, "") or each.unit
        if unit.strip().lower() not in _PIXEL_UNITS:
            raise UsageError(
                f"{path}: the column '{name}' must hold pixels, and its unit is '{unit}': convert "
                "it, or rename it if it is no position"
            )
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            found.append(column.cast(pa.float64()).to_numpy())
            continue
        try:
            if not pa.types.is_string(column.type):
                raise ValueError("numbers")
            found.append(
                text_of([(text or "").strip() for text in column.to_pylist()], name, reasons)
            )
        except ValueError as error:
            raise UsageError(f"{path}: the column '{name}' must hold pixels, as {error}") from error
    return np.array(found)

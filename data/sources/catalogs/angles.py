"""Columns of positions as degrees: their units, sexagesimal text, and the frame of the sky."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["AngleUnit", "angle_unit", "degrees_of", "text_of", "to_icrs"]

_SHOWN = 40  # characters of a cell in a message
# what people and archives write in place of astropy's names
_UNITS = {
    "d": "deg",
    "degs": "deg",
    "degrees": "deg",
    "degree": "deg",
    "°": "deg",
    "radians": "rad",
    "radian": "rad",
    "h": "hourangle",
    "hr": "hourangle",
    "hrs": "hourangle",
    "hour": "hourangle",
    "hours": "hourangle",
}
_SEXAGESIMAL_UNIT = re.compile(r"([hd])+[: ]?m+([: ]?s+(\.s*)?)?|sexa(gesimal)?")
_SEXAGESIMAL_TEXT = re.compile(
    r"""\s*[+\-\u2212]?\s*\d+(\.\d*)?\s*(?:[:hd\u00b0]|\s(?=\d))\s*(\d|$)""", re.IGNORECASE
)


class AngleUnit(NamedTuple):
    """A unit of angles: its degrees, and whether it is that of sexagesimal text."""

    degrees: float
    sexagesimal: bool = False


@lru_cache(maxsize=64)
def angle_unit(text: str, *, longitude: bool) -> AngleUnit:
    """Return the unit that a file states.

    Parameters
    ----------
    text : str
    longitude : bool
        Whether hours are a unit, too.

    Raises
    ------
    ValueError
        If it is no unit of angles, or not known.
    """
    word = text.strip().strip("\"'[]()").strip().lower()
    hours = AngleUnit(15.0)
    found = _SEXAGESIMAL_UNIT.fullmatch(word)
    if found:
        in_hours = found[1] == "h" or (found[1] is None and longitude)
        unit = AngleUnit(15.0 if in_hours else 1.0, True)
    elif _UNITS.get(word, word) == "hourangle":
        unit = hours
    else:
        unit = AngleUnit(_degrees(text.strip(), _UNITS.get(word, word)))
    if unit.degrees == hours.degrees and not longitude:
        raise ValueError(text)
    return unit


def _degrees(*names: str) -> float:
    from astropy import units

    for name in names:
        try:
            return float(units.Unit(name).to(units.deg))
        except (ValueError, TypeError, units.UnitConversionError):
            continue
    raise ValueError(names[0])


def degrees_of(
    column: pa.ChunkedArray,
    name: str,
    unit: AngleUnit | None,
    *,
    text_in_hours: bool,
    reasons: dict[int, str],
) -> NDArray[np.float64]:
    """Return a column of angles in degrees, NaN in empty cells.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Numbers, or text: numbers, or sexagesimal as astropy reads it.
    name : str
        Name of the column, for messages.
    unit : AngleUnit or None
        None: none is stated. Then numbers are degrees.
    text_in_hours : bool
        Whether sexagesimal text without a unit is in hours, unless its letters say otherwise.
    reasons : dict of int to str
        A reason is added for each cell that is no angle.

    Raises
    ------
    ValueError
        If no cell can be used; its text is what there should be.
    """
    stated = unit or AngleUnit(1.0)
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        if stated.sexagesimal:
            raise ValueError("text like 12:34:56.7")
        numbers: NDArray[np.float64] = column.cast(pa.float64()).to_numpy()
        return numbers if stated.degrees == 1 else numbers * stated.degrees
    if not pa.types.is_string(column.type):
        raise ValueError("numbers")
    texts = [(text or "").strip() for text in column.to_pylist()]
    if stated.sexagesimal or any(map(_SEXAGESIMAL_TEXT.match, texts)):
        hours = stated.degrees == 15 if unit else text_in_hours
        return _from_sexagesimal(texts, name, hours, reasons)
    return text_of(texts, name, reasons) * stated.degrees


def text_of(texts: Sequence[str], name: str, reasons: dict[int, str]) -> NDArray[np.float64]:
    """Return the numbers in some text, NaN in empty cells; add a reason for each other cell.

    Raises
    ------
    ValueError
        If none of them is a number.
    """
    # one cell that is no number makes a whole column of a CSV text
    numbers, wrong = np.full(len(texts), np.nan), 0
    for row, text in enumerate(texts):
        try:
            numbers[row] = float(text or "nan")
        except ValueError:
            wrong += 1
            reasons.setdefault(row, f"'{name}' is not a number: '{text[:_SHOWN]}'")
    if wrong and np.isnan(numbers).all():
        raise ValueError("numbers")
    return numbers


def _from_sexagesimal(
    texts: Sequence[str], name: str, hours: bool, reasons: dict[int, str]
) -> NDArray[np.float64]:
    from astropy.coordinates import Angle

    unit = "hourangle" if hours else "deg"
    found = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        if not text or text.lower() == "nan":
            continue
        try:
            if not _SEXAGESIMAL_TEXT.match(text):
                raise ValueError(text)
            found[row] = Angle(text.replace("\u2212", "-"), unit=unit).deg
        except ValueError:  # those of astropy derive from it
            reasons.setdefault(row, f"'{name}' is not an angle like 12:34:56.7: '{text[:_SHOWN]}'")
    if np.isnan(found).all():
        raise ValueError("text like 12:34:56.7")
    return found


def to_icrs(values: NDArray[np.float64], frame: str) -> NDArray[np.float64]:
    """Return longitudes and latitudes of a frame as right ascensions and declinations (ICRS).

    Parameters
    ----------
    values : array, shape (2, n)
        Degrees; NaN where there is no position.
    frame : str
        ``icrs``, ``galactic``, ``fk5`` or ``fk4``; the last two with an equinox behind a blank,
        such as ``fk5 J2000``, or the usual one.

    Raises
    ------
    ValueError
        If the frame is not known.
    """
    if frame in ("", "icrs"):
        return values
    from astropy.coordinates import SkyCoord

    kind, _, equinox = frame.partition(" ")
    if kind not in ("fk4", "fk5", "galactic"):
        raise ValueError(frame)
    options: Mapping[str, Any] = {"equinox": equinox} if equinox else {}
    known = np.isfinite(values).all(axis=0)
    icrs = SkyCoord(*values[:, known], unit="deg", frame=kind, **options).icrs
    converted = np.full_like(values, np.nan)
    converted[:, known] = icrs.ra.deg, icrs.dec.deg
    return converted

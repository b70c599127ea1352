"""Refusal of a mixture of units among the bands of a galaxy, or among the galaxies of a source."""

from collections.abc import Callable
from typing import NamedTuple

from galfeat.data.cutouts import Cutout
from galfeat.data.sources.base import Failure, Reading, Shard
from galfeat.data.units import find_mixture, same_unit

__all__ = ["MIXED_UNITS_REMEDY", "StatedUnit", "first_stated", "first_units", "refuse_mixed"]

MIXED_UNITS_REMEDY = (
    "bring all to one unit, correct BUNIT where it is wrong, or allow it (--mixed-units) if no "
    "feature compares them"
)
_LOOKED_AT = 64  # entries in which the first readable one is looked for


class StatedUnit(NamedTuple):
    """A unit, and the galaxy whose file states it."""

    unit: str
    id: str


def first_stated(read: Callable[[Shard], Reading], entries: int) -> StatedUnit | None:
    """Return the unit of the first galaxy that states one for all its bands that state any.

    Parameters
    ----------
    read : callable
        Reads a shard, whatever its units are.
    entries : int
    """
    for row in range(entries):
        for cutout in read(Shard(row, row + 1)).cutouts:
            stated = next(filter(None, cutout.units), "")
            if stated and not find_mixture(cutout.units):
                return StatedUnit(stated, cutout.id)
    return None


def first_units(read: Callable[[Shard], Reading], entries: int) -> tuple[str, ...]:
    """Return the units of the bands of the first cutout that can be read, if it states any."""
    for row in range(min(entries, _LOOKED_AT)):
        cutouts = read(Shard(row, row + 1)).cutouts
        if cutouts:
            return cutouts[0].units
    return ()


def refuse_mixed(reading: Reading, first: Callable[[], StatedUnit | None]) -> Reading:
    """Make failures of cutouts whose unit is not that of the first that states one.

    A band that states no unit contradicts none.

    Parameters
    ----------
    reading : Reading
    first : callable
        Returns the unit that counts; asked only if a cutout states one.
    """
    reasons: dict[tuple[str, ...], str] = {}
    cutouts: list[Cutout] = []
    failures: list[Failure] = []
    for cutout in reading.cutouts:
        units = cutout.units
        if units and units not in reasons:
            reasons[units] = _reason(cutout, first())
        reason = reasons[units] if units else ""
        if reason:
            failures.append(Failure(cutout.id, cutout.file, "read", reason, cutout.row))
        else:
            cutouts.append(cutout)
    if not failures:
        return reading
    failures += reading.failures
    return Reading(cutouts, sorted(failures, key=lambda failure: failure.row or 0))


def _reason(cutout: Cutout, first: StatedUnit | None) -> str:
    mixture = find_mixture(cutout.units)
    if mixture:
        bands = [
            f"{band} in {unit}"
            for band, unit in zip(cutout.bands, cutout.units, strict=True)
            if unit in mixture
        ]
        return f"its bands have different units ({', '.join(bands)}): {MIXED_UNITS_REMEDY}"
    unit = next(filter(None, cutout.units), "")
    if first is None or not unit or same_unit(unit, first.unit):
        return ""
    return (
        f"its pixels are in {unit}, and those of {first.id} in {first.unit}: {MIXED_UNITS_REMEDY}"
    )

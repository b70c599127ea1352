"""The bands that are asked for, out of those that a cutout has."""

from dataclasses import replace

from galfeat import CutoutError
from galfeat.data.cutouts import Cutout

__all__ = ["with_bands"]


def with_bands(cutout: Cutout, wanted: tuple[str, ...]) -> Cutout:
    """Return a cutout with the bands that are asked for: chosen by name, or given to bands that nothing names.

    Raises
    ------
    CutoutError
        If a band is missing, or unnamed bands are not as many as the names.
    """
    if not wanted:
        return cutout
    if cutout.named or set(wanted) <= set(cutout.bands):
        return cutout.select(wanted)
    if len(wanted) != len(cutout.bands):
        there = "1 band has no name" if len(cutout.bands) == 1 else f"{len(cutout.bands)} bands have no names"
        raise CutoutError(f"its {there}, and {len(wanted)} are asked for: {', '.join(wanted)}")
    return replace(cutout, bands=wanted, named=True)

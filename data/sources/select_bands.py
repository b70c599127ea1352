"""The bands that are asked for, out of those that a cutout has."""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from galfeat import CutoutError, UsageError
from galfeat.data.cutouts import Cutout

__all__ = ["MissingBands", "check_missing", "with_bands"]

MissingBands = Literal["fail", "mask"]
"""What becomes of a galaxy without a band that is asked for.

A failure, or one whose band has only bad pixels.
"""


def check_missing(missing: str) -> None:
    """Refuse a choice that there is not.

    Raises
    ------
    UsageError
        With the choices that there are.
    """
    if missing not in get_args(MissingBands):
        raise UsageError(
            f"missing_bands must be one of {', '.join(get_args(MissingBands))}; it is '{missing}'"
        )


def with_bands(cutout: Cutout, wanted: tuple[str, ...], missing: MissingBands = "fail") -> Cutout:
    """Return a cutout with the bands that are asked for.

    Chosen by name, or given to bands that nothing names.

    Raises
    ------
    CutoutError
        If a band is missing and that is a failure, if all are, or if unnamed bands are not as many
        as the names.
    """
    if not wanted:
        return cutout
    if cutout.named and missing == "mask":
        return _masked(cutout, wanted)
    if cutout.named or set(wanted) <= set(cutout.bands):
        return cutout.select(wanted)
    if len(wanted) != len(cutout.bands):
        there = (
            "1 band has no name"
            if len(cutout.bands) == 1
            else f"{len(cutout.bands)} bands have no names"
        )
        raise CutoutError(f"its {there}, and {len(wanted)} are asked for: {', '.join(wanted)}")
    return replace(cutout, bands=wanted, named=True)


def _masked(cutout: Cutout, wanted: tuple[str, ...]) -> Cutout:
    there = [band for band in wanted if band in cutout.bands]
    if not there or len(there) == len(wanted):
        return cutout.select(wanted)
    own = cutout.select(there)
    places = [wanted.index(band) for band in there]
    pixels = np.full((len(wanted), *own.pixels.shape[1:]), np.nan, np.float32)
    pixels[places] = own.pixels
    noise = None
    if own.noise is not None:
        noise = np.full_like(pixels, np.nan)
        noise[places] = own.noise
    return replace(own, pixels=pixels, bands=wanted, noise=noise)

"""Masking of missing data in cutouts as they are read, and one message a source that says so."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from galfeat.data.cutouts import Cutout
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.missing import describe_missing, has_equal_pairs, mask_missing

__all__ = ["mask_missing_in_batches", "mask_missing_in_each", "report_missing"]


def mask_missing_in_each(cutouts: list[Cutout]) -> list[Cutout]:
    """Return cutouts with missing data masked."""
    return [_masked(cutout) for cutout in cutouts]


def mask_missing_in_batches(cutouts: list[Cutout], batches: Sequence[NDArray[np.float32]]) -> None:
    """Mask missing data, in place; the cutouts are views of batches, which are tested as a whole.

    Parameters
    ----------
    cutouts : list of Cutout
    batches : sequence of arrays of float32, shapes (some, bands, ny, nx)
    """
    start = 0
    for batch in batches:
        if has_equal_pairs(batch):
            stop = start + len(batch)
            cutouts[start:stop] = mask_missing_in_each(cutouts[start:stop])
        start += len(batch)


def report_missing(cutouts: Sequence[Cutout], header_cache: HeaderCache) -> None:
    """Log the first cutout of a source that has missing data."""
    for cutout in cutouts:
        if cutout.missing:
            words = describe_missing(cutout.missing, cutout.bands, cutout.pixels[0].size)
            header_cache.report(cutout.file, {"missing": words})
            return


def _masked(cutout: Cutout) -> Cutout:
    pixels, missing = mask_missing(cutout.pixels)
    if not missing:
        return cutout
    before = cutout.missing or (0,) * len(missing)  # masked before the band was resampled
    counts = tuple(map(sum, zip(before, missing, strict=True)))
    return replace(cutout, pixels=pixels, missing=counts)

"""Masking of missing data in cutouts as they are read, and one message a source that says so."""

from collections.abc import Sequence
from dataclasses import replace

from galfeat.data.cutouts import Cutout
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.missing import describe_missing, mask_missing

__all__ = ["mask_missing_in_batches", "mask_missing_in_each", "report_missing"]


def mask_missing_in_each(cutouts: list[Cutout]) -> list[Cutout]:
    """Return cutouts with missing data masked."""
    return [_masked(cutout) for cutout in cutouts]


def mask_missing_in_batches(
    cutouts: list[Cutout], sizes: Sequence[int], suspect: Sequence[bool]
) -> None:
    """Mask missing data, in place, in cutouts of batches that were tested as a whole.

    Parameters
    ----------
    cutouts : list of Cutout
    sizes : sequence of int
        Cutouts in each batch.
    suspect : sequence of bool
        Whether a batch has equal pairs, see `galfeat.data.missing.has_equal_pairs`.
    """
    start = 0
    for size, may_miss in zip(sizes, suspect, strict=True):
        stop = start + size
        if may_miss:
            cutouts[start:stop] = mask_missing_in_each(cutouts[start:stop])
        start = stop


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

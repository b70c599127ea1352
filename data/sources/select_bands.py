"""Selection of bands of a cutout, with missing bands refused or masked."""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from galfeat import CutoutError, UsageError
from galfeat.data.cutouts import Cutout

__all__ = ["MissingBands", "check_missing", "with_bands"]

MissingBands = Literal["fail", "mask"]
"""How to treat a galaxy without a selected band: as a failure, or with that band masked (NaN)."""


def check_missing(missing: str) -> None:
    """Check a choice of `MissingBands`.

    Raises
    ------
    UsageError
        If there is no such choice.
    """
    if missing not in get_args(MissingBands):
        raise UsageError(
            f"missing_bands must be one of {', '.join(get_args(MissingBands))}; it is '{missing}'"
        )


def with_bands(cutout: Cutout, selected: tuple[str, ...], missing: MissingBands = "fail") -> Cutout:
    """Return a cutout with the selected bands: by name, or as names of unnamed bands.

    Raises
    ------
    CutoutError
        If a band is missing and that is a failure, if all bands are missing, or if unnamed bands
        are not as many as the names.
    """
    if not selected:
        return cutout
    if cutout.named and missing == "mask":
        return _with_masked_bands(cutout, selected)
    if cutout.named or set(selected) <= set(cutout.bands):
        return cutout.select(selected)
    count = len(cutout.bands)
    if len(selected) != count:
        unnamed = "1 band has no name" if count == 1 else f"{count} bands have no names"
        raise CutoutError(
            f"its {unnamed}, and {len(selected)} are asked for: {', '.join(selected)}"
        )
    return replace(cutout, bands=selected, named=True)


def _with_masked_bands(cutout: Cutout, selected: tuple[str, ...]) -> Cutout:
    present = [band for band in selected if band in cutout.bands]
    if not present or len(present) == len(selected):
        return cutout.select(selected)
    found = cutout.select(present)
    indices = [selected.index(band) for band in present]
    pixels = np.full((len(selected), *found.pixels.shape[1:]), np.nan, np.float32)
    pixels[indices] = found.pixels
    noise = None
    if found.noise is not None:
        noise = np.full_like(pixels, np.nan)
        noise[indices] = found.noise
    units: tuple[str, ...] = ()
    if found.units:
        stated = dict(zip(present, found.units, strict=True))
        units = tuple(stated.get(band, "") for band in selected)
    missing = dict(zip(present, found.missing, strict=True)) if found.missing else {}
    counts = tuple(missing.get(band, 0) for band in selected) if missing else ()
    known = dict(zip(present, found.keywords, strict=True)) if found.keywords else {}
    return replace(
        found,
        pixels=pixels,
        bands=selected,
        noise=noise,
        units=units,
        missing=counts,
        keywords=tuple(known.get(band, {}) for band in selected) if known else (),
    )

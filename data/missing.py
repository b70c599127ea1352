"""Missing data: regions of one identical value where a cutout has no observation.

Cutout services and mosaicking programs fill what was not observed with a constant, mostly with
exact zeros, and no keyword says so. Measured as sky, it ruins background, noise and every feature.

A region of a band is missing data if its pixels, connected by their sides, all have the same value
and it

- contains a square of 2 x 2 pixels, touches an edge, and has as many pixels as half the shorter
  side; or contains a square of an eighth of the shorter side and has 2 % of the band's pixels;
- is solid: it is not interspersed with other values, as zeros are in photon counts;
- has a value that is rare outside it (at most a quarter of the pixels), unlike the levels of
  coarsely quantized images;
- is no plateau of saturated pixels: the largest value of the band, away from the edges or where the
  light rises toward it;
- is no place where light fades to nothing, as in images without noise: there, nearly all pixels
  beside the region come closer to its value than those behind them, within 1 % of the range.

A band that has one value everywhere is left to the preparation, which refuses it. An image without
noise whose light ends abruptly on a constant background cannot be told from one with a gap, and
counts as such; `ReadOptions.missing_data` turns the search off.
"""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat.data.memory import BUDGET

__all__ = ["describe_missing", "has_equal_pairs", "mask_missing", "missing_pixels", "sampled_pairs"]

_FEW_PIXELS = 1 << 20  # whose memory is not counted
_SEARCH_BYTES = 56  # a pixel, for labels, sums and copies of the pixels outside a region
_SMALLEST = 16  # pixels: a smaller image has too little of anything
_INTERIOR_SHARE = 0.02  # of the band's pixels, that a region away from the edges needs
_INTERIOR_SQUARE = 8  # a region away from the edges contains a square of a side over that
_COMMON_SHARE = 0.25  # of the pixels outside a region: more have its value by chance
_ISLAND_PIXELS, _ISLANDS = 8, 3  # so many small islands in a region make it interspersed
_FADING, _FADING_STEP = 0.95, 0.01  # share of pixels that come closer, and their distance
_RISING = 0.8
_FEW_COUNTS = 5  # mean count from which a Poisson distribution has hardly any zeros
_PICTURE_LEVELS, _PICTURE_STEP = 255, 3


def mask_missing(pixels: NDArray[np.float32]) -> tuple[NDArray[np.float32], tuple[int, ...]]:
    """Return pixels with missing data masked (NaN), and the number of masked pixels of each band.

    Parameters
    ----------
    pixels : array of float32, shape (bands, ny, nx)
        Not modified; returned itself where nothing is missing.

    Returns
    -------
    array of float32, shape (bands, ny, nx)
    tuple of int
        One a band; empty if nothing is missing.
    """
    found = [missing_pixels(band) for band in pixels] if has_equal_pairs(pixels) else []
    if not any(missing is not None for missing in found):
        return pixels, ()
    masked = pixels.copy()
    for band, missing in zip(masked, found, strict=True):
        if missing is not None:
            band[missing] = np.nan
    return masked, tuple(
        0 if missing is None else int(np.count_nonzero(missing)) for missing in found
    )


def describe_missing(missing: tuple[int, ...], bands: tuple[str, ...], size: int) -> str:
    """Return what is missing of a cutout, as a sentence.

    Parameters
    ----------
    missing : tuple of int
        Number of missing pixels of each band.
    bands : tuple of str
    size : int
        Number of pixels of a band.
    """
    shares = [
        f"{100 * count / size:.2g} % of band {band}"
        for count, band in zip(missing, bands, strict=True)
        if count
    ]
    return (
        f"{', '.join(shares)} is one value: masked as missing data; --missing-data keep measures it"
    )


def sampled_pairs(images: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return views of a sample of pixels, and of their right neighbors, each of one axis.

    Every block of pixels that is large enough for missing data holds such a pair: the sample of a
    row is shifted by one pixel against that of the row above.

    Parameters
    ----------
    images : array, shape (..., ny, nx), C-contiguous
    """
    flat = images.reshape(-1)
    step = _sample_step(*images.shape[-2:])
    return flat[:-1:step], flat[1::step]


@lru_cache(maxsize=64)
def _sample_step(ny: int, nx: int) -> int:
    side = min(ny, nx)
    # a block of h x w pixels has a sampled pair if h + w - 2 is at least the step
    most = max(1, min(side // _INTERIOR_SQUARE, int(2 * math.sqrt(side / 2)) - 2))
    return next((step for step in range(most, 1, -1) if nx % step in (1, step - 1)), 1)


def has_equal_pairs(images: NDArray[Any]) -> bool:
    """Return whether pixels beside each other are equal in a sample.

    A quick test: without any there is no missing data.

    Parameters
    ----------
    images : array, shape (..., ny, nx), C-contiguous
    """
    first, second = sampled_pairs(images)
    return bool((first == second).any())


def missing_pixels(band: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return where a band has no data, or None if it has data everywhere.

    Parameters
    ----------
    band : array of float32, shape (ny, nx)
        Pixels that are not finite are bad already, and belong to no region.
    """
    least = min(band.shape) // 2
    if min(band.shape) < _SMALLEST:
        return None
    good = np.isfinite(band)
    lowest = float(np.min(band, where=good, initial=np.inf))
    highest = float(np.max(band, where=good, initial=-np.inf))
    if lowest >= highest:
        return None
    values = _frequent_values(band, least)
    if not values:
        return None
    missing = np.zeros(band.shape, dtype=bool)
    with BUDGET.reserve(_SEARCH_BYTES * band.size) if band.size > _FEW_PIXELS else nullcontext():
        for value in values:
            for region in _regions(band == value, least):
                outside = good & ~region
                if outside.any() and _is_missing(_Region(band, region, outside, value, highest)):
                    missing |= region
    return missing if missing.any() else None


def _frequent_values(band: NDArray[np.float32], least: int) -> list[float]:
    """Return finite values that so many pairs of neighbors share that a region may have them."""
    pairs: Counter[float] = Counter()
    rows = max(1, _FEW_PIXELS // band.shape[1])  # at a time: large bands take no more memory
    for start in range(0, len(band), rows):
        block = band[start : start + rows + 1]
        first = block[:rows]
        across, down = first[:, 1:] == first[:, :-1], block[1:] == block[:-1]
        shared = np.concatenate([first[:, 1:][across], block[1:][down]])
        values, counts = np.unique(shared[np.isfinite(shared)], return_counts=True)
        pairs.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    frequent = []
    for value in sorted(value for value, count in pairs.items() if count >= least):
        pixels = int(np.count_nonzero(band == value))
        # in a random field, a pixel with probability p of a value has 2 p pairs
        if pairs[value] > 1.25 * 2 * pixels**2 / band.size or pixels > band.size / 2:
            frequent.append(value)
    return frequent


def _regions(equal: NDArray[np.bool_], least: int) -> Iterator[NDArray[np.bool_]]:
    """Yield the connected regions of a value that are large enough."""
    from scipy import ndimage  # imported late: only images with such values need it

    labels, count = ndimage.label(equal)
    if not count:
        return
    sizes = np.bincount(labels.ravel())
    block = max(2, min(equal.shape) // _INTERIOR_SQUARE)
    for label in (np.flatnonzero(sizes[1:] >= least) + 1).tolist():
        region = labels == label
        edges = region[0].any() or region[-1].any() or region[:, 0].any() or region[:, -1].any()
        if not edges and sizes[label] < _INTERIOR_SHARE * equal.size:
            continue
        if _has_square(region, 2 if edges else block):
            yield region


def _has_square(region: NDArray[np.bool_], side: int) -> bool:
    ny, nx = region.shape
    sums = np.zeros((ny + 1, nx + 1), dtype=np.int64)
    sums[1:, 1:] = region.cumsum(axis=0).cumsum(axis=1)
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return bool((inside == side**2).any())


class _Region(NamedTuple):
    """A region of one value in a band, and the good pixels outside it."""

    band: NDArray[np.float32]
    inside: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    value: float
    highest: float

    @property
    def touches_edge(self) -> bool:
        inside = self.inside
        return bool(
            inside[0].any() or inside[-1].any() or inside[:, 0].any() or inside[:, -1].any()
        )


def _is_missing(region: _Region) -> bool:
    others = region.band[region.outside]
    common = float(np.count_nonzero(others == region.value)) / others.size
    if common > _COMMON_SHARE or _is_interspersed(region):
        return False
    if region.value == 0 and _is_photon_count(others, common):
        return False
    beside, behind = _approach(region)
    closer = np.abs(beside) < np.abs(behind)
    same_side = np.sign(beside) == np.sign(behind)
    share = float((closer & same_side).mean()) if closer.size else 0.0
    if region.value == region.highest:
        return region.touches_edge and share < _RISING
    step = float(np.median(np.abs(beside))) if beside.size else np.inf
    span = float(np.abs(others.astype(np.float64) - region.value).max())
    if share >= _FADING and step <= _FADING_STEP * span:
        return False
    return not (_is_picture(others) and step <= _PICTURE_STEP)


def _is_interspersed(region: _Region) -> bool:
    """Return whether small islands of other values lie in a region."""
    from scipy import ndimage

    labels, count = ndimage.label(region.outside, np.ones((3, 3)))
    if count <= _ISLANDS:
        return False
    sizes = np.bincount(labels.ravel())[1:]
    return int(np.count_nonzero(sizes <= _ISLAND_PIXELS)) >= _ISLANDS


def _is_photon_count(others: NDArray[np.float32], zeros: float) -> bool:
    """Return whether zeros belong to photon counts: outside the region there are too few of them.

    In counts of mean m a fraction exp(-m) of the pixels is zero.
    """
    step = _count_step(others)
    if step is None:
        return False
    mean = float(np.median(others)) / step
    return mean <= _FEW_COUNTS and zeros < 0.5 * np.exp(-mean)


def _count_step(values: NDArray[np.float32]) -> float | None:
    """Return the one number of which all values are multiples, none negative; None otherwise."""
    positive = values[values > 0].astype(np.float64)
    if not positive.size or (values < 0).any():
        return None
    step = float(positive.min())
    numbers = positive / step
    return step if float(np.abs(numbers - np.round(numbers)).max()) < 1e-3 else None


def _is_picture(others: NDArray[np.float32]) -> bool:
    """Return whether values are those of an 8-bit picture, whose sky is often black."""
    return bool(
        others.min() >= 0 and others.max() <= _PICTURE_LEVELS and (others == np.round(others)).all()
    )


def _approach(region: _Region) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far pixels beside the region, and those behind them, are from its value."""
    beside, behind = [], []
    for turn in range(4):
        band, inside = np.rot90(region.band, turn), np.rot90(region.inside, turn)
        outside = np.rot90(region.outside, turn)
        pairs = inside[:-2] & outside[1:-1] & outside[2:]
        beside.append(band[1:-1][pairs])
        behind.append(band[2:][pairs])
    wide = (np.concatenate(each).astype(np.float64) - region.value for each in (beside, behind))
    first, second = wide
    return first, second

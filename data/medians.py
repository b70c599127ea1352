"""Medians of the frames of images, compiled: without Python's lock, and several times quicker than a partition.

Numbers are put into classes of equal width between the least and the most of them; the class that has the median is sorted. Where it holds
too many for that, the range in which the median must lie is halved: floats are looked at as integers in the same order, so that halving is
exact and needs at most 64 steps, each a pass that counts.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["are_fine", "frame_medians", "normalise"]

_FEW = 48  # numbers that are sorted rather than counted once more
_MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)
_INFINITE = np.int64(0x7FF0000000000000)
_CLASSES = 256


def _compiled(function: Any) -> Any:
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no folder that can be written: each process compiles for itself
        return njit(nogil=True, error_model="numpy")(function)


def frame_medians(
    image: NDArray[np.float64], places: NDArray[np.intp], first: NDArray[np.intp], second: NDArray[np.intp]
) -> tuple[float, float] | None:
    """Return the median of an image's pixels, and the median size of differences of its pixels.

    Parameters
    ----------
    image : array of float64, C-contiguous
    places : array of int, shape (n,)
        Pixels of the flat image, at least one.
    first, second : arrays of int, shape (m,)
        Pixels whose differences are taken, at least one pair.

    Returns
    -------
    (float, float) or None
        None if one of the pixels is not finite.
    """
    level, scatter = _medians(image.ravel(), places, first, second)
    return None if np.isnan(level) else (float(level), float(scatter))


def are_fine(images: NDArray[np.float32], stride: int, most_levels: float) -> NDArray[np.bool_]:
    """Return of which images every band is finite, not constant and, as far as some pixels can tell, not quantised.

    Parameters
    ----------
    images : array of float32, shape (n, bands, ny, nx), C-contiguous
    stride : int
        One in so many pixels is looked at.
    most_levels : float
        Where two of them lie nearer to each other than their range over 1.5 times that number, their band is not quantised: the first
        look of `galfeat.data.sky.quantum`.
    """
    n, bands = images.shape[:2]
    flat = images.reshape(n, bands, -1)
    fine = np.empty(n, dtype=np.bool_)
    _are_fine(flat, np.int64(stride), np.float64(most_levels), fine)
    return fine


def normalise(
    images: NDArray[np.float64],
    frame: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]],
    per_scatter: float,
    fine: NDArray[np.bool_],
) -> None:
    """Take each band's sky from it, and divide by its noise, in place.

    Parameters
    ----------
    images : array of float64, shape (n, bands, ny, nx), C-contiguous
    frame : (places, first, second)
        As for `frame_medians`.
    per_scatter : float
        The noise is the median size of differences times this, over the square root of two.
    fine : array of bool, shape (n,)
        Which images to do; becomes False where sky or noise is not finite, or there is no noise.
    """
    n, bands = images.shape[:2]
    _normalise(images.reshape(n, bands, -1), *frame, np.float64(per_scatter), fine)


@_compiled
def _are_fine(images: Any, stride: Any, most_levels: Any, fine: Any) -> Any:
    some = np.empty((images.shape[2] + stride - 1) // stride, dtype=np.float64)
    for n in range(images.shape[0]):
        fine[n] = True
        for band in range(images.shape[1]):
            fine[n] = fine[n] and _is_good(images[n, band]) and _too_near(images[n, band], stride, most_levels, some)


@_compiled
def _is_good(pixels: Any) -> Any:
    """Return whether all pixels are finite and not all the same."""
    codes = pixels.view(np.int32)
    bad, other = np.int32(0), np.int32(0)
    for i in range(len(codes)):
        bad |= np.int32((codes[i] & np.int32(0x7F800000)) == np.int32(0x7F800000))
        other |= codes[i] ^ codes[0]
    return bad == 0 and other != 0


@_compiled
def _too_near(pixels: Any, stride: Any, most_levels: Any, some: Any) -> Any:
    """Return whether two of some pixels lie nearer to each other than their range over so many levels, and are not the same."""
    least, most = np.float64(pixels[0]), np.float64(pixels[0])
    for i in range(len(some)):
        some[i] = pixels[i * stride]
        least, most = min(least, some[i]), max(most, some[i])
    _put_in_order(some, least, most)
    smallest = np.inf
    for i in range(1, len(some)):
        step = some[i] - some[i - 1]
        smallest = step if 0 < step < smallest else smallest
    return most - least > most_levels * 1.5 * smallest


@_compiled
def _put_in_order(values: Any, least: Any, most: Any) -> Any:
    """Sort finite values: into classes of equal width first, which leaves little to do."""
    if not most > least:
        return
    classes = len(values)
    scale = (classes - 1) / (most - least)
    if not 0 < scale < np.inf:
        values.sort()
        return
    which, ends = np.empty(len(values), dtype=np.int64), np.zeros(classes + 1, dtype=np.int64)
    for i in range(len(values)):
        which[i] = np.int64((values[i] - least) * scale)
        ends[which[i] + 1] += 1
    if ends.max() > _FEW:  # outliers: nearly all values are in one class
        values.sort()
        return
    for i in range(classes):
        ends[i + 1] += ends[i]
    ordered = np.empty_like(values)
    for i in range(len(values)):
        ordered[ends[which[i]]] = values[i]
        ends[which[i]] += 1
    for i in range(len(values)):
        value, j = ordered[i], i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value


@_compiled
def _normalise(images: Any, places: Any, first: Any, second: Any, per_scatter: Any, fine: Any) -> Any:
    for n in range(images.shape[0]):
        for band in range(images.shape[1]):
            if fine[n]:
                pixels = images[n, band]
                sky, scatter = _medians(pixels, places, first, second)
                noise = per_scatter * scatter / np.sqrt(2.0)
                fine[n] = np.isfinite(sky) and np.isfinite(noise) and noise > 0
                for i in range(len(pixels)):
                    pixels[i] = (pixels[i] - sky) / noise


@_compiled
def _medians(flat: Any, places: Any, first: Any, second: Any) -> Any:
    pixels, sizes = np.empty(len(places), dtype=np.float64), np.empty(len(first), dtype=np.float64)
    for i in range(len(places)):
        pixels[i] = flat[places[i]] + 0.0  # there is one zero: the sum of both is the positive one
    for i in range(len(first)):
        sizes[i] = abs(flat[second[i]] - flat[first[i]])
    if not _all_finite(pixels.view(np.int64)):
        return np.nan, np.nan
    return _median(pixels), _median(sizes)


@_compiled
def _all_finite(codes: Any) -> Any:
    bad = np.int64(0)
    for i in range(len(codes)):
        bad |= np.int64((codes[i] & _INFINITE) == _INFINITE)
    return bad == 0


@_compiled
def _median(values: Any) -> Any:
    """Return the median of finite floats."""
    count = len(values)
    codes = values.view(np.int64).copy()
    for i in range(count):
        codes[i] = codes[i] ^ ((codes[i] >> 63) & _MAGNITUDE)  # negative floats are ordered the other way round
    upper = _ranked(values, codes, count // 2)
    if count % 2:
        return _float(upper)
    below: Any = 0
    most: Any = np.int64(-(2**63))
    for i in range(count):
        below += np.int64(codes[i] < upper)
        most = max(most, codes[i] if codes[i] < upper else most)
    lower = most if below == count // 2 else upper
    return (_float(lower) + _float(upper)) / 2


@_compiled
def _float(code: Any) -> Any:
    bits = np.empty(1, dtype=np.int64)
    bits[0] = code ^ ((code >> 63) & _MAGNITUDE)
    return bits.view(np.float64)[0]


@_compiled
def _extremes(codes: Any) -> Any:
    least, most = codes[0], codes[0]
    for i in range(len(codes)):
        least = min(least, codes[i])
        most = max(most, codes[i])
    return least, most


@_compiled
def _up_to(codes: Any, middle: Any) -> Any:
    count = np.int64(0)  # in a loop of its own, which becomes vector code
    for i in range(len(codes)):
        count += np.int64(codes[i] <= middle)
    return count


@_compiled
def _ranked(values: Any, codes: Any, rank: Any) -> Any:
    """Return the code of the number that has so many before it in order."""
    least, most = _extremes(codes)
    lowest = _float(least)
    scale = (_CLASSES - 1) / (_float(most) - lowest)
    if len(codes) <= _FEW or not 0 < scale < np.inf:
        return _ranked_by_halves(codes, rank)
    which, counts = np.empty(len(values), dtype=np.uint8), np.zeros(_CLASSES, dtype=np.int64)
    for i in range(len(values)):
        which[i] = np.uint8((values[i] - lowest) * scale)
        counts[which[i]] += 1
    own, before = 0, np.int64(0)
    while before + counts[own] <= rank:
        before += counts[own]
        own += 1
    few = np.empty(counts[own], dtype=np.int64)
    found = 0
    for i in range(len(codes)):
        if which[i] == own:
            few[found] = codes[i]
            found += 1
    return _ranked_by_halves(few, rank - before)


@_compiled
def _ranked_by_halves(codes: Any, rank: Any) -> Any:
    """Return the same, by halving the range in which it lies."""
    least, most = _extremes(codes)
    below, within = 0, len(codes)
    while within > _FEW and least < most:
        middle = (least >> 1) + (most >> 1) + (least & most & 1)  # without overflow; least <= middle < most
        count = _up_to(codes, middle)
        if count > rank:
            most, within = middle, count - below
        else:
            least, within, below = middle + 1, within - (count - below), count
    if least == most:
        return least
    few = np.empty(within, dtype=np.int64)
    found = 0
    for i in range(len(codes)):
        if least <= codes[i] <= most:
            few[found] = codes[i]
            found += 1
    few.sort()
    return few[rank - below]

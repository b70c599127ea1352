"""Medians of the frame of an image, compiled: without Python's lock, and several times quicker than a partition.

The median of n numbers is found by halving the range in which it must lie. Floats are looked at as integers in the same order, so that
halving is exact and needs at most 64 steps, each a pass that counts; once few numbers are left in the range they are sorted.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["frame_medians"]

_FEW = 48  # numbers that are sorted rather than counted once more
_MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)
_INFINITE = np.int64(0x7FF0000000000000)


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


@_compiled
def _medians(flat: Any, places: Any, first: Any, second: Any) -> Any:
    pixels, sizes = np.empty(len(places), dtype=np.float64), np.empty(len(first), dtype=np.float64)
    for i in range(len(places)):
        pixels[i] = flat[places[i]] + 0.0  # there is one zero: the sum of both is the positive one
    for i in range(len(first)):
        sizes[i] = abs(flat[second[i]] - flat[first[i]])
    if not _all_finite(pixels.view(np.int64)):
        return np.nan, np.nan
    return _median(pixels.view(np.int64)), _median(sizes.view(np.int64))


@_compiled
def _all_finite(codes: Any) -> Any:
    bad = np.int64(0)
    for i in range(len(codes)):
        bad |= np.int64((codes[i] & _INFINITE) == _INFINITE)
    return bad == 0


@_compiled
def _median(codes: Any) -> Any:
    """Return the median of floats whose bits these are; the bits are put in order."""
    count = len(codes)
    for i in range(count):
        codes[i] = codes[i] ^ ((codes[i] >> 63) & _MAGNITUDE)  # negative floats are ordered the other way round
    upper = _ranked(codes, count // 2)
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
def _ranked(codes: Any, rank: Any) -> Any:
    """Return the number that has so many before it in order."""
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

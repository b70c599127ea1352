"""Compiled medians: sky level and noise from the border of an image.

A selection algorithm, several times faster than `numpy.partition`, that releases the global
interpreter lock. It narrows the range that holds the median until few numbers are left, and sorts
those. Each iteration counts the numbers below a pivot: the first pivots come from a sample, later
ones from interpolation, and every third iteration bisects the range, which bounds the number of
iterations. Floats are compared as integers of the same order, which makes bisection exact.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["are_regular", "border_medians", "normalize"]

_SORT_BELOW = 48  # candidates: fewer are sorted
_MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)
_INFINITE = np.int64(0x7FF0000000000000)
_LEAST = np.int64(-(2**63))
_SAMPLE = 32  # size of the sample that gives the first pivots
_GUESS_MARGIN = 4  # distance of the pivots from the guess, in ranks of the sample
_BUCKETS = 4096


def _compiled(function: Any) -> Any:
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no writable cache folder: each process compiles for itself
        return njit(nogil=True, error_model="numpy")(function)


def border_medians(
    image: NDArray[np.float64],
    places: NDArray[np.intp],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
) -> tuple[float, float] | None:
    """Return the median of some pixels, and the median absolute difference of pairs of pixels.

    Parameters
    ----------
    image : array of float64, C-contiguous
    places : array of int, shape (n,)
        Flat indices of the pixels, at least one.
    first, second : arrays of int, shape (m,)
        Flat indices of the pairs, at least one.

    Returns
    -------
    (float, float) or None
        None if one of the pixels is not finite.
    """
    level, scatter = _medians(image.ravel(), places, first, second)
    return None if np.isnan(level) else (float(level), float(scatter))


def are_regular(images: NDArray[np.float32], stride: int, most_levels: float) -> NDArray[np.bool_]:
    """Return which images are finite, not constant and not quantized in every band.

    Quantization is tested on a sample of the pixels.

    Parameters
    ----------
    images : array of float32, shape (n, bands, ny, nx), C-contiguous
    stride : int
        Stride of the sample, pixels.
    most_levels : float
        A band is not quantized where two of its values are closer than its range over 1.5 times
        that number: the first test of `galfeat.data.preparation.background.quantization_step`.
    """
    n, bands = images.shape[:2]
    flat = images.reshape(n, bands, -1)
    regular = np.empty(n, dtype=np.bool_)
    _are_regular(flat, np.int64(stride), np.float64(most_levels), regular)
    return regular


def normalize(
    images: NDArray[np.float64],
    border: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]],
    per_scatter: float,
    regular: NDArray[np.bool_],
) -> None:
    """Subtract each band's sky and divide by its noise, in place.

    Parameters
    ----------
    images : array of float64, shape (n, bands, ny, nx), C-contiguous
    border : (places, first, second)
        As for `border_medians`.
    per_scatter : float
        Factor from the median absolute difference of pairs to their standard deviation; the
        noise is that over the square root of two.
    regular : array of bool, shape (n,)
        Which images to normalize; set to False where sky or noise is not finite, or there is no
        noise.
    """
    n, bands = images.shape[:2]
    _normalize(images.reshape(n, bands, -1), *border, np.float64(per_scatter), regular)


@_compiled
def _are_regular(images: Any, stride: Any, most_levels: Any, regular: Any) -> Any:
    some = np.empty((images.shape[2] + stride - 1) // stride, dtype=np.float64)
    for n in range(images.shape[0]):
        regular[n] = True
        for band in range(images.shape[1]):
            regular[n] = (
                regular[n]
                and _is_finite_and_varying(images[n, band])
                and _is_continuous(images[n, band], stride, most_levels, some)
            )


@_compiled
def _is_finite_and_varying(pixels: Any) -> Any:
    """Return whether all pixels are finite and not all equal."""
    codes = pixels.view(np.int32)
    bad, other = np.int32(0), np.int32(0)
    for i in range(len(codes)):
        bad |= np.int32((codes[i] & np.int32(0x7F800000)) == np.int32(0x7F800000))
        other |= codes[i] ^ codes[0]
    return bad == 0 and other != 0


@_compiled
def _is_continuous(pixels: Any, stride: Any, most_levels: Any, some: Any) -> Any:
    """Return whether two values of a sample are closer than quantization could make them."""
    least, most = np.float64(pixels[0]), np.float64(pixels[0])
    for i in range(len(some)):
        some[i] = pixels[i * stride]
        least, most = min(least, some[i]), max(most, some[i])
    if _has_close_pair(some, least, most, most_levels):
        return True
    some.sort()
    smallest = np.inf
    for i in range(1, len(some)):
        step = some[i] - some[i - 1]
        smallest = step if 0 < step < smallest else smallest
    return most - least > most_levels * 1.5 * smallest


@_compiled
def _has_close_pair(values: Any, least: Any, most: Any, most_levels: Any) -> Any:
    """Return the result of `_is_continuous` without sorting, by buckets; False means undecided."""
    scale = (_BUCKETS - 1) / (most - least)
    if not 0 < scale < np.inf:
        return False
    last = np.full(_BUCKETS, np.nan)
    for i in range(len(values)):
        bucket = np.uint32((values[i] - least) * scale)
        step = abs(values[i] - last[bucket])
        if step > 0 and most - least > most_levels * 1.5 * step:
            return True
        last[bucket] = values[i]
    return False


@_compiled
def _normalize(
    images: Any, places: Any, first: Any, second: Any, per_scatter: Any, regular: Any
) -> Any:
    for n in range(images.shape[0]):
        for band in range(images.shape[1]):
            if regular[n]:
                pixels = images[n, band]
                sky, scatter = _medians(pixels, places, first, second)
                noise = per_scatter * scatter / np.sqrt(2.0)
                regular[n] = np.isfinite(sky) and np.isfinite(noise) and noise > 0
                for i in range(len(pixels)):
                    pixels[i] = (pixels[i] - sky) / noise


@_compiled
def _medians(flat: Any, places: Any, first: Any, second: Any) -> Any:
    pixels, sizes = np.empty(len(places), dtype=np.float64), np.empty(len(first), dtype=np.float64)
    for i in range(len(places)):
        pixels[i] = flat[places[i]] + 0.0  # + 0.0 makes both zeros the positive one
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
        # the bits of negative floats sort in reverse order
        codes[i] = codes[i] ^ ((codes[i] >> 63) & _MAGNITUDE)
    upper = _select_rank(codes, count // 2)
    if count % 2:
        return _decode(upper)
    lower = _max_below(codes, upper) if _count_up_to(codes, upper - 1) == count // 2 else upper
    return (_decode(lower) + _decode(upper)) / 2


@_compiled
def _decode(code: Any) -> Any:
    bits = np.empty(1, dtype=np.int64)
    bits[0] = code ^ ((code >> 63) & _MAGNITUDE)
    return bits.view(np.float64)[0]


@_compiled
def _min_max(codes: Any) -> Any:
    least, most = codes[0], codes[0]
    for i in range(len(codes)):
        least = min(least, codes[i])
        most = max(most, codes[i])
    return least, most


@_compiled
def _count_up_to(codes: Any, middle: Any) -> Any:
    count = np.int64(0)  # a loop of its own, so that it is vectorized
    for i in range(len(codes)):
        count += np.int64(codes[i] <= middle)
    return count


@_compiled
def _encode(number: Any) -> Any:
    one = np.empty(1, dtype=np.float64)
    one[0] = number
    bits = one.view(np.int64)[0]
    return bits ^ ((bits >> 63) & _MAGNITUDE)


@_compiled
def _guess_range(codes: Any, rank: Any) -> Any:
    """Return two codes between which the number of this rank probably lies."""
    some = np.empty(_SAMPLE, dtype=np.int64)
    for i in range(_SAMPLE):
        some[i] = codes[i * len(codes) // _SAMPLE]
    some.sort()
    place = rank * _SAMPLE // len(codes)
    return some[max(place - _GUESS_MARGIN, 0)], some[min(place + _GUESS_MARGIN, _SAMPLE - 1)]


@_compiled
def _interpolate(least: Any, most: Any, share: Any) -> Any:
    """Return the code of the number at a fraction of the range, or `least` on overflow."""
    low, high = _decode(least), _decode(most)
    number = low + (high - low) * min(max(share, 0.0), 1.0)
    if not low <= number <= high:  # overflow
        return least
    return _encode(number)


@_compiled
def _max_below(codes: Any, limit: Any) -> Any:
    most = _LEAST
    for i in range(len(codes)):
        most = max(most, codes[i] if codes[i] < limit else _LEAST)
    return most


@_compiled
def _select_rank(codes: Any, rank: Any) -> Any:
    """Return the code of the number of this rank."""
    least, most = _min_max(codes)
    first, second = _guess_range(codes, rank)
    below, within, step = 0, len(codes), 0
    while within > _SORT_BELOW and least < most:
        if step < 2:
            middle = first if step == 0 else second
        elif step % 3 == 1:
            middle = (least >> 1) + (most >> 1) + (least & most & 1)  # without overflow
        else:
            aside = _SORT_BELOW // 3 if step % 3 == 2 else -_SORT_BELOW // 3
            middle = _interpolate(least, most, (rank - below + aside) / within)
        step += 1
        middle = min(max(middle, least), most - 1)
        count = _count_up_to(codes, middle)
        if count > rank:
            most, within = middle, count - below
        else:
            least, within, below = middle + 1, within - (count - below), count
    if least == most:
        return least
    few = np.empty(len(codes), dtype=np.int64)
    found: Any = 0
    for i in range(len(codes)):
        few[found] = codes[i]
        found += np.int64(
            least <= codes[i] <= most
        )  # branchless: the branch would be unpredictable
    ordered = few[:found]
    ordered.sort()
    return ordered[rank - below]

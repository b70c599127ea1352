"""Compiled medians, and the test for images without flaws that goes before them.

A selection algorithm, several times faster than `numpy.partition`, that releases the global
interpreter lock. It narrows the range that holds the median until few numbers are left, and sorts
those. Each iteration counts the numbers below a pivot: the first pivots come from a sample, later
ones from interpolation, and every third iteration bisects the range, which bounds the number of
iterations. Floats are compared as integers of the same order, which makes bisection exact.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat._compiling import compiled

__all__ = ["are_regular", "median"]

_SORT_BELOW = 48  # candidates: fewer are sorted
_MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)
_LEAST = np.int64(-(2**63))
_SAMPLE = 32  # size of the sample that gives the first pivots
_GUESS_MARGIN = 4  # distance of the pivots from the guess, in ranks of the sample
_BUCKETS = 4096


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


@compiled
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


@compiled
def _is_finite_and_varying(pixels: Any) -> Any:
    """Return whether all pixels are finite and not all equal."""
    codes = pixels.view(np.int32)
    bad, other = np.int32(0), np.int32(0)
    for i in range(len(codes)):
        bad |= np.int32((codes[i] & np.int32(0x7F800000)) == np.int32(0x7F800000))
        other |= codes[i] ^ codes[0]
    return bad == 0 and other != 0


@compiled
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


@compiled
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


@compiled
def median(values: Any) -> Any:
    """Return the median of finite floats, at least one; for compiled code."""
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


@compiled
def _decode(code: Any) -> Any:
    bits = np.empty(1, dtype=np.int64)
    bits[0] = code ^ ((code >> 63) & _MAGNITUDE)
    return bits.view(np.float64)[0]


@compiled
def _min_max(codes: Any) -> Any:
    least, most = codes[0], codes[0]
    for i in range(len(codes)):
        least = min(least, codes[i])
        most = max(most, codes[i])
    return least, most


@compiled
def _count_up_to(codes: Any, middle: Any) -> Any:
    count = np.int64(0)  # a loop of its own, so that it is vectorized
    for i in range(len(codes)):
        count += np.int64(codes[i] <= middle)
    return count


@compiled
def _encode(number: Any) -> Any:
    one = np.empty(1, dtype=np.float64)
    one[0] = number
    bits = one.view(np.int64)[0]
    return bits ^ ((bits >> 63) & _MAGNITUDE)


@compiled
def _guess_range(codes: Any, rank: Any) -> Any:
    """Return two codes between which the number of this rank probably lies."""
    some = np.empty(_SAMPLE, dtype=np.int64)
    for i in range(_SAMPLE):
        some[i] = codes[i * len(codes) // _SAMPLE]
    some.sort()
    place = rank * _SAMPLE // len(codes)
    return some[max(place - _GUESS_MARGIN, 0)], some[min(place + _GUESS_MARGIN, _SAMPLE - 1)]


@compiled
def _interpolate(least: Any, most: Any, share: Any) -> Any:
    """Return the code of the number at a fraction of the range, or `least` on overflow."""
    low, high = _decode(least), _decode(most)
    number = low + (high - low) * min(max(share, 0.0), 1.0)
    if not low <= number <= high:  # overflow
        return least
    return _encode(number)


@compiled
def _max_below(codes: Any, limit: Any) -> Any:
    most = _LEAST
    for i in range(len(codes)):
        most = max(most, codes[i] if codes[i] < limit else _LEAST)
    return most


@compiled
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

"""Medians of the frames of images, compiled.

Without Python's lock, and several times quicker than a partition.

The median of n numbers is found by narrowing the range in which it must lie until few numbers are
left in it, which are sorted. Each step is a pass that counts; where to cut is guessed from a
sample, then by interpolation, and every third time the range is halved, so that no numbers take
long. Floats are looked at as integers in the same order, which makes halving exact.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["are_regular", "border_medians", "normalise"]

_FEW = 48  # numbers that are sorted rather than counted once more
_MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)
_INFINITE = np.int64(0x7FF0000000000000)
_LEAST = np.int64(-(2**63))
_SAMPLE = 32  # numbers from which the first range is guessed
_ASIDE = 4  # how far beside the guess, in numbers of the sample
_BUCKETS = 4096


def _compiled(function: Any) -> Any:
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no folder that can be written: each process compiles for itself
        return njit(nogil=True, error_model="numpy")(function)


def border_medians(
    image: NDArray[np.float64],
    places: NDArray[np.intp],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
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


def are_regular(images: NDArray[np.float32], stride: int, most_levels: float) -> NDArray[np.bool_]:
    """Return of which images every band is finite, not constant and, as far as some pixels can
    tell, not quantised.

    Parameters
    ----------
    images : array of float32, shape (n, bands, ny, nx), C-contiguous
    stride : int
        One in so many pixels is looked at.
    most_levels : float
        Where two of them lie nearer to each other than their range over 1.5 times that number,
        their band is not quantised: the first look of
        `galfeat.data.preparation.background.quantization_step`.
    """
    n, bands = images.shape[:2]
    flat = images.reshape(n, bands, -1)
    fine = np.empty(n, dtype=np.bool_)
    _are_fine(flat, np.int64(stride), np.float64(most_levels), fine)
    return fine


def normalise(
    images: NDArray[np.float64],
    border: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]],
    per_scatter: float,
    fine: NDArray[np.bool_],
) -> None:
    """Take each band's sky from it, and divide by its noise, in place.

    Parameters
    ----------
    images : array of float64, shape (n, bands, ny, nx), C-contiguous
    border : (places, first, second)
        As for `border_medians`.
    per_scatter : float
        The noise is the median size of differences times this, over the square root of two.
    fine : array of bool, shape (n,)
        Which images to do; becomes False where sky or noise is not finite, or there is no noise.
    """
    n, bands = images.shape[:2]
    _normalise(images.reshape(n, bands, -1), *border, np.float64(per_scatter), fine)


@_compiled
def _are_fine(images: Any, stride: Any, most_levels: Any, fine: Any) -> Any:
    some = np.empty((images.shape[2] + stride - 1) // stride, dtype=np.float64)
    for n in range(images.shape[0]):
        fine[n] = True
        for band in range(images.shape[1]):
            fine[n] = (
                fine[n]
                and _is_good(images[n, band])
                and _too_near(images[n, band], stride, most_levels, some)
            )


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
    """Return whether two of some pixels lie nearer to each other than their range over so many
    levels, and are not the same.
    """
    least, most = np.float64(pixels[0]), np.float64(pixels[0])
    for i in range(len(some)):
        some[i] = pixels[i * stride]
        least, most = min(least, some[i]), max(most, some[i])
    if _are_neighbours(some, least, most, most_levels):
        return True
    some.sort()
    smallest = np.inf
    for i in range(1, len(some)):
        step = some[i] - some[i - 1]
        smallest = step if 0 < step < smallest else smallest
    return most - least > most_levels * 1.5 * smallest


@_compiled
def _are_neighbours(values: Any, least: Any, most: Any, most_levels: Any) -> Any:
    """Return the same without sorting, if two such fall into one of many buckets one after the
    other; False is no answer.
    """
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
def _normalise(
    images: Any, places: Any, first: Any, second: Any, per_scatter: Any, fine: Any
) -> Any:
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
        # negative floats are ordered the other way round
        codes[i] = codes[i] ^ ((codes[i] >> 63) & _MAGNITUDE)
    upper = _ranked(codes, count // 2)
    if count % 2:
        return _float(upper)
    lower = _most_below(codes, upper) if _up_to(codes, upper - 1) == count // 2 else upper
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
def _code(number: Any) -> Any:
    one = np.empty(1, dtype=np.float64)
    one[0] = number
    bits = one.view(np.int64)[0]
    return bits ^ ((bits >> 63) & _MAGNITUDE)


@_compiled
def _guessed(codes: Any, rank: Any) -> Any:
    """Return two codes of which the one that has so many before it probably lies between."""
    some = np.empty(_SAMPLE, dtype=np.int64)
    for i in range(_SAMPLE):
        some[i] = codes[i * len(codes) // _SAMPLE]
    some.sort()
    place = rank * _SAMPLE // len(codes)
    return some[max(place - _ASIDE, 0)], some[min(place + _ASIDE, _SAMPLE - 1)]


@_compiled
def _interpolated(least: Any, most: Any, share: Any) -> Any:
    """Return the code of the number at a share of the way, or one of the two ends."""
    low, high = _float(least), _float(most)
    number = low + (high - low) * min(max(share, 0.0), 1.0)
    if not low <= number <= high:  # it overflowed
        return least
    return _code(number)


@_compiled
def _most_below(codes: Any, limit: Any) -> Any:
    most = _LEAST
    for i in range(len(codes)):
        most = max(most, codes[i] if codes[i] < limit else _LEAST)
    return most


@_compiled
def _ranked(codes: Any, rank: Any) -> Any:
    """Return the code of the number that has so many before it in order."""
    least, most = _extremes(codes)
    first, second = _guessed(codes, rank)
    below, within, step = 0, len(codes), 0
    while within > _FEW and least < most:
        if step < 2:
            middle = first if step == 0 else second
        elif step % 3 == 1:
            middle = (least >> 1) + (most >> 1) + (least & most & 1)  # without overflow
        else:
            aside = _FEW // 3 if step % 3 == 2 else -_FEW // 3
            middle = _interpolated(least, most, (rank - below + aside) / within)
        step += 1
        middle = min(max(middle, least), most - 1)
        count = _up_to(codes, middle)
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
        found += np.int64(least <= codes[i] <= most)  # without a branch that nobody can foresee
    ordered = few[:found]
    ordered.sort()
    return ordered[rank - below]

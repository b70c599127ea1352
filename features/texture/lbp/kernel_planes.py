"""Preparation of a plane for the kernel: padding, bad pixels, scaling, mask of valid circles."""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.texture.lbp.tables import RADIUS, REACH, REACH_END
from galfeat.features.texture.lbp.vectors_compare import bad_word

__all__ = ["LARGEST", "any_counted", "border", "fill", "mark_inner", "scale_pixels", "take"]

_EXPONENT = 0x7F800000  # exponent bits of float32; all are set in infinities and NaN

LARGEST = 1.7 * 2.0**20
"""The largest scaled pixel: see `galfeat.features.texture.lbp.kernel`."""


@kernel(fast=False)
def border(reach: Any) -> Any:
    """Return the padding before and after the image, in pixels, that no circle leaves."""
    return 64 * ((reach + 63) // 64 + 4)


@kernel(fast=False)
def mark_inner(inner: Any, heads: Any, ny: Any, nx: Any, width: Any) -> None:
    """Set the masks of the circles that lie inside the image, for each radius."""
    for k in range(len(heads)):
        radius = heads[k, RADIUS]
        for y in range(radius, ny - radius):
            i, stop = y * width + radius, y * width + nx - radius
            while i < stop:
                number = min(64 - (i & 63), stop - i)
                run = np.int64(-1) if number == 64 else (np.int64(1) << number) - 1
                inner[k, i >> 6] |= run << (i & 63)
                i += number


@kernel(fast=False)
def take(images: Any, row: Any, width: Any, front: Any, codes: Any, bad: Any) -> Any:
    """Copy a plane into the padded buffer, its bad pixels replaced by a good value and marked.

    Return whether it has good pixels, and bad ones.
    """
    ny, nx = images.shape[1:]
    filler = _first_good(images, row)
    if (filler & _EXPONENT) == _EXPONENT:
        return False, True
    flawed = np.int32(0)
    fill(codes[:front], filler)
    fill(codes[front + ny * width :], filler)
    if width == nx:
        flawed = _copy(images[row].ravel(), codes[front : front + ny * nx])
    else:
        for y in range(ny):
            flawed |= _copy(images[row, y], codes[front + y * width : front + y * width + nx])
            fill(codes[front + y * width + nx : front + (y + 1) * width], filler)
    if flawed != 0:
        for word in range((ny * width + 63) // 64):
            at = front + 64 * word
            found = bad_word(codes, np.int64(at))
            bad[front // 64 + word] = found
            if found != 0:
                _replace(codes[at : at + 64], filler)
    return True, flawed != 0


@kernel(fast=False)
def _replace(codes: Any, filler: Any) -> None:
    for i in range(len(codes)):
        codes[i] = filler if (codes[i] & _EXPONENT) == _EXPONENT else codes[i]


@kernel(fast=False)
def _first_good(images: Any, row: Any) -> Any:
    for y in range(images.shape[1]):
        for x in range(images.shape[2]):
            if (images[row, y, x] & _EXPONENT) != _EXPONENT:
                return images[row, y, x]
    return images[row, 0, 0]


@kernel(fast=False)
def _copy(source: Any, target: Any) -> Any:
    """Copy pixels; return 1 if one of them is bad."""
    bad = np.int32(0)
    for i in range(len(source)):
        target[i] = source[i]
        bad |= np.int32((source[i] & _EXPONENT) == _EXPONENT)
    return bad


@kernel(fast=False)
def fill(target: Any, value: Any) -> None:
    """Set all elements."""
    for i in range(len(target)):
        target[i] = value


@kernel(fast=False)
def scale_pixels(
    pixels: Any, codes: Any, scaled: Any, start: Any, stop: Any, begin: Any, end: Any
) -> bool:
    """Scale the pixels from `begin` to `end` by the range of those from `start` to `stop`.

    Return whether that range is zero.
    """
    low, high = _extremes(codes[start:stop])
    middle = np.float32(0.5 * np.float64(low) + 0.5 * np.float64(high))
    half = max(np.float64(high) - np.float64(middle), np.float64(middle) - np.float64(low))
    if half == 0:
        return True
    scale = np.float32(min(LARGEST / half, 1e38))
    _stretch(pixels[begin:end], scaled[begin:end], middle, scale)
    return False


@kernel(fast=False)
def _stretch(pixels: Any, scaled: Any, middle: Any, scale: Any) -> None:
    for i in range(len(pixels)):
        scaled[i] = (pixels[i] - middle) * scale


@kernel(fast=False)
def _extremes(codes: Any) -> Any:
    """Return the smallest and the largest of floats, given as bits.

    The bits order like integers once those of negative numbers are inverted.
    """
    low, high = np.int32(0x7FFFFFFF), np.int32(-0x80000000)
    for i in range(len(codes)):
        order = np.int32(codes[i] ^ ((codes[i] >> 31) & 0x7FFFFFFF))
        low = min(low, order)
        high = max(high, order)
    low = np.int32(low ^ ((low >> 31) & 0x7FFFFFFF))
    high = np.int32(high ^ ((high >> 31) & 0x7FFFFFFF))
    return low.view(np.float32), high.view(np.float32)


@kernel(fast=False)
def any_counted(
    counted: Any,
    inner: Any,
    bad: Any,
    k: Any,
    first: Any,
    last: Any,
    flawed: Any,
    before: Any,
    heads: Any,
    reach: Any,
) -> bool:
    """Set the mask of a block's circles that lie inside the image and touch no bad pixel.

    Return whether there are any.
    """
    fill(counted, 0)
    if flawed:
        for at in range(heads[k, REACH], heads[k, REACH_END]):
            _spread(bad, counted, before + first, last - first, reach[at])
    found = np.int64(0)
    for w in range(last - first):
        counted[w] = inner[k, first + w] & ~counted[w]
        found |= counted[w]
    return found != 0


@kernel(fast=False)
def _spread(bad: Any, touched: Any, start: Any, count: Any, offset: Any) -> None:
    """Mark the circles whose pixel at this offset is bad."""
    place, shift = start + (offset >> 6), np.uint64(offset & 63)
    lower, upper = bad[place : place + count], bad[place + 1 : place + 1 + count]
    for w in range(count):
        touched[w] |= np.int64(
            (np.uint64(lower[w]) >> shift)
            | (np.uint64(upper[w]) << np.uint64(1) << (np.uint64(63) - shift))
        )

"""Compiled gradients of smoothed images, split between the two directions beside each.

Images are flat, with rows of one length.
"""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.sift.dense.kernel_vectors import blur_rows

__all__ = [
    "BAD",
    "axes",
    "blur",
    "diagonal_parts",
    "diagonals",
    "differences",
    "divide",
    "forget",
    "known_gradients",
    "largest",
    "largest_good",
    "lay_out",
    "lay_out_good",
    "near_one",
]

BAD = np.int32(0x7F800000)
"""Absolute values of float32 whose bits, as integers, are this or more are infinite or NaN."""

_ROUNDING = np.float32(2.0**-20)  # relative to a pixel; smaller gradients are rounding


@kernel()
def largest(bits: Any) -> Any:
    """Return the largest absolute value, as the bits of a float32; a bad one if there is one."""
    top = np.int32(0)
    for i in range(len(bits)):
        top = max(top, np.int32(bits[i] & np.int32(0x7FFFFFFF)))
    return top


@kernel()
def largest_good(bits: Any) -> Any:
    """Return the largest absolute value of good pixels, as the bits of a float32."""
    top = np.int32(0)
    for i in range(len(bits)):
        size = np.int32(bits[i] & np.int32(0x7FFFFFFF))
        top = max(top, size if size < BAD else np.int32(0))
    return top


@kernel()
def near_one(top: Any) -> Any:
    """Return the power of two that scales a value of these bits to about one.

    Scaling is exact, and no sum can overflow.
    """
    exponent = min(max(top >> np.int32(23), np.int32(1)), np.int32(253))
    return np.array([(np.int32(254) - exponent) << np.int32(23)], dtype=np.int32).view(np.float32)[
        0
    ]


@kernel()
def lay_out(bits: Any, plane: Any, from_y: Any, from_x: Any, scale: Any, padded: Any) -> None:
    """Fill the padded image; bad pixels are zero."""
    nx = plane.shape[1]
    reach = (len(from_x) - nx) // 2
    for y in range(len(from_y)):
        source = from_y[y]
        for x in range(nx):
            value = plane[source, x] * scale
            padded[y, reach + x] = value if (bits[source, x] & BAD) != BAD else np.float32(0)
        for x in range(reach):
            padded[y, x] = padded[y, reach + from_x[x]]
            padded[y, reach + nx + x] = padded[y, reach + from_x[reach + nx + x]]


@kernel()
def lay_out_good(bits: Any, from_y: Any, from_x: Any, padded: Any) -> None:
    """Fill the padded mask of good pixels: 1, otherwise 0."""
    nx = bits.shape[1]
    reach = (len(from_x) - nx) // 2
    for y in range(len(from_y)):
        source = from_y[y]
        for x in range(nx):
            padded[y, reach + x] = (
                np.float32(1) if (bits[source, x] & BAD) != BAD else np.float32(0)
            )
        for x in range(reach):
            padded[y, x] = padded[y, reach + from_x[x]]
            padded[y, reach + nx + x] = padded[y, reach + from_x[reach + nx + x]]


@kernel()
def blur(padded: Any, taps: Any, scratch: Any, out: Any, width: Any) -> None:
    """Blur down the columns, then along the rows.

    Row y, column x of the image is at y * width + x. `scratch` has at least one row more than
    `out`.
    """
    reach = np.int64(len(taps) - 1)
    blur_rows(padded, reach * width, width, taps, reach + 1, scratch, np.int64(len(out)))
    blur_rows(scratch, reach, np.int64(1), taps, reach + 1, out, np.int64(len(out)))


@kernel()
def divide(values: Any, weights: Any) -> None:
    """Divide in place; where there is no weight the result is zero."""
    for i in range(len(values)):
        values[i] = values[i] / weights[i] if weights[i] > np.float32(1e-6) else np.float32(0)


@kernel()
def differences(smooth: Any, along: Any, across: Any, width: Any) -> None:
    """Fill the differences along x and up the image (against y)."""
    count = len(smooth) - 2 * width
    _difference(
        smooth[width + 1 : width + 1 + count - 1],
        smooth[width - 1 :],
        smooth[width:],
        along[width : width + count - 1],
    )
    _difference(smooth[:count], smooth[2 * width :], smooth[width:], across[width : width + count])


@kernel()
def _difference(more: Any, less: Any, middle: Any, out: Any) -> None:
    for i in range(len(out)):
        value = more[i] - less[i]
        out[i] = value if abs(value) > _ROUNDING * abs(middle[i]) else np.float32(0)


@kernel()
def known_gradients(good: Any, reach: Any, width: Any, known: Any) -> None:
    """Set where the four neighbors that a gradient needs are good: 1, otherwise 0."""
    count = len(known) - 2 * width
    middle = (reach + 1) * width + reach
    _products(
        good[middle - 1 :],
        good[middle + 1 :],
        good[middle - width :],
        good[middle + width :],
        known[width : width + count],
    )


@kernel()
def _products(a: Any, b: Any, c: Any, d: Any, out: Any) -> None:
    for i in range(len(out) - 1):
        out[i] = a[i] * b[i] * c[i] * d[i]


@kernel()
def forget(along: Any, across: Any, known: Any) -> None:
    """Set to zero the differences that involve a bad pixel."""
    for i in range(len(known)):
        along[i] *= known[i]
        across[i] *= known[i]


@kernel()
def diagonal_parts(along: Any, across: Any, diagonal: Any) -> None:
    """Fill the part of each gradient that goes to the diagonal direction beside it.

    With t the smaller over the larger component, the part is sqrt(1 + t^2) arctan(t) 4 / pi, here
    as a polynomial (error 2e-6).
    """
    for i in range(len(along)):
        a, b = abs(along[i]), abs(across[i])
        large, small = max(a, b), min(a, b)
        t = small / (large if large > 0 else np.float32(1))
        u = t * t
        part = np.float32(-0.030805668) + u * np.float32(0.007092066)
        part = np.float32(0.067142276) + u * part
        part = np.float32(-0.114487268) + u * part
        part = np.float32(0.212032035) + u * part
        part = np.float32(1.273241825) + u * part
        diagonal[i] = large * t * part


@kernel()
def axes(along: Any, across: Any, diagonal: Any, horizontal: Any, vertical: Any) -> None:
    """Fill the rest of each gradient, along the axis beside it.

    To the right (positive) or left, and up (positive) or down.
    """
    for i in range(len(along)):
        a, b = abs(along[i]), abs(across[i])
        large, small = max(a, b), min(a, b)
        t = small / (large if large > 0 else np.float32(1))
        rest = max(large * np.sqrt(np.float32(1) + t * t) - diagonal[i], np.float32(0))
        flat = a >= b
        horizontal[i] = np.copysign(rest, along[i]) if flat else np.float32(0)
        vertical[i] = np.float32(0) if flat else np.copysign(rest, across[i])


@kernel()
def diagonals(along: Any, across: Any, diagonal: Any, rising: Any, falling: Any) -> None:
    """Fill the diagonal parts.

    Up-right (positive) or down-left, and up-left (positive) or down-right.
    """
    for i in range(len(along)):
        same = (along[i] > 0) == (across[i] > 0)
        rising[i] = np.copysign(diagonal[i], along[i]) if same else np.float32(0)
        falling[i] = np.float32(0) if same else np.copysign(diagonal[i], across[i])

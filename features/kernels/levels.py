"""Quantization of brightness into levels of equal width, as bytes."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.kernels.levels_reference import edges

__all__ = ["MOST", "Ruler", "levels", "quantize", "ruler"]

MOST = 255
"""The largest number of levels that bytes can hold beside the level of bad pixels."""

Ruler = tuple[NDArray[np.float32], np.float32, np.float32, np.int32, np.int64]
"""Edges, scale, shift, margin and number of comparisons: the constants of `quantize`."""

# pixels quantized at a time; a block with a pixel near an edge is compared with the edges
_BLOCK = 512
_EXPONENT = 0x7F800000  # exponent bits of float32; all are set in infinities and NaN
_SHIFT = 20
_PART = 1 << _SHIFT  # fixed-point units of a level
_ROUNDING = 2.0**-24  # relative rounding error of float32


def levels(
    planes: NDArray[np.float32], count: int, limits: tuple[float, float]
) -> NDArray[np.uint8]:
    """Return each pixel's level, 0 to count - 1.

    Values beyond the limits go to the end levels, bad pixels get the level `count`.

    Parameters
    ----------
    planes : array of float32, C-contiguous, any shape
    count : int
        Number of levels, 1 to `MOST`.
    limits : (float, float)
        Lowest and highest edge, in the pixels' unit. The edges are those of `numpy.linspace`, in
        float64; a value on an edge belongs to the level above it.

    Returns
    -------
    array of uint8, of the shape of `planes`
    """
    codes = np.empty(planes.shape, dtype=np.uint8)
    flat = planes.reshape(-1)
    quantize(flat, flat.view(np.int32), ruler(count, limits), codes.reshape(-1))
    return codes


@lru_cache(maxsize=64)
def ruler(count: int, limits: tuple[float, float]) -> Ruler:
    """Return the constants that `quantize` compares with.

    Notes
    -----
    A level is about scale * x + shift. Rounding both factors, their product and the sum errs by no
    more than 2**-24 of (2 |x| + |low|) * scale + count each; the margin, in parts of a level, is
    above that. Where float32 cannot tell the levels of a narrow range apart, every pixel starts in
    the lowest level and climbs by comparison.
    """
    low, high = limits
    scale = count / (high - low)
    margin = 4 * _ROUNDING * (count + scale * max(abs(low), abs(high)))
    if not (1e-30 < scale < 1e30 and margin < 0.25):
        return (
            _float_edges(count, limits),
            np.float32(0),
            np.float32(0),
            np.int32(_PART),
            np.int64(count),
        )
    parts = np.int32(np.ceil(margin * _PART) + 1)
    return (
        _float_edges(count, limits),
        np.float32(scale * _PART),
        np.float32(-low * scale * _PART),
        parts,
        np.int64(1),
    )


def _float_edges(count: int, limits: tuple[float, float]) -> NDArray[np.float32]:
    """Return for each edge the smallest float32 that is not below it.

    For a float32 x and a float64 edge e, x >= e exactly if x is no less than the smallest float32
    on or above e. The first and last edges are infinite, since the end levels are open.
    """
    exact = edges(count, limits)
    with np.errstate(over="ignore"):
        rounded = exact.astype(np.float32)
    rounded = np.where(rounded < exact, np.nextafter(rounded, np.float32(np.inf)), rounded)
    rounded[[0, -1]] = -np.inf, np.inf
    rounded.flags.writeable = False  # cached and shared
    return rounded


@kernel()
def quantize(values: Any, bits: Any, measure: Any, codes: Any) -> None:
    """Set the levels of a flat array; `bits` is the same memory as int32, `measure` a `Ruler`.

    A level follows from one multiplication where the result is further from an edge than its
    rounding error; otherwise a block of pixels is compared with the edges.
    """
    edges, scale, shift, margin, comparisons = measure
    for start in range(0, len(values), _BLOCK):
        stop = min(start + _BLOCK, len(values))
        if _guessed(
            values[start:stop],
            bits[start:stop],
            len(edges) - 1,
            scale,
            shift,
            margin,
            codes[start:stop],
        ):
            for _ in range(comparisons):
                _compared(values[start:stop], edges, codes[start:stop])


@kernel()
def _guessed(
    values: Any, bits: Any, count: Any, scale: Any, shift: Any, margin: Any, codes: Any
) -> bool:
    """Set the levels by multiplication; return whether one of them may be off by rounding."""
    half = np.float32(_PART // 2)
    top = np.float32(np.float32(count * _PART) - half)
    trash = np.int32(count)
    twice = np.int32(2 * margin)
    near: Any = False
    for k in range(len(codes)):
        position = values[k] * scale + shift
        # NaN too becomes the middle of the first level, which is far from its edges
        position = position if position > half else half
        position = position if position < top else top
        parts = np.int32(position)
        beyond = np.int32(np.int32(parts + margin) & np.int32(_PART - 1))
        level = np.int32(parts >> np.int32(_SHIFT))
        exponent = np.int32(bits[k] & np.int32(_EXPONENT))
        near |= beyond < twice
        codes[k] = np.uint8(trash if exponent == np.int32(_EXPONENT) else level)
    return near


@kernel()
def _compared(values: Any, edges: Any, codes: Any) -> None:
    """Move each level by at most one towards its exact place among the edges."""
    count = np.uint64(len(edges) - 1)
    for k in range(len(codes)):
        level = np.uint64(codes[k])
        if level < count:
            value = values[k]
            codes[k] = np.uint8(
                level
                + np.uint64(value >= edges[level + np.uint64(1)])
                - np.uint64(value < edges[level])
            )

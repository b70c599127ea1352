"""The gradients around a keypoint, in 4x4 cells of 8 directions, turned with it."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.kernels.sift_orientation import DIRECTIONS

__all__ = ["COUNTS", "describe"]

_CELLS = 4
_CELL = 3.0  # width of a cell, in sigmas of the keypoint
_LARGEST = 0.2  # of a number, relative to the descriptor's length
_UNIT = 512.0  # length of the descriptor as bytes
_EDGE = _CELLS + 3  # cells in a row with those around, which take the shares of pixels between two
_ROOM = DIRECTIONS + 1  # the last direction is the first again
COUNTS = _EDGE * _EDGE * _ROOM


@kernel()
def describe(sizes: Any, angles: Any, ny: int, nx: int, pitch: int, y: int, x: int, scale: float, turn: float, work: Any, out: Any) -> None:
    """Describe a keypoint of sigma `scale` at pixel (y, x), turned by `turn` eighths of a turn.

    `sizes` and `angles` are those of `gradients`. `work` takes `COUNTS` numbers and half the window; `out` 128 bytes.
    """
    width = _CELL * scale
    reach = int(np.rint(width * math.sqrt(2.0) * (_CELLS + 1) * 0.5))
    counts, weights = work[:COUNTS], work[COUNTS : COUNTS + reach + 1]
    counts[:] = 0
    narrow = -2.0 / (_CELLS * width) ** 2
    for i in range(reach + 1):
        weights[i] = math.exp(narrow * i * i)
    angle = turn * (2 * math.pi / DIRECTIONS)
    along, across = math.cos(angle) / width, math.sin(angle) / width
    limit = 0.5 * (_CELLS + 1)
    for row in range(max(y - reach, 1), min(y + reach, ny - 2) + 1):
        i = row - y
        low, high = _within(-i * across, along, limit, -float(reach), float(reach))
        low, high = _within(i * along, across, limit, low, high)
        first, last = max(x + math.ceil(low), 1), min(x + math.floor(high), nx - 2)
        if last < first:
            continue
        at, j = row * pitch, first - x
        _share(
            sizes[at + first : at + last + 1],
            angles[at + first : at + last + 1],
            j,
            weights,
            weights[abs(i)],
            np.float32(i * along + limit),
            np.float32(-i * across + limit),
            np.float32(across),
            np.float32(along),
            np.float32(turn),
            counts,
        )
    _finish(counts, out)


@kernel(inline=True)
def _within(start: float, step: float, limit: float, low: float, high: float) -> tuple[float, float]:
    """Return the part of `low` to `high` where ``start + j * step`` is within the limit on either side."""
    if step == 0.0:
        return (low, high) if abs(start) < limit else (1.0, 0.0)
    a, b = (-limit - start) / step, (limit - start) / step
    return max(low, min(a, b)), min(high, max(a, b))


@kernel()
def _share(
    sizes: Any,
    angles: Any,
    offset: int,
    weights: Any,
    weight: Any,
    row_start: Any,
    column_start: Any,
    row_step: Any,
    column_step: Any,
    turn: Any,
    counts: Any,
) -> None:
    """Share a row of pixels among the nearest two rows and columns of cells, and two directions, by nearness."""
    zero, most, full = np.float32(0), np.float32(_CELLS + 1), np.float32(DIRECTIONS)
    for i in range(len(sizes)):
        j = np.float32(offset + i)
        r = min(max(row_start + j * row_step, zero), most)
        c = min(max(column_start + j * column_step, zero), most)
        o = angles[i] - turn
        o = o + full if o < zero else o
        r0, c0, o0 = np.int32(r), np.int32(c), np.int32(o)
        r, c, o = r - np.float32(r0), c - np.float32(c0), o - np.float32(o0)
        size = sizes[i] * (weight * weights[abs(offset + i)])
        lower = size * r
        upper = size - lower
        lower_right, upper_right = lower * c, upper * c
        lower_left, upper_left = lower - lower_right, upper - upper_right
        at = np.uint32((r0 * _EDGE + c0) * _ROOM + (o0 & 7))
        below = at + np.uint32(_EDGE * _ROOM)
        counts[at] += upper_left - upper_left * o
        counts[at + 1] += upper_left * o
        counts[at + _ROOM] += upper_right - upper_right * o
        counts[at + _ROOM + 1] += upper_right * o
        counts[below] += lower_left - lower_left * o
        counts[below + 1] += lower_left * o
        counts[below + _ROOM] += lower_right - lower_right * o
        counts[below + _ROOM + 1] += lower_right * o


@kernel()
def _finish(counts: Any, out: Any) -> None:
    """Take the cells, make their length one, cut large numbers, make the length `_UNIT`, and round."""
    values = np.empty(_CELLS * _CELLS * DIRECTIONS, dtype=np.float32)
    for row in range(_CELLS):
        for column in range(_CELLS):
            cell = counts[((row + 1) * _EDGE + column + 1) * _ROOM : ((row + 1) * _EDGE + column + 2) * _ROOM]
            cell[0] += cell[DIRECTIONS]
            start = (row * _CELLS + column) * DIRECTIONS
            values[start : start + DIRECTIONS] = cell[:DIRECTIONS]
    limit = np.float32(_LARGEST) * _length(values)
    for i in range(len(values)):
        values[i] = min(values[i], limit)
    length = _length(values)
    if length == 0:
        out[:] = 0
        return
    factor = np.float32(_UNIT) / length
    for i in range(len(values)):
        out[i] = np.uint8(min(values[i] * factor + np.float32(0.5), np.float32(255)))


@kernel()
def _length(values: Any) -> Any:
    total = np.float32(0)
    for i in range(len(values)):
        total += values[i] * values[i]
    return np.float32(math.sqrt(total))

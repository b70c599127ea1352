"""Compiled descriptor of a keypoint: gradients in 4x4 cells of 8 directions, turned with it."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.sift.keypoints.orientation import DIRECTIONS
from galfeat.features.sift.keypoints.shares import SHARES, add_shares

__all__ = ["describe", "work_size"]

_CELLS = 4
_CELL = 3.0  # width of a cell, in sigmas of the keypoint
_LARGEST = 0.2  # clipping value, relative to the descriptor's norm
_UNIT = 512.0  # norm of the descriptor in bytes
# gaps between the middles of adjacent rows (columns) of cells; a pixel lies in one of each, and of
# the outermost one side only is used
_GAPS = _CELLS + 2
# accumulators of eight shares each, so that a pixel adds to one vector in memory
_SLOTS = _GAPS * _GAPS * DIRECTIONS
_VECTOR = 16
_PARTS = 4
_ROW = 128  # pixels processed together


@kernel()
def describe(
    sizes: Any,
    angles: Any,
    ny: int,
    nx: int,
    pitch: int,
    y: int,
    x: int,
    scale: float,
    turn: float,
    work: Any,
    out: Any,
) -> None:
    """Describe a keypoint of sigma `scale` at pixel (y, x), turned by `turn` eighths of a turn.

    `sizes` and `angles` are those of `gradients`. `work` has `work_size` elements; `out` takes 128
    bytes.
    """
    width = _CELL * scale
    reach = min(int(np.rint(width * math.sqrt(2.0) * (_CELLS + 1) * 0.5)), max(ny, nx))
    slots, pixels, weights = (
        work[: _SLOTS * SHARES],
        work[_SLOTS * SHARES : _SLOTS * SHARES + 5 * _ROW],
        work[_SLOTS * SHARES + 5 * _ROW :],
    )
    slots[:] = 0
    narrow = -2.0 / (_CELLS * width) ** 2
    for i in range(reach + 1):
        weights[reach + i] = math.exp(narrow * i * i)
        weights[reach - i] = weights[reach + i]
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
        for begin in range(first, last + 1, _ROW):
            count, at, j = min(last + 1 - begin, _ROW), row * pitch + begin, begin - x
            whole = (count + _VECTOR - 1) // _VECTOR * _VECTOR
            _place(
                pixels,
                sizes[at : at + whole],
                angles[at : at + whole],
                weights[reach + j : reach + j + whole],
                weights[reach + i],
                j,
                np.float32(i * along + limit),
                np.float32(-i * across + limit),
                np.float32(across),
                np.float32(along),
                np.float32(turn),
            )
            _share(pixels, count, slots.reshape(_SLOTS, SHARES))
    _finish(slots, out)


@kernel(inline=True)
def work_size(ny: int, nx: int) -> int:
    """Return the length of the work array of `describe`."""
    return _SLOTS * SHARES + 5 * _ROW + 2 * max(ny, nx) + 1 + _VECTOR


@kernel(inline=True)
def _within(
    start: float, step: float, limit: float, low: float, high: float
) -> tuple[float, float]:
    """Return the part of `low` to `high` where ``abs(start + j * step)`` is within the limit."""
    if step == 0.0:
        return (low, high) if abs(start) < limit else (1.0, 0.0)
    a, b = (-limit - start) / step, (limit - start) / step
    return max(low, min(a, b)), min(high, max(a, b))


@kernel()
def _place(
    out: Any,
    sizes: Any,
    angles: Any,
    weights: Any,
    weight: Any,
    offset: int,
    row_start: Any,
    column_start: Any,
    row_step: Any,
    column_step: Any,
    turn: Any,
) -> None:
    """Store cell, direction, offsets and magnitude of a row of pixels, in five runs of `_ROW`."""
    zero, most, full = np.float32(0), np.float32(_CELLS + 1), np.float32(DIRECTIONS)
    for i in range(len(sizes)):
        j = np.float32(np.int32(offset) + np.int32(i))
        r = min(max(row_start + j * row_step, zero), most)
        c = min(max(column_start + j * column_step, zero), most)
        o = angles[i] - turn
        o = o + full if o < zero else o
        r0, c0, o0 = np.int32(r), np.int32(c), np.int32(o)
        out[i] = np.float32((r0 * np.int32(_GAPS) + c0) * np.int32(DIRECTIONS) + (o0 & np.int32(7)))
        out[i + _ROW] = r - np.float32(r0)
        out[i + 2 * _ROW] = c - np.float32(c0)
        out[i + 3 * _ROW] = o - np.float32(o0)
        out[i + 4 * _ROW] = sizes[i] * (weight * weights[i])


@kernel()
def _share(pixels: Any, count: int, slots: Any) -> None:
    """Distribute pixels among the nearest rows and columns of cells, and directions.

    Linear interpolation between two of each. Adjacent pixels add to the same place, and each
    addition would wait for the one before, so that parts of the row take turns.
    """
    part = (count + _PARTS - 1) // _PARTS
    pixels[4 * _ROW + count : 4 * _ROW + _PARTS * part] = 0
    for start in range(part):
        for turn in range(_PARTS):
            i = start + turn * part
            r, c, o, size = (
                pixels[i + _ROW],
                pixels[i + 2 * _ROW],
                pixels[i + 3 * _ROW],
                pixels[i + 4 * _ROW],
            )
            add_shares(slots, np.int64(pixels[i]), r, c, o, size)


@kernel()
def _finish(slots: Any, out: Any) -> None:
    """Sum the shares of each cell, normalize, clip, scale to length `_UNIT`, and round."""
    values = np.zeros(_CELLS * _CELLS * DIRECTIONS, dtype=np.float32)
    for row in range(_CELLS):
        for column in range(_CELLS):
            cell = values[
                (row * _CELLS + column) * DIRECTIONS : (row * _CELLS + column + 1) * DIRECTIONS
            ]
            for below in range(2):
                for right in range(2):
                    start = (
                        ((row + 1 - below) * _GAPS + column + 1 - right) * DIRECTIONS * SHARES
                        + 2 * below
                        + right
                    )
                    for k in range(DIRECTIONS):
                        cell[k] += slots[start + k * SHARES]
                        cell[(k + 1) % DIRECTIONS] += slots[start + k * SHARES + 4]
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

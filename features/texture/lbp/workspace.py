"""Buffers of the kernel of the binary patterns."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat.features.texture.lbp.kernel_planes import border
from galfeat.features.texture.lbp.tables import (
    BLOCK,
    LENGTH,
    PLANES,
    PLANES_END,
    POINTS,
    RADIUS,
    ROWS,
    Tables,
)
from galfeat.features.texture.lbp.vectors_count import DIGITS

__all__ = ["STRIDE", "Workspace", "allocate"]

STRIDE = BLOCK
"""Words from one point of a circle to the next.

A power of two would map all points to the same sets of the cache.
"""


class Workspace(NamedTuple):
    """Buffers of one call; flat, of float32 or of 64-bit words.

    `pixels` and `codes` share their memory.

    Attributes
    ----------
    pixels, codes : the plane with a border before and after, bad pixels replaced, as float32 and
        as int32
    scaled : the same, scaled
    planes : interpolated rows of a block, or of a strip of it
    words : (points, `STRIDE`) which points are below the center
    beyond : (2, n) which points to the right, and below in the image, are above the center, with
        the words before the block
    digits : (`DIGITS` + 1, `STRIDE`) number of points below the center; circles with several runs
    counted : (`BLOCK`,) which circles count
    inner : (radii, words) circles inside the image
    bad : bad pixels, with a border
    """

    pixels: NDArray[np.float32]
    codes: NDArray[np.int32]
    scaled: NDArray[np.float32]
    planes: NDArray[np.float32]
    words: NDArray[np.int64]
    beyond: NDArray[np.int64]
    digits: NDArray[np.int64]
    counted: NDArray[np.int64]
    inner: NDArray[np.int64]
    bad: NDArray[np.int64]


def allocate(table: Tables, ny: int, width: int) -> Workspace:
    """Allocate the buffers for planes of `ny` rows, `width` pixels apart in memory."""
    heads = table.heads
    reach = (int(heads[:, RADIUS].max()) + ROWS - 1) * (width + 1)
    words = -(-ny * width // 64)
    padded = _aligned(64 * words + 2 * border(reach), np.float32)
    return Workspace(
        padded,
        padded.view(np.int32),
        _aligned(len(padded), np.float32),
        _aligned(
            int((heads[:, LENGTH] * (heads[:, PLANES_END] - heads[:, PLANES])).max()), np.float32
        ),
        _aligned(int(heads[:, POINTS].max()) * STRIDE, np.int64),
        np.empty(2 * (BLOCK + int(heads[:, RADIUS].max()) * width // 64 + 16), dtype=np.int64),
        _aligned((DIGITS + 1) * STRIDE, np.int64),
        _aligned(BLOCK, np.int64),
        np.zeros((len(heads), words), dtype=np.int64),
        np.zeros(words + 2 * (border(reach) // 64), dtype=np.int64),
    )


def _aligned(count: int, kind: type[np.generic]) -> NDArray[Any]:
    """Return uninitialized memory aligned to cache lines."""
    size = count * np.dtype(kind).itemsize
    memory = np.empty(size + 64, dtype=np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(kind)

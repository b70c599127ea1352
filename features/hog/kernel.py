"""Compiled histograms of oriented gradients, as `galfeat.features.hog.reference` defines them."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.hog.kernel_blocks import L1, L1_SQRT, L2, L2_HYS, fill_blocks, sum_cells
from galfeat.features.hog.kernel_cells import EDGES_AT_ONCE, CellGrid, fill_cells
from galfeat.features.hog.reference import FLOOR
from galfeat.features.kernels.compiling import kernel
from galfeat.features.kernels.finite import any_bad

__all__ = ["CellGrid", "add_places", "oriented_histograms"]

_NORMS = {"L1": L1, "L1-sqrt": L1_SQRT, "L2": L2, "L2-Hys": L2_HYS}
_EXACT = {1: 1.0, 2: 0.0, 3: -1.0}  # cotangents of 45, 90 and 135 degrees
_VECTOR = 16  # float32 in the widest vector

# Magnitudes are squared in single precision. Images are scaled by 2**20; where the sum of a cell is
# then out of range, the image is measured again with a scale 2**50 larger or smaller, up to twice,
# which covers the range of single precision.
_START, _STEP, _TRIES = np.float32(2.0**20), np.float32(2.0**50), 3
_LOW, _HIGH = np.float32(1), np.float32(2.0**56)


def oriented_histograms(
    images: NDArray[np.float32],
    grid: CellGrid,
    block: tuple[int, int],
    norm: str,
    *,
    swap: bool = False,
    sign: int = 1,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the HOG vectors of images, and which images have bad pixels.

    Parameters
    ----------
    images : array of float32, shape (n, bands, ny, nx), C-contiguous
        Of several bands, each pixel takes the gradient of the one where it is largest.
    grid : CellGrid
    block : (int, int)
    norm : {"L1", "L1-sqrt", "L2", "L2-Hys"}
    swap, sign : bool, {1, -1}
        See the directions of the image mirrored (False, -1), turned by 90 degrees (True, -1), or
        both (True, 1); cells stay where they are.

    Returns
    -------
    vectors : array of float32, shape (n, block rows * block columns * by * bx * bins)
    flawed : array of bool, shape (n,)
    """
    n, bands, ny, nx = images.shape
    by, bx = block
    out = np.empty(
        (n, (grid.rows - by + 1) * (grid.columns - bx + 1) * by * bx * grid.bins), dtype=np.float32
    )
    flawed = np.empty(n, dtype=np.bool_)
    tables = _cotangents(grid.bins), _places(grid)
    pixels = images.reshape(n, bands, ny * nx).view()
    # one compiled version, whether the caller's array is writable or not
    pixels.flags.writeable = False
    _measure(
        pixels,
        grid,
        block,
        _NORMS[norm],
        swap,
        np.float32(sign),
        *tables,
        np.float32(FLOOR),
        out,
        flawed,
    )
    return out, flawed


@kernel()
def add_places(vectors: Any, places: Any, out: Any) -> None:
    """Add the values of each row of ``vectors`` at `places` to the same row of ``out``.

    Parameters
    ----------
    vectors : array of float32, shape (n, k)
    places : array of intp, shape (kept,)
    out : array of float32, shape (n, kept)
    """
    for row in range(len(out)):
        for i in range(len(places)):
            out[row, i] += vectors[row, np.uint64(places[i])]


@lru_cache(maxsize=32)
def _cotangents(bins: int) -> NDArray[np.float32]:
    inner = range(1, bins)
    count = -(-max(len(inner), 1) // EDGES_AT_ONCE) * EDGES_AT_ONCE
    cotangents = np.full(count, -np.inf, dtype=np.float32)
    cotangents[: len(inner)] = [
        _EXACT[4 * k // bins] if 4 * k % bins == 0 else 1 / np.tan(np.pi * k / bins) for k in inner
    ]
    cotangents.flags.writeable = False
    return cotangents


@lru_cache(maxsize=32)
def _places(grid: CellGrid) -> NDArray[np.uint32]:
    row = np.full(grid.nx, grid.columns * grid.bins, dtype=np.uint32)
    row[grid.left : grid.left + grid.columns * grid.cx] = (
        np.arange(grid.columns).repeat(grid.cx) * grid.bins
    )
    places = np.tile(row, grid.cy)
    places.flags.writeable = False
    return places


@kernel()
def _measure(
    images: Any,
    grid: Any,
    block: Any,
    norm: int,
    swap: bool,
    sign: Any,
    cotangents: Any,
    places: Any,
    floor: Any,
    out: Any,
    flawed: Any,
) -> None:
    count = grid.rows * grid.columns
    starts = (grid.rows - block[0]) * grid.columns + grid.columns - block[1] + 1
    # padded to whole vectors: remainder loops would take as long as the rest
    tried = -(-starts // _VECTOR) * _VECTOR
    length = tried + block[0] * grid.columns + block[1]
    # rows a power of two apart would map to the same sets of the cache
    work = np.empty((7, len(places) + 3 * _VECTOR), np.float32)
    table = np.empty((grid.columns + 1) * grid.bins, np.float64)
    cells = np.empty(count * grid.bins, np.float32)
    by_bin, sums = np.zeros((grid.bins, length), np.float32), np.zeros((2, length), np.float32)
    factors = np.empty((2, tried), np.float32)
    clean = np.empty(images.shape[1:], np.float32)
    for row in range(len(images)):
        holes = any_bad(images[row].reshape(-1).view(np.int32))
        flawed[row] = holes
        scale = _START
        for _ in range(_TRIES):
            small = min(scale, np.float32(1))
            if holes or small < 1:
                _clean(images[row].reshape(-1), small, clean.reshape(-1))
            image = clean if holes or small < 1 else images[row]
            fill_cells(
                image,
                holes,
                max(scale, np.float32(1)),
                grid,
                swap,
                sign,
                cotangents,
                places,
                work,
                table,
                cells,
            )
            largest = sum_cells(cells, by_bin, sums[0], sums[1])
            if largest < _LOW:
                scale *= _STEP
            elif not largest <= _HIGH:
                scale /= _STEP
            else:
                break
        least = floor * largest * np.float32(block[0] * block[1])
        fill_blocks(
            cells,
            by_bin,
            sums[0],
            sums[1],
            grid,
            block,
            norm,
            least,
            factors[0],
            factors[1],
            out[row],
        )


@kernel()
def _clean(pixels: Any, factor: Any, out: Any) -> None:
    for i in range(len(out)):
        pixel = pixels[i]
        out[i] = pixel * factor if np.isfinite(pixel) else np.float32(np.nan)

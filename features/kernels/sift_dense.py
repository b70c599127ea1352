"""SIFT descriptors on a grid: upright, of one size, with a flat window.

The loops run over whole images with rows of one length, a multiple of 16 values. A gradient is split between the two of the eight
directions beside it: the one along an axis and the one along a diagonal. Opposite directions share a plane, as positive and
negative values, until the cells are summed.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel

__all__ = ["describe_grid", "grid_centres"]

_LANES = 16
_EXPONENT = np.int32(0x7F800000)  # all ones in float32 that are infinite or no number
_ROUNDING = np.float32(2.0**-20)  # of a pixel's value: gradients below are rounding of the blur
_TINY = np.float32(1e-20)
_TOP_UP = np.float32(4.0)  # a cell with holes counts up to so many times what its good gradients sum to


def grid_centres(length: int, step: int) -> NDArray[np.int64]:
    """Return the centres of a grid along one axis: as many as steps fit, with as much room before as behind.

    Examples
    --------
    >>> grid_centres(32, 8)
    array([ 4, 12, 20, 28])
    """
    count = max(1, length // step)
    return (length - (count - 1) * step) // 2 + step * np.arange(count, dtype=np.int64)


def describe_grid(
    planes: NDArray[np.float32], step: int, size: float, blur: float, least: float
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Describe the gradients around each point of a grid.

    Parameters
    ----------
    planes : array of float32, shape (m, ny, nx), C-contiguous
        Pixels that are not finite are bad. Their sky should be near zero: a large constant costs precision.
    step : int
        Distance of the grid's points, see `grid_centres`.
    size : float
        Width of each of the 4x4 cells around a point, at least 1 pixel.
    blur : float
        Standard deviation of the Gaussian that smooths the image first, pixels; 0 for none.
    least : float
        Least fraction of good gradients in the part of a point's window that lies in the image.

    Returns
    -------
    descriptors : array of uint8, shape (m, columns, rows, 128)
        The grid's columns first; of a descriptor first the cells' rows.
    made : array of bool, shape (m, columns, rows)
        Whether there is a descriptor: enough good gradients, and not all zero.
    """
    m, ny, nx = planes.shape
    taps = _gaussian(blur)
    reach = len(taps) - 1
    width = -(-(nx + 2 * reach) // _LANES) * _LANES
    starts_y, weights_y, cells_y = _cells(ny, step, size)
    starts_x, weights_x, cells_x = _cells(nx, step, size)
    descriptors = np.empty((m, len(cells_x), len(cells_y), 128), dtype=np.uint8)  # empty: fresh zeros are slow to touch
    made = np.empty(descriptors.shape[:3], dtype=np.bool_)
    _describe(
        planes.view(np.int32),
        planes,
        taps,
        _mirrored(ny, reach),
        _mirrored(nx, reach),
        np.int64(width),
        starts_y,
        weights_y,
        cells_y,
        starts_x,
        weights_x,
        cells_x,
        np.float32(least),
        descriptors,
        made,
    )
    return descriptors, made


@lru_cache(maxsize=16)
def _gaussian(blur: float) -> NDArray[np.float32]:
    """Return the weights of a Gaussian from its middle outwards, to 4 standard deviations, as OpenCV has them."""
    reach = np.arange(int(np.rint(4 * blur)) + 1)
    taps = np.exp(-0.5 * (reach / blur) ** 2) if blur > 0 else np.ones(1)
    return np.asarray(taps / (2 * taps.sum() - taps[0]), dtype=np.float32)


@lru_cache(maxsize=16)
def _mirrored(length: int, reach: int) -> NDArray[np.int64]:
    """Return where the pixels of a line lengthened at both ends come from: mirrored, the outermost not repeated."""
    return np.pad(np.arange(length, dtype=np.int64), reach, mode="reflect")


@lru_cache(maxsize=16)
def _cells(length: int, step: int, size: float) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Return first pixel and weights of each different cell along an axis, and which cells each point has.

    The weight falls linearly from a cell's centre to the centres of its neighbours. The outermost pixels have no gradient.
    Weights are padded with zeros to a multiple of 6.
    """
    middles = grid_centres(length, step)[:, None] + (np.arange(4) - 1.5) * size
    different, index = np.unique(middles, return_inverse=True)
    pixels = np.arange(length)
    weights = np.maximum(0, 1 - np.abs(pixels - different[:, None]) / size)
    weights[:, [0, -1]] = 0
    starts = (weights > 0).argmax(axis=1)
    longest = int((weights > 0).sum(axis=1).max())
    table = np.zeros((len(different), -(-longest // 6) * 6), dtype=np.float32)
    for row, start, given in zip(table, starts, weights, strict=True):
        part = given[start : start + len(row)]
        row[: len(part)] = part
    return starts.astype(np.int64), table, index.reshape(middles.shape).astype(np.int64)


@kernel()
def _describe(
    bits: Any,
    planes: Any,
    taps: Any,
    from_y: Any,
    from_x: Any,
    width: Any,
    starts_y: Any,
    weights_y: Any,
    cells_y: Any,
    starts_x: Any,
    weights_x: Any,
    cells_x: Any,
    least: Any,
    descriptors: Any,
    made: Any,
) -> None:
    m, ny, nx = planes.shape
    spare_y, spare_x = weights_y.shape[1], weights_x.shape[1]
    flat = ny * width
    padded = np.zeros((len(from_y), width), dtype=np.float32)
    first = np.zeros(flat, dtype=np.float32)
    smooth = np.zeros(flat, dtype=np.float32)
    along = np.zeros(flat, dtype=np.float32)
    across = np.zeros(flat, dtype=np.float32)
    half_a = np.zeros((ny, width), dtype=np.float32)
    half_b = np.zeros((ny, width), dtype=np.float32)
    flat_a, flat_b = half_a.reshape(-1), half_b.reshape(-1)
    halves = np.zeros((ny + spare_y, 4, width), dtype=np.float32)
    weight = np.ones(flat, dtype=np.float32)
    known = np.zeros((ny + spare_y, width), dtype=np.float32)
    known_rows = np.zeros((len(starts_y), width), dtype=np.float32)
    known_turned = np.zeros((nx + spare_x, len(starts_y)), dtype=np.float32)
    rows = np.zeros((len(starts_y), 8, width), dtype=np.float32)
    turned = np.zeros((nx + spare_x, len(starts_y) * 8), dtype=np.float32)
    cells = np.zeros((len(starts_x), len(starts_y) * 8), dtype=np.float32)
    inside = np.zeros((len(starts_x), len(starts_y)), dtype=np.float32)
    share = np.zeros((len(starts_x), len(starts_y)), dtype=np.float32)
    for column in range(len(starts_x)):
        for row in range(len(starts_y)):
            inside[column, row] = weights_x[column].sum() * weights_y[row].sum()
    for image in range(m):
        top = _top(bits[image].reshape(-1))
        flawed = top >= _EXPONENT
        if flawed:
            top = _good_top(bits[image].reshape(-1))
            _lay_out_good(bits[image], from_y, from_x, padded)
            _blur(padded.reshape(-1), taps, first, weight, width)
            _known(padded.reshape(-1), len(taps) - 1, width, known.reshape(-1)[:flat])
        _lay_out(bits[image], planes[image], from_y, from_x, _near_one(top), padded)
        _blur(padded.reshape(-1), taps, first, smooth, width)
        if flawed:
            _divide(smooth, weight)
        _differences(smooth, along, across, width)
        if flawed:
            _forget(along, across, known.reshape(-1)[:flat])
        _split(along, across, first)
        _axes(along, across, first, flat_a, flat_b)
        _put(half_a, 0, halves)
        _put(half_b, 2, halves)
        _diagonals(along, across, first, flat_a, flat_b)
        _put(half_a, 1, halves)
        _put(half_b, 3, halves)
        _sum_rows(halves, starts_y, weights_y, rows)
        _turn(rows.reshape((8 * len(rows), width)), turned)
        _sum(turned, starts_x, weights_x, cells)
        if flawed:
            _sum(known, starts_y, weights_y, known_rows)
            _turn(known_rows, known_turned)
            _sum(known_turned, starts_x, weights_x, share)
            _divide(share.reshape(-1), inside.reshape(-1))
            _top_up(cells, share)
        _gather(cells, cells_y, cells_x, descriptors[image], made[image])
        if flawed:
            _drop(inside, share, cells_y, cells_x, least, descriptors[image], made[image])


@kernel()
def _top(bits: Any) -> Any:
    """Return the largest size among the values, as the bits of float32; of a bad one if there is one."""
    top = np.int32(0)
    for i in range(len(bits)):
        top = max(top, np.int32(bits[i] & np.int32(0x7FFFFFFF)))
    return top


@kernel()
def _good_top(bits: Any) -> Any:
    top = np.int32(0)
    for i in range(len(bits)):
        size = np.int32(bits[i] & np.int32(0x7FFFFFFF))
        top = max(top, size if size < _EXPONENT else np.int32(0))
    return top


@kernel()
def _near_one(top: Any) -> Any:
    """Return the power of two that brings a value of these bits near one: exact, and no sum can overflow."""
    exponent = min(max(top >> np.int32(23), np.int32(1)), np.int32(253))
    return np.array([(np.int32(254) - exponent) << np.int32(23)], dtype=np.int32).view(np.float32)[0]


@kernel()
def _lay_out(bits: Any, plane: Any, from_y: Any, from_x: Any, scale: Any, padded: Any) -> None:
    """Fill the lengthened image; bad pixels are zero."""
    nx = plane.shape[1]
    reach = (len(from_x) - nx) // 2
    for y in range(len(from_y)):
        source = from_y[y]
        for x in range(nx):
            value = plane[source, x] * scale
            padded[y, reach + x] = value if (bits[source, x] & _EXPONENT) != _EXPONENT else np.float32(0)
        for x in range(reach):
            padded[y, x] = padded[y, reach + from_x[x]]
            padded[y, reach + nx + x] = padded[y, reach + from_x[reach + nx + x]]


@kernel()
def _lay_out_good(bits: Any, from_y: Any, from_x: Any, padded: Any) -> None:
    """Fill the lengthened image of which pixels are good: 1, otherwise 0."""
    nx = bits.shape[1]
    reach = (len(from_x) - nx) // 2
    for y in range(len(from_y)):
        source = from_y[y]
        for x in range(nx):
            padded[y, reach + x] = np.float32(1) if (bits[source, x] & _EXPONENT) != _EXPONENT else np.float32(0)
        for x in range(reach):
            padded[y, x] = padded[y, reach + from_x[x]]
            padded[y, reach + nx + x] = padded[y, reach + from_x[reach + nx + x]]


@kernel()
def _blur(padded: Any, taps: Any, scratch: Any, out: Any, width: Any) -> None:
    """Blur down the columns, then along the rows: row y, column x of the image comes to y * width + x."""
    reach = len(taps) - 1
    _blur_along(padded, taps, width, scratch)
    _blur_along(scratch, taps, 1, out[: len(out) - 2 * reach])


@kernel()
def _blur_along(values: Any, taps: Any, step: Any, out: Any) -> None:
    reach = len(taps) - 1
    count = len(out)
    _scaled(values[reach * step : reach * step + count], taps[0], out)
    tap = 1
    while tap + 2 <= reach:
        low, high = (reach - tap) * step, (reach + tap) * step
        _add_three(
            values[low : low + count],
            values[high : high + count],
            values[low - step : low - step + count],
            values[high + step : high + step + count],
            values[low - 2 * step : low - 2 * step + count],
            values[high + 2 * step : high + 2 * step + count],
            taps[tap],
            taps[tap + 1],
            taps[tap + 2],
            out,
        )
        tap += 3
    while tap <= reach:
        low, high = (reach - tap) * step, (reach + tap) * step
        _add_one(values[low : low + count], values[high : high + count], taps[tap], out)
        tap += 1


@kernel()
def _scaled(values: Any, tap: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] = tap * values[i]


@kernel()
def _add_one(a: Any, b: Any, tap: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] += tap * (a[i] + b[i])


@kernel()
def _add_three(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, near: Any, middle: Any, far: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i] += near * (a[i] + b[i]) + middle * (c[i] + d[i]) + far * (e[i] + f[i])


@kernel()
def _divide(values: Any, weights: Any) -> None:
    for i in range(len(values)):
        values[i] = values[i] / weights[i] if weights[i] > np.float32(1e-6) else np.float32(0)


@kernel()
def _differences(smooth: Any, along: Any, across: Any, width: Any) -> None:
    """Fill the differences along x and up the image (against y)."""
    count = len(smooth) - 2 * width
    _difference(smooth[width + 1 : width + 1 + count - 1], smooth[width - 1 :], smooth[width:], along[width : width + count - 1])
    _difference(smooth[:count], smooth[2 * width :], smooth[width:], across[width : width + count])


@kernel()
def _difference(more: Any, less: Any, middle: Any, out: Any) -> None:
    for i in range(len(out)):
        value = more[i] - less[i]
        out[i] = value if abs(value) > _ROUNDING * abs(middle[i]) else np.float32(0)


@kernel()
def _known(good: Any, reach: Any, width: Any, known: Any) -> None:
    """Fill where the four neighbours, which a gradient needs, are good: 1, otherwise 0."""
    count = len(known) - 2 * width
    middle = (reach + 1) * width + reach
    _products(good[middle - 1 :], good[middle + 1 :], good[middle - width :], good[middle + width :], known[width : width + count])


@kernel()
def _products(a: Any, b: Any, c: Any, d: Any, out: Any) -> None:
    for i in range(len(out) - 1):
        out[i] = a[i] * b[i] * c[i] * d[i]


@kernel()
def _forget(along: Any, across: Any, known: Any) -> None:
    for i in range(len(known)):
        along[i] *= known[i]
        across[i] *= known[i]


@kernel()
def _split(along: Any, across: Any, diagonal: Any) -> None:
    """Fill the part of each gradient that goes to the diagonal direction beside it.

    With t the smaller over the larger component, the part is sqrt(1 + t^2) arctan(t) 4 / pi, here as a polynomial (error 2e-6).
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
def _axes(along: Any, across: Any, diagonal: Any, horizontal: Any, vertical: Any) -> None:
    for i in range(len(along)):
        a, b = abs(along[i]), abs(across[i])
        large, small = max(a, b), min(a, b)
        t = small / (large if large > 0 else np.float32(1))
        rest = max(large * np.sqrt(np.float32(1) + t * t) - diagonal[i], np.float32(0))
        flat = a >= b
        horizontal[i] = np.copysign(rest, along[i]) if flat else np.float32(0)
        vertical[i] = np.float32(0) if flat else np.copysign(rest, across[i])


@kernel()
def _diagonals(along: Any, across: Any, diagonal: Any, rising: Any, falling: Any) -> None:
    for i in range(len(along)):
        same = (along[i] > 0) == (across[i] > 0)
        rising[i] = np.copysign(diagonal[i], along[i]) if same else np.float32(0)
        falling[i] = np.float32(0) if same else np.copysign(diagonal[i], across[i])


@kernel()
def _put(plane: Any, place: Any, halves: Any) -> None:
    """Put a plane between the others, row by row, so that sums run over long rows."""
    for y in range(len(plane)):
        for x in range(plane.shape[1]):
            halves[y, place, x] = plane[y, x]


@kernel()
def _sum_rows(halves: Any, starts: Any, weights: Any, rows: Any) -> None:
    """Sum the rows of each row of cells, and take opposite directions apart."""
    count = halves.shape[1] * halves.shape[2]
    values = halves.reshape((len(halves), count))
    sums = rows.reshape((2 * len(rows), count))
    for cell in range(len(rows)):
        for i in range(count):
            sums[2 * cell, i] = 0
            sums[2 * cell + 1, i] = 0
        for tap in range(0, weights.shape[1], 3):
            if weights[cell, tap] == 0:
                break  # the cell's part in the image is done
            _add_signed(values, starts[cell] + tap, weights[cell, tap], weights[cell, tap + 1], weights[cell, tap + 2], sums, 2 * cell)
        _part(sums, 2 * cell)


@kernel()
def _add_signed(values: Any, y: Any, a: Any, b: Any, c: Any, sums: Any, row: Any) -> None:
    """Add three rows to a row of sums, and their sizes to the next."""
    for i in range(values.shape[1]):
        p, q, r = values[y, i], values[y + 1, i], values[y + 2, i]
        sums[row, i] += a * p + b * q + c * r
        sums[row + 1, i] += a * abs(p) + b * abs(q) + c * abs(r)


@kernel()
def _part(sums: Any, row: Any) -> None:
    """From the sums of values and of their sizes make those of the positive and of the negative values."""
    for i in range(sums.shape[1]):
        signed, size = sums[row, i], sums[row + 1, i]
        sums[row, i] = max(size + signed, np.float32(0))
        sums[row + 1, i] = max(size - signed, np.float32(0))


@kernel()
def _turn(rows: Any, turned: Any) -> None:
    """Turn sums so that what belongs to a column of pixels stands side by side."""
    whole = len(rows) // 8 * 8
    for first in range(0, whole, 8):
        for x in range(min(len(turned), rows.shape[1])):
            for i in range(8):
                turned[x, first + i] = rows[first + i, x]
    for i in range(whole, len(rows)):
        for x in range(min(len(turned), rows.shape[1])):
            turned[x, i] = rows[i, x]


@kernel()
def _sum(values: Any, starts: Any, weights: Any, sums: Any) -> None:
    """Sum the rows of each cell."""
    for cell in range(len(sums)):
        for i in range(sums.shape[1]):
            sums[cell, i] = 0
        for tap in range(0, weights.shape[1], 6):
            if weights[cell, tap] == 0:
                break
            _add_rows(values, starts[cell] + tap, weights, tap, sums, cell)


@kernel()
def _add_rows(values: Any, y: Any, weights: Any, tap: Any, sums: Any, cell: Any) -> None:
    a, b, c = weights[cell, tap], weights[cell, tap + 1], weights[cell, tap + 2]
    d, e, f = weights[cell, tap + 3], weights[cell, tap + 4], weights[cell, tap + 5]
    for i in range(sums.shape[1]):
        near = a * values[y, i] + b * values[y + 1, i] + c * values[y + 2, i]
        sums[cell, i] += near + d * values[y + 3, i] + e * values[y + 4, i] + f * values[y + 5, i]


@kernel()
def _top_up(cells: Any, share: Any) -> None:
    """Count the good gradients of each cell for the bad ones too."""
    for column in range(len(cells)):
        for row in range(share.shape[1]):
            factor = np.float32(1) / max(share[column, row], np.float32(1) / _TOP_UP)
            for d in range(8):
                cells[column, 8 * row + d] *= factor


@kernel()
def _drop(inside: Any, share: Any, cells_y: Any, cells_x: Any, least: Any, descriptors: Any, made: Any) -> None:
    """Drop descriptors with too few good gradients."""
    for column in range(len(cells_x)):
        for row in range(len(cells_y)):
            good, whole = np.float32(0), np.float32(0)
            for x in cells_x[column]:
                for y in cells_y[row]:
                    whole += inside[x, y]
                    good += inside[x, y] * share[x, y]
            if good < least * whole:
                made[column, row] = False
                descriptors[column, row] = 0


@kernel()
def _gather(cells: Any, cells_y: Any, cells_x: Any, out: Any, made: Any) -> None:
    raw = np.empty(128, dtype=np.float32)
    for column in range(len(cells_x)):
        for row in range(len(cells_y)):
            for cy in range(4):
                y = 8 * cells_y[row, cy]
                for cx in range(4):
                    x = cells_x[column, cx]
                    for d in range(8):
                        raw[(cy * 4 + cx) * 8 + d] = cells[x, y + d]
            made[column, row] = _finish(raw, out[column, row])


@kernel()
def _finish(raw: Any, out: Any) -> bool:
    """Normalise, cut at 0.2, normalise again, and fill the bytes; return False if all is zero."""
    square = np.float32(0)
    for i in range(128):
        square += raw[i] * raw[i]
    if square < _TINY or square > np.float32(1) / _TINY:
        square = _rescaled(raw)
    if not square > 0:
        for i in range(128):
            out[i] = 0
        return False
    limit = np.float32(0.2) * np.sqrt(square)
    square = np.float32(0)
    for i in range(128):
        raw[i] = min(raw[i], limit)
        square += raw[i] * raw[i]
    factor = np.float32(512) / np.sqrt(square)
    for i in range(128):
        out[i] = np.uint8(np.int32(min(np.rint(raw[i] * factor), np.float32(255))))
    return True


@kernel()
def _rescaled(raw: Any) -> Any:
    """Divide by the sum, where squares would leave the range of float32, and return the sum of squares."""
    total = np.float32(0)
    for i in range(128):
        total += raw[i]
    square = np.float32(0)
    for i in range(128):
        raw[i] = raw[i] / total if total > 0 else np.float32(0)
        square += raw[i] * raw[i]
    return square

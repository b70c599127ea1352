"""Compiled search for extrema of the difference of Gaussians in position and scale."""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["BORDER", "FOUND", "enlarged", "extrema"]

BORDER = 5  # pixels around a plane that are not searched
# values of each extremum: row, column, layer, its subpixel offsets from them, and its difference of
# Gaussians
FOUND = 7
_STEPS = 5  # moves to a neighbor before an extremum is given up
_RUN = 512  # pixels tested together
_FAR = 1e9  # pixels: beyond, rounding to a whole number is not defined


@kernel()
def extrema(
    planes: Any,
    ny: int,
    nx: int,
    pitch: int,
    layers: int,
    contrast: float,
    edge: float,
    flags: Any,
    found: Any,
) -> tuple[int, Any]:
    """Find the extrema of one octave.

    Parameters
    ----------
    planes : array of float32, shape (layers + 2, ny * pitch)
        Differences of Gaussians.
    contrast : float
        Least absolute difference at the interpolated extremum.
    edge : float
        Largest ratio of the curvatures.
    flags : array of uint8, at least ny * pitch + 8, a multiple of 8
        Overwritten.
    found : array of float64, shape (any, FOUND)
        Taken for the extrema, which may be there twice; replaced by a larger one when full.

    Returns
    -------
    number, found
    """
    count = 0
    start, stop = BORDER * pitch, (ny - BORDER) * pitch
    marks = flags[: (stop - start + 7) // 8 * 8]
    words = marks.view(np.uint64)
    extremum = np.empty(FOUND, dtype=np.float64)
    for layer in range(1, layers + 1):
        words[-1] = 0
        _mark(
            marks,
            planes[layer - 1],
            planes[layer],
            planes[layer + 1],
            start,
            stop,
            pitch,
            np.float32(0.5 * contrast),
        )
        for word in range(len(words)):
            if words[word] == 0:
                continue
            for i in range(8 * word, 8 * word + 8):
                if marks[i] == 0:
                    continue
                y, x = BORDER + i // pitch, i % pitch
                if (
                    x < BORDER
                    or x >= nx - BORDER
                    or not _extreme(planes, layer, y * pitch + x, pitch)
                ):
                    continue
                if not _refine(
                    planes, ny, nx, pitch, layers, layer, y, x, contrast, edge, extremum
                ):
                    continue
                if count == len(found):
                    found = enlarged(found)
                for j in range(FOUND):
                    found[count, j] = extremum[j]
                count += 1
    return count, found


@kernel()
def _mark(
    marks: Any,
    below: Any,
    plane: Any,
    above: Any,
    start: int,
    stop: int,
    pitch: int,
    threshold: Any,
) -> None:
    for first in range(start, stop, _RUN):
        last = min(first + _RUN, stop)
        part = marks[first - start : last - start]
        here = plane[first:last]
        if _any_beyond(here, threshold):
            left, right = plane[first - 1 : last - 1], plane[first + 1 : last + 1]
            up, down = plane[first - pitch : last - pitch], plane[first + pitch : last + pitch]
            _mark_run(
                part, here, left, right, up, down, below[first:last], above[first:last], threshold
            )
        else:
            part[:] = 0


@kernel()
def _any_beyond(values: Any, threshold: Any) -> bool:
    beyond = np.int32(0)
    for i in range(len(values)):
        beyond |= np.int32(abs(values[i]) > threshold)
    return beyond != 0


@kernel()
def _mark_run(
    out: Any,
    here: Any,
    left: Any,
    right: Any,
    up: Any,
    down: Any,
    below: Any,
    above: Any,
    threshold: Any,
) -> None:
    """Mark what exceeds the threshold and its six nearest neighbors.

    Few pixels remain for the test of all neighbors.
    """
    for i in range(len(out)):
        v = here[i]
        top = (
            (v > threshold)
            & (v >= left[i])
            & (v >= right[i])
            & (v >= up[i])
            & (v >= down[i])
            & (v >= below[i])
            & (v >= above[i])
        )
        low = (
            (v < -threshold)
            & (v <= left[i])
            & (v <= right[i])
            & (v <= up[i])
            & (v <= down[i])
            & (v <= below[i])
            & (v <= above[i])
        )
        out[i] = np.uint8(top | low)


@kernel()
def _extreme(planes: Any, layer: int, at: int, pitch: int) -> bool:
    value = planes[layer, at]
    sign = np.float32(1.0) if value > 0 else np.float32(-1.0)
    value = abs(value)
    for k in range(layer - 1, layer + 2):
        for row in range(at - pitch, at + pitch + 1, pitch):
            for i in range(row - 1, row + 2):
                if sign * planes[k, i] > value:
                    return False
    return True


@kernel(fast=False)
def _refine(
    planes: Any,
    ny: int,
    nx: int,
    pitch: int,
    layers: int,
    layer: int,
    y: int,
    x: int,
    contrast: float,
    edge: float,
    out: Any,
) -> bool:
    """Fit a parabola in position and scale; move on where the extremum is nearer to a neighbor.

    The contrast and edge tests apply where it stays.
    """
    for _ in range(_STEPS):
        at = y * pitch + x
        middle, below, above = planes[layer], planes[layer - 1], planes[layer + 1]
        v = float(middle[at])
        dx = 0.5 * (float(middle[at + 1]) - middle[at - 1])
        dy = 0.5 * (float(middle[at + pitch]) - middle[at - pitch])
        ds = 0.5 * (float(above[at]) - below[at])
        dxx = float(middle[at + 1]) + middle[at - 1] - 2 * v
        dyy = float(middle[at + pitch]) + middle[at - pitch] - 2 * v
        dss = float(above[at]) + below[at] - 2 * v
        dxy = 0.25 * (
            float(middle[at + pitch + 1])
            - middle[at + pitch - 1]
            - middle[at - pitch + 1]
            + middle[at - pitch - 1]
        )
        dxs = 0.25 * (float(above[at + 1]) - above[at - 1] - below[at + 1] + below[at - 1])
        dys = 0.25 * (
            float(above[at + pitch]) - above[at - pitch] - below[at + pitch] + below[at - pitch]
        )
        a, b, c = dyy * dss - dys * dys, dxs * dys - dxy * dss, dxy * dys - dxs * dyy
        volume = dxx * a + dxy * b + dxs * c
        ox, oy, os = 0.0, 0.0, 0.0
        if volume != 0:
            ox = -(a * dx + b * dy + c * ds) / volume
            oy = -(b * dx + (dxx * dss - dxs * dxs) * dy + (dxy * dxs - dxx * dys) * ds) / volume
            os = -(c * dx + (dxy * dxs - dxx * dys) * dy + (dxx * dyy - dxy * dxy) * ds) / volume
        if abs(ox) < 0.5 and abs(oy) < 0.5 and abs(os) < 0.5:
            value = v + 0.5 * (dx * ox + dy * oy + ds * os)
            trace, area = dxx + dyy, dxx * dyy - dxy * dxy
            if abs(value) < contrast or trace * trace * edge >= (edge + 1) * (edge + 1) * area:
                return False
            out[0], out[1], out[2], out[3], out[4], out[5], out[6] = y, x, layer, oy, ox, os, value
            return True
        if not (abs(ox) < _FAR and abs(oy) < _FAR and abs(os) < _FAR):
            return False
        x += int(np.rint(ox))
        y += int(np.rint(oy))
        layer += int(np.rint(os))
        if (
            layer < 1
            or layer > layers
            or x < BORDER
            or x >= nx - BORDER
            or y < BORDER
            or y >= ny - BORDER
        ):
            return False
    return False


@kernel()
def enlarged(found: Any) -> Any:
    """Return an array twice as long that begins with this one."""
    larger = np.empty((2 * len(found), found.shape[1]), dtype=found.dtype)
    for i in range(len(found)):
        for j in range(found.shape[1]):
            larger[i, j] = found[i, j]
    return larger

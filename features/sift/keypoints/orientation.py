"""Compiled gradients of a plane, and the dominant directions around a keypoint."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["BINS", "DIRECTIONS", "directions", "gradients"]

BINS = 36  # of the histogram of directions
DIRECTIONS = 8  # a turn: the unit of the gradients' angles, which are the bins of a descriptor

_SPREAD = 1.5  # sigma of the histogram's window, in sigmas of the keypoint
_REACH = 4.5  # its half-width, in the same
_PEAK = 0.8  # least height of a further peak, relative to the highest


@kernel()
def gradients(plane: Any, start: int, stop: int, pitch: int, sizes: Any, angles: Any) -> None:
    """Compute the central differences of the flat pixels from `start` to `stop`.

    Twice the gradient's magnitude, and its angle in eighths of a turn, from the x axis toward
    smaller y, 0 to 8. `plane` extends one row further on either side.
    """
    left, right = plane[start - 1 : stop - 1], plane[start + 1 : stop + 1]
    up, down = plane[start - pitch : stop - pitch], plane[start + pitch : stop + pitch]
    _polar(sizes[start:stop], angles[start:stop], left, right, up, down)


@kernel()
def _polar(sizes: Any, angles: Any, left: Any, right: Any, up: Any, down: Any) -> None:
    zero, one, two, four, eight = (
        np.float32(0),
        np.float32(1),
        np.float32(2),
        np.float32(4),
        np.float32(8),
    )
    c0, c1, c2 = np.float32(1.27321056), np.float32(-0.423508883), np.float32(0.246424945)
    c3, c4, c5 = np.float32(-0.148241977), np.float32(0.0670352114), np.float32(-0.0149219693)
    for i in range(len(sizes)):
        x, y = right[i] - left[i], up[i] - down[i]
        ax, ay = abs(x), abs(y)
        large, small = max(ax, ay), min(ax, ay)
        t = small / (large if large > zero else one)
        u = t * t
        # the arc tangent in units of 45 degrees, by the polynomial of least error, 1e-4 degrees
        far = c3 + u * (c4 + u * c5)
        a = t * (c0 + u * (c1 + u * (c2 + u * far)))
        a = two - a if ay > ax else a
        a = four - a if x < zero else a
        angles[i] = eight - a if y < zero else a
        sizes[i] = math.sqrt(x * x + y * y)


@kernel()
def directions(
    sizes: Any,
    angles: Any,
    ny: int,
    nx: int,
    pitch: int,
    y: int,
    x: int,
    scale: float,
    work: Any,
    peaks: Any,
) -> int:
    """Return how many dominant directions a keypoint of sigma `scale` at pixel (y, x) has.

    `peaks` takes them, in bins of 10 degrees. `work` takes `BINS` + 5 numbers and the longer side.
    """
    reach = min(int(np.rint(_REACH * scale)), max(ny, nx))
    counts, weights = work[: BINS + 4], work[BINS + 4 : BINS + 5 + reach]
    counts[:] = 0
    narrow = -0.5 / (_SPREAD * scale) ** 2
    for i in range(reach + 1):
        weights[i] = math.exp(narrow * i * i)
    first, last = max(x - reach, 1), min(x + reach, nx - 2)
    for row in range(max(y - reach, 1), min(y + reach, ny - 2) + 1):
        at = row * pitch
        _count(
            sizes[at + first : at + last + 1],
            angles[at + first : at + last + 1],
            first - x,
            weights,
            weights[abs(row - y)],
            counts,
        )
    _smooth(counts)
    return _find_peaks(counts, peaks)


@kernel()
def _count(sizes: Any, angles: Any, offset: int, weights: Any, weight: Any, counts: Any) -> None:
    half, bins = np.float32(0.5), np.float32(BINS / DIRECTIONS)
    for i in range(len(sizes)):
        place = np.uint32(angles[i] * bins + half)
        counts[place] += weight * weights[abs(offset + i)] * sizes[i]


@kernel()
def _smooth(counts: Any) -> None:
    """Smooth a circular histogram by (1, 4, 6, 4, 1) / 16.

    The last of the bins counted, 360 degrees, is the first.
    """
    counts[0] += counts[BINS]
    before, last = counts[BINS - 2], counts[BINS - 1]
    first, second = counts[0], counts[1]
    for i in range(BINS):
        here = counts[i]
        after = counts[i + 1] if i + 1 < BINS else first
        beyond = counts[i + 2] if i + 2 < BINS else (first if i + 2 == BINS else second)
        counts[i] = (
            np.float32(0.0625) * (before + beyond)
            + np.float32(0.25) * (last + after)
            + np.float32(0.375) * here
        )
        before, last = last, here


@kernel()
def _find_peaks(counts: Any, peaks: Any) -> int:
    highest = counts[0]
    for i in range(1, BINS):
        highest = max(highest, counts[i])
    number = 0
    for i in range(BINS):
        left, here, right = (
            counts[i - 1 if i else BINS - 1],
            counts[i],
            counts[i + 1 if i + 1 < BINS else 0],
        )
        if here > left and here > right and here >= np.float32(_PEAK) * highest:
            place = i + np.float32(0.5) * (left - right) / (left - 2 * here + right)
            peaks[number] = (
                place + BINS if place < 0 else (place - BINS if place >= BINS else place)
            )
            number += 1
    return number

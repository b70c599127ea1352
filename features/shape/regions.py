"""Connected regions of a plane, corners touching."""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["brightest", "component_areas", "grow"]


_TAKEN = 2  # a pixel that is in the region already


@kernel()
def grow(above: Any, y: Any, x: Any, region: Any) -> Any:
    """Set ``region`` on the pixels connected to (y, x) among those ``above``; return how many.

    Parameters
    ----------
    above, region : array of uint8, shape (ny, nx)
    y, x : int
        A pixel that is above.
    """
    ny, nx = above.shape
    wide = nx + 2
    framed = np.zeros((ny + 2) * wide, np.uint8)
    for i in range(ny):
        framed[(i + 1) * wide + 1 : (i + 1) * wide + 1 + nx] = above[i]
    waiting = np.empty(ny * nx, np.int32)
    waiting[0] = (y + 1) * wide + x + 1
    framed[waiting[0]] = _TAKEN
    left, count = 1, 0
    while left:
        left -= 1
        at = np.int64(waiting[left])
        count += 1
        for row in range(-1, 2):
            start = at + row * wide - 1
            for place in range(start, start + 3):
                if framed[np.uint64(place)] == 1:
                    framed[np.uint64(place)] = _TAKEN
                    waiting[left] = place
                    left += 1
    for i in range(ny):
        out, row_of = region[i], framed[(i + 1) * wide + 1 : (i + 1) * wide + 1 + nx]
        for j in range(nx):
            out[j] = row_of[j] == _TAKEN
    return count


@kernel()
def brightest(image: Any) -> Any:
    """Return the row and column of the first brightest pixel."""
    ny, nx = image.shape
    best, where = image[0, 0], 0
    for y in range(ny):
        row = image[y]
        for x in range(nx):
            if row[x] > best:
                best, where = row[x], y * nx + x
    return where // nx, where % nx


@kernel(inline=True)
def _root(parent: Any, i: Any) -> Any:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel()
def component_areas(values: Any, order: Any, places: Any, shape: Any, start: Any) -> Any:
    """Follow connected regions while the threshold falls from pixel to pixel.

    Parameters
    ----------
    values : array of float32, shape (n,)
        Brightness of pixels.
    order : array of int32, shape (n,)
        Places of the pixels in ascending brightness.
    places : array of int32, shape (n,)
        ``y * nx + x`` of each pixel.
    shape : (int, int)
        Of the image (ny, nx).
    start : int
        The number of a pixel whose region alone is followed, or -1.

    Returns
    -------
    largest, second : array of int32, shape (n,)
        Areas of the two largest regions of pixels not fainter than the k-th faintest; 0 where a
        region is followed.
    areas : array of int32, shape (n,)
        Area of the region of ``start``.
    light : array of float64, shape (n,)
        The light in it.
    """
    n = len(values)
    ny, nx = shape
    wide = nx + 2
    owner = np.full((ny + 2) * wide, -1, np.int32)
    parent = np.arange(n).astype(np.int32)
    area, bright = np.ones(n, np.int32), np.empty(n, np.float64)
    having = np.zeros(n + 2, np.int32)  # regions of each area
    largest, second = np.zeros(n, np.int32), np.zeros(n, np.int32)
    areas, light = np.zeros(n, np.int32), np.zeros(n, np.float64)
    first, next_one = 0, 0
    steps = np.array((-wide - 1, -wide, -wide + 1, -1, 1, wide - 1, wide, wide + 1))
    begin = -1 if start < 0 else (places[start] // nx + 1) * wide + places[start] % nx + 1
    for k in range(n - 1, -1, -1):
        i = order[k]
        at = (places[i] // nx + 1) * wide + places[i] % nx + 1
        owner[at] = i
        bright[i] = values[i]
        having[1] += 1
        here = i
        for near in range(8):
            other = owner[at + steps[near]]
            if other < 0:
                continue
            there = parent[other]
            if there == here:
                continue
            there = _root(parent, there)
            if there == here:
                continue
            if area[there] > area[here]:
                here, there = there, here
            having[area[here]] -= 1
            having[area[there]] -= 1
            parent[there] = here
            area[here] += area[there]
            bright[here] += bright[there]
            having[area[here]] += 1
        if begin >= 0:
            if owner[begin] >= 0:
                main = _root(parent, start)
                areas[k], light[k] = area[main], bright[main]
            continue
        if area[here] >= first:
            if having[first] > 0:  # another region is still as large as the largest was
                next_one = max(next_one, first)
            first = area[here]
        else:
            next_one = max(next_one, area[here])
        if having[first] > 1:
            next_one = first
        else:
            next_one = min(next_one, first - 1)
            while next_one > 0 and having[next_one] == 0:
                next_one -= 1
        largest[k], second[k] = first, next_one
    for k in range(1, n):  # pixels of one brightness come at once
        if values[order[k]] == values[order[k - 1]]:
            largest[k], second[k] = largest[k - 1], second[k - 1]
            areas[k], light[k] = areas[k - 1], light[k - 1]
    return largest, second, areas, light

"""Connected regions of a plane, corners touching."""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel

__all__ = ["areas_of_regions", "brightest", "grow", "region_of_peak", "take_region"]

_NEIGHBORS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # in a circle


def _groups() -> Any:
    """Return, for each set of neighbors (bits), their number of groups and a member of each.

    Neighbors that touch each other are one group, so a pixel joins no more regions than groups.
    """
    table = np.zeros((256, 5), np.int32)
    for bits in range(256):
        group = list(range(8))
        for i in range(8):
            for j in range(i):
                touch = max(abs(p - q) for p, q in zip(_NEIGHBORS[i], _NEIGHBORS[j], strict=True))
                if bits >> i & 1 and bits >> j & 1 and touch == 1:
                    group = [group[j] if each == group[i] else each for each in group]
        members = sorted({group[i] for i in range(8) if bits >> i & 1})
        table[bits, 0] = len(members)
        table[bits, 1 : 1 + len(members)] = [group.index(each) for each in members]
    return table


_GROUPS = _groups()


@kernel()
def take_region(above: Any, y: Any, x: Any, runs: Any, count: Any) -> Any:
    """Take a region out of ``above``: set it to zero there, and append its runs along rows.

    Parameters
    ----------
    above : array of uint8, shape (ny, nx)
        1 on the pixels of regions.
    y, x : int
        A pixel that is above.
    runs : array of int32, shape (m, 3)
        Row, first column and the column after the last; ``ny * (nx + 1) // 2`` hold any region.
    count : int
        Runs that are there already.

    Returns
    -------
    count : int
        Runs that are there now.
    pixels : int
        Of the region.
    """
    ny, nx = above.shape
    flat = above.reshape(-1)
    at = y * nx
    first, last = x, x + 1
    while first > 0 and flat[np.uint64(at + first - 1)]:
        first -= 1
    while last < nx and flat[np.uint64(at + last)]:
        last += 1
    for i in range(at + first, at + last):
        flat[np.uint64(i)] = 0
    runs[count, 0], runs[count, 1], runs[count, 2] = y, first, last
    here, pixels = count, 0
    count += 1
    while here < count:
        row, first, last = runs[here, 0], runs[here, 1], runs[here, 2]
        pixels += last - first
        here += 1
        for side in range(2):
            near = row + (1 if side else -1)
            if not 0 <= near < ny:
                continue
            at = np.int64(near) * nx
            i, end = at + max(first - 1, 0), at + min(last + 1, nx)
            while i < end:
                if not flat[np.uint64(i)]:
                    i += 1
                    continue
                start = i
                while start > at and flat[np.uint64(start - 1)]:
                    start -= 1
                while i < at + nx and flat[np.uint64(i)]:
                    i += 1
                for k in range(start, i):
                    flat[np.uint64(k)] = 0
                runs[count, 0], runs[count, 1], runs[count, 2] = near, start - at, i - at
                count += 1
    return count, pixels


@kernel()
def grow(above: Any, y: Any, x: Any, region: Any) -> Any:
    """Set ``region`` on the pixels connected to (y, x) among those ``above``; return how many.

    Parameters
    ----------
    above, region : array of uint8, shape (ny, nx)
        The region is taken out of ``above``.
    y, x : int
        A pixel that is above.
    """
    ny, nx = above.shape
    runs = np.empty((ny * (nx + 1) // 2 + 1, 3), np.int32)
    count, pixels = take_region(above, y, x, runs, 0)
    region[:] = 0
    for i in range(count):
        region[runs[i, 0], runs[i, 1] : runs[i, 2]] = 1
    return pixels


@kernel()
def brightest(image: Any) -> Any:
    """Return the row and column of the first brightest pixel."""
    ny, nx = image.shape
    bits = image.view(np.int32)
    best, row = np.int32(-0x7FFFFFFF), 0
    for y in range(ny):
        line, most = bits[y], np.int32(-0x7FFFFFFF)
        for x in range(nx):  # in the order of the floating-point numbers
            flip = np.int32(line[x] >> np.int32(31)) & np.int32(0x7FFFFFFF)
            key = np.int32(line[x] ^ flip)
            most = key if key > most else most
        if most > best:
            best, row = most, y
    top = image[row, 0]
    column = 0
    for x in range(nx):
        if image[row, x] > top:
            top, column = image[row, x], x
    return row, column


@kernel(inline=True)
def _root(parent: Any, i: Any) -> Any:
    while parent[np.uint64(i)] != i:
        parent[np.uint64(i)] = parent[np.uint64(parent[np.uint64(i)])]
        i = parent[np.uint64(i)]
    return i


@kernel(inline=True)
def _steps(wide: Any) -> Any:
    """Return the distances to the eight neighbors in a framed image, in a circle."""
    return np.array((-wide, 1 - wide, 1, wide + 1, wide, wide - 1, -1, -wide - 1))


@kernel(inline=True)
def _neighbors(owner: Any, at: Any, steps: Any) -> Any:
    """Return which neighbors of a pixel belong to regions, as bits."""
    bits = 0
    for k in range(8):
        bits |= (1 << k) if owner[np.uint64(at + steps[k])] >= 0 else 0
    return bits


@kernel(inline=True)
def _roots_beside(parent: Any, owner: Any, at: Any, i: Any, steps: Any, roots: Any) -> Any:
    """Add pixel ``i`` at a place, fill ``roots`` with the regions beside it, and return how many.

    There are at most four; none is there twice.
    """
    bits = _neighbors(owner, at, steps)
    owner[np.uint64(at)] = i
    count = 0
    for group in range(1, _GROUPS[bits, 0] + 1):
        root = _root(parent, owner[np.uint64(at + steps[_GROUPS[bits, group]])])
        known = False
        for k in range(count):
            known |= roots[k] == root
        if not known:
            roots[count] = root
            count += 1
    return count


@kernel()
def _join_equals(values: Any, order: Any, one: Any, two: Any) -> None:
    """Give pixels of one brightness, which come at once, what the faintest threshold gives."""
    for k in range(1, len(order)):
        if values[order[k]] == values[order[k - 1]]:
            one[k], two[k] = one[k - 1], two[k - 1]


@kernel()
def _framed(places: Any, nx: Any) -> Any:
    """Return the places ``y * nx + x`` in an image with a frame one pixel wide."""
    out = np.empty(len(places), np.int32)
    end, more = nx, nx + 3
    for i in range(len(places)):
        while places[i] >= end:
            end += nx
            more += 2
        out[i] = places[i] + more
    return out


@kernel()
def region_of_peak(values: Any, order: Any, places: Any, shape: Any, peak: Any) -> Any:
    """Follow the region of the brightest pixel while the threshold falls from pixel to pixel.

    Parameters
    ----------
    values : array of float32, shape (n,)
        Brightness of pixels.
    order : array of int32, shape (n,)
        Places of the pixels in ascending brightness.
    places : array of int32, shape (n,)
        ``y * nx + x`` of each pixel, ascending.
    shape : (int, int)
        Of the image (ny, nx).
    peak : int
        The number of a brightest pixel.

    Returns
    -------
    areas : array of int32, shape (n,)
        Area of its region among the pixels not fainter than the k-th faintest.
    light : array of float64, shape (n,)
        The light in it.
    """
    n = len(values)
    owner, roots = np.full((shape[0] + 2) * (shape[1] + 2), -1, np.int32), np.empty(4, np.int32)
    steps, at = _steps(shape[1] + 2), _framed(places, shape[1])
    parent = np.empty(n, np.int32)
    area, bright = np.empty(n, np.int32), np.empty(n, np.float64)
    areas, light = np.zeros(n, np.int32), np.zeros(n, np.float64)
    started = False
    for k in range(n - 1, -1, -1):
        i = order[k]
        parent[i], area[i], bright[i] = i, 1, values[i]
        count = _roots_beside(parent, owner, at[i], i, steps, roots)
        here = i
        for each in range(count):
            there = roots[each]
            if area[there] > area[here]:
                here, there = there, here
            parent[there] = here
            area[here] += area[there]
            bright[here] += bright[there]
        started = started or i == peak
        if started:
            main = _root(parent, peak)
            areas[k], light[k] = area[main], bright[main]
    _join_equals(values, order, areas, light)
    return areas, light


@kernel()
def areas_of_regions(values: Any, order: Any, places: Any, shape: Any) -> Any:
    """Follow all connected regions while the threshold falls from pixel to pixel.

    Parameters
    ----------
    values, places, shape
        See `region_of_peak`.
    order : array of int32, shape (m,)
        Of those pixels that count.

    Returns
    -------
    largest, second : array of int32, shape (m,)
        Areas of the two largest regions of the pixels not fainter than the k-th faintest.
    """
    n = len(order)
    owner, roots = np.full((shape[0] + 2) * (shape[1] + 2), -1, np.int32), np.empty(4, np.int32)
    steps, at = _steps(shape[1] + 2), _framed(places, shape[1])
    parent, area = np.empty(len(values), np.int32), np.empty(len(values), np.int32)
    having = np.zeros(n + 2, np.int32)  # regions of each area
    largest, second = np.zeros(n, np.int32), np.zeros(n, np.int32)
    first, next_one = 0, 0
    for k in range(n - 1, -1, -1):
        i = order[k]
        parent[i], area[i] = i, 1
        count = _roots_beside(parent, owner, at[i], i, steps, roots)
        having[1] += 1
        here = i
        for each in range(count):
            there = roots[each]
            if area[there] > area[here]:
                here, there = there, here
            having[area[here]] -= 1
            having[area[there]] -= 1
            parent[there] = here
            area[here] += area[there]
            having[area[here]] += 1
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
    _join_equals(values, order, largest, second)
    return largest, second

"""Lookup tables of the circles: positions of their points in flat arrays, and weights."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat.features.texture.lbp.reference import FINE, circle, positions

__all__ = [
    "BLOCK",
    "GROUPS",
    "GROUPS_END",
    "LENGTH",
    "LINES",
    "MIDDLE",
    "PIXELS",
    "PLANES",
    "PLANES_END",
    "POINTS",
    "RADIUS",
    "REACH",
    "REACH_END",
    "RING",
    "ROWS",
    "SLOTS",
    "SLOTS_END",
    "Tables",
    "block_of",
    "in_strips",
    "tables",
]

BLOCK = 264
"""Largest number of 64-pixel words in a block that is compared in strips.

An odd number of cache lines.
"""

ROWS = 3
"""Rows that are compared at once in strips."""

# words in a block otherwise, so that interpolated rows stay in the second-level cache
_FLAT = 128

# columns of `Tables.heads`: of each radius, points on the circle, pixels of an interpolated plane,
# the first of its slots whose nearer row is the lower one, its first rows in the other tables and
# the rows after its last, and the rows of a ring buffer
RADIUS, POINTS, LENGTH, MIDDLE = range(4)
GROUPS, PLANES, SLOTS, PIXELS, REACH, LINES = range(4, 10)
GROUPS_END, PLANES_END, SLOTS_END, _PIXELS_END, REACH_END, _LINES_END = range(10, 16)
RING = 16

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class Tables(NamedTuple):
    """Lookup tables of several circles, one radius after the other.

    Attributes
    ----------
    heads : (radii, 17) each radius, its number of points, length of an interpolated plane, and
        where its rows begin and end
    groups : (g, 3) offset of the left pixel, first plane, number of planes that are
        interpolated from the same pixels
    mixes : (planes, 2) weights of the slope and of the left pixel
    slots : (s,) points between pixels: place on the circle
    lines : (turns of each radius * s, `ROWS` + 1) where in the interpolated planes a
        point's rows begin, the upper one first; in strips the planes are rings of rows, and
        each turn has a table
    ratios : (s,) weight of the farther row, where that of the nearer is 1
    corners, weights : (s, 4) offsets and exact weights of the pixels that interpolate a point
    straights : (t,) points that are pixels: place on the circle of those to the right, below
        in the image, to the left, above
    reach : (r,) offsets of all pixels that a circle touches
    """

    heads: Ints
    groups: Ints
    mixes: Floats
    slots: Ints
    lines: Ints
    ratios: Floats
    corners: Ints
    weights: NDArray[np.float64]
    straights: Ints
    reach: Ints


def in_strips(width: int) -> bool:
    """Return whether rows `width` pixels apart are compared in strips of 64 columns.

    Then three rows are compared at a time.
    """
    return width % 64 == 0 and ROWS * (width // 64) <= BLOCK


def block_of(ny: int, width: int) -> int:
    """Return the number of words in a block.

    In strips, blocks are whole rows and of about the same size.
    """
    if not in_strips(width):
        return min(-(-ny * width // 64), _FLAT)
    across = width // 64
    most = BLOCK // across // ROWS * ROWS
    return -(-ny // -(-ny // most)) * across


@lru_cache(maxsize=64)
def tables(radii: tuple[int, ...], width: int, words: int) -> Tables:
    """Return the tables of circles of these radii, for planes and blocks of one size.

    The rows of the planes are `width` pixels apart; a block has `words` words. The tables are
    cached and shared: never write to them.
    """
    parts = [_one(radius, width, words) for radius in radii]
    firsts = np.zeros(6, dtype=np.int64)
    heads = []
    for radius, part in zip(radii, parts, strict=True):
        counts = [
            len(part.groups),
            len(part.mixes),
            len(part.slots),
            len(part.straights),
            len(part.reach),
            len(part.lines),
        ]
        stops = firsts + np.array(counts)
        middle = firsts[2] + int(part.heads[0, 0])
        heads.append(
            [
                radius,
                8 * radius,
                _length(radius, width, words),
                middle,
                *firsts,
                *stops,
                _ring(radius),
            ]
        )
        part.groups[:, 1] += firsts[1]
        firsts = stops
    joined = [np.concatenate(field) for field in list(zip(*parts, strict=True))[1:]]
    return Tables(np.array(heads, dtype=np.int64), *joined)


def _ring(radius: int) -> int:
    """Return the number of rows of a ring buffer, enough for the circles of `ROWS` rows."""
    return -(-(2 * radius + ROWS) // ROWS) * ROWS


def _length(radius: int, width: int, words: int) -> int:
    """Return the length of an interpolated plane, pixels.

    A ring buffer of rows, or the rows of a block with those above and below. Always an odd number
    of cache lines, so that planes do not fall on the same sets of the cache.
    """
    if in_strips(width):
        return 64 * _ring(radius) + 16
    return 64 * (words + (2 * radius * width + 127) // 64 + 1) + 16


def _one(radius: int, width: int, words: int) -> Tables:
    """Return the tables of one circle.

    Its head is the number of points whose upper row is the nearer.
    """
    places = positions(radius)
    between = [k for k, (y, x) in enumerate(places) if y % FINE or x % FINE]
    columns = sorted({places[k][1] for k in between})
    share = {
        places[k][1]: max(places[k][0] % FINE, FINE - places[k][0] % FINE) / FINE for k in between
    }
    # those whose upper row is the nearer come first
    between.sort(key=lambda k: 2 * (places[k][0] % FINE) > FINE)
    lower = [2 * (places[k][0] % FINE) > FINE for k in between]
    planes = np.array([columns.index(places[k][1]) for k in between]) * _length(
        radius, width, words
    )
    rows = np.array([places[k][0] // FINE + radius for k in between])
    fractions = [places[k][0] % FINE / FINE for k in between]
    lefts = [x // FINE for x in columns]
    groups = [(left, lefts.index(left), lefts.count(left)) for left in sorted(set(lefts))]
    offsets = [[_flat(offset, width) for offset in _corners(places[k])] for k in between]
    exact = [[circle(radius)[k].get(offset, 0) for offset in _corners(places[k])] for k in between]
    straights = [
        places.index((y * FINE, x * FINE))
        for y, x in ((0, radius), (radius, 0), (0, -radius), (-radius, 0))
    ]
    touched = {(0, 0)} | {offset for point in circle(radius) for offset in point}
    return Tables(
        np.array([[len(lower) - sum(lower)]], dtype=np.int64),
        np.array(groups, dtype=np.int64),
        np.array([(x % FINE / FINE * share[x], share[x]) for x in columns], dtype=np.float32),
        np.array(between, dtype=np.int64),
        _lines(planes, rows, radius, width),
        np.array([min(f, 1 - f) / max(f, 1 - f) for f in fractions], dtype=np.float32),
        np.array(offsets, dtype=np.int64),
        np.array(exact, dtype=np.float64),
        np.array(straights, dtype=np.int64),
        np.array(sorted(_flat(offset, width) for offset in touched), dtype=np.int64),
    )


def _lines(planes: Ints, rows: Ints, radius: int, width: int) -> Ints:
    """Return where the rows of each point's interpolated plane begin.

    `planes` are the positions of the planes, `rows` the first of the rows in each.
    """
    below = rows[:, None] + np.arange(ROWS + 1)
    if not in_strips(width):
        return np.asarray(planes[:, None] + below * width)
    ring = _ring(radius)
    above = ring - ROWS - 2 * radius  # rows more than needed
    turns = [
        planes[:, None] + (below + above + first) % ring * 64 for first in range(0, ring, ROWS)
    ]
    return np.concatenate(turns)


def _corners(place: tuple[int, int]) -> list[tuple[int, int]]:
    y, x = place[0] // FINE, place[1] // FINE
    return [(y, x), (y, x + 1), (y + 1, x), (y + 1, x + 1)]


def _flat(offset: tuple[int, int], width: int) -> int:
    return offset[0] * width + offset[1]

"""Where the points of the circles lie in flat arrays: the tables that the kernel of the binary patterns walks through."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat.features.plain.lbp import FINE, circle, positions

__all__ = ["BLOCK", "HEAD", "Tables", "tables"]

BLOCK = 128
"""Words of 64 pixels that are treated at a time: interpolated rows of a block stay in the processor's second cache."""

HEAD = 15
"""Numbers that describe one radius, in the order in which `tables` writes and the kernel reads them."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


class Tables(NamedTuple):
    """The points of several circles, one radius after the other.

    Attributes
    ----------
    heads : (radii, `HEAD`) each radius, its number of points, length of an interpolated plane, and where its rows begin and end
    groups : (g, 3) offset of the left pixel, first plane, number of planes that are interpolated from the same pixels
    mixes : (planes, 2) weights of the slope and of the left pixel
    points : (s, 2) points between pixels: offset of the upper of two interpolated rows; place on the circle
    ratios : (s,) weight of the farther row, where that of the nearer is 1
    corners, weights : (s, 4) offsets and exact weights of the pixels that interpolate a point
    straights : (t, 2) points that are pixels: offset; place on the circle
    reach : (r,) offsets of all pixels that a circle touches
    """

    heads: Ints
    groups: Ints
    mixes: Floats
    points: Ints
    ratios: Floats
    corners: Ints
    weights: NDArray[np.float64]
    straights: Ints
    reach: Ints


@lru_cache(maxsize=64)
def tables(radii: tuple[int, ...], width: int, words: int) -> Tables:
    """Return the tables of circles of these radii in images of so many words whose rows are `width` pixels apart.

    They are shared: never write to them.
    """
    parts = [_one(radius, width, words) for radius in radii]
    firsts = np.zeros(5, dtype=np.int64)
    heads = []
    for radius, part in zip(radii, parts, strict=True):
        stops = firsts + np.array([len(part.groups), len(part.mixes), len(part.points), len(part.straights), len(part.reach)])
        middle = firsts[2] + int(part.heads[0, 0])
        heads.append([radius, 8 * radius, _length(radius, width, words), middle, *firsts, *stops, 0])
        part.groups[:, 1] += firsts[1]
        firsts = stops
    joined = [np.concatenate(field) for field in list(zip(*parts, strict=True))[1:]]
    return Tables(np.array(heads, dtype=np.int64), *joined)


def _length(radius: int, width: int, words: int) -> int:
    """Return the pixels of an interpolated plane: a block, the rows above and below, rounded up.

    An odd number of cache lines, so that planes do not fall on the same part of the cache.
    """
    return 64 * (min(words, BLOCK) + (2 * radius * width + 127) // 64 + 1) + 16


def _one(radius: int, width: int, words: int) -> Tables:
    """Return the tables of one circle; its head is the number of points whose upper row is the nearer."""
    places = positions(radius)
    between = [k for k, (y, x) in enumerate(places) if y % FINE or x % FINE]
    columns = sorted({places[k][1] for k in between})
    share = {places[k][1]: max(places[k][0] % FINE, FINE - places[k][0] % FINE) / FINE for k in between}
    between.sort(key=lambda k: 2 * (places[k][0] % FINE) > FINE)  # those whose upper row is the nearer come first
    lower = [2 * (places[k][0] % FINE) > FINE for k in between]
    length = _length(radius, width, words)
    points = [(columns.index(places[k][1]) * length + (places[k][0] // FINE + radius) * width, k) for k in between]
    fractions = [places[k][0] % FINE / FINE for k in between]
    lefts = [x // FINE for x in columns]
    groups = [(left, lefts.index(left), lefts.count(left)) for left in sorted(set(lefts))]
    offsets = [[_flat(offset, width) for offset in _corners(places[k])] for k in between]
    exact = [[circle(radius)[k].get(offset, 0) for offset in _corners(places[k])] for k in between]
    straights = [(_flat((y // FINE, x // FINE), width), k) for k, (y, x) in enumerate(places) if k not in between]
    touched = {(0, 0)} | {offset for point in circle(radius) for offset in point}
    return Tables(
        np.array([[len(lower) - sum(lower)]], dtype=np.int64),
        np.array(groups, dtype=np.int64),
        np.array([(x % FINE / FINE * share[x], share[x]) for x in columns], dtype=np.float32),
        np.array(points, dtype=np.int64),
        np.array([min(f, 1 - f) / max(f, 1 - f) for f in fractions], dtype=np.float32),
        np.array(offsets, dtype=np.int64),
        np.array(exact, dtype=np.float64),
        np.array(straights, dtype=np.int64),
        np.array(sorted(_flat(offset, width) for offset in touched), dtype=np.int64),
    )


def _corners(place: tuple[int, int]) -> list[tuple[int, int]]:
    y, x = place[0] // FINE, place[1] // FINE
    return [(y, x), (y, x + 1), (y + 1, x), (y + 1, x + 1)]


def _flat(offset: tuple[int, int], width: int) -> int:
    return offset[0] * width + offset[1]

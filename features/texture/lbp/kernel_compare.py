"""Comparison of the pixels of a block with the points of their circles, 64 pixels a word.

A block's pixels begin at position `start` of the padded plane and are `many` words.
"""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.texture.lbp.tables import (
    GROUPS,
    GROUPS_END,
    LENGTH,
    LINES,
    MIDDLE,
    PIXELS,
    PLANES,
    RADIUS,
    RING,
    ROWS,
    SLOTS,
    SLOTS_END,
)
from galfeat.features.texture.lbp.vectors_compare import (
    compare_neighbors,
    compare_row,
    compare_three_rows,
    shift_words,
)
from galfeat.features.texture.lbp.vectors_interpolate import (
    interpolate_row,
    interpolate_three_rows,
)
from galfeat.features.texture.lbp.workspace import STRIDE

__all__ = ["compare_block", "compare_pixels", "compare_strips", "interpolate_block"]

# smaller differences are compared again; more than 2, since this code rounds differently from the
# vector code
_UNSURE = 4.0


@kernel(fast=False)
def compare_pixels(
    pixels: Any,
    words: Any,
    beyond: Any,
    k: Any,
    start: Any,
    many: Any,
    width: Any,
    heads: Any,
    straights: Any,
) -> None:
    """Set the words of the points that are pixels: right, below, left and above.

    A pixel is the left (upper) point of the circle around its right (lower) neighbor, so that one
    comparison, read both ways, serves two points.
    """
    radius, step, place = heads[k, RADIUS], np.int64(len(beyond) // 2), heads[k, PIXELS]
    down, back = np.int64(radius * width), np.int64(radius * width // 64 + 1)
    right, below = np.int64(straights[place] * STRIDE), np.int64(straights[place + 1] * STRIDE)
    left, above = np.int64(straights[place + 2] * STRIDE), np.int64(straights[place + 3] * STRIDE)
    # the words before the block, whose points the block's own comparisons then overwrite
    for first in range(-back, 0, many):
        number = np.int64(min(many, -first))
        compare_neighbors(
            pixels,
            np.int64(start + 64 * first),
            number,
            radius,
            down,
            words,
            right,
            below,
            beyond,
            np.int64(back + first),
            step,
        )
    compare_neighbors(pixels, start, many, radius, down, words, right, below, beyond, back, step)
    shift_words(beyond, back, many, radius, words, left)
    shift_words(beyond, np.int64(step + back), many, down, words, above)


@kernel(fast=False)
def interpolate_block(
    scaled: Any,
    planes: Any,
    k: Any,
    start: Any,
    many: Any,
    width: Any,
    heads: Any,
    groups: Any,
    mixes: Any,
) -> None:
    """Interpolate the rows of a block for each column of the circle."""
    rise, length = heads[k, RADIUS] * width, heads[k, LENGTH]
    top, count = start - rise, (64 * many + 2 * rise + 63) // 64 * 64
    for row in range(heads[k, GROUPS], heads[k, GROUPS_END]):
        plane = groups[row, 1]
        to = (plane - heads[k, PLANES]) * length
        interpolate_row(
            scaled,
            planes,
            np.int64(top + groups[row, 0]),
            np.int64(count),
            to,
            length,
            mixes,
            plane,
            groups[row, 2],
        )


@kernel(fast=False)
def compare_block(
    pixels: Any, scaled: Any, planes: Any, words: Any, counted: Any, k: Any, start: Any, many: Any,
    width: Any,
    heads: Any, slots: Any, lines: Any, ratios: Any, corners: Any, weights: Any,
) -> None:  # fmt: skip
    """Set the words of the points between pixels, from the interpolated rows of a block."""
    begin, middle, end, line = (
        heads[k, SLOTS],
        heads[k, MIDDLE],
        heads[k, SLOTS_END],
        heads[k, LINES],
    )
    for q in range(many):
        at, there, where = np.int64(start + 64 * q), np.int64(64 * q), np.int64(q)
        unsure = compare_row(
            scaled,
            at,
            width,
            planes,
            there,
            lines,
            line,
            slots,
            ratios,
            begin,
            middle,
            end,
            words,
            np.int64(STRIDE),
            where,
        )
        if unsure != 0 and counted[q] != 0:
            _repair(
                pixels,
                scaled,
                planes,
                words,
                k,
                at,
                there,
                np.int64(0),
                line,
                where,
                heads,
                slots,
                lines,
                ratios,
                corners,
                weights,
            )


@kernel(fast=False)
def compare_strips(
    pixels: Any, scaled: Any, planes: Any, words: Any, counted: Any, k: Any, start: Any, many: Any,
    width: Any,
    heads: Any, groups: Any, mixes: Any, slots: Any, lines: Any, ratios: Any, corners: Any,
    weights: Any,
) -> None:  # fmt: skip
    """Set the words of the points between pixels, in strips of 64 columns.

    Down a strip, a ring buffer of interpolated rows stays in the first-level cache.
    """
    begin, middle, end, radius, ring = (
        heads[k, SLOTS],
        heads[k, MIDDLE],
        heads[k, SLOTS_END],
        heads[k, RADIUS],
        heads[k, RING],
    )
    one, past, length = heads[k, GROUPS], heads[k, GROUPS_END], heads[k, LENGTH]
    across, stride, none = width // 64, np.int64(STRIDE), np.int64(0)
    for strip in range(across):
        new, turn, to = (
            np.int64(start + 64 * strip - (ring - ROWS - radius) * width),
            np.int64(0),
            np.int64(0),
        )
        while to < 64 * (ring - ROWS):
            interpolate_three_rows(scaled, new, width, planes, to, length, groups, one, past, mixes)
            new, to = new + ROWS * width, to + 64 * ROWS
        for q in range(strip, many, ROWS * across):
            interpolate_three_rows(scaled, new, width, planes, to, length, groups, one, past, mixes)
            at, q1 = np.int64(new - radius * width), np.int64(q)
            new, to = (
                new + ROWS * width,
                to + 64 * ROWS if to + 64 * ROWS < 64 * ring else np.int64(0),
            )
            line = np.int64(heads[k, LINES] + turn * (end - begin))
            turn = turn + 1 if ROWS * (turn + 1) < ring else np.int64(0)
            q2, q3 = np.int64(q + across), np.int64(q + 2 * across)
            unsure = compare_three_rows(
                scaled,
                at,
                width,
                planes,
                none,
                lines,
                line,
                slots,
                ratios,
                begin,
                middle,
                end,
                words,
                stride,
                q1,
                q2,
                q3,
            )
            for r in range(ROWS if unsure != 0 else 0):
                below = np.int64(q + r * across)
                if (unsure >> r) & 1 and counted[below] != 0:
                    place = np.int64(at + r * width)
                    _repair(
                        pixels, scaled, planes, words, k, place, none, np.int64(r), line, below,
                        heads, slots, lines, ratios, corners, weights,
                    )  # fmt: skip


@kernel(fast=False)
def _repair(
    pixels: Any, scaled: Any, planes: Any, words: Any, k: Any, at: Any, there: Any, row: Any,
    line: Any, q: Any,
    heads: Any, slots: Any, lines: Any, ratios: Any, corners: Any, weights: Any,
) -> None:  # fmt: skip
    """Compare the circles of a word again, exactly, where float32 leaves the sign uncertain."""
    center, sizes = scaled[at : at + 64], np.empty(64, dtype=np.float32)
    first = heads[k, SLOTS]
    for point in range(first, heads[k, SLOTS_END]):
        upper, lower = (
            there + lines[line + point - first, row],
            there + lines[line + point - first, row + 1],
        )
        near, far = (upper, lower) if point < heads[k, MIDDLE] else (lower, upper)
        if not _any_unsure(
            center, planes[near : near + 64], planes[far : far + 64], ratios[point], sizes
        ):
            continue
        for part in range(0, 64, 16):
            if sizes[part : part + 16].min() < _UNSURE:
                below = _below(pixels, at + part, corners, weights, point)
                place = slots[point] * STRIDE + q
                words[place] = (words[place] & ~(np.int64(0xFFFF) << part)) | (below << part)


@kernel(fast=False)
def _any_unsure(center: Any, near: Any, far: Any, ratio: Any, sizes: Any) -> bool:
    """Store the absolute values of 64 differences; return whether the sign of any is uncertain."""
    unsure = np.int32(0)
    for i in range(64):
        sizes[i] = abs(ratio * far[i] + (near[i] - center[i]))
        unsure |= np.int32(sizes[i] < _UNSURE)
    return unsure != 0


@kernel(fast=False)
def _below(pixels: Any, at: Any, corners: Any, weights: Any, point: Any) -> Any:
    """Return, for 16 pixels, the bits of those that a point is below, by the definition."""
    below = np.int64(0)
    for i in range(16):
        total = 0.0
        for corner in range(4):
            total += weights[point, corner] * (
                np.float64(pixels[at + i + corners[point, corner]]) - np.float64(pixels[at + i])
            )
        below |= np.int64(total < 0) << i
    return below

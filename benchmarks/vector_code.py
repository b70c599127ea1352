"""Gain of the LLVM vector code over plain numba, kernel by kernel.

Run from the folder of the project, on a quiet machine (a minute of it compiles)::

    python benchmarks/vector_code.py

Each kernel is compiled twice: as it is, and from the same source with its LLVM vector code replaced
by the plain loops below, which do the same with the same arrays. Both must give the same result. A
round times one after the other; the median and quartiles of the rounds' ratios are printed.
Processor time is measured, so that other work on the machine disturbs less.
"""

# ruff: noqa: D103, PLR0913, ARG001 (the loops take the arguments of the vector code)

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))  # the files beside this one, wherever it is run from
from extractor_cases import LEVELS, LIMITS, SHAPES, STEP, galaxies
from machine import described

from galfeat.features.color import kernel as color
from galfeat.features.kernels import compiling
from galfeat.features.kernels.compiling import kernel
from galfeat.features.sift.dense import kernel as dense
from galfeat.features.sift.keypoints import detector
from galfeat.features.texture.lbp import kernel as lbp
from galfeat.features.texture.lbp import vectors_count

DIGITS, bits_set = vectors_count.DIGITS, vectors_count.bits_set
LONG_ENOUGH = 0.05  # seconds of one timing


# --- plain loops in place of features/texture/lbp/vectors_*.py


def bad_word(pixels: Any, at: Any) -> Any:
    word = np.int64(0)
    for i in range(64):
        word |= np.int64((pixels[at + i] & 0x7F800000) == 0x7F800000) << i
    return word


def interpolate_row(
    pixels: Any, planes: Any, start: Any, count: Any, to: Any, step: Any, mixes: Any, first: Any,
    number: Any,
) -> None:  # fmt: skip
    here, after = pixels[start : start + count], pixels[start + 1 : start + count + 1]
    for k in range(number):
        u, v, out = mixes[first + k, 0], mixes[first + k, 1], planes[to + k * step :][:count]
        for i in range(count):
            out[i] = u * (after[i] - here[i]) + v * here[i]


def interpolate_three_rows(
    pixels: Any, at: Any, width: Any, planes: Any, to: Any, step: Any, groups: Any, first: Any,
    stop: Any, mixes: Any,
) -> None:  # fmt: skip
    place = to
    for group in range(first, stop):
        for plane in range(groups[group, 1], groups[group, 1] + groups[group, 2]):
            u, v = mixes[plane, 0], mixes[plane, 1]
            for r in range(3):
                start = at + groups[group, 0] + width * r
                here, after = pixels[start : start + 64], pixels[start + 1 : start + 65]
                out = planes[place + 64 * r : place + 64 * r + 64]
                for i in range(64):
                    out[i] = u * (after[i] - here[i]) + v * here[i]
            place += step


def compare_neighbors(
    pixels: Any, at: Any, count: Any, right: Any, down: Any, below: Any, to_right: Any,
    to_down: Any, above: Any, other: Any, step: Any,
) -> None:  # fmt: skip
    for offset, to, back in ((right, to_right, other), (down, to_down, other + step)):
        for q in range(count):
            center = pixels[at + 64 * q : at + 64 * q + 64]
            point = pixels[at + 64 * q + offset : at + 64 * q + offset + 64]
            under, over = np.int64(0), np.int64(0)
            for i in range(64):
                under |= np.int64(point[i] < center[i]) << i
                over |= np.int64(center[i] < point[i]) << i
            below[to + q] = under
            above[back + q] = over


def shift_words(words: Any, at: Any, count: Any, offset: Any, into: Any, to: Any) -> None:
    first, bits = at - (offset >> 6), np.uint64(offset & 63)
    for q in range(count):
        here, before = np.uint64(words[first + q]), np.uint64(words[first + q - 1])
        into[to + q] = np.int64((here << bits) | (before >> np.uint64(1) >> (np.uint64(63) - bits)))


@kernel(inline=True)
def _row(
    pixels: Any, at: Any, planes: Any, there: Any, lines: Any, line: Any, r: Any, slots: Any,
    ratios: Any, first: Any, middle: Any, stop: Any, words: Any, stride: Any, where: Any,
) -> Any:  # fmt: skip
    unsure = np.int32(0)
    center = pixels[at : at + 64]
    for point in range(first, stop):
        upper = there + lines[line + point - first, r]
        lower = there + lines[line + point - first, r + 1]
        start, end = (upper, lower) if point < middle else (lower, upper)
        near, far = planes[start : start + 64], planes[end : end + 64]
        word, ratio = np.int64(0), ratios[point]
        for i in range(64):
            difference = ratio * far[i] + (near[i] - center[i])
            word |= np.int64(difference < 0) << i
            unsure |= np.int32(abs(difference) < np.float32(2))
        words[slots[point] * stride + where] = word
    return unsure


def compare_row(
    pixels: Any, at: Any, width: Any, planes: Any, there: Any, lines: Any, line: Any, slots: Any,
    ratios: Any, first: Any, middle: Any, stop: Any, words: Any, stride: Any, where: Any,
) -> Any:  # fmt: skip
    return _row(
        pixels, at, planes, there, lines, line, 0, slots, ratios, first, middle, stop, words,
        stride, where,
    )  # fmt: skip


def compare_three_rows(
    pixels: Any, at: Any, width: Any, planes: Any, there: Any, lines: Any, line: Any, slots: Any,
    ratios: Any, first: Any, middle: Any, stop: Any, words: Any, stride: Any, where: Any,
    where2: Any, where3: Any,
) -> Any:  # fmt: skip
    unsure = np.int32(0)
    for r, place in enumerate((where, where2, where3)):
        found = _row(
            pixels, at + r * width, planes, there, lines, line, r, slots, ratios, first, middle,
            stop, words, stride, place,
        )  # fmt: skip
        unsure |= np.int32(found << r)
    return unsure


# --- ... and of its vectors_count.py


def count_points(words: Any, stride: Any, points: Any, count: Any, digits: Any) -> None:
    rising, carry = np.zeros(count, np.int64), np.empty(count, np.int64)
    for k in range(DIGITS + 1):
        digits[k * stride : k * stride + count] = 0
    several = digits[DIGITS * stride : DIGITS * stride + count]
    for point in range(points):
        before = words[(point - 1) % points * stride :][:count]
        bits = words[point * stride : point * stride + count]
        for w in range(count):
            rise = bits[w] & ~before[w]
            several[w] |= rising[w] & rise
            rising[w] |= rise
            carry[w] = bits[w]
        largest, k = point + 1, 0
        while largest:
            digit = digits[k * stride : k * stride + count]
            for w in range(count):
                now = digit[w]
                digit[w] = now ^ carry[w]
                carry[w] &= now
            largest, k = largest >> 1, k + 1


@kernel(inline=True)
def _equal(digits: Any, stride: Any, count: Any, value: Any, counted: Any, length: Any) -> Any:
    even, odd = np.int64(0), np.int64(0)
    for w in range(count):
        found = counted[w]
        for k in range(1, length):
            found &= digits[k * stride + w] ^ (((value >> k) & 1) - 1)
        even += bits_set(found & ~digits[w])
        odd += bits_set(found & digits[w])
    return even + (odd << 32)


def count_equal(digits: Any, stride: Any, count: Any, value: Any, counted: Any) -> Any:
    return _equal(digits, stride, count, value, counted, 5)


def count_equal_large(digits: Any, stride: Any, count: Any, value: Any, counted: Any) -> Any:
    return _equal(digits, stride, count, value, counted, DIGITS)


# --- ... of features/sift/dense/kernel_vectors.py ------------------------------------------------


def sum_rows(
    values: Any, at: Any, step: Any, number: Any, weights: Any, first: Any, sums: Any, to: Any,
    count: Any,
) -> None:  # fmt: skip
    out = sums[to : to + count]
    out[:] = 0
    for k in range(number):
        weight, row = weights[first + k], values[at + k * step : at + k * step + count]
        for i in range(count):
            out[i] += weight * row[i]


def sum_signed_rows(
    values: Any, at: Any, step: Any, number: Any, weights: Any, first: Any, sums: Any, to: Any,
    count: Any, apart: Any,
) -> None:  # fmt: skip
    up, down = sums[to : to + count], sums[to + apart : to + apart + count]
    up[:] = 0
    down[:] = 0
    for k in range(number):
        weight, row = 2 * weights[first + k], values[at + k * step : at + k * step + count]
        for i in range(count):
            up[i] += weight * max(row[i], np.float32(0))
            down[i] += weight * max(-row[i], np.float32(0))


def blur_rows(
    values: Any, at: Any, step: Any, taps: Any, number: Any, out: Any, count: Any
) -> None:
    middle = values[at : at + count]
    for i in range(count):
        out[i] = taps[0] * middle[i]
    for k in range(1, number):
        weight, reach = taps[k], k * step
        before = values[at - reach : at - reach + count]
        after = values[at + reach : at + reach + count]
        for i in range(count):
            out[i] += weight * (before[i] + after[i])


def turn_blocks(
    rows: Any, at: Any, step: Any, turned: Any, to: Any, apart: Any, count: Any
) -> None:
    for x in range(count):
        for k in range(16):
            turned[to + x * apart + k] = rows[at + k * step + x]


def take_cells(
    cells: Any, width: Any, columns: Any, column: Any, rows: Any, row: Any, taken: Any
) -> None:
    for i in range(4):
        for j in range(4):
            start = columns[column + j] * width + 8 * rows[row + i]
            for d in range(8):
                taken[32 * i + 8 * j + d] = cells[start + d]


# --- ... of features/sift/keypoints/shares.py and features/kernels/words.py ----------------------


def add_shares(slots: Any, slot: Any, row: Any, column: Any, direction: Any, size: Any) -> None:
    out, one = slots[slot], np.float32(1)
    for k in range(8):
        share = size * (row if k // 2 % 2 else one - row)
        share *= column if k % 2 else one - column
        out[k] += share * (direction if k // 4 else one - direction)


def matches(codes: Any, at: Any, mask: Any, value: Any) -> Any:
    word = np.uint64(0)
    for i in range(64):
        word |= np.uint64((codes[at + np.uint64(i)] & mask) == value) << np.uint64(i)
    return word


# --- compiling both, and timing ------------------------------------------------------------------


def plain(*paths: str) -> ModuleType:
    """Return the last of some modules, compiled with the loops above; the others as it needs them.

    Parameters
    ----------
    *paths : str
        Modules below ``galfeat.features``, each before those that import it.
    """
    loops = {
        name: kernel()(value)
        for name, value in globals().items()
        if callable(value) and getattr(value, "__module__", "") == __name__ and name in _REPLACED
    }
    made: dict[str, ModuleType] = {}
    for path in paths:
        file = Path(compiling.__file__).parents[1] / f"{path.replace('.', '/')}.py"
        module = ModuleType(f"plain.{path}")
        module.__dict__.update(__file__=str(file), __name__=module.__name__)
        sys.modules[module.__name__] = module
        # the first run defines the kernels and imports; then names are replaced before any compiles
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), module.__dict__)
        replaced = {name: loops[name] for name in loops if name in module.__dict__}
        for earlier in made.values():
            for name in earlier.__all__:
                if name in module.__dict__:
                    replaced[name] = getattr(earlier, name)
        module.__dict__.update(replaced)
        made[path] = module
    return made[paths[-1]]


_REPLACED = frozenset(
    {
        *("bad_word", "interpolate_row", "interpolate_three_rows", "compare_neighbors"),
        *("compare_row", "compare_three_rows", "shift_words"),
        *("count_points", "count_equal", "count_equal_large"),
        *("sum_rows", "sum_signed_rows", "blur_rows", "turn_blocks", "take_cells"),
        *("add_shares", "matches"),
    }
)


def descriptors(module: Any, planes: Any) -> Any:
    """Return the descriptors of the keypoints of all planes, one after the other."""
    return np.concatenate([each[1] for each in module.detect_batch(planes, contrast=0.1)])


def kernels() -> Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any], float]]:
    """Return each kernel as it is, with plain loops, and how far their results may differ."""
    compiling.enable_cache = lambda _: None  # the plain ones are not for the cache
    loops = SimpleNamespace(
        lbp=plain("texture.lbp.kernel_planes", "texture.lbp.kernel_compare", "texture.lbp.kernel"),
        dense=plain("sift.dense.kernel_gradients", "sift.dense.kernel_cells", "sift.dense.kernel"),
        detector=plain(
            "sift.keypoints.descriptor", "sift.keypoints.search", "sift.keypoints.detector"
        ),
        color=plain("color.kernel"),
    )
    radii, limits = (1, 2, 3), LIMITS
    return {
        "LBP, uniform, R = 1, 2, 3": (
            lambda planes: lbp.lbp(planes, radii),
            lambda planes: loops.lbp.lbp(planes, radii),
            0,
        ),
        "dense SIFT, step 8": (
            lambda planes: dense.describe_grid(planes, STEP, 12.0, 1.2, 0.5)[0],
            lambda planes: loops.dense.describe_grid(planes, STEP, 12.0, 1.2, 0.5)[0],
            1,
        ),
        "detected SIFT": (
            lambda planes: descriptors(detector, planes),
            lambda planes: descriptors(loops.detector, planes),
            1,
        ),
        "histogram, 32 bins": (
            lambda planes: color.fractions(planes, LEVELS, limits)[0],
            lambda planes: loops.color.fractions(planes, LEVELS, limits)[0],
            0,
        ),
    }


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def seconds(call: Callable[[Any], Any], planes: Any) -> float:
    """Return the processor time of one call, over as many as take long enough."""
    calls, start = 0, time.process_time()
    while (spent := time.process_time() - start) < LONG_ENOUGH:
        call(planes)
        calls += 1
    return spent / calls


def main() -> None:
    """Print a table of the gains."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="timings of either side")
    rounds, load = parser.parse_args().rounds, os.getloadavg()
    say("| kernel | shape | plain numba, us/plane | vector code, us/plane | gain |")
    say("| --- | --- | ---: | ---: | ---: |")
    for name, (vectors, loops, tolerance) in kernels().items():
        for shape, (n, bands, side) in SHAPES.items():
            planes = np.ascontiguousarray(galaxies(n, bands, side).reshape(-1, side, side))
            apart = np.abs(np.subtract(vectors(planes), loops(planes), dtype=np.float64)).max()
            assert apart <= tolerance, f"{name}: results differ by {apart}"
            both = np.array(
                [(seconds(loops, planes), seconds(vectors, planes)) for _ in range(rounds)]
            )
            slow, fast = np.median(both, axis=0) / len(planes) * 1e6
            low, middle, high = np.percentile(both[:, 0] / both[:, 1], (25, 50, 75))
            say(
                f"| {name} | {shape} | {slow:.1f} | {fast:.1f} | "
                f"**{middle:.2f}** ({low:.2f} to {high:.2f}) |"
            )
    say("\n" + described(("galfeat", "numpy", "numba", "llvmlite"), load))


if __name__ == "__main__":
    main()

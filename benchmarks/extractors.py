"""The extractors against the libraries that measure the same, in one process, one thread and two.

Run from the folder of the project, with ``pip install -e '.[bench]'``::

    # everything, to the standard output
    python benchmarks/extractors.py
    # and into docs/benchmarks.md
    python benchmarks/extractors.py --write
    python benchmarks/extractors.py --only hog,lbp --shapes 64x64x1 --rounds 15
    # on a busy machine: processor time instead of the wall clock
    python benchmarks/extractors.py --cpu
    # compiling from an empty cache, and the start of a warm process
    python benchmarks/extractors.py --compile

A round measures both sides one after the other, so whatever else the machine does falls on both;
the ratio is taken within a round, and its median and quartiles over rounds are what is reported.
``extractor_cases.py`` defines what is measured, ``machine.py`` describes the machine.
"""

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))  # the files beside this one, wherever it is run from
from extractor_cases import CASES, SHAPES, BenchmarkCase, galaxies, with_holes
from machine import described, write_between
from startup import startup_section
from threads import arithmetic_gain, gain

__all__ = ["Result", "measured", "table"]

PACKAGES = (
    "galfeat",
    "numpy",
    "numba",
    "scikit-image",
    "opencv-python-headless",
    "mahotas",
    "fast-histogram",
)
Clock = Callable[[], float]
# seconds of one measurement: far above the clock's steps, short enough to be interleaved
LONG_ENOUGH = 0.02


@dataclass(frozen=True)
class Result:
    """Ratios of one case at one shape, one a round.

    Parameters
    ----------
    case : BenchmarkCase
    shape : str
    ratios, with_holes : list of float
        The peer's time an image over ours; with 1 % NaN in ours.
    threads : list of float
        Our calls in the same time on two threads over those on one.
    rates : list of (float, float)
        The peer's and our images a second.
    """

    case: BenchmarkCase
    shape: str
    ratios: list[float] = field(default_factory=list)
    with_holes: list[float] = field(default_factory=list)
    threads: list[float] = field(default_factory=list)
    rates: list[tuple[float, float]] = field(default_factory=list)

    @property
    def misses(self) -> list[str]:
        """What is below what is required, in words."""
        found = {self.shape: self.ratios, f"{self.shape}, holes": self.with_holes}
        return [
            (
                f"{self.case.name} against {self.case.peer}, {key}: {np.median(found[key]):.3g} of "
                f"{least:g}"
            )
            for key, least in self.case.required.items()
            if found.get(key) and np.median(found[key]) < least
        ]


def measured(
    case: BenchmarkCase, shape: str, rounds: int, clock: Clock = time.perf_counter
) -> Result:
    """Measure one case at one shape by this clock; the gain of two threads by the wall clock."""
    images = galaxies(*SHAPES[shape])
    result = Result(case, shape)
    ready = [case.ready(image) for image in images]
    images = case.given(images)
    holes = with_holes(images) if case.holes else None
    few = ready[: max(1, int(LONG_ENOUGH / _first(lambda: case.theirs(ready[0]))))]
    again = 1 + int(LONG_ENOUGH / _first(lambda: case.ours(images)))

    def theirs() -> float:
        return _seconds(lambda: [case.theirs(each) for each in few], clock) / len(few)

    def ours(batch: Any) -> float:
        return _seconds(lambda: _repeat(case.ours, batch, again), clock) / (again * len(images))

    with ThreadPoolExecutor(2) as pool:
        gain(pool, case.ours, images)
        for _ in range(rounds):
            first, peer, second = ours(images), theirs(), ours(images)
            result.ratios.append(2 * peer / (first + second))
            result.rates.append((1 / peer, 2 / (first + second)))
            if holes is not None:
                result.with_holes.append(peer / ours(holes))
            result.threads.append(gain(pool, case.ours, images))
    return result


def table(results: Iterable[Result]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        (
            "| case | against | shape | theirs, images/s | ours, images/s | ratio | required | "
            "with 1 "
            "% NaN | required | two threads |"
        ),
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for result in results:
        theirs, ours = np.median(np.array(result.rates), axis=0)
        least = [
            f"{result.case.required[key]:g}" if key in result.case.required else ""
            for key in (result.shape, f"{result.shape}, holes")
        ]
        cells = [
            *(result.case.name, result.case.peer, result.shape, _rate(theirs), _rate(ours)),
            *(
                _spread(result.ratios),
                least[0],
                _spread(result.with_holes),
                least[1],
                _spread(result.threads),
            ),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def notes(cases: Sequence[BenchmarkCase]) -> str:
    """Return what differs between the two sides, as a list."""
    return "\n".join(f"- {case.name}, {case.peer}: {case.note}." for case in cases if case.note)


def _first(call: Callable[[], Any]) -> float:
    """Return about how long something takes that may have to be compiled first."""
    call()
    return _seconds(call, time.perf_counter)


def _seconds(call: Callable[[], Any], clock: Clock) -> float:
    start = clock()
    call()
    return clock() - start


def _repeat(call: Callable[[Any], Any], batch: Any, times: int) -> None:
    for _ in range(times):
        call(batch)


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"**{middle:.3g}** ({low:.3g} to {high:.3g})"


def _rate(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.0f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="The extractors against the libraries that measure the same."
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each case and shape")
    parser.add_argument(
        "--only",
        default="",
        metavar="A,B,...",
        help="cases and peers whose names contain one of these words",
    )
    parser.add_argument(
        "--shapes", default=",".join(SHAPES), metavar="A,B,...", help=f"out of {', '.join(SHAPES)}"
    )
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="count the thread's processor time, for machines that are busy with other work",
    )
    parser.add_argument(
        "--write", action="store_true", help="put the result into docs/benchmarks.md"
    )
    parser.add_argument(
        "--compile", action="store_true", help="measure compiling and starting instead"
    )
    chosen = parser.parse_args()
    if unknown := [shape for shape in chosen.shapes.split(",") if shape not in SHAPES]:
        parser.error(f"unknown shape {unknown[0]}; there are {', '.join(SHAPES)}")
    return chosen


def main() -> None:
    """Measure, print and perhaps write."""
    chosen = _arguments()
    load = os.getloadavg()
    # scikit-image warns of patterns in floating-point images, once an image
    warnings.simplefilter("ignore")
    if chosen.compile:
        name, body = "startup", startup_section()
    else:
        words = chosen.only.lower().split(",")
        cases = [
            case
            for case in CASES
            if any(word in f"{case.name} {case.peer}".lower() for word in words)
        ]
        cv2.setNumThreads(1)
        results = []
        with threadpool_limits(1):
            for case in cases:
                for shape in chosen.shapes.split(","):
                    results.append(
                        measured(
                            case,
                            shape,
                            chosen.rounds,
                            time.thread_time if chosen.cpu else time.perf_counter,
                        )
                    )
                    sys.stderr.write(
                        f"{case.name}, {case.peer}, {shape}: {_spread(results[-1].ratios)}\n"
                    )
            arithmetic = (
                f"Arithmetic that touches no memory gains {_spread(arithmetic_gain())} on two "
                "threads."
            )
        name, body = "extractors", f"{table(results)}\n\n{arithmetic}\n\n{notes(cases)}"
        for miss in (miss for result in results for miss in result.misses):
            sys.stderr.write(f"below what is required: {miss}\n")
    section = f"{described(PACKAGES, load)}\n\n{body}"
    sys.stdout.write(section + "\n")
    if chosen.write:
        write_between(name, section)


if __name__ == "__main__":
    main()

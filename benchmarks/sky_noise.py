"""Measure how right the estimates of the sky's noise are, as tables in Markdown.

``python benchmarks/sky_noise.py [REAL]``: simulated noise of several kinds, with a galaxy in the
middle and without, as medians over 100 cutouts; and the real images of the folder REAL against the
scatter of their empty pixels. The noise and the galaxies are those of
tests/data/preparation/test_sky_noise.py.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import module_of

from galfeat.data import Cutout, Preparation, prepare_each
from galfeat.data.preparation.background import sky_and_noise
from galfeat.data.preparation.sky_noise import CORRELATION_REACH, measure_sky

TESTS = Path(__file__).parents[1] / "tests/data/preparation/test_sky_noise.py"
CUTOUTS, PURE = 100, 60


def simulated(tests: Any, size: int) -> Iterator[str]:
    """Yield a row for each kind of noise: estimates over the true noise, and the correlation."""
    for kind, draw in tests.KINDS.items():
        rng = np.random.default_rng(size)
        pure = np.array([draw(size, rng, 0.0) for _ in range(PURE)])
        unit = 1.0 if kind == "jpeg" else float(pure.std())
        cells = []
        for galaxy in (0.0, 1.0):
            cutouts = [
                Cutout(
                    str(k),
                    draw(size, rng, galaxy * unit * tests.galaxy_light(size, rng))[None].astype(
                        np.float32
                    ),
                    ("r",),
                    picture=kind == "jpeg",
                )
                for k in range(CUTOUTS)
            ]
            for noise in ("differences", "sky"):
                skies = np.empty((CUTOUTS, 1, 4))
                prepare_each(cutouts, ("r",), Preparation(size, noise=noise), None, skies)  # type: ignore[arg-type]
                ratio = skies[:, 0, 1] / pure.std()
                cells.append(f"{np.median(ratio):.2f} ± {ratio.std():.2f}")
        rho = np.corrcoef(pure[:, :, 1:].ravel(), pure[:, :, :-1].ravel())[0, 1]
        yield f"| {kind} | {rho:.2f} | {np.median(skies[:, 0, 2]):.2f} | {' | '.join(cells)} |"


def real(tests: Any, folder: Path) -> Iterator[str]:
    """Yield a row for each image: estimates over the scatter of empty pixels."""
    for name, image in tests.real_planes(folder):
        expected, side = tests.empty_scatter(image), min(image.shape)
        top, left = ((length - side) // 2 for length in image.shape)
        square = np.ascontiguousarray(image[top : top + side, left : left + side])
        width = max(1, round(0.1 * side))
        frame = measure_sky(square, width, CORRELATION_REACH)
        whole = measure_sky(image, max(image.shape), CORRELATION_REACH)
        near = sky_and_noise(square, width)[1]
        ratios = [f"{each / expected:.3f}" for each in (near, frame.sigma, whole.sigma)]
        yield f"| {name} | {side} | {frame.rho_x:.2f} | {' | '.join(ratios)} |"


def main() -> None:
    """Write the tables to the standard output."""
    tests, lines = module_of(TESTS), list[str]()
    for size in (64, 32):
        lines += [
            f"\n{size} x {size} pixels\n",
            "| noise | true rho | measured | differences | sky | with galaxy: differences | sky |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *simulated(tests, size),
        ]
    for folder in sys.argv[1:]:
        lines += [
            "\n| image | side | rho | differences | sky | sky of the whole image |",
            "| --- | --- | --- | --- | --- | --- |",
            *real(tests, Path(folder)),
        ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

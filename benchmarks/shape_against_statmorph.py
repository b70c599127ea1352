"""Compare the speed of `galfeat.features.Shape` and of statmorph, as a table in Markdown.

``python benchmarks/shape_against_statmorph.py [N] [SIZE]``: N simulated galaxies of SIZE x SIZE
pixels in one band, one thread, time of the processor. Before each galaxy that statmorph measures,
`Shape` measures the batch, as its users do, and its median over all of these counts; both measure
the same source, which `Shape` also finds. What statmorph spends on its Sersic fit is told apart.
"""

import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))  # the files beside this one, wherever it is run from
from machine import described

from galfeat.data import Preparation, prepare, simulate
from galfeat.features import Shape


def main(count: int = 30, size: int = 64) -> None:
    """Measure and print."""
    import statmorph
    from astropy.modeling.fitting import LevMarLSQFitter

    fit_seconds = [0.0]
    fit = LevMarLSQFitter.__call__

    def timed(*args: Any, **settings: Any) -> Any:
        start = time.process_time()
        fitted = fit(*args, **settings)
        fit_seconds[0] += time.process_time() - start
        return fitted

    LevMarLSQFitter.__call__ = timed
    cutouts = simulate(count, size=size, seed=5, bands=["F814W"], noise="white")
    pixels = prepare(cutouts, Preparation(size=size)).pixels
    settings = (
        {"sersic": False, "details": False},  # what statmorph measures, and no more
        {"sersic": True, "details": False},
        {"sersic": True, "details": True},
    )
    shapes = [Shape(**each) for each in settings]
    segments = shapes[0].measure(pixels).segments
    use = (segments == 1).any((1, 2))
    pixels, segments = pixels[use], segments[use]
    load, found = os.getloadavg(), [[0.0] * 3 for _ in pixels]
    spent = [0.0, 0.0]
    for row, (image, segment) in enumerate(zip(pixels, segments, strict=True)):
        for place, shape in enumerate(shapes):
            start = time.process_time()
            shape.measure(pixels)
            found[row][place] = (time.process_time() - start) / len(pixels)
        light = np.sinh(image[0].astype(float))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start, before = time.process_time(), fit_seconds[0]
            statmorph.SourceMorphology(
                light, segment.astype(int), label=1, weightmap=np.ones(light.shape)
            )
            whole = time.process_time() - start
        spent[1] += whole / len(pixels)
        spent[0] += (whole - (fit_seconds[0] - before)) / len(pixels)
    ours = np.median(found, axis=0)
    say = sys.stdout.write
    say(described(("galfeat", "numpy", "numba", "statmorph", "photutils"), load) + "\n\n")
    say(f"| milliseconds a galaxy, {size} x {size}, {len(pixels)} galaxies ")
    say("| without the Sersic fit | with it | with details too |\n| --- | ---: | ---: | ---: |\n")
    say(f"| statmorph | {1e3 * spent[0]:.0f} | {1e3 * spent[1]:.0f} | |\n")
    say("| `Shape` | " + " | ".join(f"{1e3 * each:.2f}" for each in ours) + " |\n")
    say(f"| ratio | **{spent[0] / ours[0]:,.0f}** | **{spent[1] / ours[1]:,.0f}** | |\n")


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))

"""Compare the speed of `galfeat.features.Shape` and of statmorph, as a table in Markdown.

``python benchmarks/shape_against_statmorph.py [N] [SIZE]``: N simulated galaxies of SIZE x SIZE
pixels are measured by both in turn, galaxy by galaxy, in one thread; time is that of the processor.
Both measure the same source. The numbers of 300 galaxies are stored for the tests; see
tests/features/shape/make_statmorph_reference.py.
"""

import sys
import time
import warnings
from typing import Any

import numpy as np

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
    cutouts = simulate(count, size=size, seed=5, bands=["F814W"])
    pixels = prepare(cutouts, Preparation(size=size)).pixels
    plain = Shape(sersic=False, details=False)  # what statmorph measures, and no more
    fitting = Shape(details=False)
    segments = plain.measure(pixels).segments
    fitting.measure(pixels[:1])
    spent = {"statmorph": [0.0, 0.0], "Shape": [0.0, 0.0]}
    for image, segment in zip(pixels, segments, strict=True):
        if not (segment == 1).any():
            continue
        for place, shape in enumerate((plain, fitting)):
            each = []
            for _ in range(20):
                start = time.process_time()
                shape.measure(image[None])
                each.append(time.process_time() - start)
            spent["Shape"][place] += float(np.median(each))
        light = np.sinh(image[0].astype(float))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start, before = time.process_time(), fit_seconds[0]
            statmorph.SourceMorphology(
                light, segment.astype(int), label=1, weightmap=np.ones(light.shape)
            )
            whole = time.process_time() - start
        spent["statmorph"][1] += whole
        spent["statmorph"][0] += whole - (fit_seconds[0] - before)
    sys.stdout.write("| milliseconds a galaxy | without the Sersic fit | with it |\n")
    sys.stdout.write("| --- | --- | --- |\n")
    for name, (without, with_fit) in spent.items():
        sys.stdout.write(
            f"| {name} | {1e3 * without / count:.2f} | {1e3 * with_fit / count:.2f} |\n"
        )
    without, with_fit = (a / b for a, b in zip(*spent.values(), strict=True))
    sys.stdout.write(f"| ratio | {without:.0f} | {with_fit:.0f} |\n")


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))

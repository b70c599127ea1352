"""Compare errors of `galfeat.features.Shape` with the scatter of repeated exposures, in Markdown.

``python benchmarks/shape_errors.py [EXPOSURES] [SEED]``: disks of three signal-to-noise ratios, a
large faint one, a de Vaucouleurs profile whose skirts fill the image, and clumpy disks, in white
noise of 1. A number is the scatter over the root mean square of the errors of some exposures: 1
where the errors are right, less than 1 where they are too large.
"""

import sys

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from galfeat.features import Shape

Floats = NDArray[np.float64]
SIZE, MEASURED, DRAWS = 64, 25, 32
QUANTITIES = (
    *("r_petro_circ", "r_half_circ", "r20", "r50", "r80", "concentration", "ellipticity"),
    *("asymmetry", "asymmetry_matched_sky", "outer_asymmetry", "smoothness", "gini", "m20"),
    *("flux_circ", "x_centroid", "x_center", "sersic_n", "sersic_r_eff", "log_area", "peak"),
    *("ring1_brightness", "ring2_brightness", "ring3_brightness", "ring5_brightness"),
    *("ring3_scatter", "ring3_wave2", "roughness1"),
)


def disk(peak: float, scale: float = 3.5, ratio: float = 0.7) -> Floats:
    """Return an exponential disk, not in the middle of a pixel."""
    y, x = np.indices((SIZE, SIZE))
    light: Floats = peak * np.exp(-np.hypot(x - 31.7, (y - 30.9) / ratio) / scale)
    return light


def spheroid() -> Floats:
    """Return a de Vaucouleurs profile, averaged over pixels and blurred."""
    y, x = np.indices((5 * SIZE, 5 * SIZE)) / 5 - 0.4
    radius = np.hypot(x - 31.4, (y - 32.2) / 0.8)
    light = 30 * np.exp(-7.67 * ((radius / 6) ** 0.25 - 1))
    light = light.reshape(SIZE, 5, SIZE, 5).mean((1, 3))
    blurred: Floats = ndimage.gaussian_filter(light, 1.2)
    return blurred


def clumpy(peak: float) -> Floats:
    """Return a disk with six clumps of half its brightness."""
    y, x = np.indices((SIZE, SIZE))
    light, rng = disk(peak, 5, 0.8), np.random.default_rng(5)
    for _ in range(6):
        dx, dy = rng.normal(0, 6, 2)
        light += 0.5 * peak * np.exp(-((x - 31.7 - dx) ** 2 + (y - 30.9 - dy) ** 2) / 4.5)
    return light


GALAXIES = {
    "disk, 40": disk(40),
    "150": disk(150),
    "600": disk(600),
    "large disk, 30": disk(30, 6, 0.9),
    "spheroid": spheroid(),
    "clumpy disk, 20": clumpy(20),
    "60": clumpy(60),
}
"""The numbers are central brightnesses in units of the noise."""


def pulls(light: Floats, exposures: int, rng: np.random.Generator) -> list[float]:
    """Return the scatter over the error of each quantity."""
    images = (light + rng.normal(0, 1, (exposures, 1, SIZE, SIZE))).astype(np.float32)
    shape = Shape("linear")
    table = shape.measure_scalars(images, bands=("g",))
    measured = shape.measure_scalars(images[:MEASURED], bands=("g",), errors=True, draws=DRAWS)
    found = []
    for name in QUANTITIES:
        errors = measured.error(f"g_{name}").compressed()
        scatter = table.column(f"g_{name}").compressed().std(ddof=1)
        found.append(float(scatter / np.sqrt((errors**2).mean())))
    return found


def main(exposures: int = 800, seed: int = 0) -> None:
    """Measure, and print the table."""
    columns = [
        pulls(light, exposures, np.random.default_rng([seed, number]))
        for number, light in enumerate(GALAXIES.values())
    ]
    say = sys.stdout.write
    say("| scatter over error |" + "".join(f" {name} |" for name in GALAXIES) + "\n")
    say("| --- |" + " ---: |" * len(columns) + "\n")
    for name, row in zip(QUANTITIES, zip(*columns, strict=True), strict=True):
        cells = "".join(f" {each:.2f} |" for each in row)
        say(f"| `{name}` |{cells}\n")
    wrong = sum(not 0.9 <= each <= 1.1 for column in columns for each in column)
    say(f"\n{wrong} of {len(columns) * len(QUANTITIES)} differ from 1 by more than 10 %\n")


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))

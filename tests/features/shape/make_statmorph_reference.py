"""Make ``statmorph_reference.npz``: statmorph's numbers of simulated galaxies and of real ones.

``python tests/features/shape/make_statmorph_reference.py [REAL]`` needs statmorph 0.7.2 and takes
half a second a galaxy; REAL is the folder of real FITS images. Images are not stored: the survey is
rendered again, and real ones are read where they are; a test compares the sums of pixels first.
"""

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.data import Preparation, prepare, read_cutouts, simulate
from galfeat.features import Shape

REFERENCE = Path(__file__).parent / "statmorph_reference.npz"

STATMORPH = {
    "x_center": "xc_asymmetry",
    "y_center": "yc_asymmetry",
    "ellipticity": "ellipticity_asymmetry",
    "elongation": "elongation_asymmetry",
    "orientation": "orientation_asymmetry",
    "r_petro_circ": "rpetro_circ",
    "r_petro_ellip": "rpetro_ellip",
    "r_half_circ": "rhalf_circ",
    "r_half_ellip": "rhalf_ellip",
    "r20": "r20",
    "r50": "r50",
    "r80": "r80",
    "r_max_circ": "rmax_circ",
    "r_max_ellip": "rmax_ellip",
    "concentration": "concentration",
    "asymmetry": "asymmetry",
    "rms_asymmetry_squared": "rms_asymmetry2",
    "outer_asymmetry": "outer_asymmetry",
    "shape_asymmetry": "shape_asymmetry",
    "smoothness": "smoothness",
    "gini": "gini",
    "m20": "m20",
    "gini_m20_bulge": "gini_m20_bulge",
    "gini_m20_merger": "gini_m20_merger",
    "multimode": "multimode",
    "intensity": "intensity",
    "deviation": "deviation",
    "sn_per_pixel": "sn_per_pixel",
    "flux_circ": "flux_circ",
    "flux_ellip": "flux_ellip",
    "sky_mean": "sky_mean",
    "sky_sigma": "sky_sigma",
    "sersic_n": "sersic_n",
    "sersic_r_eff": "sersic_rhalf",
}
"""Our names and statmorph's."""

COUNT, SIZE, SEED = 300, 64, 3
REAL_SIZE = 96


def preparation(size: int) -> Preparation:
    """Return that by which the stored numbers were measured, with its unit of light."""
    return Preparation(size=size, stretch="none", noise="differences")


def simulated() -> NDArray[np.float32]:
    """Return light of simulated galaxies in units of the noise, shape (n, ny, nx)."""
    cutouts = simulate(COUNT, size=SIZE, seed=SEED, bands=["F814W"], noise="white")
    pixels: NDArray[np.float32] = prepare(cutouts, preparation(SIZE)).pixels
    return pixels[:, 0]


def real(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Return light of the real galaxies that can be read and prepared, by file."""
    found: dict[str, NDArray[np.float32]] = {}
    for path in sorted(folder.rglob("*.fits*")):
        if any(word in path.name for word in ("psfim", "segim", "sigma")):
            continue
        light = read_cutouts(path, preparation=preparation(REAL_SIZE)).pixels
        found.update({f"{path.name} {row}": image[0] for row, image in enumerate(light)})
    return found


def measure(
    image: NDArray[np.float32], segments: NDArray[np.uint8]
) -> tuple[list[float], int, float]:
    """Return statmorph's numbers in the order of `STATMORPH`, its flag, and its CPU seconds."""
    import statmorph

    started = time.process_time()
    bad = ~np.isfinite(image)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source: Any = statmorph.SourceMorphology(
            np.where(bad, 0, image).astype(float),
            segments.astype(int),
            label=1,
            mask=bad,
            weightmap=np.ones(image.shape),
        )
    spent = time.process_time() - started
    return [float(source[name]) for name in STATMORPH.values()], int(source.flag), spent


def main() -> None:
    """Measure, and write the file."""
    images: dict[str, NDArray[np.float32]] = {str(i): image for i, image in enumerate(simulated())}
    if len(sys.argv) > 1:
        images.update(real(Path(sys.argv[1])))
    rows, flags, sums, spent = [], [], [], []
    for image in images.values():
        segments = Shape("linear").measure(image[None, None]).segments[0]
        found = [np.nan] * len(STATMORPH), 4, 0.0
        row, flag, seconds = measure(image, segments) if (segments == 1).any() else found
        rows.append(row)
        flags.append(flag)
        spent.append(seconds)
        sums.append([np.nansum(image, dtype=float), np.nansum(np.abs(image), dtype=float)])
    np.savez_compressed(
        REFERENCE,
        images=np.array(list(images)),
        names=np.array(list(STATMORPH)),
        values=np.array(rows),
        flags=np.array(flags, dtype=np.int8),
        sums=np.array(sums),
        seconds=np.array(spent),
    )


if __name__ == "__main__":
    main()

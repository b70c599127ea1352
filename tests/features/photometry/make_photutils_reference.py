"""Make ``photutils_reference.npz``: photutils' numbers of simulated galaxies and of real ones.

``python tests/features/photometry/make_photutils_reference.py REAL`` needs photutils 3.0.0; REAL is
the folder of real FITS images. For each image: the source's ellipse and radii as found here, the
light that photutils finds in those apertures, and its Kron radius of the same source.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

REFERENCE = Path(__file__).with_name("photutils_reference.npz")
REAL = (
    "kids_sdss/KiDS_G265940fitim.fits",
    "kids_sdss/SDSS_G265911fitim.fits",
    "kids_sdss/SDSS_G266033fitim.fits",
    "kids_sdss/SDSS_G266662fitim.fits",
    "hst/abell_2744_spiral_galaxy_f105w.fits.gz",
)
FACTORS = (0.5, 1.0, 2.0)
"""Semi-axes of the apertures, in Petrosian radii."""


def simulated(seed: int) -> NDArray[np.float64]:
    """Return a tilted Sersic galaxy of unit noise on a sky of 50, shape (72, 64)."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((72, 64))
    angle, ratio = rng.uniform(0, np.pi), rng.uniform(0.4, 0.95)
    dx, dy = x - 31.5 - rng.uniform(-2, 2), y - 35.5 - rng.uniform(-2, 2)
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    radius = np.hypot(along, across / ratio) / rng.uniform(2.5, 4)
    light = 10 ** rng.uniform(1.3, 2.5) * np.exp(-(radius ** rng.uniform(0.7, 1.2)))
    image: NDArray[np.float64] = 50 + light + rng.normal(0, 1, y.shape)
    return image


def real(folder: Path, name: str) -> NDArray[np.float64]:
    """Return a real image."""
    from astropy.io import fits

    image: NDArray[np.float64] = np.asarray(fits.getdata(folder / name), dtype=float)
    return image


def main() -> None:
    """Measure, and write the file."""
    from photutils.aperture import EllipticalAperture, aperture_photometry
    from photutils.segmentation import SegmentationImage, SourceCatalog

    from galfeat.features.photometry.measuring import find

    images = {str(seed): simulated(seed) for seed in range(8)}
    images.update({name: real(Path(sys.argv[1]), name) for name in REAL})
    rows: dict[str, list[Any]] = {"name": [], "ellipse": [], "radii": [], "sums": [], "kron": []}
    for name, image in images.items():
        source = find(image[None], None, 3.0)
        assert source is not None
        ellipse = source.ellipse
        sums = []
        for factor in FACTORS:
            a = factor * source.petrosian
            aperture = EllipticalAperture(
                (ellipse.x, ellipse.y), a, a * ellipse.ratio, theta=ellipse.theta
            )
            sums.append(float(aperture_photometry(image, aperture)["aperture_sum"][0]))
        sky = np.median(image[source.segments == 0])
        catalog = SourceCatalog(image - sky, SegmentationImage(source.segments.astype(int)))
        found = catalog[list(catalog.labels).index(1)]
        rows["name"].append(name)
        rows["ellipse"].append([ellipse.x, ellipse.y, ellipse.a, ellipse.ratio, ellipse.theta])
        rows["radii"].append([source.petrosian, source.kron])
        rows["sums"].append(sums)
        rows["kron"].append(
            [
                float(found.kron_radius.value * found.semimajor_axis.value)
                if hasattr(found, "semimajor_axis")
                else float(found.kron_radius.value * found.semimajor_sigma.value)
            ]
        )
    arrays: dict[str, Any] = {key: np.array(value) for key, value in rows.items()}
    np.savez_compressed(REFERENCE, **arrays)


if __name__ == "__main__":
    main()

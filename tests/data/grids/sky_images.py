"""Images of one galaxy on grids that are turned, mirrored, shifted or of another scale."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray


def header(
    scale: float = 1e-4,
    turned: float = 0.0,
    *,
    side: int = 32,
    mirror: int = 1,
    shift: float = 0.0,
    **cards: Any,
) -> fits.Header:
    """Return a tangential projection around one point; `scale` in degrees, `turned` too."""
    c, s = np.cos(np.radians(turned)), np.sin(np.radians(turned))
    values = {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 22.0,
        "CRPIX1": side / 2 + 0.5 + shift, "CRPIX2": side / 2 + 0.5,
        "CD1_1": -scale * c * mirror, "CD1_2": scale * s,
        "CD2_1": scale * s * mirror, "CD2_2": scale * c,
    }  # fmt: skip
    return fits.Header({**values, **cards})


def sampled(head: fits.Header, side: int) -> NDArray[np.float32]:
    """Return the flux of a smooth source, away from the reference point, in the pixels of a grid.

    The source is a function of the sky, so that it is the same in all grids.
    """
    from astropy.wcs import WCS

    y, x = np.mgrid[:side, :side].astype(float)
    ra, dec = WCS(head).all_pix2world(x, y, 0)
    east, north = (ra - 150) * np.cos(np.radians(22)) - 3e-4, dec - 22 - 2e-4
    area = abs(head["CD1_1"] * head["CD2_2"] - head["CD1_2"] * head["CD2_1"]) * 1e8
    light = np.exp(-(east**2 + (north / 0.7) ** 2) / (2 * 4e-4**2))
    return np.asarray(1000 * area * light, "f4")


def save(path: Path, pixels: NDArray[Any], head: fits.Header, **cards: Any) -> Path:
    fits.writeto(path, pixels, fits.Header({**head, **cards}))
    return path

"""Cameras of the simulated survey: bands, pixel scales, PSFs, depths, gains.

There are two: ``hst`` with five bands on pixels of 0.06 arcsec, and ``ground`` with four on 0.2
arcsec. Fluxes are in microjansky, so magnitude 23.9 (AB) is one.

References
----------
``hst``: depths rounded from the CANDELS wide survey (Grogin et al. 2011, ApJS 197, 35; Koekemoer et
al. 2011, ApJS 197, 36); zero points and pivot wavelengths from the instrument handbooks of ACS and
WFC3. ``ground``: depths, seeing and zero points are those of the Rubin Observatory (Ivezic et al.
2019, ApJ 873, 111), rounded: ``deep`` about its ten years, ``shallow`` about one visit. Correlated
noise: Casertano et al. 2000, AJ 120, 2747.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import kv

from galfeat import UsageError

__all__ = [
    "BANDS",
    "CAMERAS",
    "DEPTHS",
    "GROUND",
    "HST",
    "Band",
    "Camera",
    "NoiseLevel",
    "camera_of",
    "flux",
    "moffat_mtf",
    "noise_level",
]

# magnitudes fainter than the wide depth
DEPTHS: Final = {"deep": 1.5, "wide": 0.0, "shallow": -1.5}

_ZERO_POINT = 23.9  # AB magnitude of one microjansky


@dataclass(frozen=True)
class Band:
    """A filter of a camera.

    Parameters
    ----------
    pivot : float
        Pivot wavelength, Angstrom.
    fwhm : float
        Full width at half maximum of the point spread function, pixels.
    limit : float
        AB magnitude of a point source at 5 sigma within the camera's aperture, at the wide depth.
    zero_point : float
        AB magnitude that gives one electron a second.
    drop : float
        Width of a detector pixel's footprint on the pixels of the final image: with correlated
        noise, neighboring pixels share it.
    """

    pivot: float
    fwhm: float
    limit: float
    zero_point: float
    drop: float


@dataclass(frozen=True)
class Camera:
    """A camera and the range of galaxies that it observes.

    Lengths in pixels are in pixels of this camera.

    Parameters
    ----------
    name : str
    scale : float
        Arcseconds a pixel.
    reference : str
        Band of magnitudes and light fractions.
    bands : dict of str to Band
    aperture : float
        Radius of the circle in which depths are defined, arcseconds.
    exposure : float
        Seconds at the wide depth.
    read_share : float
        Fraction of the background variance that is read noise.
    seeing_scatter : float
        Scatter of the PSF width from galaxy to galaxy, natural logarithm.
    magnitudes, redshifts : (float, float)
        Ranges of the galaxies, in the reference band.
    neighbor_magnitudes : (float, float)
        Range of projected galaxies and stars.
    """

    name: str
    scale: float
    reference: str
    bands: dict[str, Band]
    aperture: float
    exposure: float
    read_share: float
    seeing_scatter: float
    magnitudes: tuple[float, float]
    redshifts: tuple[float, float]
    neighbor_magnitudes: tuple[float, float]


# pixfrac 0.8 of native pixels
_DRIZZLED_ACS, _DRIZZLED_WFC3, _RESAMPLED = 0.8 * 0.05 / 0.06, 0.8 * 0.128 / 0.06, 1.0

HST: Final = Camera(
    name="hst",
    scale=0.06,
    reference="F814W",
    bands={
        "F435W": Band(4327, 1.8, 27.8, 25.66, _DRIZZLED_ACS),
        "F606W": Band(5919, 1.9, 27.6, 26.49, _DRIZZLED_ACS),
        "F814W": Band(8060, 2.0, 27.5, 25.94, _DRIZZLED_ACS),
        "F125W": Band(12486, 2.8, 26.4, 26.23, _DRIZZLED_WFC3),
        "F160W": Band(15368, 3.1, 26.5, 25.95, _DRIZZLED_WFC3),
    },
    aperture=0.25,
    exposure=2000.0,
    read_share=0.3,
    seeing_scatter=0.04,
    magnitudes=(20.0, 23.0),
    redshifts=(0.2, 0.9),
    neighbor_magnitudes=(21.0, 26.0),
)

GROUND: Final = Camera(
    name="ground",
    scale=0.2,
    reference="i",
    bands={
        "g": Band(4770, 4.4, 25.9, 28.4, _RESAMPLED),
        "r": Band(6220, 4.2, 25.9, 28.2, _RESAMPLED),
        "i": Band(7550, 4.0, 25.3, 27.9, _RESAMPLED),
        "z": Band(8690, 3.9, 24.6, 27.5, _RESAMPLED),
    },
    aperture=0.7,
    exposure=300.0,
    read_share=0.05,
    seeing_scatter=0.08,
    magnitudes=(17.5, 20.5),
    redshifts=(0.08, 0.35),
    neighbor_magnitudes=(18.5, 23.5),
)

CAMERAS: Final = {camera.name: camera for camera in (HST, GROUND)}

#: bands of all cameras; no two share a name
BANDS: Final = {name: band for camera in CAMERAS.values() for name, band in camera.bands.items()}


@dataclass(frozen=True)
class NoiseLevel:
    """Gain (electrons a microjansky), sky and read noise (electrons a pixel) of a band."""

    gain: float
    sky: float
    read: float


def camera_of(bands: Sequence[str]) -> Camera:
    """Return the camera that has these bands.

    Raises
    ------
    UsageError
        If a band is unknown, or they are not all of one camera.
    """
    found = [_camera_with(band) for band in bands]
    if not found:
        raise UsageError("name at least one band")
    strange = [band for band, camera in zip(bands, found, strict=True) if camera is not found[0]]
    if strange:
        raise UsageError(
            f"bands must be of one camera: {bands[0]} is of {found[0].name} "
            f"({', '.join(found[0].bands)}), and {', '.join(strange)} is not"
        )
    return found[0]


def _camera_with(band: str) -> Camera:
    for camera in CAMERAS.values():
        if band in camera.bands:
            return camera
    known = "; ".join(f"{camera.name}: {', '.join(camera.bands)}" for camera in CAMERAS.values())
    raise UsageError(f"unknown band {band!r}; the simulated survey has {known}")


def flux(magnitude: float) -> float:
    """Return the flux of an AB magnitude, microjansky."""
    return float(10 ** (-0.4 * (magnitude - _ZERO_POINT)))


def noise_level(band: str, depth: str) -> NoiseLevel:
    """Return gain, sky electrons a pixel and read noise that give a band its depth.

    Raises
    ------
    UsageError
        If the band or the depth is unknown.
    """
    if depth not in DEPTHS:
        raise UsageError(f"unknown depth {depth!r}; choose one of {', '.join(DEPTHS)}")
    camera = _camera_with(band)
    own = camera.bands[band]
    aperture = np.pi * (camera.aperture / camera.scale) ** 2  # pixels
    sigma = flux(own.limit + DEPTHS[depth]) / 5 / np.sqrt(aperture)
    # the noise of the background scales with the inverse square root of the exposure
    exposure = camera.exposure * 10 ** (0.8 * DEPTHS[depth])
    gain = exposure * 10 ** (0.4 * (own.zero_point - _ZERO_POINT))
    variance = (gain * sigma) ** 2
    return NoiseLevel(
        gain, (1 - camera.read_share) * variance, float(np.sqrt(camera.read_share * variance))
    )


_MTF_STEP: Final = (
    0.005  # of the table of (s^2 / 2) K_2(s): linear interpolation is accurate to 1e-6
)


def moffat_mtf(frequency: NDArray[np.floating], fwhm: float) -> NDArray[np.float64]:
    """Return the Fourier transform of a Moffat profile with beta = 3 and unit flux.

    With alpha = fwhm / (2 sqrt(2^(1/3) - 1)) and s = 2 pi alpha f it is (s^2 / 2) K_2(s): the
    profile itself is never sampled, which avoids errors of its cusp and center.

    Parameters
    ----------
    frequency : array
        Cycles a pixel.
    fwhm : float
        Pixels.
    """
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / 3) - 1))
    table = _mtf_table()
    place = frequency * (2 * np.pi * alpha / _MTF_STEP)
    np.minimum(place, len(table) - 2, out=place)
    below = place.astype(np.intp)
    place -= below
    low = table[below]
    transform: NDArray[np.float64] = low + place * (table[below + 1] - low)
    return transform


@lru_cache(maxsize=1)
def _mtf_table() -> NDArray[np.float64]:
    s = np.arange(_MTF_STEP, 40, _MTF_STEP)
    return np.concatenate([[1.0], s**2 / 2 * kv(2, s), [0.0]])  # 1e-14 at s = 40

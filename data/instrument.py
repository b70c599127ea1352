"""The camera of the simulated survey: bands, point spread, depth, electrons.

Pixels are 0.06 arcsec; fluxes are in microjansky, so magnitude 23.9 (AB) is one.

References
----------
Depths and exposures are rounded from the CANDELS wide survey (Grogin et al. 2011, ApJS 197, 35; Koekemoer et al. 2011, ApJS 197, 36);
zero points and pivot wavelengths from the instrument handbooks of ACS and WFC3.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import kv

from galfeat import UsageError

__all__ = ["BANDS", "DEPTHS", "PIXEL_SCALE", "REFERENCE", "Band", "flux", "moffat_mtf", "noise_level"]

PIXEL_SCALE: Final = 0.06  # arcsec
REFERENCE: Final = "F814W"  # magnitudes and parts of the light are counted in this band
DEPTHS: Final = {"deep": 1.5, "wide": 0.0, "shallow": -1.5}  # magnitudes fainter than the wide depth

_ZERO = 23.9  # AB magnitude of one microjansky
_APERTURE = np.pi * (0.25 / PIXEL_SCALE) ** 2  # pixels in the circle of 0.25 arcsec radius that depths are counted in
_EXPOSURE = 2000.0  # seconds at the wide depth
_READ_SHARE = 0.3  # of the background's variance


@dataclass(frozen=True)
class Band:
    """One filter.

    Parameters
    ----------
    pivot : float
        Pivot wavelength, Angstrom.
    fwhm : float
        Full width at half maximum of the point spread function, pixels.
    limit : float
        AB magnitude of a point source at 5 sigma within 0.25 arcsec, at the wide depth.
    zero_point : float
        AB magnitude that gives one electron a second.
    """

    pivot: float
    fwhm: float
    limit: float
    zero_point: float


BANDS: Final = {
    "F435W": Band(4327, 1.8, 27.8, 25.66),
    "F606W": Band(5919, 1.9, 27.6, 26.49),
    "F814W": Band(8060, 2.0, 27.5, 25.94),
    "F125W": Band(12486, 2.8, 26.4, 26.23),
    "F160W": Band(15368, 3.1, 26.5, 25.95),
}


@dataclass(frozen=True)
class NoiseLevel:
    """What disturbs a band: electrons per microjansky, and the electrons of sky and read-out in each pixel."""

    gain: float
    sky: float
    read: float


def flux(magnitude: float) -> float:
    """Return the flux of an AB magnitude, microjansky."""
    return float(10 ** (-0.4 * (magnitude - _ZERO)))


def noise_level(band: str, depth: str) -> NoiseLevel:
    """Return gain, sky electrons a pixel and read noise (electrons) that give a band its depth.

    Raises
    ------
    UsageError
        If the band or the depth is unknown.
    """
    if band not in BANDS:
        raise UsageError(f"unknown band {band!r}; the simulated survey has {', '.join(BANDS)}")
    if depth not in DEPTHS:
        raise UsageError(f"unknown depth {depth!r}; choose one of {', '.join(DEPTHS)}")
    camera = BANDS[band]
    sigma = flux(camera.limit + DEPTHS[depth]) / 5 / np.sqrt(_APERTURE)
    exposure = _EXPOSURE * 10 ** (0.8 * DEPTHS[depth])  # the background's noise falls with the root of the exposure
    gain = exposure * 10 ** (0.4 * (camera.zero_point - _ZERO))
    variance = (gain * sigma) ** 2
    return NoiseLevel(gain, (1 - _READ_SHARE) * variance, float(np.sqrt(_READ_SHARE * variance)))


def moffat_mtf(frequency: NDArray[np.floating], fwhm: float) -> NDArray[np.float64]:
    """Return the Fourier transform of a Moffat profile with beta = 3 and unit flux.

    With alpha = fwhm / (2 sqrt(2^(1/3) - 1)) and s = 2 pi alpha f it is (s^2 / 2) K_2(s): the profile itself is never sampled, so
    neither its cusp nor the place of its centre can go wrong.

    Parameters
    ----------
    frequency : array
        Cycles a pixel.
    fwhm : float
        Pixels.
    """
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / 3) - 1))
    table = _mtf_table()
    transform: NDArray[np.float64] = np.interp(2 * np.pi * alpha * frequency, table[0], table[1])
    return transform


@lru_cache(maxsize=1)
def _mtf_table() -> NDArray[np.float64]:
    s = np.linspace(0, 40, 8001)
    values = np.append(1.0, s[1:] ** 2 / 2 * kv(2, s[1:]))
    return np.stack([s, values])

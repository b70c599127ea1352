"""Realistic population: the observed correlations of class with size, color and environment.

The survey's own population gives every class the same sizes, redshifts, colors, bulges and
neighbors, so that nothing but the shape distinguishes them. Here they differ as observed galaxies
do: a classifier may rely on size, color and environment.

References
----------
Sizes: van der Wel et al. 2014, ApJ 788, 28. Bulges: Weinzirl et al. 2009, ApJ 696, 411. Dust and
inclination: Patel et al. 2012, ApJL 748, L27. Clumps: Guo et al. 2015, ApJ 800, 39. Environment:
Dressler 1980, ApJ 236, 351. The sizes of the shifts are round numbers in the direction of these
works, not fits to them.
"""

from typing import Final

import numpy as np
from numpy.random import Generator

from galfeat.data.simulation.instrument import Camera
from galfeat.data.simulation.spectra import Spectrum

__all__ = ["add_observed_correlations", "median_radius", "observed_spectrum"]

_KPC_PER_ARCSEC: Final = np.array(
    [
        [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
        [0.98, 1.84, 3.30, 4.45, 5.37, 6.10, 6.69, 7.15, 7.51, 7.79],
    ]
)  # redshift, kpc: flat, H0 = 70 km/s/Mpc, Omega_m = 0.3
_RADIUS_LIMITS: Final = (2.5, 16.0)  # pixels
_RUNG_RANGES: Final = {
    "spiral": (1.0, 2.6),
    "clump": (2.0, 3.0),
    "merger": (1.5, 3.0),
    "agn": (1.0, 2.4),
    "q_sf": (1.0, 3.0),
}


def median_radius(redshift: float, camera: Camera) -> float:
    """Return the median half-light radius at a redshift, 6 kpc (1 + z)^-0.75, in pixels."""
    return float(6 * (1 + redshift) ** -0.75 / np.interp(redshift, *_KPC_PER_ARCSEC) / camera.scale)


def add_observed_correlations(
    drawn: dict[str, float], kind: tuple[str, str], camera: Camera, rng: Generator
) -> dict[str, float]:
    """Return parameters of the matched population with the observed correlations.

    Fainter galaxies are more distant and smaller; clumpy disks are more distant than the others,
    and active nuclei are in brighter galaxies; quiescent galaxies are smaller and rounder, with
    larger bulges, no dust lanes and more neighbors; clumpy disks have almost no bulge.

    Parameters
    ----------
    drawn : dict
        Parameters of the matched population.
    kind : (str, str)
        Class and state.
    camera : Camera
    rng : Generator
    """
    label, state = kind
    seen = dict(drawn)
    seen["magnitude"] = _magnitude(drawn["magnitude"], label, camera)
    seen["redshift"] = _redshift(drawn["redshift"], drawn["magnitude"], label, camera)
    seen["radius"] = _radius(drawn, seen, state, camera)
    seen["bulge_fraction"], seen["bulge_index"] = _bulge(drawn, kind, rng)
    if state == "quiescent":
        seen["cos_inclination"] = 0.45 + 0.55 * (drawn["cos_inclination"] - 0.15) / 0.85
        seen["dust_lane"] = 0.0
        seen["neighbors"] = drawn["neighbors"] + int(rng.poisson(0.6 * drawn["neighbors"]))
    scale = seen["radius"] / drawn["radius"]
    seen["bulge_radius"] *= scale
    seen["companion_distance"] *= scale
    return seen


def observed_spectrum(
    spectrum: Spectrum, kind: tuple[str, str], cos_inclination: float
) -> Spectrum:
    """Return a spectrum as observed in a class.

    Clumpy disks and mergers are the bluest, edge-on disks the dustiest.
    """
    label, state = kind
    if state == "quiescent":
        return spectrum
    low, high = _RUNG_RANGES[label]
    dust = spectrum.dust * (1.0 if label == "merger" else 1.2 - 0.8 * cos_inclination)
    return Spectrum(low + (high - low) * (spectrum.rung - 1) / 2, dust)


def _magnitude(magnitude: float, label: str, camera: Camera) -> float:
    return max(magnitude - 0.4, camera.magnitudes[0]) if label == "agn" else magnitude


def _redshift(redshift: float, magnitude: float, label: str, camera: Camera) -> float:
    low, high = camera.redshifts
    bright, faint = camera.magnitudes
    share = (redshift - low) / (high - low)
    if label == "clump":
        share = share**0.5
    return low + (high - low) * (0.7 * share + 0.3 * (magnitude - bright) / (faint - bright))


def _radius(drawn: dict[str, float], seen: dict[str, float], state: str, camera: Camera) -> float:
    further = median_radius(seen["redshift"], camera) / median_radius(drawn["redshift"], camera)
    brighter = 10 ** (-0.08 * (seen["magnitude"] - np.mean(camera.magnitudes)))
    compact = 0.63 * (1 + seen["redshift"]) ** -0.73 if state == "quiescent" else 1.0
    return float(np.clip(drawn["radius"] * further * brighter * compact, *_RADIUS_LIMITS))


def _bulge(drawn: dict[str, float], kind: tuple[str, str], rng: Generator) -> tuple[float, float]:
    label, state = kind
    if state == "quiescent":
        return float(rng.beta(5, 2.5)), float(rng.uniform(2.5, 4.5))
    if label == "clump":
        return 0.4 * drawn["bulge_fraction"], drawn["bulge_index"]
    if label == "agn":
        return drawn["bulge_fraction"] ** 0.7, drawn["bulge_index"]
    return drawn["bulge_fraction"], drawn["bulge_index"]

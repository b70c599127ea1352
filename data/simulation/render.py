"""Rendering: point spread function, pixel integration, noise.

The light lies on fine pixels half as wide as the survey's, on a grid with a margin against
wrap-around. The point spread function is applied in Fourier space by its analytic transform, which
centers it exactly; four fine pixels make one.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

from galfeat.data.simulation.correlated_noise import correlated_noise
from galfeat.data.simulation.instrument import BANDS, NoiseLevel, moffat_mtf, noise_level
from galfeat.data.simulation.profiles import FineGrid
from galfeat.data.simulation.scene import PointSource, Scene, draw_scene
from galfeat.data.simulation.truth import GalaxyTruth, stream

__all__ = ["expose", "fine_grid", "observe", "render", "render_scene"]

_MARGIN = 16  # pixels around the image: far more than the extent of the PSF
_NOISE = 8  # first random stream of the bands' noise


def render(
    galaxy: GalaxyTruth,
    size: int,
    bands: Sequence[str],
    depth: str,
    seed: int,
    *,
    noise: str = "correlated",
) -> NDArray[np.float32]:
    """Return the image of a galaxy.

    Parameters
    ----------
    galaxy : GalaxyTruth
    size : int
        Pixels along a side.
    bands : sequence of str
    depth : {"deep", "wide", "shallow"}
    seed : int
        Seed of the survey. Each band has its own noise, whichever other bands are rendered.
    noise : {"correlated", "white"}
        Whether the noise of pixels is correlated with their neighbors', as in images that were
        drizzled (space) or resampled (ground), or independent.

    Returns
    -------
    array of float32, shape (bands, size, size)
        Microjansky a pixel; the mean of the sky is zero.
    """
    return render_scene(
        draw_scene(galaxy, bands, fine_grid(size), seed),
        galaxy,
        size,
        bands,
        depth=depth,
        seed=seed,
        noise=noise,
    )


def render_scene(
    scene: Scene,
    galaxy: GalaxyTruth,
    size: int,
    bands: Sequence[str],
    *,
    depth: str,
    seed: int,
    noise: str,
) -> NDArray[np.float32]:
    """Return the image of a scene drawn for these bands; other arguments as for `render`."""
    names = tuple(BANDS)
    image = np.empty((len(bands), size, size), dtype=np.float32)
    for number, band in enumerate(bands):
        fluxes = [(point, float(point.fluxes[number])) for point in scene.points]
        light = observe(scene.light[number], fluxes, size, BANDS[band].fwhm * galaxy.psf_scale)
        chance = stream(seed, galaxy.number, _NOISE + names.index(band))
        drop = BANDS[band].drop if noise == "correlated" else None
        image[number] = expose(light, noise_level(band, depth), chance, drop)
    return image


def fine_grid(size: int) -> FineGrid:
    """Return the fine grid for an image of `size` pixels."""
    side: int = fft.next_fast_len(2 * (size + 2 * _MARGIN), real=True)
    return FineGrid(side + side % 2)


def observe(
    light: NDArray[np.float32], points: Sequence[tuple[PointSource, float]], size: int, fwhm: float
) -> NDArray[np.float64]:
    """Return the noiseless image: convolved with the PSF and integrated over pixels.

    Parameters
    ----------
    light : array, shape (side, side)
        Extended light on the fine pixels.
    points : sequence of (PointSource, float)
        Point sources and their fluxes in this band.
    size : int
        Pixels along a side of the result.
    fwhm : float
        Of the point spread function, pixels.

    Returns
    -------
    array, shape (size, size)
        Light of each pixel; the image is centered on the grid.
    """
    side = light.shape[0]
    along, across, frequency = _frequencies(side)
    spectrum = fft.rfft2(light)
    for point, value in points:
        # fine pixels are integrals, hence the sinc; the first is (side - 1) / 2 fine pixels from
        # the center
        y = value * np.exp(-2j * np.pi * along * (point.y + (side - 1) / 4)) * np.sinc(along / 2)
        x = np.exp(-2j * np.pi * across * (point.x + (side - 1) / 4)) * np.sinc(across / 2)
        spectrum += np.outer(y, x)
    quarter = moffat_mtf(frequency, fwhm)
    spectrum[: side // 2 + 1] *= quarter
    spectrum[side // 2 + 1 :] *= quarter[-2:0:-1]
    fine = fft.irfft2(spectrum, s=(side, side))
    first = side // 2 - size
    return np.asarray(
        fine[first : first + 2 * size, first : first + 2 * size]
        .reshape(size, 2, size, 2)
        .sum(axis=(1, 3)),
        dtype=float,
    )


@lru_cache(maxsize=8)
def _frequencies(side: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return frequencies along both axes, cycles a pixel, and their modulus where both are >= 0."""
    along = np.asarray(np.fft.fftfreq(side, 0.5), dtype=np.float64)
    across = np.asarray(np.fft.rfftfreq(side, 0.5), dtype=np.float64)
    modulus: NDArray[np.float64] = np.hypot(across[:, None], across[None, :])
    return along, across, modulus


def expose(
    light: NDArray[np.float64], level: NoiseLevel, rng: Generator, drop: float | None = None
) -> NDArray[np.float64]:
    """Add photon noise of light and sky and read noise, and subtract the mean sky.

    Parameters
    ----------
    light : array, shape (size, size)
        Microjansky a pixel.
    level : NoiseLevel
    rng : Generator
    drop : float, optional
        Width of a detector pixel's footprint on the image, pixels, by which the noise is correlated
        (see `correlated_noise`); by default pixels are independent.

    Returns
    -------
    array, shape (size, size)
        Microjansky a pixel.
    """
    if drop is not None:
        return light + correlated_noise(light, level, drop, rng)
    electrons = rng.poisson(np.maximum(light, 0) * level.gain + level.sky) - level.sky
    return (electrons + rng.normal(0, level.read, light.shape)) / level.gain

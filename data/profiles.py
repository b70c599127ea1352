"""Light on a fine grid: Sersic profiles, spiral arms, round blobs, loose particles.

Every function returns the light of one component with a total of one (as far as it falls on the grid), integrated over fine pixels
half as wide as the survey's. Coordinates and lengths are in the survey's pixels, from the centre of the image.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, gammaincinv

__all__ = ["Grid", "Sersic", "arms", "blobs", "particles", "sersic"]

Image = NDArray[np.float32]

_FINE = 0.5  # width of a fine pixel
_CORES = ((12, 4), (3, 24))  # around the centre: half-width in fine pixels, samples along each side of one


@dataclass(frozen=True)
class Grid:
    """A square of fine pixels around the centre of the image.

    Parameters
    ----------
    side : int
        Fine pixels along a side.
    """

    side: int

    @property
    def axis(self) -> NDArray[np.float32]:
        """Centres of the fine pixels along an axis, shape (side,)."""
        return ((np.arange(self.side) - (self.side - 1) / 2) * _FINE).astype(np.float32)

    @property
    def half(self) -> float:
        """Half the width of the grid."""
        return self.side * _FINE / 2

    def window(self, centre: float, reach: float) -> slice:
        """Return the fine pixels within `reach` of a coordinate along an axis; possibly none."""
        ends = np.clip([np.floor((centre - reach + self.half) / _FINE), np.ceil((centre + reach + self.half) / _FINE)], 0, self.side)
        return slice(int(ends[0]), int(ends[1]))


@dataclass(frozen=True)
class Sersic:
    """A Sersic profile with elliptical isophotes.

    Parameters
    ----------
    x, y : float
        Its centre.
    radius : float
        Half-light radius along the major axis.
    index : float
        1 is an exponential disc, 4 a de Vaucouleurs bulge.
    axis_ratio, angle : float
        Minor over major axis; degrees of the major axis from the x axis towards y.
    """

    x: float
    y: float
    radius: float
    index: float
    axis_ratio: float
    angle: float


def sersic(grid: Grid, shape: Sersic, reach: float = np.inf) -> Image:
    """Return a Sersic profile, by its analytic total; cusps are integrated on ever finer samples.

    Parameters
    ----------
    grid : Grid
    shape : Sersic
    reach : float
        Light further from the centre than this many pixels along either axis is left out.

    References
    ----------
    Ciotti & Bertin 1999, A&A 352, 447.
    """
    image = np.zeros((grid.side, grid.side), dtype=np.float32)
    rows, columns = grid.window(shape.y, reach), grid.window(shape.x, reach)
    image[rows, columns] = _brightness(shape, grid.axis[columns] - np.float32(shape.x), grid.axis[rows] - np.float32(shape.y))
    for half_width, samples in _CORES:
        rows, columns = (grid.window(centre, half_width * _FINE) for centre in (shape.y, shape.x))
        offsets = ((np.arange(samples) + 0.5) / samples - 0.5).astype(np.float32) * np.float32(_FINE)
        x = (grid.axis[columns, None] + offsets).ravel() - np.float32(shape.x)
        y = (grid.axis[rows, None] + offsets).ravel() - np.float32(shape.y)
        finely = _brightness(shape, x, y).reshape(rows.stop - rows.start, samples, columns.stop - columns.start, samples)
        image[rows, columns] = finely.mean(axis=(1, 3))
    return image


def _brightness(shape: Sersic, x: Image, y: Image) -> Image:
    """Light of fine pixels if it were as at the points (x, y) from the centre; x and y are axes, the result their outer grid."""
    u, v = _along(x, y, shape.angle)
    squared = u * u + (v * np.float32(1 / shape.axis_ratio)) ** 2
    squared *= np.float32(1 / shape.radius**2)
    b, peak = _sersic_constants(shape.index)
    power = np.sqrt(squared) if shape.index == 1 else squared ** np.float32(0.5 / shape.index)
    scale = peak * _FINE**2 / (shape.radius**2 * shape.axis_ratio)
    light: Image = np.exp(power * np.float32(-b)) * np.float32(scale)
    return light


@lru_cache(maxsize=4096)
def _sersic_constants(index: float) -> tuple[float, float]:
    """Return b_n and the central brightness of a profile with unit flux, half-light radius and axis ratio."""
    b = float(gammaincinv(2 * index, 0.5))
    return b, float(b ** (2 * index) / (2 * np.pi * index * gamma(2 * index)))


def _along(x: Image, y: Image, angle: float) -> tuple[Image, Image]:
    """Return coordinates along and across a direction, on the outer grid of two axes."""
    cosine, sine = np.float32(np.cos(np.radians(angle))), np.float32(np.sin(np.radians(angle)))
    return x[None, :] * cosine + y[:, None] * sine, y[:, None] * cosine - x[None, :] * sine


@dataclass(frozen=True)
class Spiral:
    """Logarithmic spiral arms in the plane of a disc.

    Parameters
    ----------
    number : int
        Arms, evenly spread.
    pitch : float
        Degrees; negative winds the other way.
    phase : float
        Radians, of the first arm at the radius `start`.
    start : float
        Where the arms set in, in half-light radii.
    sharpness : float
        Crests go as exp(sharpness cos(phase)).
    strengths : array, shape (number,)
        Relative brightness of the arms.
    """

    number: int
    pitch: float
    phase: float
    start: float
    sharpness: float
    strengths: NDArray[np.float64]


def arms(grid: Grid, disc: Sersic, spiral: Spiral) -> Image:
    """Return the light of spiral arms that follow a disc; the total is one."""
    u, v = _along(grid.axis - np.float32(disc.x), grid.axis - np.float32(disc.y), disc.angle)
    v *= np.float32(1 / disc.axis_ratio)
    radius = np.hypot(u, v) / np.float32(disc.radius) + np.float32(1e-3)
    angle = (
        np.arctan2(v, u)
        - np.float32(spiral.phase)
        - np.log(radius / np.float32(spiral.start)) / np.float32(np.tan(np.radians(spiral.pitch)))
    )
    crest = np.zeros_like(radius)
    for arm, strength in enumerate(spiral.strengths):
        lag = angle - np.float32(2 * np.pi * arm / spiral.number)
        crest += np.float32(strength) * np.exp(np.float32(spiral.sharpness * spiral.number) * (np.cos(lag) - 1))
    rise = -np.expm1(-((radius / np.float32(spiral.start)) ** 4))
    light: Image = crest * rise * np.exp(np.float32(-1.45) * radius)
    light /= light.sum()
    return light


def blobs(grid: Grid, x: NDArray[np.float64], y: NDArray[np.float64], sigma: NDArray[np.float64], weights: NDArray[np.float64]) -> Image:
    """Return round Gaussian blobs with the given weights, normalised to a total of one where all of them lie on the grid."""
    across = _gaussians(grid.axis, x, sigma)
    along = _gaussians(grid.axis, y, sigma)
    summed: Image = np.einsum("ky,kx->yx", along * (weights / weights.sum())[:, None].astype(np.float32), across, optimize=True)
    return summed


def _gaussians(axis: NDArray[np.float32], centre: NDArray[np.float64], sigma: NDArray[np.float64]) -> Image:
    width = np.maximum(sigma, 0.3)[:, None]
    shape: Image = (np.exp(-0.5 * ((axis - centre[:, None]) / width) ** 2) * (_FINE / width / np.sqrt(2 * np.pi))).astype(np.float32)
    return shape


def particles(grid: Grid, x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> Image:
    """Return particles, each wholly in the fine pixel where it lies; the total of the weights on the grid stays."""
    column, row = (np.floor((place + grid.half) / _FINE).astype(int) for place in (x, y))
    inside = (column >= 0) & (column < grid.side) & (row >= 0) & (row < grid.side)
    counts = np.bincount(row[inside] * grid.side + column[inside], weights[inside], minlength=grid.side**2)
    image: Image = counts.astype(np.float32).reshape(grid.side, grid.side)
    return image

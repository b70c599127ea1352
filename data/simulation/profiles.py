"""Light profiles on a fine grid: Sersic profiles, spiral arms, Gaussian blobs, particles.

Light is integrated over fine pixels half as wide as the survey's. Coordinates and lengths are in
the survey's pixels, from the center of the image.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import gamma, gammaincinv

__all__ = [
    "FineGrid",
    "Image",
    "Sersic",
    "Spiral",
    "arms",
    "blobs",
    "particles",
    "sersic",
    "sersic_patch",
    "smoothed",
]

Image = NDArray[np.float32]
Floats = NDArray[np.float64]

_FINE_PIXEL = 0.5  # width of a fine pixel
# refinement around a center: half-width in fine pixels, samples along each side of one
_CUSPS = ((12, 4), (2, 24))
_CORES = ((8, 4),)  # the same for profiles without a steep cusp


@dataclass(frozen=True)
class FineGrid:
    """Square grid of fine pixels around the center of the image.

    Parameters
    ----------
    side : int
        Fine pixels along a side.
    """

    side: int

    @property
    def axis(self) -> Image:
        """Centers of the fine pixels along an axis, shape (side,)."""
        return _axis(self.side)

    @property
    def half(self) -> float:
        """Half the width of the grid."""
        return self.side * _FINE_PIXEL / 2

    def window(self, center: float, reach: float) -> slice:
        """Return the fine pixels within `reach` of a coordinate along an axis; possibly none."""
        if reach == np.inf:
            return slice(0, self.side)
        first = int(np.floor((center - reach + self.half) / _FINE_PIXEL))
        last = int(np.ceil((center + reach + self.half) / _FINE_PIXEL))
        return slice(min(max(first, 0), self.side), min(max(last, 0), self.side))


@lru_cache(maxsize=8)
def _axis(side: int) -> Image:
    axis: Image = ((np.arange(side) - (side - 1) / 2) * _FINE_PIXEL).astype(np.float32)
    axis.flags.writeable = False
    return axis


@dataclass(frozen=True)
class Sersic:
    """Sersic profile with elliptical isophotes.

    Parameters
    ----------
    x, y : float
        Center.
    radius : float
        Half-light radius along the major axis.
    index : float
        0.5 is a Gaussian, 1 an exponential disk, 4 a de Vaucouleurs bulge.
    axis_ratio, angle : float
        Minor over major axis; degrees of the major axis from the x axis toward y.
    """

    x: float
    y: float
    radius: float
    index: float
    axis_ratio: float
    angle: float


def sersic(grid: FineGrid, shape: Sersic) -> Image:
    """Return a Sersic profile with a total of one out to infinity, shape (side, side)."""
    return sersic_patch(grid, shape)[2]


def sersic_patch(
    grid: FineGrid, shape: Sersic, reach: float = np.inf
) -> tuple[slice, slice, Image]:
    """Return a Sersic profile near its center: rows, columns, and the light there.

    Near the center, where the profile varies within a pixel, it is averaged over ever finer
    samples.

    Parameters
    ----------
    grid : FineGrid
    shape : Sersic
    reach : float
        Largest distance from the center along either axis; light beyond is left out.

    References
    ----------
    Ciotti & Bertin 1999, A&A 352, 447.
    """
    rows, columns = grid.window(shape.y, reach), grid.window(shape.x, reach)
    image = _brightness(
        shape, grid.axis[columns] - np.float32(shape.x), grid.axis[rows] - np.float32(shape.y)
    )
    for half_width, samples in _CUSPS if shape.index > 1 else _CORES:
        core = min(half_width * _FINE_PIXEL, reach)
        inner_rows, inner_columns = grid.window(shape.y, core), grid.window(shape.x, core)
        finely = _brightness(
            shape,
            _subsample(grid.axis[inner_columns], samples) - np.float32(shape.x),
            _subsample(grid.axis[inner_rows], samples) - np.float32(shape.y),
        ).reshape(
            inner_rows.stop - inner_rows.start,
            samples,
            inner_columns.stop - inner_columns.start,
            samples,
        )
        down, right = inner_rows.start - rows.start, inner_columns.start - columns.start
        image[down : down + finely.shape[0], right : right + finely.shape[2]] = finely.mean(
            axis=(1, 3)
        )
    return rows, columns, image


def _subsample(axis: Image, samples: int) -> Image:
    """Return `samples` evenly spaced points in each fine pixel of an axis."""
    offsets = ((np.arange(samples) + 0.5) / samples - 0.5) * _FINE_PIXEL
    points: Image = (axis[:, None] + offsets.astype(np.float32)).reshape(-1)
    return points


def _brightness(shape: Sersic, x: Image, y: Image) -> Image:
    """Return the light of fine pixels from their central brightness, on two axes."""
    u, v = _rotate(x, y, shape.angle)
    squared = np.square(u, out=u)
    v *= np.float32(1 / shape.axis_ratio)
    squared += np.square(v, out=v)
    squared *= np.float32(1 / shape.radius**2)
    b, peak = _sersic_constants(shape.index)
    power = (
        np.sqrt(squared, out=squared)
        if shape.index == 1
        else np.power(squared, np.float32(0.5 / shape.index), out=squared)
    )
    power *= np.float32(-b)
    light = np.exp(power, out=power)
    light *= np.float32(peak * _FINE_PIXEL**2 / (shape.radius**2 * shape.axis_ratio))
    return light


@lru_cache(maxsize=4096)
def _sersic_constants(index: float) -> tuple[float, float]:
    """Return b_n and the central brightness of a profile of unit flux, radius and axis ratio."""
    b = float(gammaincinv(2 * index, 0.5))
    return b, float(b ** (2 * index) / (2 * np.pi * index * gamma(2 * index)))


def _rotate(x: Image, y: Image, angle: float) -> tuple[Image, Image]:
    """Return coordinates along and across a direction, on the outer grid of two axes."""
    cosine, sine = np.float32(np.cos(np.radians(angle))), np.float32(np.sin(np.radians(angle)))
    return (x * cosine)[None, :] + (y * sine)[:, None], (y * cosine)[:, None] - (x * sine)[None, :]


@dataclass(frozen=True)
class Spiral:
    """Logarithmic spiral arms in the plane of a disk.

    Parameters
    ----------
    number : int
        Number of arms, evenly spaced.
    pitch : float
        Degrees; negative for the opposite sense.
    phase : float
        Azimuth of the first arm at the radius `start`, radians.
    start : float
        Radius at which the arms begin, in half-light radii.
    sharpness : float
        Arms have the profile exp(sharpness (cos(phase) - 1)).
    lopsided : float
        Excess brightness of the first arm over the opposite one, in (0, 1).
    """

    number: int
    pitch: float
    phase: float
    start: float
    sharpness: float
    lopsided: float

    def angle(self, radius: Floats) -> Floats:
        """Return the azimuth of the first arm, radians, at radii in half-light radii."""
        azimuth: Floats = self.phase + np.log(radius / self.start) / np.tan(np.radians(self.pitch))
        return azimuth


def arms(grid: FineGrid, disk: Sersic, spiral: Spiral) -> Image:
    """Return the light of spiral arms of a disk, with a total of one on the grid."""
    u, v = _rotate(grid.axis - np.float32(disk.x), grid.axis - np.float32(disk.y), disk.angle)
    v *= np.float32(1 / disk.axis_ratio)
    radius = np.hypot(u, v)
    radius *= np.float32(1 / disk.radius)
    radius += np.float32(1e-3)
    lag = np.arctan2(v, u)
    lag -= np.float32(spiral.phase)
    lag -= np.log(radius * np.float32(1 / spiral.start)) * np.float32(
        1 / np.tan(np.radians(spiral.pitch))
    )
    crest = np.exp(np.float32(spiral.sharpness) * np.cos(np.float32(spiral.number) * lag))
    crest *= 1 + np.float32(spiral.lopsided) * np.cos(lag)
    rise = 1 - np.exp(-((radius * np.float32(1 / spiral.start)) ** 4))
    # slightly more extended than the disk, whose exponent is 1.68
    light: Image = crest * rise * np.exp(np.float32(-1.5) * radius)
    light /= light.sum()
    return light


def blobs(grid: FineGrid, x: Floats, y: Floats, sigma: Floats, weights: Floats) -> Image:
    """Return weighted Gaussian blobs, with a total of one as far as they lie on the grid."""
    across = _gaussians(grid.axis, x, sigma)
    along = _gaussians(grid.axis, y, sigma) * (weights / weights.sum()).astype(np.float32)[:, None]
    return np.asarray(along.T @ across, dtype=np.float32)


def _gaussians(axis: Image, center: Floats, sigma: Floats) -> Image:
    width = np.maximum(sigma, 0.3)[:, None]
    return np.asarray(
        np.exp(-0.5 * ((axis - center[:, None]) / width) ** 2)
        * (_FINE_PIXEL / width / np.sqrt(2 * np.pi)),
        dtype=np.float32,
    )


def particles(grid: FineGrid, x: Floats, y: Floats, weights: Floats) -> Image:
    """Return particles as light, each in the fine pixel where it lies.

    Those beyond the grid are left out.
    """
    column, row = (np.floor((place + grid.half) / _FINE_PIXEL).astype(int) for place in (x, y))
    inside = (column >= 0) & (column < grid.side) & (row >= 0) & (row < grid.side)
    counts = np.bincount(
        row[inside] * grid.side + column[inside], weights[inside], minlength=grid.side**2
    )
    return np.asarray(counts.reshape(grid.side, grid.side), dtype=np.float32)


def smoothed(layers: Sequence[tuple[Image, float]]) -> Image:
    """Return the sum of images, each convolved with a Gaussian of its own standard deviation.

    The convolution is periodic: the grid needs a margin.
    """
    side = layers[0][0].shape[0]
    along = np.square(2 * np.pi * np.fft.fftfreq(side, _FINE_PIXEL)).astype(np.float32)
    spectrum = np.zeros((side, side // 2 + 1), dtype=np.complex64)
    for image, sigma in layers:
        falling = np.exp(np.float32(-0.5 * sigma**2) * along)
        layer = fft.rfft2(image)
        layer *= falling[:, None]
        layer *= falling[None, : side // 2 + 1]
        spectrum += layer
    # clip negative rounding errors
    light: Image = np.maximum(fft.irfft2(spectrum, s=(side, side)), 0)
    return light

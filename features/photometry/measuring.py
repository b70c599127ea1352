"""Photometry of one galaxy: sky, source, apertures, and light within them with its error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galfeat.features.noise import autocorrelation, sky_mask
from galfeat.features.shape.images.apertures import ellipse_sums, row_sums
from galfeat.features.shape.images.moments import ellipse_of, source_moments
from galfeat.features.shape.images.segmentation import NEIGHBOR, SKY, SOURCE, find_source
from galfeat.features.shape.statistics.petrosian import coarse_profile, petrosian_radius

__all__ = ["KRON_FACTOR", "Aperture", "Band", "Source", "find", "light_in", "measure_bands"]

Floats = NDArray[np.float64]

KRON_FACTOR = 2.5
"""Kron aperture over the Kron radius (Kron 1980, doi:10.1086/190669)."""

_SMALLEST_KRON = 1.4  # standard deviations of the light, as in SExtractor's and photutils' defaults
_KRON_REACH = 6.0  # standard deviations within which the Kron radius is measured
_FAR = 2.0  # Petrosian radii beyond which there is sky
_LEAST_SKY = 64  # pixels
_CLIP = 3.0  # standard deviations beyond which a pixel is no sky


@dataclass(frozen=True)
class Aperture:
    """An ellipse: center, major semi-axis, axis ratio, and angle from the x axis in radians."""

    x: float
    y: float
    a: float
    ratio: float
    theta: float

    def scaled(self, factor: float) -> "Aperture":
        """Return the ellipse with its axes multiplied."""
        return Aperture(self.x, self.y, factor * self.a, self.ratio, self.theta)

    def contains(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return True on pixels whose middle lies inside."""
        y, x = np.indices(shape)
        dx, dy = x - self.x, y - self.y
        along = dx * math.cos(self.theta) + dy * math.sin(self.theta)
        across = dy * math.cos(self.theta) - dx * math.sin(self.theta)
        return np.asarray(along**2 + (across / self.ratio) ** 2 < self.a**2)


@dataclass(frozen=True)
class Source:
    """The galaxy on the detection image; a radius is NaN where there is none."""

    segments: NDArray[np.uint8]
    ellipse: Aperture
    """With the standard deviation of the light as semi-axis."""
    petrosian: float
    kron: float
    at_edge: bool


@dataclass(frozen=True)
class Band:
    """One band, ready for apertures: row sums of the light less the sky, and of its variance."""

    light: Floats
    variance: Floats
    weight: Floats
    sky: float
    sky_error: float
    sigma: float
    correlated: float
    """Variance of a sum of many pixels over the sum of their variances."""

    bad: NDArray[np.bool_]
    """True on bad pixels and neighbors."""

    @property
    def masked(self) -> bool:
        """Whether any pixel is bad."""
        return bool(self.bad.any())


def find(
    pixels: NDArray[np.floating], noise: NDArray[np.floating] | None, threshold: float
) -> Source | None:
    """Return the source near the middle of images (bands, ny, nx), or None."""
    planes = np.asarray(pixels, dtype=float)
    total, count = np.zeros(planes.shape[1:]), np.zeros(planes.shape[1:])
    for band, plane in enumerate(planes):
        good = np.isfinite(plane)
        level, sigma = _rough_sky(plane)
        if not sigma > 0:
            continue
        if noise is not None:
            good &= noise[band] > 0
            typical = float(np.median(noise[band][good])) if good.any() else np.nan
            sigma = typical if typical > 0 else sigma
        total += np.where(good, (plane - level) / sigma, 0)
        count += good
    image = (total / np.sqrt(np.maximum(count, 1))).astype(np.float32)
    good_map = (count > 0).astype(np.float32)
    segments = np.empty(image.shape, dtype=np.uint8)
    if find_source(image, good_map, float(threshold), segments) == 0:
        return None
    image[(segments == NEIGHBOR) | (good_map == 0)] = 0
    sky = (segments == SKY) & (good_map > 0)
    if sky.sum() >= _LEAST_SKY:
        image[(segments != NEIGHBOR) & (good_map > 0)] -= np.float32(_clipped(image[sky])[0])
    moments = np.empty(6)
    source_moments(image, segments, moments)
    if not moments[0] > 0:
        return None
    ratio, theta, _ = ellipse_of(moments, moments[1], moments[2])
    one = 0.5 * (moments[3] + moments[5])
    two = math.sqrt(0.25 * (moments[3] - moments[5]) ** 2 + moments[4] ** 2)
    ellipse = Aperture(
        float(moments[1]), float(moments[2]), math.sqrt(max(one + two, 1 / 12)), ratio, theta
    )
    whole = ((segments != NEIGHBOR) & (good_map > 0)).astype(np.float32)
    sums, room = _sums(image), _sums(whole)
    shape = (ellipse.x, ellipse.y, ellipse.ratio, ellipse.theta)
    masked = bool((whole == 0).any())
    profile = coarse_profile(sums, room, masked, shape, float(max(whole.shape)))
    radius, problem = petrosian_radius(sums, room, masked, shape, *profile)
    edges = np.concatenate([segments[0], segments[-1], segments[:, 0], segments[:, -1]])
    return Source(
        segments,
        ellipse,
        float(radius) if problem == 0 else math.nan,
        _kron_radius(image.astype(float), whole > 0, ellipse),
        bool((edges == SOURCE).any()),
    )


def _kron_radius(image: Floats, whole: NDArray[np.bool_], ellipse: Aperture) -> float:
    """Return the Kron radius, semi-major axis in pixels: the mean radius, weighted by the light."""
    y, x = np.indices(image.shape)
    dx, dy = x - ellipse.x, y - ellipse.y
    along = dx * math.cos(ellipse.theta) + dy * math.sin(ellipse.theta)
    across = dy * math.cos(ellipse.theta) - dx * math.sin(ellipse.theta)
    radius = np.hypot(along, across / ellipse.ratio)
    inside = whole & (radius < _KRON_REACH * ellipse.a)
    light = image[inside].sum()
    moment = (radius[inside] * image[inside]).sum()
    if not (light > 0 and moment > 0):
        return math.nan
    return max(float(moment / light), _SMALLEST_KRON * ellipse.a)


def measure_bands(
    pixels: NDArray[np.floating],
    noise: NDArray[np.floating] | None,
    source: Source,
    skies: Sequence[NDArray[np.bool_]] | None = None,
) -> list[Band]:
    """Return the bands less their sky; bad pixels and neighbors hold what lies opposite of them.

    With ``skies``, the sky's pixels in each band of another exposure, its level is measured on
    these, and the correlation of its noise is not.
    """
    far = max(np.nan_to_num(_FAR * source.petrosian), KRON_FACTOR * np.nan_to_num(source.kron))
    inside = Aperture(
        source.ellipse.x, source.ellipse.y, far, source.ellipse.ratio, source.ellipse.theta
    ).contains(source.segments.shape)
    bands = []
    for k, plane in enumerate(np.asarray(pixels, dtype=float)):
        good = np.isfinite(plane) & (source.segments != NEIGHBOR)
        outside = good & (source.segments == SKY) & ~inside
        outside &= sky_mask(plane) if skies is None else skies[k]
        if outside.sum() < _LEAST_SKY:
            outside = good & (source.segments == SKY)
        level, sigma, correlation = 0.0, math.nan, None
        if outside.sum() >= _LEAST_SKY:
            level, kept = _clipped(plane[outside])
            outside &= np.abs(plane - level) <= kept
            if skies is None:
                sigma, correlation = autocorrelation(plane, outside)
            else:
                sigma = float(np.std(plane[outside]))
        correlated = 1.0 if correlation is None else max(float(correlation.sum()), 1e-3)
        variance = np.full(plane.shape, sigma**2)
        if noise is not None:
            given = np.asarray(noise[k], dtype=float)
            good &= np.isfinite(given)
            variance = np.where(good, given**2, 0.0)
        bad = ~good
        light = np.where(good, plane - level, np.nan)
        light, variance = _filled(light, variance, good, source.ellipse)
        held = np.isfinite(light)
        error = sigma * math.sqrt(correlated / max(int(outside.sum()), 1))
        bands.append(
            Band(
                _sums(np.where(held, light, 0)),
                _sums(np.where(held, variance, 0)),
                _sums(held.astype(float)),
                level,
                error,
                sigma,
                correlated,
                bad,
            )
        )
    return bands


def light_in(band: Band, aperture: Aperture, inner: float = 0.0) -> tuple[float, float, float]:
    """Return the light in an aperture, its error, and the part of the aperture that is missing.

    With ``inner``, in the ring outside of that part of its axes.

    The error is linear in the pixels' noise, and so exact for this aperture: their variances, times
    the factor of their correlation, and that of the sky's level over the area. What is missing lies
    outside of the image, or on bad pixels without a good one opposite.
    """
    flux, variance, area, covered = _within(band, aperture)
    whole = math.pi * aperture.a**2 * aperture.ratio
    if inner > 0:
        less = _within(band, aperture.scaled(inner))
        flux, variance, area, covered = (
            far - near for far, near in zip((flux, variance, area, covered), less, strict=True)
        )
        whole *= 1 - inner**2
    sky = 0.0 if math.isnan(band.sky_error) else area * band.sky_error
    error = math.sqrt(max(variance, 0) * band.correlated + sky**2)
    return flux, error, 1 - min(area, covered) / whole


def _within(band: Band, aperture: Aperture) -> tuple[float, float, float, float]:
    """Return light, variance, area and area with pixels within an aperture."""
    a, b = aperture.a, aperture.a * aperture.ratio
    where = (aperture.x, aperture.y, a, b, aperture.theta)
    flux, area = ellipse_sums(band.light, band.light, False, *where)
    variance, _ = ellipse_sums(band.variance, band.variance, False, *where)
    covered = ellipse_sums(band.weight, band.weight, False, *where)[0] if band.masked else area
    return float(flux), float(variance), float(area), float(covered)


def _filled(
    light: Floats, variance: Floats, good: NDArray[np.bool_], ellipse: Aperture
) -> tuple[Floats, Floats]:
    """Return light and variance, on bad pixels those of the pixel opposite of the center."""
    if good.all():
        return light, variance
    ny, nx = light.shape
    y, x = np.nonzero(~good)
    py = np.rint(2 * ellipse.y - y).astype(int)
    px = np.rint(2 * ellipse.x - x).astype(int)
    inside = (py >= 0) & (py < ny) & (px >= 0) & (px < nx)
    y, x, py, px = y[inside], x[inside], py[inside], px[inside]
    held = good[py, px]
    light, variance = light.copy(), variance.copy()
    light[y[held], x[held]] = light[py[held], px[held]]
    variance[y[held], x[held]] = variance[py[held], px[held]]
    return light, variance


def _rough_sky(plane: Floats) -> tuple[float, float]:
    """Return level and deviation of the sky, from the pixels of the border."""
    ny, nx = plane.shape
    width = max(1, round(0.1 * min(ny, nx)))
    border = np.ones(plane.shape, dtype=bool)
    border[width : ny - width, width : nx - width] = False
    values = plane[border & np.isfinite(plane)]
    if values.size < 2:
        return 0.0, math.nan
    level, kept = _clipped(values)
    return level, float(np.std(values[np.abs(values - level) <= kept]))


def _clipped(values: NDArray[np.floating]) -> tuple[float, float]:
    """Return the mean after iterative clipping, and the distance from it that was kept."""
    center = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - center)))
    if not spread > 0:
        return center, 0.0
    for _ in range(20):
        kept = values[np.abs(values - center) <= _CLIP * spread]
        # a normal distribution cut at three deviations has 0.9866 of its deviation
        mean, deviation = float(np.mean(kept)), float(np.std(kept)) / 0.9866
        if mean == center and deviation == spread:
            break
        center, spread = mean, deviation
        if not spread > 0:
            break
    return center, _CLIP * spread


def _sums(image: NDArray[np.floating]) -> Floats:
    sums = np.empty((image.shape[0], image.shape[1] + 1))
    row_sums(np.ascontiguousarray(image, dtype=np.float64), sums)
    return sums

"""Moments of a galaxy's light: center, half-light radius, orientation, axis ratio."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LightShape", "light_shape"]


@dataclass(frozen=True)
class LightShape:
    """Center, extent and orientation of the light in a region.

    Parameters
    ----------
    y, x : float
        Center of light, pixels; 0 is the center of the first pixel.
    half_light : float
        Radius of the circle around the center that contains half of the light, pixels.
    angle : float
        Direction of the major axis, radians from the x axis toward the y axis, in (-pi, pi]; of
        its two ends, the one with the longer tail of light.
    axis_ratio : float
        Minor over major axis of the second moments, in [0, 1].
    """

    y: float
    x: float
    half_light: float
    angle: float
    axis_ratio: float


def light_shape(light: NDArray[np.floating], region: NDArray[np.bool_]) -> LightShape | None:
    """Measure center, extent and orientation of the light in a region.

    Parameters
    ----------
    light : array, shape (ny, nx)
        Sky-subtracted light. Values that are not finite are ignored.
    region : array of bool, shape (ny, nx)

    Returns
    -------
    LightShape or None
        None where the total light of the region is not positive.

    Notes
    -----
    Center, axes and direction are the moments of the light of order one, two and three: x = sum(I
    x) / sum(I); tan(2 angle) = 2 Sxy / (Sxx - Syy) with Sxy = sum(I (x - x0) (y - y0)); the end of
    the axis is chosen by the sign of the third moment along it. Pixels count with their sign, so
    that noise makes a galaxy neither rounder nor larger.
    """
    y, x = np.nonzero(region & np.isfinite(light))
    flux = light[y, x].astype(np.float64)
    total = float(flux.sum())
    if not total > 0:
        return None
    y0, x0 = float(flux @ y) / total, float(flux @ x) / total
    if not (0 <= y0 <= light.shape[0] - 1 and 0 <= x0 <= light.shape[1] - 1):
        return None  # positive and negative light nearly cancel
    dy, dx = y - y0, x - x0
    xx, xy, yy = float(flux @ dx**2), float(flux @ (dx * dy)), float(flux @ dy**2)
    angle = 0.5 * math.atan2(2 * xy, xx - yy)
    if flux @ (dx * math.cos(angle) + dy * math.sin(angle)) ** 3 < 0:
        angle += math.pi if angle <= 0 else -math.pi
    spread, skew = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    ratio = math.sqrt(max(spread - skew, 0.0) / (spread + skew)) if spread + skew > 0 else 1.0
    return LightShape(y0, x0, _half_light(flux, np.hypot(dy, dx)), angle, min(ratio, 1.0))


def _half_light(flux: NDArray[np.float64], radius: NDArray[np.float64]) -> float:
    """Return the half-light radius.

    A circle through the center of a pixel contains half of the pixel.
    """
    rings, number = np.unique(np.round(radius, 6), return_inverse=True)
    light = np.bincount(number, weights=flux)
    within = np.cumsum(light) - light / 2
    half = float(light.sum()) / 2
    beyond = int(np.argmax(within >= half)) if (within >= half).any() else rings.size - 1
    if not beyond:
        return float(rings[0])
    share = (half - within[beyond - 1]) / (within[beyond] - within[beyond - 1])
    return float(rings[beyond - 1] + min(share, 1.0) * (rings[beyond] - rings[beyond - 1]))

"""The quantities of shape in plain NumPy and SciPy: the reference of the kernels.

Nothing here is shared with the kernels: apertures are pixels cut into small squares, the half turn
is scikit-image's, regions are labeled anew at every threshold. It knows sources without bad pixels
or neighbors, measured on the whole image, and takes the sky's share from the caller.
"""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize
from skimage import feature, segmentation, transform

__all__ = [
    "asymmetry",
    "asymmetry_center",
    "deviation_and_intensity",
    "ellipse_light",
    "gini",
    "light_radius",
    "m20",
    "mid_segment",
    "multimode",
    "petrosian_radius",
    "petrosian_segment",
    "smoothness",
]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_CUT = 20  # squares along a pixel's side
_EIGHT = np.ones((3, 3), dtype=bool)


def _coverage(
    shape: tuple[int, int], center: tuple[float, float], a: float, b: float, theta: float
) -> Floats:
    """Return how much of each pixel lies in the ellipse, by counting small squares."""
    ny, nx = shape
    offsets = (np.arange(_CUT) + 0.5) / _CUT - 0.5
    y = (np.arange(ny)[:, None] + offsets).ravel() - center[1]
    x = (np.arange(nx)[:, None] + offsets).ravel() - center[0]
    along = x[None, :] * math.cos(theta) + y[:, None] * math.sin(theta)
    across = y[:, None] * math.cos(theta) - x[None, :] * math.sin(theta)
    inside = (along / a) ** 2 + (across / b) ** 2 <= 1
    parts: Floats = inside.reshape(ny, _CUT, nx, _CUT).mean(axis=(1, 3))
    return parts


def ellipse_light(
    image: Floats,
    center: tuple[float, float],
    a: float,
    ratio: float = 1.0,
    theta: float = 0.0,
) -> tuple[float, float]:
    """Return the light and the area within an ellipse, as far as it lies in the image.

    Parameters
    ----------
    image : array, shape (ny, nx)
    center : (float, float)
        Column and row.
    a : float
        Semi-major axis, pixels.
    ratio : float
        Minor over major axis.
    theta : float
        Angle of the major axis, radians.
    """
    if a <= 0:
        return 0.0, 0.0
    part = _coverage((image.shape[0], image.shape[1]), center, a, a * ratio, theta)
    return float((part * image).sum()), float(part.sum())


def petrosian_radius(
    image: Floats, center: tuple[float, float], ratio: float = 1.0, theta: float = 0.0
) -> float:
    """Return where the mean in a ring one pixel wide is 0.2 of the mean within, semi-major axis."""

    def excess(a: float) -> float:
        outer, outer_area = ellipse_light(image, center, a + 0.5, ratio, theta)
        inner, inner_area = ellipse_light(image, center, a - 0.5, ratio, theta)
        light, area = ellipse_light(image, center, a, ratio, theta)
        return abs((outer - inner) / (outer_area - inner_area)) / abs(light / area) - 0.2

    steps = np.linspace(1.0, math.hypot(*image.shape) / ratio, 100)
    for low, high in pairwise(steps):
        if excess(high) <= 0:
            return float(optimize.brentq(excess, low, high, xtol=1e-3))
    raise ValueError("the light does not fall to the Petrosian level")


def light_radius(image: Floats, center: tuple[float, float], end: float, part: float) -> float:
    """Return the radius of the circle that holds a part of the light within the radius ``end``."""
    total = ellipse_light(image, center, end)[0]

    def excess(r: float) -> float:
        return ellipse_light(image, center, r)[0] / total - part

    return float(optimize.brentq(excess, 1e-3, end, xtol=1e-3))


def asymmetry(image: Floats, center: tuple[float, float], radius: float, sky: float) -> float:
    """Return sum |I - I180| less the sky's share, over sum |I|, within a circle."""
    turned = transform.rotate(image, 180.0, center=center)
    differs, area = ellipse_light(np.abs(image - turned), center, radius)
    return (differs - area * sky) / ellipse_light(np.abs(image), center, radius)[0]


def asymmetry_center(
    image: Floats, start: tuple[float, float], radius: float, sky: float
) -> tuple[float, float]:
    """Return the column and row about which the asymmetry is least."""

    def least(at: Floats) -> float:
        return asymmetry(image, (float(at[0]), float(at[1])), radius, sky)

    x, y = optimize.fmin(least, np.array(start), xtol=1e-3, disp=False)
    return float(x), float(y)


def smoothness(image: Floats, center: tuple[float, float], petrosian: float, sky: float) -> float:
    """Return the light above the image averaged over r / 4, from 0.25 to 1.5 Petrosian radii."""
    rough = np.maximum(image - ndimage.uniform_filter(image, int(0.25 * petrosian)), 0)
    inner, outer = 0.25 * petrosian, 1.5 * petrosian
    clumps = ellipse_light(rough, center, outer)[0] - ellipse_light(rough, center, inner)[0]
    light = ellipse_light(image, center, outer)[0] - ellipse_light(image, center, inner)[0]
    return (clumps - math.pi * (outer**2 - inner**2) * sky) / light


def petrosian_segment(
    image: Floats, center: tuple[float, float], a: float, ratio: float, theta: float
) -> Mask:
    """Return the pixels brighter than the smoothed image at the Petrosian radius, one region."""
    smooth = ndimage.gaussian_filter(image, 0.2 * a, mode="constant")
    outer = ellipse_light(smooth, center, a + 0.5, ratio, theta)[0]
    inner = ellipse_light(smooth, center, a - 0.5, ratio, theta)[0]
    level = (outer - inner) / (math.pi * ratio * ((a + 0.5) ** 2 - (a - 0.5) ** 2))
    labels, _ = ndimage.label(smooth >= level, _EIGHT)
    return np.asarray(labels == labels.flat[smooth.argmax()])


def gini(values: Floats) -> float:
    """Return the Gini coefficient of absolute values: 0 of equal ones, 1 where one has all."""
    ordered = np.sort(np.abs(values))
    n = len(ordered)
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / ((n - 1) * ordered.sum()))


def m20(image: Floats, segment: Mask) -> float:
    """Return log10 of the second moment of the brightest 20 % of the light over that of all."""
    y, x = np.nonzero(segment)
    light = image[segment]
    cx, cy = (light * x).sum() / light.sum(), (light * y).sum() / light.sum()
    moment = light * ((x - cx) ** 2 + (y - cy) ** 2)
    ordered = np.sort(light)
    threshold = ordered[np.argmax(np.cumsum(ordered) >= 0.8 * light.sum())]
    return float(np.log10(moment[light >= threshold].sum() / moment.sum()))


def mid_segment(image: Floats, source: Mask) -> Mask:
    """Return the main clump above the brightness that is 0.2 times its mean, smoothed."""
    inside = np.where(source, np.maximum(image, 0), 0.0)
    values = np.sort(inside[source])
    top = inside.argmax()

    def clump(q: float) -> tuple[Mask, float]:
        threshold = values[int(q * (len(values) - 1))]
        labels, _ = ndimage.label(inside >= threshold, _EIGHT)
        return np.asarray(labels == labels.flat[top]), float(threshold)

    def excess(q: float) -> float:
        region, threshold = clump(q)
        return threshold / float(inside[region].mean()) - 0.2

    found = optimize.brentq(excess, 0.0, 1.0, xtol=1 / len(values))
    region = ndimage.uniform_filter(clump(found)[0].astype(float), 3) > 0.5
    region.flat[top] = True
    labels, _ = ndimage.label(region, _EIGHT)
    return np.asarray(labels == labels.flat[top])


def multimode(image: Floats, segment: Mask, source: Mask) -> float:
    """Return A2 / A1 where A2^2 / A1 is largest: of quantiles, then of the thresholds near it."""
    inside = np.where(segment, np.maximum(image, 0), 0.0)
    values = np.sort(inside[source])

    def areas(k: int) -> tuple[float, float]:  # A2^2 / A1 and A2 / A1 above the k-th faintest pixel
        labels, count = ndimage.label(inside >= values[k], _EIGHT)
        if values[k] <= 0 or count < 2:
            return 0.0, 0.0
        second, first = np.sort(np.bincount(labels.ravel())[1:])[-2:]
        return second**2 / first, second / first

    last, step = len(values) - 1, 0.02
    quantiles = np.arange(0, 1, step)
    while max(areas(int(q * last))[0] for q in quantiles) == 0:
        step /= 2
        if step < 5e-4:
            return 0.0
        quantiles = np.arange(0, 1, step)
    best = max(quantiles, key=lambda q: areas(int(q * last))[0])
    near = range(int(max(0, best - 0.05) * last), int(min(1, best + 0.05) * last) + 1)
    return areas(max(near, key=lambda k: areas(k)[0]))[1]


def deviation_and_intensity(image: Floats, segment: Mask) -> tuple[float, float]:
    """Return the deviation and the intensity statistic, by scikit-image's peaks and watershed."""
    inside = np.where(segment, np.maximum(image, 0), 0.0)
    smooth = ndimage.gaussian_filter(inside, 1.0)
    peaks = feature.peak_local_max(smooth)
    markers = np.zeros(image.shape, dtype=int)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    hills = segmentation.watershed(-smooth, markers, connectivity=2, mask=smooth > 0)
    light = np.array([smooth[hills == k + 1].sum() for k in range(len(peaks))])
    order = np.argsort(light)[::-1]
    y, x = np.indices(image.shape)
    cx, cy = (inside * x).sum() / inside.sum(), (inside * y).sum() / inside.sum()
    py, px = peaks[order[0]]
    deviation = math.sqrt(math.pi / segment.sum()) * math.hypot(px - cx, py - cy)
    return deviation, float(light[order[1]] / light[order[0]]) if len(peaks) > 1 else 0.0

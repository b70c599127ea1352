"""Morphology statistics: concentration, asymmetry, smoothness, Gini, M20 and ring profiles."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from galfeat.data.preparation.segmentation import central_region, combine_bands, segment

__all__ = ["SHAPE", "shape_names", "shape_numbers"]

SHAPE = "shape"
"""Name of the block."""
_BRIGHTEST = 9.0  # asinh of about 4,000 noise sigmas
# limits of the rings in root mean square radii
_RINGS = ((0.0, 0.3), (0.3, 0.6), (0.6, 1.0), (1.0, 1.5), (1.5, 2.2), (2.2, 3.2))
_COLOR_RINGS = ((0.0, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, 3.0))
_WAVES = (1, 2, 3, 4)
_MIN_PIXELS = 20  # of a segment; smaller ones are replaced by a central disk
_SCALES = (1.0, 2.0, 4.0)
_TINY = 1e-9  # of fluxes in units of the noise

Floats = NDArray[np.float64]


def shape_numbers(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the morphology statistics of prepared galaxies.

    They are measured on fluxes (the asinh stretch is inverted) within the segment of the central
    galaxy, on the mean of the bands and on each band: ellipticity, axis ratio, size, concentration,
    half-light radius, outer extent, asymmetry under half and quarter turns, Gini, M20, three
    smoothnesses, clumpiness, surface brightness and peak; then in six elliptical rings the mean,
    and relative to it the scatter and the first four azimuthal Fourier amplitudes. Last are the
    area of the segment, and the colors of adjacent bands in four rings.

    Parameters
    ----------
    images : array, shape (n, bands, size, size)
        Sky at zero, noise at one, asinh stretch; finite.

    Returns
    -------
    array of float32, shape (n, 52 * (bands + 1) + 1 + 5 * (bands - 1))

    References
    ----------
    Conselice 2003, ApJS 147, 1, doi:10.1086/375001; Lotz, Primack and Madau 2004, AJ 128, 163,
    doi:10.1086/421849
    """
    names = shape_names([str(band) for band in range(images.shape[1])])
    numbers = [
        _numbers(np.nan_to_num(image, nan=0.0, posinf=_BRIGHTEST, neginf=0.0)) for image in images
    ]
    return np.array(numbers, dtype=np.float32).reshape(len(images), len(names))


def shape_names(bands: Sequence[str]) -> list[str]:
    """Return the names of the statistics, in their order."""
    single = [
        "ellipticity",
        "axis_ratio",
        "size",
        "concentration",
        "half_light",
        "outer",
        "asymmetry",
        "quarter_asymmetry",
        "gini",
        "m20",
    ]
    single += [*(f"roughness{scale:g}" for scale in _SCALES), "clumpiness", "brightness", "peak"]
    single += [f"ring{ring}_mean" for ring in range(len(_RINGS))]
    single += [
        f"ring{ring}_{what}"
        for ring in range(len(_RINGS))
        for what in ("scatter", *(f"wave{wave}" for wave in _WAVES))
    ]
    colors = [f"ring{ring}" for ring in range(len(_COLOR_RINGS))] + ["scatter"]
    pairs = [f"{a}-{b}_{what}" for a, b in pairwise(bands) for what in colors]
    return [*(f"{band}_{name}" for band in ("mean", *bands) for name in single), "region", *pairs]


def _numbers(image: NDArray[np.float32]) -> list[float]:
    region = _region(image)
    light = np.sinh(np.clip(image, -_BRIGHTEST, _BRIGHTEST).astype(np.float64))
    mean = light.mean(axis=0)
    y, x = np.indices(mean.shape).astype(np.float64)
    weight = np.where(region, np.maximum(mean, 0), 0)
    total = weight.sum() + _TINY
    dy, dx = y - (weight * y).sum() / total, x - (weight * x).sum() / total
    numbers: list[float] = []
    for band in (mean, *light):
        numbers += _band_numbers(band, region, dy, dx)
    numbers.append(float(np.log(region.sum())))
    size = np.sqrt((weight * (dy**2 + dx**2)).sum() / total)
    radius = np.hypot(dy, dx)
    for number in range(len(light) - 1):
        one, two = light[number], light[number + 1]
        for low, high in _COLOR_RINGS:
            ring = (radius >= low * size) & (radius < high * size)
            numbers.append(
                float(np.arcsinh(one[ring].mean()) - np.arcsinh(two[ring].mean()))
                if ring.any()
                else 0.0
            )
        numbers.append(float(np.std((image[number] - image[number + 1])[region])))
    return numbers


def _region(image: NDArray[np.float32]) -> NDArray[np.bool_]:
    region: NDArray[np.bool_] = np.asarray(
        central_region(segment(combine_bands(image))), dtype=bool
    )
    if region.sum() >= _MIN_PIXELS:
        return region
    y, x = np.indices(image.shape[1:]) - (image.shape[1] - 1) / 2
    return np.asarray(np.hypot(y, x) < max(3.0, image.shape[1] / 4))


def _band_numbers(band: Floats, region: NDArray[np.bool_], dy: Floats, dx: Floats) -> list[float]:
    weight = np.where(region, np.maximum(band, 0), 0)
    total = weight.sum() + _TINY
    xx, yy, xy = ((weight * each).sum() / total for each in (dx * dx, dy * dy, dx * dy))
    size, stretch = float(np.sqrt(xx + yy)), float(np.hypot(xx - yy, 2 * xy))
    ratio = float(np.sqrt(max(1e-2, (xx + yy - stretch) / (xx + yy + stretch + _TINY))))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    radii = _light_radii(band[region], np.hypot(dy, dx)[region])
    inside, scale = band[region], float(np.abs(band[region]).sum()) + _TINY
    smooth = [
        float(np.abs(band - ndimage.gaussian_filter(band, sigma))[region].sum()) / scale
        for sigma in _SCALES
    ]
    clumps = float(np.maximum(band - ndimage.gaussian_filter(band, 3.0), 0)[region].sum()) / total
    center = (float(-dy[0, 0]), float(-dx[0, 0]))
    return [
        stretch / (xx + yy + _TINY),
        ratio,
        float(np.log(size + 0.5)),
        float(5 * np.log10(radii[2] / radii[0])),
        float(np.log(radii[1])),
        radii[3] / radii[1],
        min(
            _asymmetry(band, region, (center[0] + oy, center[1] + ox), half=True)
            for oy in (-0.5, 0, 0.5)
            for ox in (-0.5, 0, 0.5)
        ),
        _asymmetry(band, region, center, half=False),
        _gini(np.abs(inside)),
        _m20(weight[region], (dy**2 + dx**2)[region]),
        *smooth,
        clumps,
        float(np.arcsinh(total / (size**2 + 1))),
        float(np.arcsinh(inside.max())),
        *_ring_profile(band, (dy, dx), size, ratio, angle),
    ]


def _light_radii(flux: Floats, radius: Floats) -> list[float]:
    """Return the radii in pixels that enclose 20, 50, 80 and 90 % of the light, plus a half."""
    order = np.argsort(radius, kind="stable")
    grown = np.maximum.accumulate(np.cumsum(flux[order]))
    share = grown / max(float(grown[-1]), _TINY)
    places = np.minimum(np.searchsorted(share, (0.2, 0.5, 0.8, 0.9)), len(order) - 1)
    return [float(radius[order][place]) + 0.5 for place in places]


def _asymmetry(
    band: Floats, region: NDArray[np.bool_], center: tuple[float, float], *, half: bool
) -> float:
    """Return the asymmetry under a half or quarter turn: absolute residual over absolute flux."""
    matrix = -np.eye(2) if half else np.array([[0.0, -1.0], [1.0, 0.0]])
    offset = np.array(center) - matrix @ np.array(center)
    turned = ndimage.affine_transform(band, matrix, offset, order=1, mode="nearest")
    return float(np.abs(band - turned)[region].sum()) / (float(np.abs(band[region]).sum()) + _TINY)


def _gini(flux: Floats) -> float:
    ordered, n = np.sort(flux), len(flux)
    return float(
        ((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (ordered.mean() * n * (n - 1) + _TINY)
    )


def _m20(flux: Floats, squared: Floats) -> float:
    order = np.argsort(-flux, kind="stable")
    grown = np.cumsum(flux[order])
    count = int(np.searchsorted(grown, 0.2 * grown[-1])) + 1
    moment = flux * squared
    return float(np.log10(moment[order][:count].sum() / (moment.sum() + _TINY) + 1e-6))


def _ring_profile(
    band: Floats, offsets: tuple[Floats, Floats], size: float, ratio: float, angle: float
) -> list[float]:
    dy, dx = offsets
    along, across = (
        dx * np.cos(angle) + dy * np.sin(angle),
        -dx * np.sin(angle) + dy * np.cos(angle),
    )
    radius, around = (
        np.hypot(along, across / ratio) * np.sqrt(ratio),
        np.arctan2(across / ratio, along),
    )
    means, waves = [], []
    for low, high in _RINGS:
        ring = (radius >= low * size) & (radius < high * size)
        values = band[ring] if ring.sum() >= 4 else np.zeros(1)
        phase = around[ring] if ring.sum() >= 4 else np.zeros(1)
        mean = float(values.mean())
        relative = abs(mean) + 0.3
        means.append(float(np.arcsinh(mean)))
        waves.append(float(values.std()) / relative)
        waves += [
            float(np.abs((values * np.exp(1j * wave * phase)).mean())) / relative for wave in _WAVES
        ]
    return [*means, *waves]

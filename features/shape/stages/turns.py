"""Asymmetries: of the light, of its outskirts, and of the detection mask."""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.apertures import coverage, weighted
from galfeat.features.shape.images.sky import matched_asymmetry
from galfeat.features.shape.quantities import BIT, INDEX
from galfeat.features.shape.statistics.asymmetry import reversed_copy, turned_difference
from galfeat.features.shape.statistics.detection_mask import detection_mask, largest_radii
from galfeat.features.shape.statistics.petrosian import light_radii

__all__ = ["measure_asymmetries", "measure_outskirts"]

_APERTURE = 1.5  # radius of concentration, asymmetry and smoothness, in Petrosian radii
_ENOUGH = 256  # differences of sky pixels outside of the aperture; else of those nearer by

_ODD_LIGHT = BIT["odd_light"]
_FAINT_MASK = BIT["faint_mask"]
_PETROSIAN = INDEX["r_petro_circ"]
_HALF = INDEX["r_half_circ"]
_LARGEST = INDEX["r_max_circ"]
_A = INDEX["asymmetry"]
_OUTER = INDEX["outer_asymmetry"]
_SHAPE = INDEX["shape_asymmetry"]


@kernel()
def measure_asymmetries(
    image: Any,
    halves: Any,
    empty: Any,
    center: Any,
    petrosian: Any,
    sky: Any,
    variance: Any,
    out: Any,
) -> Any:
    """Measure the asymmetries within the circular aperture."""
    xc, yc = center
    aperture = _APERTURE * petrosian
    inside = np.zeros(image.shape, np.float32)
    used = coverage(inside, 1.0, xc, yc, aperture, aperture, 0.0)
    total, differs, area = _weighted_halves(inside, halves, used)
    if not total > 0:
        return _ODD_LIGHT
    out[_A] = (differs - area * sky) / total
    matched = matched_asymmetry(image, empty, xc, yc, aperture, _ENOUGH)
    if not matched >= 0:
        matched = matched_asymmetry(image, empty, xc, yc, petrosian, 1)
    out[_A + 1] = (differs - area * matched) / total
    power = weighted(inside, halves[0] * halves[0], used)
    change = weighted(inside, halves[1] * halves[1], used)
    if power - area * variance > 0:
        out[_A + 2] = (change - 2 * area * variance) / (power - area * variance)
    return 0


@kernel()
def measure_outskirts(
    image: Any,
    whole: Any,
    sums: Any,
    halves: Any,
    partners: Any,
    ellipse: Any,
    profiles: Any,
    box: Any,
    sky: Any,
    out: Any,
) -> Any:
    """Measure the detection mask: largest and half-light radii, outer and shape asymmetry."""
    xc, yc, ratio, theta = ellipse
    mask, trouble = detection_mask(image, whole, xc, yc, out[_PETROSIAN + 1], box)
    if trouble == 2:
        return _FAINT_MASK
    far, long = largest_radii(mask, xc, yc, ratio, theta)
    out[_LARGEST], out[_LARGEST + 1] = far, long
    half = np.array((0.5,))
    grown, _, long_grown, _ = profiles
    if far > 0:
        light_radii(sums, (xc, yc, 1.0, 0.0), far, half, grown, out[_HALF : _HALF + 1])
        out[_SHAPE] = _mask_asymmetry(mask, whole, partners, xc, yc, far)
    if long > 0:
        light_radii(sums, ellipse, long, half, long_grown, out[_HALF + 1 : _HALF + 2])
        near = out[_HALF + 1]
        ring = np.zeros(image.shape, np.float32)
        used = coverage(ring, 1.0, xc, yc, long, long * ratio, theta)
        coverage(ring, -1.0, xc, yc, near, near * ratio, theta)
        total, differs, area = _weighted_halves(ring, halves, used)
        if total > 0:
            out[_OUTER] = (differs - area * sky) / total
    return _FAINT_MASK if trouble else 0


@kernel()
def _mask_asymmetry(mask: Any, whole: Any, partners: Any, xc: Any, yc: Any, radius: Any) -> Any:
    ny, nx = mask.shape
    image, halves = np.empty((ny, nx), np.float32), np.empty((3, ny, nx), np.float32)
    for y in range(ny):
        for x in range(nx):
            image[y, x] = mask[y, x]
    turned = reversed_copy(image, 0.0, (partners.shape[1] - nx) // 2)
    turned_difference(image, turned, whole, partners, xc, yc, halves)
    inside = np.zeros((ny, nx), np.float32)
    used = coverage(inside, 1.0, xc, yc, radius, radius, 0.0)
    total, differs, _ = _weighted_halves(inside, halves, used)
    return differs / total if total > 0 else np.nan


@kernel()
def _weighted_halves(weights: Any, halves: Any, rows: Any) -> Any:
    """Return the weighted sums of light, of its difference from itself turned, and of the area."""
    total, differs = weighted(weights, halves[0], rows), weighted(weights, halves[1], rows)
    return total, differs, weighted(weights, halves[2], rows)

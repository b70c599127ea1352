"""All quantities of one plane, in the order in which they need each other."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.apertures import ellipse_sums, row_sums
from galfeat.features.shape.asymmetry import asymmetry_center, reversed_copy, turned_difference
from galfeat.features.shape.detection_mask import detection_mask, largest_radii
from galfeat.features.shape.gini_m20 import gini, m20, petrosian_segment, values_in
from galfeat.features.shape.mid import intensity_and_deviation, mid_segment, multimode
from galfeat.features.shape.moments import ellipse_of, source_moments
from galfeat.features.shape.petrosian import light_radii, petrosian_radius
from galfeat.features.shape.quantities import FLAGS, INDEX
from galfeat.features.shape.regions import brightest
from galfeat.features.shape.segmentation import NEIGHBOR, SOURCE, find_outliers, stamp_bounds
from galfeat.features.shape.sersic import fit_sersic
from galfeat.features.shape.sky import find_box, matched_asymmetry, sky_asymmetry, sky_smoothness
from galfeat.features.shape.smoothness import smoothing_side, smoothness

__all__ = ["measure_plane"]

_APERTURE = 1.5  # radius of concentration, asymmetry and smoothness, in Petrosian radii
_TOTAL = 2.0  # radius of the light, in Petrosian radii
_DRIFT = 0.25  # Petrosian radii from the centroid at which the center is looked for elsewhere
_ENOUGH = 256  # differences of sky pixels outside of the aperture; else of those nearer by
_OVERLAP = 0.25  # of the larger of the segments of Gini and MID

_BIT = {flag.name: 1 << bit for bit, flag in enumerate(FLAGS)}
_NO_SOURCE, _NONPOSITIVE = _BIT["no_source"], _BIT["nonpositive_flux"]
_MASKED, _NO_PETROSIAN = _BIT["center_masked"], _BIT["no_petrosian_radius"]
_TINY, _ADRIFT, _NO_CENTER = _BIT["tiny_petrosian_radius"], _BIT["center_adrift"], _BIT["no_center"]
_NO_SKY, _OFFSET, _ODD_MOMENTS = _BIT["no_sky"], _BIT["sky_offset"], _BIT["odd_moments"]
_ODD_SEGMENT, _SEVERAL = _BIT["odd_segment"], _BIT["several_segments"]
_ODD_LIGHT, _DIFFER = _BIT["odd_light"], _BIT["segments_differ"]
_NO_MID, _FAINT_MASK = _BIT["no_mid_segment"], _BIT["faint_mask"]
_AT_EDGE, _SMALL, _NO_SERSIC = _BIT["at_edge"], _BIT["small"], _BIT["no_sersic_fit"]

_X0, _X, _ELLIPTICITY = INDEX["x_centroid"], INDEX["x_center"], INDEX["ellipticity"]
_PETROSIAN, _HALF, _R20 = INDEX["r_petro_circ"], INDEX["r_half_circ"], INDEX["r20"]
_LARGEST, _C, _A = INDEX["r_max_circ"], INDEX["concentration"], INDEX["asymmetry"]
_OUTER, _SHAPE, _S = INDEX["outer_asymmetry"], INDEX["shape_asymmetry"], INDEX["smoothness"]
_GINI, _M, _SN = INDEX["gini"], INDEX["multimode"], INDEX["sn_per_pixel"]
_FLUX, _SKY, _SERSIC = INDEX["flux_circ"], INDEX["sky_mean"], INDEX["sersic_n"]


@kernel()
def measure_plane(
    light: Any, good: Any, segments: Any, outlier: Any, small: Any, sersic: Any, out: Any
) -> Any:
    """Fill ``out`` with the quantities of a plane, NaN where there is none, and return its flags.

    Parameters
    ----------
    light : array of float32, shape (ny, nx)
        Linear, in units of the noise; bad pixels are zero.
    good : array of float32, shape (ny, nx)
        1 on good pixels.
    segments : array of uint8, shape (ny, nx)
        See `galfeat.features.shape.segmentation`.
    outlier : float
        Standard deviations of its neighbors by which a pixel is bad; 0 lets all pass.
    small : float
        Half-light radius below which a source is no larger than the point spread, pixels.
    sersic : bool
        Whether to fit a Sersic profile.
    out : array of float64, shape (quantities,)
    """
    out[:] = np.nan
    flags = 0
    count = 0
    height, width = light.shape
    for y in range(height):
        for x in range(width):
            if segments[y, x] == SOURCE:
                count += 1
                if y == 0 or x == 0 or y == height - 1 or x == width - 1:
                    flags |= _AT_EDGE
    if count == 0:
        return _NO_SOURCE
    top, bottom, left, right = stamp_bounds(segments)
    ny, nx = bottom - top, right - left
    largest = 0.0
    for y in range(top, bottom):
        for x in range(left, right):
            largest = max(largest, abs(light[y, x]))
    _, exponent = math.frexp(largest)
    scale, unit = math.ldexp(1.0, -exponent), math.ldexp(1.0, exponent)

    image, stamp = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.uint8)
    whole, masked_out = np.empty((ny, nx), np.float32), np.zeros((ny, nx), np.uint8)
    empty, segment = np.empty((ny, nx), np.uint8), np.zeros((ny, nx), np.uint8)
    for y in range(ny):
        for x in range(nx):
            image[y, x] = light[top + y, left + x] * scale
    if outlier > 0:
        find_outliers(image, outlier, masked_out)
    masked = False
    for y in range(ny):
        for x in range(nx):
            belongs = segments[top + y, left + x]
            fine = good[top + y, left + x] > 0
            empty[y, x] = fine and belongs != SOURCE and belongs != NEIGHBOR
            if not fine or belongs == NEIGHBOR:
                masked_out[y, x] = 1
            if masked_out[y, x]:
                image[y, x] = 0
                masked = True
            whole[y, x] = 0 if masked_out[y, x] else 1
            segment[y, x] = belongs == SOURCE and not masked_out[y, x]
            stamp[y, x] = SOURCE if segment[y, x] else 0
    moments = np.empty(6)
    source_moments(image, stamp, moments)
    if not moments[0] > 0:
        return flags | _NONPOSITIVE
    x0, y0 = moments[1], moments[2]
    if not (0 <= x0 < nx and 0 <= y0 < ny):
        x0, y0 = nx / 2.0, ny / 2.0
        flags |= _NO_CENTER
    if image[int(y0), int(x0)] == 0:
        flags |= _MASKED
    out[_X0], out[_X0 + 1] = left + x0, top + y0

    box = find_box(empty)
    row, column, side = box
    sky = image[row : row + side, column : column + side]
    asymmetry_sky, variance_sky = 0.0, 0.0
    if side == 0:
        flags |= _NO_SKY
    else:
        asymmetry_sky = sky_asymmetry(sky)
        mean = 0.0
        for y in range(side):
            for x in range(side):
                mean += sky[y, x]
        mean /= side * side
        for y in range(side):
            for x in range(side):
                variance_sky += (sky[y, x] - mean) ** 2
        variance_sky /= side * side
        out[_SKY], out[_SKY + 1] = mean * unit, math.sqrt(variance_sky) * unit
        if mean * mean > variance_sky:
            flags |= _OFFSET

    sums = np.empty((ny, nx + 1), np.float64)
    room = np.empty((ny, nx + 1) if masked else (1, 1), np.float64)
    row_sums(image, sums)
    if masked:
        row_sums(whole, room)

    # the center
    first, problem = petrosian_radius(sums, room, masked, (x0, y0, 1.0, 0.0))
    aperture = _APERTURE * first
    turned, partners = reversed_copy(image, 0.0), reversed_copy(whole, 1.0)
    xc, yc, _ = asymmetry_center(image, whole, turned, partners, x0, y0, aperture, asymmetry_sky)
    if math.hypot(xc - x0, yc - y0) > _DRIFT * first:
        flags |= _ADRIFT
        by, bx = _brightest_of(image, segment)
        xc, yc, _ = asymmetry_center(
            image, whole, turned, partners, float(bx), float(by), aperture, asymmetry_sky
        )
        if math.hypot(xc - bx, yc - by) > _DRIFT * first:
            flags |= _NO_CENTER
            xc, yc = x0, y0
    if image[int(yc), int(xc)] == 0:
        flags |= _MASKED
    out[_X], out[_X + 1] = left + xc, top + yc
    ratio, theta, odd = ellipse_of(moments, xc, yc)
    out[_ELLIPTICITY], out[_ELLIPTICITY + 1] = 1 - ratio, 1 / ratio
    out[_ELLIPTICITY + 2] = theta
    if odd:
        flags |= _ODD_MOMENTS

    # radii
    circle, ellipse = (xc, yc, 1.0, 0.0), (xc, yc, ratio, theta)
    circular, problem = petrosian_radius(sums, room, masked, circle)
    elliptical, other = petrosian_radius(sums, room, masked, ellipse)
    if problem == 1 or other == 1:
        flags |= _NO_PETROSIAN
    if problem == 2 or other == 2:
        flags |= _TINY
    if problem == 0:
        out[_PETROSIAN] = circular
    if other == 0:
        out[_PETROSIAN + 1] = elliptical
    if problem == 0:
        parts = np.array((0.2, 0.5, 0.8, 0.9))
        if not light_radii(sums, circle, _APERTURE * circular, parts, out[_R20 : _R20 + 4]):
            flags |= _ODD_LIGHT
        out[_C] = 5 * math.log10(out[_R20 + 2] / out[_R20])
        if out[_R20 + 1] <= small:
            flags |= _SMALL
        far = _TOTAL * circular
        flux, _ = ellipse_sums(sums, sums, False, xc, yc, far, far, 0.0)
        out[_FLUX] = abs(flux) * unit
    if other == 0:
        far = _TOTAL * elliptical
        flux, _ = ellipse_sums(sums, sums, False, xc, yc, far, far * ratio, theta)
        out[_FLUX + 1] = abs(flux) * unit

    # asymmetries
    absolute, difference, both = turned_difference(image, turned, whole, masked, xc, yc)
    total, area = ellipse_sums(absolute, both, masked, xc, yc, aperture, aperture, 0.0)
    differs, _ = ellipse_sums(difference, both, False, xc, yc, aperture, aperture, 0.0)
    if total > 0:
        out[_A] = (differs - area * asymmetry_sky) / total
        matched = matched_asymmetry(image, empty, xc, yc, aperture, _ENOUGH)
        if not matched >= 0:
            matched = matched_asymmetry(image, empty, xc, yc, first, 1)
        out[_A + 1] = (differs - area * matched) / total
        squares, squared = _squares(absolute), _squares(difference)
        power, _ = ellipse_sums(squares, both, False, xc, yc, aperture, aperture, 0.0)
        change, _ = ellipse_sums(squared, both, False, xc, yc, aperture, aperture, 0.0)
        if power - area * variance_sky > 0:
            out[_A + 2] = (change - 2 * area * variance_sky) / (power - area * variance_sky)
    else:
        flags |= _ODD_LIGHT
    if other == 0:
        mask, trouble = detection_mask(image, masked_out, xc, yc, elliptical, box)
        if trouble:
            flags |= _FAINT_MASK
        if trouble != 2:
            far, long = largest_radii(mask, xc, yc, ratio, theta)
            out[_LARGEST], out[_LARGEST + 1] = far, long
            half = np.array((0.5,))
            if far > 0:
                light_radii(sums, circle, far, half, out[_HALF : _HALF + 1])
            if long > 0:
                light_radii(sums, ellipse, long, half, out[_HALF + 1 : _HALF + 2])
                within, start = out[_HALF + 1], out[_HALF + 1] * ratio
                total, area = ellipse_sums(absolute, both, masked, xc, yc, long, long * ratio, theta)
                less, inner = ellipse_sums(absolute, both, masked, xc, yc, within, start, theta)
                differs, _ = ellipse_sums(difference, both, False, xc, yc, long, long * ratio, theta)
                little, _ = ellipse_sums(difference, both, False, xc, yc, within, start, theta)
                if total - less > 0:
                    sky_part = (area - inner) * asymmetry_sky
                    out[_OUTER] = (differs - little - sky_part) / (total - less)
            if far > 0:
                out[_SHAPE] = _mask_asymmetry(mask, whole, masked, xc, yc, far)

    # smoothness
    if problem == 0:
        rough = sky_smoothness(sky, smoothing_side(circular)) if side else 0.0
        out[_S] = smoothness(image, sums, xc, yc, circular, rough)

    # Gini, M20, MID
    region, region_count = np.zeros((ny, nx), np.uint8), 0
    if other == 0:
        region_count, trouble = petrosian_segment(image, (x0, y0, ratio, theta), elliptical, region)
        if trouble == 2:
            flags |= _ODD_SEGMENT
        if trouble == 1:
            flags |= _SEVERAL
        if region_count:
            ordered = values_in(image, region, region_count)
            out[_GINI], out[_GINI + 1] = gini(ordered), m20(image, region, ordered)
            out[_GINI + 2] = -0.693 * out[_GINI + 1] + 4.95 * out[_GINI] - 3.96
            out[_GINI + 3] = 0.139 * out[_GINI + 1] + 0.990 * out[_GINI] - 0.327
            out[_SN] = _mean_of_positive(image, region, whole) * unit
            if not (out[_GINI + 1] <= 0 and out[_GINI] == out[_GINI]):
                flags |= _ODD_LIGHT
    clump = np.zeros((ny, nx), np.uint8)
    clump_count, trouble = mid_segment(image, segment, clump)
    if trouble:
        flags |= _FAINT_MASK
    if clump_count == 0:
        flags |= _NO_MID
        for y in range(ny):
            for x in range(nx):
                clump[y, x] = region[y, x]
        clump_count = region_count
    if clump_count:
        for y in range(ny):
            for x in range(nx):
                stamp[y, x] = clump[y, x] and segment[y, x]
        out[_M] = multimode(image, stamp)
        out[_M + 1], out[_M + 2] = intensity_and_deviation(image, stamp, clump_count)
        overlap = 0
        for y in range(ny):
            for x in range(nx):
                overlap += clump[y, x] and region[y, x]
        if overlap < _OVERLAP * max(region_count, clump_count):
            flags |= _DIFFER

    if sersic and other == 0:
        start = out[_HALF + 1] if out[_HALF + 1] > 0 else 0.5 * elliptical
        index = 10.0**-1.5 * out[_C] ** 3.5 if out[_C] > 0 else 1.0
        index = min(max(index, 1.0), 3.5)
        n, radius, residual, fitted = fit_sersic(
            image, masked_out, ellipse, _TOTAL * elliptical, index, start
        )
        if fitted:
            out[_SERSIC], out[_SERSIC + 1], out[_SERSIC + 2] = n, radius, residual
        else:
            flags |= _NO_SERSIC
    return flags


@kernel()
def _brightest_of(image: Any, segment: Any) -> Any:
    ny, nx = image.shape
    inside = np.zeros((ny, nx), np.float32)
    for y in range(ny):
        for x in range(nx):
            if segment[y, x]:
                inside[y, x] = image[y, x]
    return brightest(inside)


@kernel()
def _squares(sums: Any) -> Any:
    """Return the row sums of the squares of what those row sums are of."""
    ny, wide = sums.shape
    out = np.empty((ny, wide), np.float64)
    for y in range(ny):
        total = 0.0
        out[y, 0] = 0.0
        for x in range(1, wide):
            value = sums[y, x] - sums[y, x - 1]
            total += value * value
            out[y, x] = total
    return out


@kernel()
def _mask_asymmetry(mask: Any, whole: Any, masked: Any, xc: Any, yc: Any, radius: Any) -> Any:
    ny, nx = mask.shape
    image = np.empty((ny, nx), np.float32)
    for y in range(ny):
        for x in range(nx):
            image[y, x] = mask[y, x]
    turned = reversed_copy(image, 0.0)
    absolute, difference, both = turned_difference(image, turned, whole, masked, xc, yc)
    total, _ = ellipse_sums(absolute, both, False, xc, yc, radius, radius, 0.0)
    differs, _ = ellipse_sums(difference, both, False, xc, yc, radius, radius, 0.0)
    return differs / total if total > 0 else np.nan


@kernel()
def _mean_of_positive(image: Any, region: Any, whole: Any) -> Any:
    ny, nx = image.shape
    total, count = 0.0, 0
    for y in range(ny):
        for x in range(nx):
            if region[y, x] and whole[y, x] > 0 and image[y, x] >= 0:
                total += image[y, x]
                count += 1
    return total / count if count else np.nan

"""All quantities of one plane, in the order of their dependence."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.apertures import ellipse_sums, row_sums
from galfeat.features.shape.asymmetry import asymmetry_center, reversed_copy, turned_difference
from galfeat.features.shape.clumps import clump_fraction, quarter_asymmetry, roughness
from galfeat.features.shape.detection_mask import detection_mask, largest_radii
from galfeat.features.shape.gini_m20 import gini, m20, petrosian_segment, values_in
from galfeat.features.shape.mid import intensity_and_deviation, mid_segment, multimode
from galfeat.features.shape.moments import ellipse_of, source_moments
from galfeat.features.shape.petrosian import light_radii, petrosian_radius
from galfeat.features.shape.quantities import BIT, INDEX
from galfeat.features.shape.regions import brightest
from galfeat.features.shape.rings import ring_statistics
from galfeat.features.shape.segmentation import stamp_bounds
from galfeat.features.shape.sersic import fit_sersic
from galfeat.features.shape.sky import find_box, matched_asymmetry, sky_asymmetry, sky_smoothness
from galfeat.features.shape.smoothness import smoothing_side, smoothness
from galfeat.features.shape.stamp import cut_stamp, source_flags

__all__ = ["measure_plane"]

_APERTURE = 1.5  # radius of concentration, asymmetry and smoothness, in Petrosian radii
_TOTAL = 2.0  # radius of the light, in Petrosian radii
_DRIFT = 0.25  # Petrosian radii from the centroid at which the center is looked for elsewhere
_ENOUGH = 256  # differences of sky pixels outside of the aperture; else of those nearer by
_SIGMA_OF_HALF = 1 / math.sqrt(2 * math.log(2.0))  # of a Gaussian, over its half-light radius
_OVERLAP = 0.25  # of the larger of the segments of Gini and MID

_NO_SOURCE, _NONPOSITIVE = BIT["no_source"], BIT["nonpositive_flux"]
_MASKED, _NO_PETROSIAN = BIT["center_masked"], BIT["no_petrosian_radius"]
_TINY, _ADRIFT, _NO_CENTER = BIT["tiny_petrosian_radius"], BIT["center_adrift"], BIT["no_center"]
_NO_SKY, _OFFSET, _ODD_MOMENTS = BIT["no_sky"], BIT["sky_offset"], BIT["odd_moments"]
_ODD_SEGMENT, _SEVERAL = BIT["odd_segment"], BIT["several_segments"]
_ODD_LIGHT, _DIFFER = BIT["odd_light"], BIT["segments_differ"]
_NO_MID, _FAINT_MASK = BIT["no_mid_segment"], BIT["faint_mask"]
_SMALL, _NO_SERSIC = BIT["small"], BIT["no_sersic_fit"]
_NO_NUCLEUS, _EMPTY_RING = BIT["no_nuclear_fit"], BIT["empty_ring"]

_X0, _X, _ELLIPTICITY = INDEX["x_centroid"], INDEX["x_center"], INDEX["ellipticity"]
_PETROSIAN, _HALF, _R20 = INDEX["r_petro_circ"], INDEX["r_half_circ"], INDEX["r20"]
_LARGEST, _C, _A = INDEX["r_max_circ"], INDEX["concentration"], INDEX["asymmetry"]
_OUTER, _SHAPE, _S = INDEX["outer_asymmetry"], INDEX["shape_asymmetry"], INDEX["smoothness"]
_GINI, _M, _SN = INDEX["gini"], INDEX["multimode"], INDEX["sn_per_pixel"]
_FLUX, _SKY, _SERSIC = INDEX["flux_circ"], INDEX["sky_mean"], INDEX["sersic_n"]
_NUCLEUS, _SIZE, _AREA = INDEX["nuclear_fraction"], INDEX["r_rms"], INDEX["log_area"]
_CLUMPS, _RING = INDEX["clump_fraction"], INDEX["ring1_brightness"]


@kernel()
def measure_plane(
    light: Any,
    good: Any,
    segments: Any,
    outlier: Any,
    small: Any,
    sersic: Any,
    details: Any,
    out: Any,
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
    details : bool
        Whether to measure rings, roughness and clumps.
    out : array of float64, shape (quantities,)
    """
    out[:] = np.nan
    flags = source_flags(segments)
    if flags & _NO_SOURCE:
        return flags
    bounds = stamp_bounds(segments)
    image, whole, segment, empty, unit = cut_stamp(light, good, segments, bounds, outlier)
    ny, nx = image.shape
    moments = np.empty(6)
    source_moments(image, segment, moments)
    if not moments[0] > 0:
        return flags | _NONPOSITIVE
    x0, y0 = moments[1], moments[2]
    if not (0 <= x0 < nx and 0 <= y0 < ny):
        x0, y0 = nx / 2.0, ny / 2.0
        flags |= _NO_CENTER
    if image[int(y0), int(x0)] == 0:
        flags |= _MASKED
    out[_X0], out[_X0 + 1] = bounds[2] + x0, bounds[0] + y0

    box = find_box(empty)
    row, column, side = box
    sky = image[row : row + side, column : column + side]
    level, variance = _mean_and_variance(sky)
    absolute = 0.0
    if side == 0:
        flags |= _NO_SKY
    else:
        absolute = sky_asymmetry(sky)
        out[_SKY], out[_SKY + 1] = level * unit, math.sqrt(variance) * unit
        if level * level > variance:
            flags |= _OFFSET

    masked = _any_zero(whole)
    sums = np.empty((ny, nx + 1), np.float64)
    room = np.empty((ny, nx + 1) if masked else (1, 1), np.float64)
    row_sums(image, sums)
    if masked:
        row_sums(whole, room)
    first, _ = petrosian_radius(sums, room, masked, (x0, y0, 1.0, 0.0))
    turned = reversed_copy(image, 0.0)
    xc, yc, found = _center(image, whole, masked, segment, turned, (x0, y0), first, absolute)
    flags |= found
    out[_X], out[_X + 1] = bounds[2] + xc, bounds[0] + yc
    ratio, theta, odd = ellipse_of(moments, xc, yc)
    out[_ELLIPTICITY], out[_ELLIPTICITY + 1] = 1 - ratio, 1 / ratio
    out[_ELLIPTICITY + 2] = theta
    if odd:
        flags |= _ODD_MOMENTS

    circle, ellipse = (xc, yc, 1.0, 0.0), (xc, yc, ratio, theta)
    flags |= _radii(sums, room, masked, circle, ellipse, small, unit, out)
    halves = turned_difference(image, turned, whole, masked, xc, yc)
    flags |= _asymmetries(image, halves, empty, masked, (xc, yc), first, absolute, variance, out)
    if out[_PETROSIAN] > 0:
        side_of = smoothing_side(out[_PETROSIAN])
        rough = sky_smoothness(sky, side_of) if side else 0.0
        out[_S] = smoothness(image, sums, xc, yc, out[_PETROSIAN], rough)
    if out[_PETROSIAN + 1] > 0:
        flags |= _outskirts(image, whole, sums, halves, masked, ellipse, box, absolute, out)
    flags |= _structure(image, whole, segment, (x0, y0, ratio, theta), unit, out)
    if sersic and out[_PETROSIAN + 1] > 0:
        flags |= _profile(image, whole, ellipse, small if details else 0.0, unit, out)
    size = math.sqrt(max(moments[3] + moments[5], 0.0))
    out[_SIZE] = size
    if details:
        flags |= _details(image, whole, segment, ellipse, size, unit, absolute, out)
    return flags


@kernel()
def _mean_and_variance(box: Any) -> Any:
    mean, variance = 0.0, 0.0
    ny, nx = box.shape
    for y in range(ny):
        for x in range(nx):
            mean += box[y, x]
    mean /= max(box.size, 1)
    for y in range(ny):
        for x in range(nx):
            variance += (box[y, x] - mean) ** 2
    return mean, variance / max(box.size, 1)


@kernel()
def _any_zero(image: Any) -> Any:
    ny, nx = image.shape
    total = 0.0
    for y in range(ny):
        for x in range(nx):
            total += image[y, x]
    return total < ny * nx


@kernel()
def _center(
    image: Any,
    whole: Any,
    masked: Any,
    segment: Any,
    turned: Any,
    start: Any,
    petrosian: Any,
    sky: Any,
) -> Any:
    """Return the center of least asymmetry, and flags."""
    x0, y0 = start
    aperture, far, flags = _APERTURE * petrosian, _DRIFT * petrosian, 0
    partners = reversed_copy(whole, 1.0)
    xc, yc, _ = asymmetry_center(image, whole, masked, turned, partners, x0, y0, aperture, sky)
    if math.hypot(xc - x0, yc - y0) > far:
        flags |= _ADRIFT
        row, column = _brightest_of(image, segment)
        x1, y1 = float(column), float(row)
        xc, yc, _ = asymmetry_center(image, whole, masked, turned, partners, x1, y1, aperture, sky)
        if math.hypot(xc - x1, yc - y1) > far:
            flags |= _NO_CENTER
            xc, yc = x0, y0
    if image[int(yc), int(xc)] == 0:
        flags |= _MASKED
    return xc, yc, flags


@kernel()
def _radii(
    sums: Any, room: Any, masked: Any, circle: Any, ellipse: Any, small: Any, unit: Any, out: Any
) -> Any:
    """Measure Petrosian radii, radii of parts of the light, concentration and fluxes."""
    flags = 0
    xc, yc, ratio, theta = ellipse
    circular, problem = petrosian_radius(sums, room, masked, circle)
    elliptical, other = petrosian_radius(sums, room, masked, ellipse)
    if problem == 1 or other == 1:
        flags |= _NO_PETROSIAN
    if problem == 2 or other == 2:
        flags |= _TINY
    if problem == 0:
        out[_PETROSIAN] = circular
        parts = np.array((0.2, 0.5, 0.8, 0.9))
        if not light_radii(sums, circle, _APERTURE * circular, parts, out[_R20 : _R20 + 4]):
            flags |= _ODD_LIGHT
        out[_C] = 5 * math.log10(out[_R20 + 2] / out[_R20])
        if out[_R20 + 1] <= small:
            flags |= _SMALL
        far = _TOTAL * circular
        out[_FLUX] = abs(ellipse_sums(sums, sums, False, xc, yc, far, far, 0.0)[0]) * unit
    if other == 0:
        out[_PETROSIAN + 1] = elliptical
        far = _TOTAL * elliptical
        flux, _ = ellipse_sums(sums, sums, False, xc, yc, far, far * ratio, theta)
        out[_FLUX + 1] = abs(flux) * unit
    return flags


@kernel()
def _asymmetries(
    image: Any,
    halves: Any,
    empty: Any,
    masked: Any,
    center: Any,
    petrosian: Any,
    sky: Any,
    variance: Any,
    out: Any,
) -> Any:
    """Measure the asymmetries within the circular aperture."""
    absolute, difference, both = halves
    xc, yc = center
    aperture = _APERTURE * petrosian
    total, area = ellipse_sums(absolute, both, masked, xc, yc, aperture, aperture, 0.0)
    differs, _ = ellipse_sums(difference, both, False, xc, yc, aperture, aperture, 0.0)
    if not total > 0:
        return _ODD_LIGHT
    out[_A] = (differs - area * sky) / total
    matched = matched_asymmetry(image, empty, xc, yc, aperture, _ENOUGH)
    if not matched >= 0:
        matched = matched_asymmetry(image, empty, xc, yc, petrosian, 1)
    out[_A + 1] = (differs - area * matched) / total
    squares, squared = _squares(absolute), _squares(difference)
    power, _ = ellipse_sums(squares, both, False, xc, yc, aperture, aperture, 0.0)
    change, _ = ellipse_sums(squared, both, False, xc, yc, aperture, aperture, 0.0)
    if power - area * variance > 0:
        out[_A + 2] = (change - 2 * area * variance) / (power - area * variance)
    return 0


@kernel()
def _outskirts(
    image: Any,
    whole: Any,
    sums: Any,
    halves: Any,
    masked: Any,
    ellipse: Any,
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
    if far > 0:
        light_radii(sums, (xc, yc, 1.0, 0.0), far, half, out[_HALF : _HALF + 1])
        out[_SHAPE] = _mask_asymmetry(mask, whole, masked, xc, yc, far)
    if long > 0:
        light_radii(sums, ellipse, long, half, out[_HALF + 1 : _HALF + 2])
        near = out[_HALF + 1]
        absolute, difference, both = halves
        total, area = ellipse_sums(absolute, both, masked, xc, yc, long, long * ratio, theta)
        less, inner = ellipse_sums(absolute, both, masked, xc, yc, near, near * ratio, theta)
        differs, _ = ellipse_sums(difference, both, False, xc, yc, long, long * ratio, theta)
        little, _ = ellipse_sums(difference, both, False, xc, yc, near, near * ratio, theta)
        if total - less > 0:
            out[_OUTER] = (differs - little - (area - inner) * sky) / (total - less)
    return _FAINT_MASK if trouble else 0


@kernel()
def _structure(image: Any, whole: Any, segment: Any, shape: Any, unit: Any, out: Any) -> Any:
    """Measure Gini, M20, and multimode, intensity and deviation."""
    ny, nx = image.shape
    flags, region_count = 0, 0
    region = np.zeros((ny, nx), np.uint8)
    if out[_PETROSIAN + 1] > 0:
        region_count, trouble = petrosian_segment(image, shape, out[_PETROSIAN + 1], region)
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
        if not (out[_GINI + 1] <= 0 and out[_GINI] >= 0):
            flags |= _ODD_LIGHT
    clump = np.zeros((ny, nx), np.uint8)
    clump_count, trouble = mid_segment(image, segment, clump)
    if trouble:
        flags |= _FAINT_MASK
    if clump_count == 0:
        flags |= _NO_MID
        clump, clump_count = region, region_count
    if clump_count == 0:
        return flags
    inside, overlap, pixels = np.empty((ny, nx), np.uint8), 0, 0
    for y in range(ny):
        for x in range(nx):
            inside[y, x] = clump[y, x] & segment[y, x]
            overlap += 1 if clump[y, x] and region[y, x] else 0
            pixels += 1 if segment[y, x] else 0
    out[_M] = multimode(image, inside, pixels)
    out[_M + 1], out[_M + 2] = intensity_and_deviation(image, inside, clump_count)
    if overlap < _OVERLAP * max(region_count, clump_count):
        flags |= _DIFFER
    return flags


@kernel()
def _profile(image: Any, whole: Any, ellipse: Any, small: Any, unit: Any, out: Any) -> Any:
    """Fit a Sersic profile, then one with a point source in its middle."""
    long = out[_PETROSIAN + 1]
    start = out[_HALF + 1] if out[_HALF + 1] > 0 else 0.5 * long
    index = 10.0**-1.5 * out[_C] ** 3.5 if out[_C] > 0 else 1.0  # of the concentration, roughly
    index = min(max(index, 1.0), 3.5)
    n, radius, residual, fitted, _ = fit_sersic(
        image, whole, ellipse, _TOTAL * long, index, start, 0.0
    )
    if not fitted:
        return _NO_SERSIC
    out[_SERSIC], out[_SERSIC + 1], out[_SERSIC + 2] = n, radius, residual
    if not small > 0:
        return 0
    _, _, _, fitted, point = fit_sersic(
        image, whole, ellipse, _TOTAL * long, n, radius, small * _SIGMA_OF_HALF
    )
    if not (fitted and out[_FLUX + 1] > 0):
        return _NO_NUCLEUS
    out[_NUCLEUS] = point * unit / out[_FLUX + 1]
    return 0


@kernel()
def _details(
    image: Any, whole: Any, segment: Any, ellipse: Any, size: Any, unit: Any, sky: Any, out: Any
) -> Any:
    """Measure area, brightness, fine structure and rings."""
    ny, nx = image.shape
    xc, yc, ratio, theta = ellipse
    count, total, peak = 0, 0.0, -np.inf
    for y in range(ny):
        for x in range(nx):
            if segment[y, x]:
                count += 1
                total += image[y, x]
                peak = max(peak, image[y, x])
    out[_AREA] = math.log10(count)
    out[_AREA + 1], out[_AREA + 2] = math.asinh(total / count * unit), math.asinh(peak * unit)
    if out[_PETROSIAN] > 0:
        out[_CLUMPS] = clump_fraction(image, xc, yc, out[_PETROSIAN], 1 / unit)
    out[_CLUMPS + 1] = quarter_asymmetry(image, whole, segment, xc, yc, sky)
    for scale in range(3):
        out[_CLUMPS + 2 + scale] = roughness(image, segment, 2.0**scale)
    if not size > 0:
        return _EMPTY_RING
    ring_statistics(image, whole, (xc, yc, ratio, theta), size, unit, out[_RING:])
    for k in range(_RING, len(out)):
        if out[k] != out[k]:
            return _EMPTY_RING
    return 0


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

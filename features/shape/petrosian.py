"""Petrosian radii, and radii that hold a part of the light."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.apertures import ellipse_sums

__all__ = ["ANNULUS", "ETA", "light_radii", "petrosian_radius"]

ETA = 0.2
"""Surface brightness at the Petrosian radius, in means within it."""
ANNULUS = 1.0
"""Width of the ring in which that surface brightness is measured, pixels."""

_STEPS = 100  # of the search for the Petrosian radius
_SHARES = 34  # of the search for radii that hold a part of the light
_FINE = 1e-4  # pixels to which a radius is found
_CLOSE = 1e-4  # to which the ratio or the part of the light is met
_BINS = 2  # of the coarse profile, a pixel
_BLUNT = 4.0  # pixels, minor semi-axis from which whole pixels fill a ring well enough
_SURE = 0.1  # by which the coarse ratio must exceed ETA for the exact one not to be looked at


@kernel()
def _petrosian(sums: Any, good: Any, masked: Any, shape: Any, r: Any) -> Any:
    xc, yc, ratio, theta = shape
    inner, outer = r - 0.5 * ANNULUS, r + 0.5 * ANNULUS
    low, low_area = ellipse_sums(sums, good, masked, xc, yc, inner, inner * ratio, theta)
    high, high_area = ellipse_sums(sums, good, masked, xc, yc, outer, outer * ratio, theta)
    flux, area = ellipse_sums(sums, good, masked, xc, yc, r, r * ratio, theta)
    ring_area = high_area - low_area
    if not ring_area > 0.01:
        return np.nan  # the ring lies outside of the image
    ring = abs(high - low) / ring_area
    mean = abs(flux) / area if area > 0 else 0.0
    return (ring / mean if mean > 0 else (1.0 if ring != 0 else 0.0)) - ETA


@kernel()
def _coarse_profile(sums: Any, good: Any, masked: Any, shape: Any, end: Any) -> Any:
    """Return the light and area of whole pixels up to each half pixel of the semi-major axis."""
    xc, yc, ratio, theta = shape
    ny, nx = sums.shape[0], sums.shape[1] - 1
    cos, sin = math.cos(theta), math.sin(theta)
    last = int(_BINS * end)
    light, area = np.zeros(last + 1, np.float64), np.zeros(last + 1, np.float64)
    bins = np.empty(nx, np.int32)
    by_x, by_y = np.float32(cos), np.float32(-sin / ratio)
    for y in range(max(0, math.ceil(yc - end)), min(ny, math.floor(yc + end) + 1)):
        dy = y - yc
        along_y, across_y = np.float32(dy * sin), np.float32(dy * cos / ratio)
        first = np.float32(-xc)
        for x in range(nx):
            dx = first + np.float32(x)
            along, across = dx * by_x + along_y, dx * by_y + across_y
            far = np.sqrt(along * along + across * across) * np.float32(_BINS)
            bins[x] = np.int32(min(far, np.float32(last)))
        row = sums[y]
        for x in range(nx):
            light[bins[x]] += row[x + 1] - row[x]
            area[bins[x]] += 1.0
        if masked:
            row = good[y]
            for x in range(nx):
                area[bins[x]] += row[x + 1] - row[x] - 1.0
    grown, room = np.zeros(last + 1, np.float64), np.zeros(last + 1, np.float64)
    for i in range(last):
        grown[i + 1], room[i + 1] = grown[i] + light[i], room[i] + area[i]
    return grown, room


@kernel()
def _at(grown: Any, r: Any) -> Any:
    i = int(_BINS * r)
    return grown[i] + (_BINS * r - i) * (grown[i + 1] - grown[i])


@kernel()
def _coarse_ratio(grown: Any, room: Any, r: Any) -> Any:
    """Return the ratio of the ring's mean to the mean within, less `ETA`; 0 where it is unclear."""
    inner, outer = r - 0.5 * ANNULUS, r + 0.5 * ANNULUS
    ring, area = _at(grown, outer) - _at(grown, inner), _at(room, outer) - _at(room, inner)
    within, whole = _at(grown, r), _at(room, r)
    if not (ring > 0 and area >= 1 and within > 0 and whole >= 1):
        return 0.0
    return ring * whole / (area * within) - ETA


@kernel()
def petrosian_radius(sums: Any, good: Any, masked: Any, shape: Any) -> Any:
    """Return the Petrosian radius, semi-major axis in pixels, and 0, or why there is none.

    The first radius where the surface brightness in a ring one pixel wide is `ETA` times the mean
    within: the first of 100 steps up to the diagonal that falls below, then refined. Steps where
    the ratio of whole pixels lies far above are passed over.

    Parameters
    ----------
    sums, good : array, shape (ny, nx + 1)
        See `ellipse_sums`.
    masked : bool
    shape : (xc, yc, axis ratio, theta)
        Center in pixels, b / a, and the angle of the major axis.

    Returns
    -------
    radius : float
    problem : int
        1 if the light never falls below inside the image, 2 if it does so within the first pixel.
    """
    ny, nx = sums.shape[0], sums.shape[1] - 1
    start, end = ANNULUS, math.sqrt(float(ny * ny + nx * nx)) / shape[2]
    low, low_value, high, high_value = start, 0.0, 0.0, 0.0
    found = False
    reach = 0.5 * min(ny, nx)
    grown, room = _coarse_profile(sums, good, masked, shape, reach)
    for step in range(_STEPS):
        r = start + (end - start) * step / (_STEPS - 1)
        if r * shape[2] >= _BLUNT and r + ANNULUS < reach:
            sure = _coarse_ratio(grown, room, r)
            if sure > _SURE:
                low, low_value = r, sure
                continue
        value = _petrosian(sums, good, masked, shape, r)
        if value != value:
            return end, 1
        if value > 0:
            low, low_value = r, value
        else:
            if step == 0:
                return start, 2
            high, high_value, found = r, value, True
            break
    if not found:
        return end, 1
    side = 0
    for _ in range(40):  # regula falsi, the Illinois form
        if high - low < _FINE:
            break
        middle = (low * high_value - high * low_value) / (high_value - low_value)
        value = _petrosian(sums, good, masked, shape, middle)
        if not abs(value) >= _CLOSE:
            return middle, 0
        if value > 0:
            low, low_value = middle, value
            high_value *= 0.5 if side == 1 else 1.0
            side = 1
        else:
            high, high_value = middle, value
            low_value *= 0.5 if side == -1 else 1.0
            side = -1
    return 0.5 * (low + high), 0


@kernel()
def light_radii(sums: Any, shape: Any, end: Any, parts: Any, out: Any) -> Any:
    """Fill ``out`` with radii that hold parts of the light; return whether there is any.

    Parameters
    ----------
    sums : array, shape (ny, nx + 1)
        See `ellipse_sums`; bad pixels count as zero light.
    shape : (xc, yc, axis ratio, theta)
    end : float
        Semi-major axis of the ellipse that holds all the light, pixels.
    parts : array, shape (k,)
        Ascending parts of the light, between 0 and 1.
    out : array, shape (k,)
        Semi-major axes, pixels.
    """
    xc, yc, ratio, theta = shape
    total, _ = ellipse_sums(sums, sums, False, xc, yc, end, end * ratio, theta)
    out[:] = np.nan
    if total == 0:
        return False
    scale = 1 / abs(total)
    wanted = 0
    low, low_share = 0.0, 0.0
    for step in range(1, _SHARES):
        r = end * step / (_SHARES - 1)
        light, _ = ellipse_sums(sums, sums, False, xc, yc, r, r * ratio, theta)
        share = abs(light) * scale
        while wanted < len(parts) and share > parts[wanted]:
            out[wanted] = _share_radius(
                sums, shape, scale, parts[wanted], (low, low_share), (r, share)
            )
            wanted += 1
        if wanted == len(parts):
            break
        low, low_share = r, share
    return total > 0


@kernel()
def _share_radius(sums: Any, shape: Any, scale: Any, part: Any, one: Any, two: Any) -> Any:
    xc, yc, ratio, theta = shape
    low, low_value, high, high_value = one[0], one[1] - part, two[0], two[1] - part
    side = 0
    for _ in range(40):  # regula falsi, the Illinois form
        if high - low < _FINE:
            break
        middle = (low * high_value - high * low_value) / (high_value - low_value)
        light, _ = ellipse_sums(sums, sums, False, xc, yc, middle, middle * ratio, theta)
        value = abs(light) * scale - part
        if abs(value) < _CLOSE:
            return middle
        if value <= 0:
            low, low_value = middle, value
            high_value *= 0.5 if side == 1 else 1.0
            side = 1
        else:
            high, high_value = middle, value
            low_value *= 0.5 if side == -1 else 1.0
            side = -1
    return 0.5 * (low + high)

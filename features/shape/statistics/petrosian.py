"""Petrosian radii, and radii that hold a part of the light."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.apertures import ellipse_sums

__all__ = ["ANNULUS", "ETA", "coarse_profile", "light_radii", "petrosian_radius"]

ETA = 0.2
"""Surface brightness at the Petrosian radius, in means within it."""
ANNULUS = 1.0
"""Width of the ring in which that surface brightness is measured, pixels."""

_STEPS = 100  # of the search for the Petrosian radius
_SHARES = 34  # of the search for radii that hold a part of the light
_FINE = 1e-4  # pixels to which a radius is found
_MOST = 40  # evaluations for it
_CLOSE = 1e-4  # to which the ratio or the part of the light is met
_BINS = 2  # of the coarse profile, a pixel
_BLUNT = 4.0  # pixels, minor semi-axis from which whole pixels fill a ring well enough
_SHARP, _SURE_SHARP = 2.0, 0.25  # the same in a narrower ring, and what is sure there
_SURE = 0.1  # by which the coarse ratio must exceed ETA for the exact one not to be looked at
_FAINTER = 0.05  # by which the coarse part of the light must fall short, likewise


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
def coarse_profile(sums: Any, good: Any, masked: Any, shape: Any, end: Any) -> Any:
    """Return the light and area of whole pixels up to each half pixel of the semi-major axis.

    Up to ``end`` and the nearer sides of the image; the other arguments are those of
    `petrosian_radius`.
    """
    xc, yc, ratio, theta = shape
    ny, nx = sums.shape[0], sums.shape[1] - 1
    cos, sin = math.cos(theta), math.sin(theta)
    end = min(end, 0.5 * min(ny, nx))
    last = int(_BINS * end)
    light, area = np.zeros(last + 1, np.float64), np.zeros(last + 1, np.float64)
    bins = np.empty(nx, np.int32)
    by_x, by_y = np.float32(cos), np.float32(-sin / ratio)
    # half of the extent of the ellipse along the y axis, and of its chords along the x axis
    tall = end * math.sqrt(sin * sin + cos * cos * ratio * ratio)
    wide = end * math.sqrt(cos * cos + sin * sin * ratio * ratio)
    left, right = max(0, math.floor(xc - wide)), min(nx, math.ceil(xc + wide) + 1)
    for y in range(max(0, math.ceil(yc - tall)), min(ny, math.floor(yc + tall) + 1)):
        dy = y - yc
        along_y, across_y = np.float32(dy * sin), np.float32(dy * cos / ratio)
        first = np.float32(left - xc)
        row, places = sums[y, left : right + 1], bins[: right - left]
        for x in range(len(places)):
            dx = first + np.float32(x)
            along, across = dx * by_x + along_y, dx * by_y + across_y
            far = np.sqrt(along * along + across * across) * np.float32(_BINS)
            places[x] = np.int32(min(far, np.float32(last)))
        for x in range(len(places)):
            at = np.uint64(places[x])
            light[at] += row[x + 1] - row[x]
            area[at] += 1.0
        if masked:
            row = good[y, left : right + 1]
            for x in range(len(places)):
                area[np.uint64(places[x])] += row[x + 1] - row[x] - 1.0
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
def petrosian_radius(sums: Any, good: Any, masked: Any, shape: Any, grown: Any, room: Any) -> Any:
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
    grown, room : array
        Their `coarse_profile`.

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
    reach = 0.5 * (len(grown) - 1)
    for step in range(_STEPS):
        r = start + (end - start) * step / (_STEPS - 1)
        if r * shape[2] >= _SHARP and r + ANNULUS < reach:
            sure = _coarse_ratio(grown, room, r)
            if sure > (_SURE if r * shape[2] >= _BLUNT else _SURE_SHARP):
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
    bracket = low, low_value, high, high_value, 0
    for _ in range(_MOST):
        if bracket[2] - bracket[0] < _FINE:
            break
        middle = _crossing(bracket)
        value = _petrosian(sums, good, masked, shape, middle)
        if not abs(value) >= _CLOSE:
            return middle, 0
        bracket = _narrowed(bracket, middle, value)
    return 0.5 * (bracket[0] + bracket[2]), 0


@kernel()
def light_radii(sums: Any, shape: Any, end: Any, parts: Any, grown: Any, out: Any) -> Any:
    """Fill ``out`` with radii that hold parts of the light; return whether there is any.

    The first of 34 steps that holds more, refined. Steps where the light of whole pixels falls
    clearly short are passed over.

    Parameters
    ----------
    sums : array, shape (ny, nx + 1)
        See `ellipse_sums`; bad pixels count as zero light.
    shape : (xc, yc, axis ratio, theta)
    end : float
        Semi-major axis of the ellipse that holds all the light, pixels.
    parts : array, shape (k,)
        Ascending parts of the light, between 0 and 1.
    grown : array
        The light of their `coarse_profile`.
    out : array, shape (k,)
        Semi-major axes, pixels.
    """
    xc, yc, ratio, theta = shape
    total, _ = ellipse_sums(sums, sums, False, xc, yc, end, end * ratio, theta)
    out[:] = np.nan
    if total == 0:
        return False
    scale = 1 / abs(total)
    reach = 0.5 * (len(grown) - 1)
    wanted = 0
    low, low_share = 0.0, 0.0
    for step in range(1, _SHARES):
        r = end * step / (_SHARES - 1)
        blunt = r * ratio >= _BLUNT and r + ANNULUS < reach
        if blunt and _at(grown, r) * scale < parts[wanted] - _FAINTER:
            low, low_share = r, -1.0
            continue
        share = _share(sums, shape, scale, r)
        if share > parts[wanted] and low_share < 0:
            low_share = _share(sums, shape, scale, low)
            if low_share > parts[wanted]:  # whole pixels fell too short
                low, low_share = 0.0, 0.0
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
def _share(sums: Any, shape: Any, scale: Any, r: Any) -> Any:
    xc, yc, ratio, theta = shape
    light, _ = ellipse_sums(sums, sums, False, xc, yc, r, r * ratio, theta)
    return abs(light) * scale


@kernel()
def _share_radius(sums: Any, shape: Any, scale: Any, part: Any, one: Any, two: Any) -> Any:
    bracket = one[0], one[1] - part, two[0], two[1] - part, 0
    for _ in range(_MOST):
        if bracket[2] - bracket[0] < _FINE:
            break
        middle = _crossing(bracket)
        value = _share(sums, shape, scale, middle) - part
        if abs(value) < _CLOSE:
            return middle
        bracket = _narrowed(bracket, middle, value)
    return 0.5 * (bracket[0] + bracket[2])


@kernel(inline=True)
def _crossing(bracket: Any) -> Any:
    """Return where the line between the ends of a bracket is zero."""
    low, low_value, high, high_value, _ = bracket
    return (low * high_value - high * low_value) / (high_value - low_value)


@kernel(inline=True)
def _narrowed(bracket: Any, middle: Any, value: Any) -> Any:
    """Return a bracket with one end moved to the middle: regula falsi, the Illinois form.

    A bracket is its low end and the value there, its high end and the value there, and which of
    them moved last: 1 the low one, -1 the high one.
    """
    low, low_value, high, high_value, moved = bracket
    if (value > 0) == (low_value > 0):
        return middle, value, high, high_value * (0.5 if moved == 1 else 1.0), 1
    return low, low_value * (0.5 if moved == -1 else 1.0), middle, value, -1

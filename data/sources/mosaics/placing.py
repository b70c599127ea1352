"""Places of cutouts in mosaics: first pixels, and maps between mosaics on different grids.

The grid of a galaxy is that of its band with the smallest pixels. In a mosaic whose pixels are
shifted against it by whole pixels a cutout is a window; in any other it is resampled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data.grids.align import map_image
from galfeat.data.grids.pixel_maps import TOLERANCE, map_pixels, node_offsets, pixel_side
from galfeat.data.sources.catalogs.positions import Positions
from galfeat.data.sources.mosaics.coordinates import UNREACHED, corners_of
from galfeat.data.sources.mosaics.planes import MosaicPlane

__all__ = ["Places", "place_cutouts", "reference_planes", "refuse_other_grids"]

_EQUALLY_FINE = 1.01
_AT_ONCE = 4096  # positions

_Planes = Sequence[tuple[MosaicPlane, Any]]  # each with its WCS, or None


@dataclass(frozen=True, eq=False)
class Places:
    """Places of cutouts.

    Parameters
    ----------
    corners : array of int, shape (n, bands, 2)
        Row and column of the first pixel in each band's plane; may be outside.
    nodes : array, shape (k, 5, 5, 2)
        Maps to the planes on other grids: see `galfeat.data.grids.pixel_maps.PixelMap`.
    map_of : array of int, shape (n, bands)
        Index of the map of each band of each galaxy; -1: it is a window of the plane.
    """

    corners: NDArray[np.int64]
    nodes: NDArray[np.float64]
    map_of: NDArray[np.int64]

    def edge(self, shapes: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
        """Return which galaxies reach beyond a plane; `shapes` is that of each band's plane."""
        beyond = np.asarray(((self.corners < 0) | (self.corners + size > shapes)).any(axis=-1))
        mapped = self.map_of >= 0
        if mapped.any():
            found = self.nodes[self.map_of[mapped]].reshape(-1, self.nodes[0].size // 2, 2)
            last = shapes[mapped][:, None, ::-1] - 0.5
            inside = ((found >= -0.5) & (found <= last)).all(axis=(1, 2))
            beyond[mapped] = ~inside
        return np.asarray(beyond.any(axis=1))


def reference_planes(planes: _Planes, which: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for each galaxy, the band whose grid it is cut out in.

    Parameters
    ----------
    planes : sequence of (MosaicPlane, astropy.wcs.WCS or None)
    which : array of int, shape (n, bands)
        Plane of each band of each galaxy.
    """
    used = np.unique(which).tolist()
    sides = np.full(len(planes), np.nan)
    for number in used:
        wcs = planes[number][1]
        sides[number] = np.nan if wcs is None else pixel_side(wcs)
    of_bands = sides[which]
    if np.isnan(of_bands).any():
        return np.zeros(len(which), np.int64)
    finest = of_bands.min(axis=1, keepdims=True)
    return np.asarray(np.argmax(of_bands <= finest * _EQUALLY_FINE, axis=1))


def place_cutouts(
    planes: _Planes, which: NDArray[np.int64], positions: Positions, size: int
) -> Places:
    """Find the places of cutouts in their mosaics.

    Parameters
    ----------
    planes, which
        As in `reference_planes`.
    positions : Positions
    size : int
        Pixels a side, of the band that `reference_planes` returns.

    Raises
    ------
    UsageError
        If a mosaic has no coordinates, and the positions are on the sky.
    """
    corners = np.empty((*which.shape, 2), np.int64)
    map_of = np.full(which.shape, -1, np.int64)
    nodes: list[NDArray[np.float64]] = []
    count = 0
    found = _corners_in_planes(planes, np.unique(which).tolist(), positions, size)
    reference = which[np.arange(len(which)), reference_planes(planes, which)]
    for number, corners_there in found.items():
        here = which == number
        corners[here] = corners_there[np.nonzero(here)[0]]
        if not positions.on_sky:
            continue
        for target in np.unique(reference[here.any(axis=1)]).tolist():
            if not _may_differ(planes[target][1], planes[number][1]):
                continue
            rows, bands = np.nonzero(here & (reference == target)[:, None])
            maps = _maps_to(planes[target][1], planes[number][1], found[target][rows], size)
            shifts, whole = _whole_shifts(maps, found[target][rows], size)
            corners[rows[whole], bands[whole]] = found[target][rows[whole]] + shifts[whole]
            lost = np.isnan(maps).any(axis=(1, 2, 3))
            corners[rows[lost], bands[lost]] = UNREACHED
            mapped = ~whole & ~lost
            map_of[rows[mapped], bands[mapped]] = count + np.arange(mapped.sum())
            nodes.append(maps[mapped])
            count += int(mapped.sum())
    return Places(corners, np.concatenate(nodes) if nodes else np.zeros((0, 1, 1, 2)), map_of)


def _corners_in_planes(
    planes: _Planes, used: Sequence[int], positions: Positions, size: int
) -> dict[int, NDArray[np.int64]]:
    """Return the first pixel of the cutout at each position, for each plane."""
    found: dict[int, NDArray[np.int64]] = {}
    for number in used:
        plane, wcs = planes[number]
        if positions.on_sky and wcs is None:
            raise UsageError(
                f"{plane.path}: has no celestial coordinates (WCS), so that no position can be "
                "found in it"
            )
        same = next((other for other in found if planes[other][1] is wcs), None)
        found[number] = found[same] if same is not None else corners_of(wcs, positions, size)
    return found


def _may_differ(one: Any, other: Any) -> bool:
    """Return whether two grids may differ by more than whole pixels; fast where they do not."""
    from astropy import wcs

    if one is other:
        return False
    distorted = any(
        each.sip is not None or each.cpdis1 or each.cpdis2 or each.det2im1 or each.det2im2
        for each in (one, other)
    )
    return distorted or not one.wcs.compare(other.wcs, wcs.WCSCOMPARE_TILING)


def _maps_to(target: Any, other: Any, corners: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Return the nodes of the maps of cutouts of one plane to another, shape (n, 5, 5, 2)."""
    columns, rows = np.meshgrid(node_offsets(size), node_offsets(size))
    maps = np.full((len(corners), *rows.shape, 2), np.nan)
    known = np.flatnonzero((corners != UNREACHED).all(axis=1))
    for start in range(0, len(known), _AT_ONCE):
        part = known[start : start + _AT_ONCE]
        y, x = (corners[part, axis, None, None] + each for axis, each in ((0, rows), (1, columns)))
        maps[part] = np.stack(map_pixels(target, other, x, y), axis=-1)
    return maps


def _whole_shifts(
    maps: NDArray[np.float64], corners: NDArray[np.int64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return shifts by whole pixels (rows, columns), and which maps are such shifts."""
    offsets = np.stack(np.meshgrid(node_offsets(size), node_offsets(size)), axis=-1)
    moved = maps - corners[:, None, None, ::-1] - offsets
    middle = moved.shape[1] // 2
    nearest = np.round(moved[:, middle, middle])
    deviation = np.abs(moved - nearest[:, None, None]).max(axis=(1, 2, 3))
    whole = np.asarray(deviation < TOLERANCE)  # NaN is none
    shifts = np.zeros((len(maps), 2), np.int64)
    shifts[whole] = nearest[whole][:, ::-1].astype(np.int64)
    return shifts, whole


def refuse_other_grids(planes: _Planes, which: NDArray[np.int64], positions: Positions) -> None:
    """Refuse positions in pixels if the mosaics of a galaxy's bands have different grids.

    Raises
    ------
    UsageError
        With what differs.
    """
    if positions.on_sky:
        return
    for numbers in np.unique(which, axis=0).tolist():
        shapes = {planes[number][0].shape for number in numbers}
        if len(shapes) > 1:
            sizes = " and ".join(f"{ny} x {nx}" for ny, nx in sorted(shapes))
            raise UsageError(
                f"the mosaics of the bands have {sizes} pixels: positions in pixels need one "
                "grid, so give ra and dec"
            )
        known = [number for number in numbers if planes[number][1] is not None]
        for number in known[1:]:
            (first, wcs), (other, there) = planes[known[0]], planes[number]
            if wcs is not there and map_image(wcs, there, first.shape).shift != (0, 0):
                raise UsageError(
                    f"the mosaics {first.file} and {other.file} have different grids by their "
                    "coordinates (WCS): positions in pixels need one grid, so give ra and dec"
                )

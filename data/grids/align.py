"""Bands of a galaxy on one pixel grid: stacked as they are, or resampled by their coordinates.

The grid is that of the band with the smallest pixels; of several whose pixels are equally small
within 1 %, that of the first. Its own pixels are not changed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.ancillary.apply import PixelPlanes
from galfeat.data.grids.pixel_maps import (
    TOLERANCE,
    PixelMap,
    grid_nodes,
    map_pixels,
    pixel_side,
)
from galfeat.data.grids.pixel_scale import on_pixels_of
from galfeat.data.grids.wcs_cards import celestial_wcs, nearly_equal
from galfeat.data.units import is_magnitude, is_surface_brightness

__all__ = ["align_bands", "grids_differ", "map_image", "reference_band", "resample_planes"]

_EQUALLY_FINE = 1.01


def grids_differ(bands: Mapping[str, PixelPlanes]) -> bool:
    """Return whether bands state different pixel grids: they must not be stacked as they are then.

    Grids that agree within `TOLERANCE` everywhere are one. A band without celestial coordinates
    states nothing.

    Parameters
    ----------
    bands : mapping of str to PixelPlanes

    Raises
    ------
    CutoutError
        If coordinates make no sense.
    """
    each = list(bands.values())
    cards, size = each[0].grid, each[0].pixels.shape[-2:]
    for other in each[1:]:
        if other.grid != cards or other.pixels.shape[-2:] != size:
            break
    else:  # nearly all galaxies
        return False
    sizes = {planes.pixels.shape[-2:] for planes in each}
    stated = {band: planes.grid for band, planes in bands.items() if planes.grid}
    if len(stated) < 2:
        return False
    shape, first = next(iter(sizes)), next(iter(stated.values()))
    if len(sizes) == 1 and all(
        nearly_equal(first, cards, shape, TOLERANCE) for cards in stated.values()
    ):
        return False
    coordinates = _coordinates(bands)
    known = [wcs for wcs in coordinates.values() if wcs is not None]
    if len(sizes) > 1:
        return len(known) == len(bands)
    return any(map_image(known[0], wcs, shape).shift != (0, 0) for wcs in known[1:])


def _coordinates(bands: Mapping[str, PixelPlanes]) -> dict[str, Any]:
    found = {}
    for band, planes in bands.items():
        try:
            found[band] = celestial_wcs(planes.grid)
        except CutoutError as error:
            raise CutoutError(f"band {band}: {error}") from error
    return found


def reference_band(bands: Mapping[str, PixelPlanes]) -> str:
    """Return the band whose grid the others are brought to, of bands with coordinates."""
    return _finest(_coordinates(bands))


def _finest(coordinates: Mapping[str, Any]) -> str:
    sides = {band: pixel_side(wcs) for band, wcs in coordinates.items()}
    finest = min(sides.values())
    return next(band for band, side in sides.items() if side <= finest * _EQUALLY_FINE)


def align_bands(bands: Mapping[str, PixelPlanes]) -> dict[str, PixelPlanes]:
    """Bring bands to one grid, with their noise and segmentation maps.

    Parameters
    ----------
    bands : mapping of str to PixelPlanes
        Each with its own grid.

    Raises
    ------
    CutoutError
        If a band has no coordinates, holds magnitudes, or lies elsewhere on the sky.
    """
    coordinates = _coordinates(bands)
    lost = next((band for band, wcs in coordinates.items() if wcs is None), None)
    if lost is not None:
        raise CutoutError(
            f"band {lost}: has no celestial coordinates (WCS), and those of the other bands "
            "differ: bring all to one grid"
        )
    reference = _finest(coordinates)
    shape: tuple[int, int] = bands[reference].pixels.shape[-2:]
    aligned = {}
    for band, planes in bands.items():
        if band == reference:
            aligned[band] = planes
            continue
        there = map_image(coordinates[reference], coordinates[band], shape)
        try:
            found = resample_planes(planes, there)
        except CutoutError as error:
            raise CutoutError(f"band {band}: {error}") from error
        if np.isnan(found.pixels).all() and not np.isnan(planes.pixels).all():
            raise CutoutError(
                f"band {band}: lies elsewhere on the sky than band {reference} (by their WCS)"
            )
        # the share of the band that is missing data stays, whatever the scale
        scale = found.pixels[0].size / planes.pixels[0].size
        missing = tuple(round(count * scale) for count in planes.missing)
        keywords = found.keywords
        if keywords and there.shift is None:
            sides = [pixel_side(coordinates[each]) for each in (reference, band)]
            keywords = tuple(on_pixels_of(each, (sides[0] / sides[1]) ** 2) for each in keywords)
        aligned[band] = found._replace(
            grid=bands[reference].grid, missing=missing, keywords=keywords
        )
    return aligned


def map_image(target: Any, other: Any, shape: tuple[int, int]) -> PixelMap:
    """Return the map from the pixels of an image of some shape to those of another.

    Parameters
    ----------
    target, other : astropy.wcs.WCS
    shape : (int, int)
        Of the first.
    """
    nodes = np.stack(map_pixels(target, other, *grid_nodes(shape)), axis=-1)
    return PixelMap(nodes, shape)


def resample_planes(planes: PixelPlanes, there: PixelMap) -> PixelPlanes:
    """Return pixels, noise and segments on another grid.

    Where it is shifted by whole pixels they are copied; otherwise they are resampled exactly. Flux
    is conserved; surface brightness, by the unit, is too.

    Parameters
    ----------
    planes : PixelPlanes
    there : PixelMap
        From the new grid to that of the planes.

    Raises
    ------
    CutoutError
        If the pixels hold magnitudes.
    """
    # imported late: numba, which bands on one grid do not need
    from galfeat.data.grids.resampling import resample_exactly, resample_labels

    labels, noise = planes.segmentation, planes.noise
    shift = there.shift
    if shift is not None:
        return planes._replace(
            pixels=_window(planes.pixels, shift, there.shape, np.nan),
            noise=None if noise is None else _window(noise, shift, there.shape, np.nan),
            segmentation=None if labels is None else _window(labels, shift, there.shape, 0),
        )
    corners, units = there.corners(), planes.units or ("",) * len(planes.pixels)
    found = []
    for number, (image, unit) in enumerate(zip(planes.pixels, units, strict=True)):
        if is_magnitude(unit):
            raise CutoutError(
                f"holds magnitudes ({unit}), which cannot be resampled to the grid of the other "
                "bands: convert them to flux"
            )
        found.append(
            resample_exactly(
                image,
                corners,
                conserve_flux=not (unit and is_surface_brightness(unit)),
                noise=None if noise is None else noise[number],
            )
        )
    spreads = [each.noise for each in found if each.noise is not None]
    return planes._replace(
        pixels=np.stack([each.pixels for each in found]),
        noise=np.stack(spreads) if spreads else None,
        segmentation=None if labels is None else resample_labels(labels, there.centers()),
    )


def _window(
    planes: NDArray[Any], shift: tuple[int, int], shape: tuple[int, int], fill: float
) -> NDArray[Any]:
    """Return a window of the last two axes, filled where it reaches beyond them."""
    window = np.full((*planes.shape[:-2], *shape), fill, planes.dtype)
    old, new = [], []
    for start, length, there in zip(shift, shape, planes.shape[-2:], strict=True):
        first, last = max(0, start), min(there, start + length)
        if first >= last:
            return window
        old.append(slice(first, last))
        new.append(slice(first - start, last - start))
    window[..., new[0], new[1]] = planes[..., old[0], old[1]]
    return window

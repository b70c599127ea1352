"""Stacking of the bands of a galaxy, all on one grid."""

from collections.abc import Mapping

import numpy as np

from galfeat import CutoutError
from galfeat.data.fits.ancillary.apply import PixelPlanes
from galfeat.data.fits.layouts import format_shape

__all__ = ["stack_bands"]


def stack_bands(
    loaded: Mapping[str, PixelPlanes], bands: tuple[str, ...], *, named: bool = True
) -> PixelPlanes:
    """Stack bands in the order given; missing bands are masked (NaN).

    Parameters
    ----------
    loaded : mapping of str to PixelPlanes
        One band each.
    bands : tuple of str
    named : bool
        Whether these are names.

    Raises
    ------
    CutoutError
        If the bands differ in size.
    """
    shapes = {band: found.pixels.shape[1:] for band, found in loaded.items()}
    if len(set(shapes.values())) > 1:
        raise CutoutError(
            "its bands differ in size: "
            + ", ".join(f"{band} has {format_shape(shape)}" for band, shape in shapes.items())
        )
    masked = np.full((1, *next(iter(shapes.values()))), np.nan, np.float32)
    pixels = [loaded[band].pixels if band in loaded else masked for band in bands]
    noise = [loaded[band].noise if band in loaded else masked for band in bands]
    noise_maps = [each for each in noise if each is not None]
    segmentation = next(
        (found.segmentation for found in loaded.values() if found.segmentation is not None), None
    )
    units = tuple(
        loaded[band].units[0] if band in loaded and loaded[band].units else "" for band in bands
    )
    missing = [loaded[band].missing or (0,) if band in loaded else (0,) for band in bands]
    return PixelPlanes(
        np.concatenate(pixels),
        bands,
        named,
        np.concatenate(noise_maps) if len(noise_maps) == len(bands) else None,
        segmentation,
        units if any(units) else (),
        next(iter(loaded.values())).grid,
        tuple(count for [count] in missing) if any(map(any, missing)) else (),
        any(found.picture for found in loaded.values()),
    )

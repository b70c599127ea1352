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
    found = [loaded.get(band) for band in bands]
    masked = (
        np.full((1, *next(iter(shapes.values()))), np.nan, np.float32)
        if len(loaded) < len(bands)
        else None
    )
    noise = [masked if planes is None else planes.noise for planes in found]
    noise_maps = [each for each in noise if each is not None]
    segmentation = next(
        (planes.segmentation for planes in loaded.values() if planes.segmentation is not None),
        None,
    )
    units = tuple("" if planes is None or not planes.units else planes.units[0] for planes in found)
    missing = tuple(
        0 if planes is None or not planes.missing else planes.missing[0] for planes in found
    )
    return PixelPlanes(
        np.concatenate([masked if planes is None else planes.pixels for planes in found]),
        bands,
        named,
        np.concatenate(noise_maps) if len(noise_maps) == len(bands) else None,
        segmentation,
        units if any(units) else (),
        next(iter(loaded.values())).grid,
        missing if any(missing) else (),
        any(planes.picture for planes in loaded.values()),
        _keywords(loaded, bands),
    )


def _keywords(
    loaded: Mapping[str, PixelPlanes], bands: tuple[str, ...]
) -> tuple[Mapping[str, str], ...]:
    """Return what the headers of the bands state of their flux; nothing if that was not read."""
    if not any(found.keywords for found in loaded.values()):
        return ()
    return tuple(
        loaded[band].keywords[0] if band in loaded and loaded[band].keywords else {}
        for band in bands
    )

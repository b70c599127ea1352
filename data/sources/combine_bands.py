"""Combination of the bands of a galaxy that are in several files."""

from collections.abc import Mapping

import numpy as np

from galfeat import CutoutError
from galfeat.data.fits.ancillary import AncillaryOptions, PixelPlanes
from galfeat.data.fits.file import FitsFile
from galfeat.data.fits.layouts import GalaxyImages, format_shape
from galfeat.data.sources.open_file import Picture

__all__ = ["combine_bands", "load_band", "pair_galaxies"]


def pair_galaxies(
    found: Mapping[str, list[GalaxyImages]], number: int | None
) -> list[tuple[GalaxyImages, ...]]:
    """Pair the galaxies of the files of several bands, in their order.

    Parameters
    ----------
    found : mapping of str to list of GalaxyImages
        Galaxies of each band's file.
    number : int or None
        The one galaxy to return, counted from 0; None: all.

    Raises
    ------
    CutoutError
        If the files hold different numbers of galaxies, or fewer than `number` needs.
    """
    counts = {band: len(galaxies) for band, galaxies in found.items()}
    if len(set(counts.values())) > 1:
        raise CutoutError(
            "its files do not hold equally many galaxies: "
            + ", ".join(f"{band} has {count}" for band, count in counts.items())
        )
    if number is None:
        return list(zip(*found.values(), strict=True))
    if number >= min(counts.values()):
        raise CutoutError(
            f"its file holds {min(counts.values())} galaxies now, and this is number {number}, "
            "counted from 0"
        )
    return [tuple(galaxies[number] for galaxies in found.values())]


def load_band(
    band: str, file: FitsFile | Picture, galaxy: GalaxyImages, ancillary: AncillaryOptions
) -> PixelPlanes:
    """Load the pixels of one band of a galaxy; all its bands if `band` is "".

    Raises
    ------
    CutoutError
        If they cannot be read, or the file of one band holds several.
    """
    pixels = file.load(galaxy, ancillary)
    if band and len(pixels.bands) != 1:
        raise CutoutError(f"holds {len(pixels.bands)} bands where one is expected")
    return pixels


def combine_bands(loaded: Mapping[str, PixelPlanes], bands: tuple[str, ...]) -> PixelPlanes:
    """Combine the bands of several files; missing bands are masked (NaN).

    Raises
    ------
    CutoutError
        If the bands differ in size.
    """
    if "" in loaded:
        return loaded[""]
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
    missing = [loaded[band].missing or (0,) if band in loaded else (0,) for band in bands]
    return PixelPlanes(
        np.concatenate(pixels),
        bands,
        True,
        np.concatenate(noise_maps) if len(noise_maps) == len(bands) else None,
        segmentation,
        tuple(count for [count] in missing) if any(map(any, missing)) else (),
        any(found.picture for found in loaded.values()),
    )

"""Bands of a galaxy that are in several files: paired, and loaded."""

from collections.abc import Mapping

from galfeat import CutoutError
from galfeat.data.fits.ancillary.apply import AncillaryOptions, PixelPlanes
from galfeat.data.fits.file import FitsFile
from galfeat.data.fits.layouts import GalaxyImages
from galfeat.data.sources.open_file import Picture

__all__ = ["load_band", "pair_galaxies"]


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
            "its files hold different numbers of galaxies: "
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

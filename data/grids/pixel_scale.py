"""Size of a pixel on the sky, and what a header states of it after resampling."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from galfeat import CutoutError
from galfeat.data.cutouts import Cutout
from galfeat.data.grids.pixel_maps import pixel_side
from galfeat.data.grids.wcs_cards import celestial_wcs
from galfeat.data.units import is_surface_brightness

__all__ = ["on_pixels_of", "pixel_scale"]

_CARD = 80
_ARCSEC = 3600.0
# where on the sky an image lies: the scale of its pixels does not depend on it
_POSITION = (b"CRVAL", b"CRPIX")


def pixel_scale(cutout: Cutout) -> float | None:
    """Return the side of a square of the area of a pixel, arcseconds; None if it is not known.

    From the cutout's coordinates, or the header cards of them.
    """
    try:
        side = _side(_scale_cards(cutout.grid)) if cutout.wcs is None else pixel_side(cutout.wcs)
    except (CutoutError, ValueError):  # coordinates that make no sense state no scale
        return None
    return side * _ARCSEC if side is not None and 0 < side < np.inf else None


def on_pixels_of(keywords: Mapping[str, str], factor: float) -> Mapping[str, str]:
    """Return the calibration of a band that was resampled to pixels of another area.

    Flux is conserved, so that a pixel value keeps its meaning; of a surface brightness, the area of
    a pixel is that of the new ones.

    Parameters
    ----------
    keywords : mapping
    factor : float
        Area of the new pixels over that of the old.
    """
    if "PIXAR_SR" not in keywords or not is_surface_brightness(keywords.get("BUNIT", "")):
        return keywords
    try:
        area = float(keywords["PIXAR_SR"]) * factor
    except ValueError:
        return keywords
    return {**keywords, "PIXAR_SR": repr(area)}


def _scale_cards(cards: bytes) -> bytes:
    lines = (cards[at : at + _CARD] for at in range(0, len(cards), _CARD))
    return b"".join([line for line in lines if not line.startswith(_POSITION)])


@lru_cache(maxsize=256)
def _side(cards: bytes) -> float | None:
    """Return the side of a pixel, degrees; the galaxies of a survey share it."""
    wcs = celestial_wcs(cards)
    return None if wcs is None else pixel_side(wcs)

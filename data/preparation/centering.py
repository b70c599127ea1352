"""Centering on the galaxy: find it, mask its neighbors, and choose the window around it."""

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.cutouts import Cutout
from galfeat.data.preparation.background import quantization_step, sky_and_noise
from galfeat.data.preparation.moments import LightShape, light_shape
from galfeat.data.preparation.segmentation import (
    central_region,
    combine_bands,
    neighbor_mask,
    segment,
    smooth_image,
)
from galfeat.data.preparation.settings import MOST_ENLARGED, Preparation
from galfeat.data.preparation.window import Window

__all__ = ["center_on_galaxy", "significance"]

_MIN_RADIUS = 0.5  # pixels: no galaxy is smaller than its pixels


def center_on_galaxy(
    cutout: Cutout, preparation: Preparation
) -> tuple[NDArray[np.float32], Window]:
    """Find the galaxy of a cutout; return pixels without its neighbors, and its window.

    Parameters
    ----------
    cutout : Cutout
        Its own segmentation map is used if it contains any object.
    preparation : Preparation

    Returns
    -------
    pixels : array of float32, shape (bands, ny, nx)
        NaN on neighbors where they are to be masked.
    window : Window

    Raises
    ------
    CutoutError
        If a band is empty or constant, or nothing is detected near the center and that is to be a
        failure.
    """
    light = combine_bands(significance(cutout, preparation.border))
    given = cutout.segmentation
    labels = (
        given
        if given is not None and given.any()
        else segment(light, preparation.threshold, border=preparation.border)
    )
    pixels = cutout.pixels
    if preparation.neighbors == "mask":
        pixels = np.where(neighbor_mask(labels), np.float32(np.nan), pixels)
    window = Window.whole(light.shape, preparation)
    if not preparation.moves:
        return pixels, window
    shape = light_shape(
        np.where(np.isfinite(light), light, smooth_image(light)), central_region(labels)
    )
    if shape is not None:
        return pixels, _window_around(shape, window, light.shape, preparation)
    if preparation.no_object == "keep":
        return pixels, window
    raise CutoutError(
        "shows no object within a quarter of its side from the center that rises above the sky by "
        f"{preparation.threshold:g} sigma: "
        "lower the threshold, or set no_object to 'keep' to leave such cutouts uncentered"
    )


def significance(cutout: Cutout, border: float = 0.1) -> NDArray[np.float64]:
    """Return a cutout in units of each band's noise, sky subtracted, on its own pixels.

    Parameters
    ----------
    cutout : Cutout
    border : float
        Width of the border in which sky and noise are measured, in shorter sides of the cutout.

    Returns
    -------
    array of float64, shape (bands, ny, nx)
        NaN where a pixel is bad.

    Raises
    ------
    CutoutError
        If a band is empty or constant.
    """
    light = np.full(cutout.pixels.shape, np.nan)
    width = max(1, round(border * min(light.shape[1:])))
    for number, image in enumerate(cutout.pixels):
        good = np.isfinite(image)
        if not good.any():
            raise CutoutError(f"band {cutout.bands[number]} has no good pixel")
        sky, noise = sky_and_noise(
            np.where(good, image, np.nan).astype(np.float64), width, quantization_step(image[good])
        )
        if not noise:
            raise CutoutError(
                f"band {cutout.bands[number]} has one value nearly everywhere, so that its "
                "noise cannot be measured"
            )
        light[number][good] = (image[good].astype(np.float64) - sky) / noise
    return light


def _window_around(
    shape: LightShape, whole: Window, image: tuple[int, ...], preparation: Preparation
) -> Window:
    """Return the window centered on a galaxy, with the side that its extent requires."""
    side = whole.side
    if preparation.extent:
        wanted = max(shape.half_light, _MIN_RADIUS) / preparation.extent
        side = min(max(wanted, preparation.size / MOST_ENLARGED), min(image))
    given_center, light_center = (
        [start + whole.side / 2 for start in whole.corner],
        [shape.y + 0.5, shape.x + 0.5],
    )
    middle = given_center if preparation.centering == "none" else light_center
    top, left = (each - side / 2 for each in middle)
    if preparation.centering == "pixel":
        top, left = float(np.floor(top + 0.5)), float(np.floor(left + 0.5))
    return Window(top, left, side, preparation.size)

"""Pictures of prepared cutouts: which band is which color."""

import numpy as np

from galfeat.pipeline.figures.render import picture


def test_bands_run_from_blue_to_red_unless_they_are_called_so() -> None:
    pixels = np.zeros((3, 2, 2), dtype=np.float32)
    pixels[0] = 6.0  # as bright as a picture gets
    assert picture(pixels, ("g", "r", "z"))[0, 0].tolist() == [0, 0, 1]
    assert picture(pixels, ("red", "green", "blue"))[0, 0].tolist() == [1, 0, 0]
    assert picture(pixels, ("F606W", "F814W", "F160W")).shape == (2, 2, 3)


def test_one_or_two_bands_are_gray_and_bad_pixels_black() -> None:
    pixels = np.array([[[3.0, np.nan]], [[9.0, -2.0]]], dtype=np.float32)
    assert picture(pixels, ("g", "r")).tolist() == [[0.75, 0.0]]

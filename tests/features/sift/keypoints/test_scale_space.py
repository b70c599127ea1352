"""Scales, level and layout of an image's scale space."""

import numpy as np

from galfeat.features.sift.keypoints.scale_space import (
    FLAT,
    aligned,
    lay_out,
    level,
    octave_scales,
    pitch_of,
    plane_shape,
)


def test_scales_by_pencil() -> None:
    scales = octave_scales((20, 64), octave_layers=1, sigma=1.6)
    assert scales.tolist() == [[0.8, 1.6, 3.2], [1.6, 3.2, 6.4]], "40, 20; 10 pixels are too few"
    assert octave_scales((20, 64), octave_layers=1, sigma=1.6, upsample=False).tolist() == [
        [1.6, 3.2, 6.4]
    ]


def test_the_level_of_an_image_by_pencil() -> None:
    image = np.array([7, 9, 15, 11], dtype=np.float32)  # the middle is 11, the range 4 to each side
    out = np.empty(4, dtype=np.float32)
    assert level(image, out) == 3
    assert out.tolist() == [-0.5, -0.25, 0.5, 0.0]
    assert level(np.full(4, 3, dtype=np.float32), out) == FLAT


def test_rows_have_room_for_the_mirrored_pixels() -> None:
    assert [pitch_of(nx, 5) for nx in (16, 22, 23)] == [32, 32, 48]
    number, length = plane_shape(20, 30, 5, 3)
    assert number == 6 + 5 + 2, "Gaussians, differences, sizes and angles"
    assert length >= (20 + 2 * 5) * pitch_of(30, 5)
    planes = aligned((number, length))
    assert (planes.shape, planes.ctypes.data % 64) == ((13, length), 0)


def test_an_image_is_laid_out_row_by_row() -> None:
    image, plane = np.arange(6, dtype=np.float32), np.zeros(32, dtype=np.float32)
    lay_out(image, 2, 3, plane, 16, False)
    assert plane[:3].tolist() == [0, 1, 2]
    assert plane[16:19].tolist() == [3, 4, 5]
    assert not plane[3:16].any()

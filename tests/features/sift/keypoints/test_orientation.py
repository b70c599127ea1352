"""Gradients and the directions of keypoints."""

import numpy as np
import pytest

from galfeat.features.sift.keypoints.orientation import directions, gradients


@pytest.mark.parametrize(("second", "number"), [(0.85, 2), (0.75, 1)])
def test_a_second_direction_of_eight_tenths_counts_by_pencil(second: float, number: int) -> None:
    sizes, angles = np.ones((64, 64), dtype=np.float32), np.full((64, 64), 2.0, dtype=np.float32)
    sizes[:, ::2], angles[:, ::2] = second, 6.0
    peaks, work = np.empty(36), np.empty(200, dtype=np.float32)
    assert directions(sizes.ravel(), angles.ravel(), 64, 64, 64, 32, 32, 2.0, work, peaks) == number
    assert peaks[:number] == pytest.approx([9, 27][:number])


def test_gradients_are_size_and_angle() -> None:
    chance = np.random.default_rng(4)
    plane = chance.normal(size=(9, 16)).astype(np.float32)
    plane[3:6, 3:6] = 1
    sizes, angles = np.zeros(144, dtype=np.float32), np.zeros(144, dtype=np.float32)
    gradients(plane.ravel(), 16, 128, 16, sizes, angles)
    down, right = (
        2 * np.gradient(plane.astype(np.float64), axis=axis)[1:-1, 1:-1] for axis in (0, 1)
    )
    assert np.allclose(sizes.reshape(9, 16)[1:-1, 1:-1], np.hypot(down, right), rtol=1e-6)
    turn = np.abs(np.arctan2(-down, right) * 4 / np.pi - angles.reshape(9, 16)[1:-1, 1:-1])
    assert np.minimum(turn, 8 - turn).max() < 5e-6
    assert angles[4 * 16 + 4] == 0

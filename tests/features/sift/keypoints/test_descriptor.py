"""Descriptors: cells, directions, length."""

import numpy as np
from numpy.typing import NDArray

from galfeat.features.sift.keypoints.descriptor import describe
from galfeat.features.sift.keypoints.detector import detect_batch

Images = NDArray[np.float32]


def described(sizes: Images, angles: Images, turn: float, scale: float = 2.0) -> NDArray[np.int64]:
    out = np.empty(128, dtype=np.uint8)
    ny, nx = sizes.shape
    work = np.zeros(5000, dtype=np.float32)
    describe(sizes.ravel(), angles.ravel(), ny, nx, nx, ny // 2, nx // 2, scale, turn, work, out)
    return out.reshape(4, 4, 8).astype(np.int64)


def test_directions_and_cells_of_a_descriptor_by_pencil() -> None:
    """Gradients at 2.25 eighths of a turn: directions 2 and 3 by three to one, in all cells, or
    those of one corner.
    """
    sizes, angles = np.ones((64, 64), dtype=np.float32), np.full((64, 64), 2.25, dtype=np.float32)
    values = described(sizes, angles, 0.0)
    assert np.argwhere(values.any(axis=(0, 1))).ravel().tolist() == [2, 3]
    assert abs(values[0, 0, 2] - 3 * values[0, 0, 3]) <= 2, (
        "the corners are weak enough not to be cut"
    )
    assert np.abs(values - values[::-1, ::-1]).max() <= 25
    assert values[1:3, 1:3, 2].min() >= 0.8 * values.max(), "the middle is cut to be equal"
    sizes[:, 29:] = 0
    sizes[29:] = 0
    assert (described(sizes, angles, 0.0).sum(axis=2) > 0).tolist() == [
        [True, True, False, False]
    ] * 2 + [[False] * 4] * 2
    quarter = described(sizes, angles, 2.0)
    assert np.argwhere(quarter.any(axis=(0, 1))).ravel().tolist() == [0, 1]
    assert (quarter.sum(axis=2) > 0).tolist() == [[False, False, True, True]] * 2 + [
        [False] * 4
    ] * 2, "x goes up, y to the right"


def test_length_and_largest_number_of_a_descriptor_by_pencil(galaxies: Images) -> None:
    """Length 512 before rounding; numbers above a fifth are cut once, which lifts the others."""
    _, descriptors = detect_batch(galaxies[:, 0], contrast=0.3)[0]
    lengths = np.sqrt((descriptors.astype(np.float64) ** 2).sum(axis=1))
    assert np.abs(lengths - 512).max() < 6
    assert descriptors.max(axis=1).min() >= 102
    assert descriptors.max() < 255
    none = described(
        np.zeros((40, 40), dtype=np.float32), np.zeros((40, 40), dtype=np.float32), 0.0
    )
    assert not none.any()

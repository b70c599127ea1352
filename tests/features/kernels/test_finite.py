"""Rows with bad pixels."""

import numpy as np

from galfeat.features.kernels.finite import flawed_rows


def test_flawed_rows() -> None:
    images = np.random.default_rng(0).normal(size=(9, 2, 5, 7)).astype(np.float32)
    images[0, 0, 0, 0] = np.finfo(np.float32).max
    images[1, 0, 0, 0] = 1e-45
    assert flawed_rows(images).tolist() == []
    for row, bad in ((2, np.nan), (5, -np.nan), (8, np.inf), (3, -np.inf)):
        images[row, 1, 4, row % 7] = bad
    assert flawed_rows(images).tolist() == [2, 3, 5, 8]

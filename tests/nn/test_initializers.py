"""Variance and orthogonality of initial weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galfeat import UsageError
from galfeat.nn.initializers import INITIALIZERS, get_initializer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "variance"),
    [("normal", 1e-4), ("glorot_uniform", 0.005), ("glorot_normal", 0.005),
     ("he_uniform", 0.02 / 3), ("he_normal", 0.02 / 3),
     ("lecun_uniform", 0.01 / 3), ("lecun_normal", 0.01 / 3), ("orthogonal", 0.01 / 3)],
)  # fmt: skip
def test_spread(name: str, variance: float, rng: np.random.Generator) -> None:
    drawn = INITIALIZERS[name](rng, (300, 100))
    assert drawn.shape == (300, 100)
    assert drawn.mean() == pytest.approx(0, abs=5 * np.sqrt(variance / 30_000))
    assert drawn.var() == pytest.approx(variance, rel=0.04)
    if name.endswith("uniform"):
        assert np.abs(drawn).max() == pytest.approx(np.sqrt(3 * variance), rel=0.01)


def test_orthogonal_has_right_angles(rng: np.random.Generator) -> None:
    tall, wide = INITIALIZERS["orthogonal"](rng, (7, 3)), INITIALIZERS["orthogonal"](rng, (3, 7))
    assert_allclose(tall.T @ tall, np.eye(3), atol=1e-14)
    assert_allclose(wide @ wide.T, np.eye(3), atol=1e-14)
    corner = [INITIALIZERS["orthogonal"](rng, (3, 3))[0, 0] for _ in range(400)]
    assert np.mean(corner) == pytest.approx(0, abs=0.15)


def test_zeros_and_unknown_names(rng: np.random.Generator) -> None:
    assert_array_equal(INITIALIZERS["zeros"](rng, (2, 3)), np.zeros((2, 3)))
    with pytest.raises(UsageError, match="no initializer 'he'; choose one of zeros"):
        get_initializer("he")

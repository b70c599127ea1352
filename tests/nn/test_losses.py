"""Losses: values by hand, derivatives by finite differences, large scores."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss
from tests.nn import differences

from galfeat import UsageError
from galfeat.nn.losses import LOSSES, get_loss


def targets(name: str, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    if name == "cross_entropy":
        return rng.dirichlet(np.ones(shape[1]), shape[0])
    if name == "hinge":
        return rng.choice([-1.0, 1.0], shape)
    return rng.uniform(0, 1, shape)


@pytest.mark.parametrize(
    ("name", "output", "target", "value"),
    [
        ("mean_squared_error", [1.0, 2.0], [0.0, 4.0], 2.5),
        ("half_squared_error", [1.0, 2.0], [0.0, 4.0], 2.5),
        ("half_squared_error", [1.0, 2.0, 3.0], [0.0, 4.0, 3.0], 2.5),
        ("mean_squared_error", [1.0, 2.0, 3.0, 0.0], [0.0, 4.0, 3.0, 0.0], 1.25),
        ("cross_entropy", [math.log(3), 0.0], [0.0, 1.0], math.log(4)),
        ("binary_cross_entropy", [math.log(3), 0.0], [1.0, 0.0], math.log(4 / 3) + math.log(2)),
        ("hinge", [0.5, -2.0, 3.0], [1.0, 1.0, -1.0], 0.5 + 3.0 + 4.0),
    ],
)
def test_pencil_numbers(name: str, output: list[float], target: list[float], value: float) -> None:
    assert LOSSES[name].value(np.array([output]), np.array([target])) == pytest.approx(
        value, rel=1e-14
    )


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_and_curvature_are_differences(
    name: str, weighted: bool, rng: np.random.Generator
) -> None:
    loss, output, along = LOSSES[name], rng.standard_normal((5, 3)), rng.standard_normal((5, 3))
    target = targets(name, rng, (5, 3))
    weight = rng.uniform(0.1, 2, (5, 1)) if weighted else 0.3
    numeric = differences.gradient(lambda o: loss.value(o, target, weight), output)
    assert_allclose(loss.gradient(output, target, weight), numeric, atol=1e-8)
    value, together = loss.value_and_gradient(output, target, weight)
    assert value == pytest.approx(loss.value(output, target, weight), rel=1e-15)
    assert_allclose(together, numeric, atol=1e-8)
    room = np.empty_like(output)
    assert loss.gradient(output, target, weight, out=room) is room
    assert_allclose(room, numeric, atol=1e-8)
    moved = differences.directional(lambda o: loss.gradient(o, target, weight), output, along)
    assert_allclose(loss.gradient_along(output, target, weight, along), moved, atol=1e-8)


@pytest.mark.parametrize("classes", [4, 70])
def test_cross_entropy_is_scikit_learns(classes: int, rng: np.random.Generator) -> None:
    scores, labels = 3 * rng.standard_normal((140, classes)), np.arange(140) % classes
    weights = rng.uniform(0.1, 2, 140)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wanted = log_loss(labels, probabilities, sample_weight=weights)
    assert LOSSES["cross_entropy"].value(
        scores, np.eye(classes)[labels], (weights / weights.sum())[:, None]
    ) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_large_scores_stay_finite(name: str, dtype: str) -> None:
    output = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype=dtype)
    target = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        value, gradient = LOSSES[name].value(output, target), LOSSES[name].gradient(output, target)
    assert value == pytest.approx(2e4)
    assert gradient.dtype == dtype
    assert_allclose(gradient, [[0, 0], [-1, 1]], atol=1e-30)


def test_unknown_loss_is_refused() -> None:
    with pytest.raises(UsageError, match="no loss 'mse'; choose one of mean_squared_error"):
        get_loss("mse")

"""Piecewise linear interpolation by a ReLU network."""

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.nn import relu_approximation

GRID = np.linspace(-2.0, 3.0, 4001)


def error(f, n: int) -> float:  # type: ignore[no-untyped-def]
    network = relu_approximation(f, -2.0, 3.0, n)
    return float(np.abs(network.forward(GRID[:, None])[:, 0] - f(GRID)).max())


def test_by_pencil() -> None:
    """|x| from -1 to 1 with two units: down with slope -1 from 1, then up, a change of slope of 2
    at the middle knot.
    """
    network = relu_approximation(np.abs, -1, 1, 2)
    assert network.weights[0].tolist() == [[1, 1]]
    assert network.biases[0].tolist() == [1, 0]
    assert network.weights[1].tolist() == [[-1], [2]]
    assert network.biases[1].tolist() == [1]
    assert network.forward(np.array([[-5.0], [0.0], [0.25], [3.0]]))[:, 0].tolist() == [
        1,
        0,
        0.25,
        3,
    ]


@pytest.mark.parametrize("n", [1, 7, 100])
def test_it_is_the_piecewise_linear_interpolant(n: int) -> None:
    knots = np.linspace(-2.0, 3.0, n + 1)
    line = np.interp(GRID, knots, np.exp(knots))
    assert np.allclose(
        relu_approximation(np.exp, -2.0, 3.0, n).forward(GRID[:, None])[:, 0],
        line,
        rtol=1e-12,
        atol=1e-12,
    )


@pytest.mark.parametrize(
    ("f", "curvature"), [(np.sin, 1.0), (np.exp, np.exp(3.0)), (lambda x: np.exp(-(x**2)), 2.0)]
)
def test_the_error_falls_as_one_over_n_squared(f, curvature: float) -> None:  # type: ignore[no-untyped-def]
    errors = {n: error(f, n) for n in (20, 40, 80, 160)}
    for n, most in errors.items():
        assert most <= curvature * 25 / (8 * n**2) * (1 + 1e-9)
    rates = np.log2([errors[n] / errors[2 * n] for n in (20, 40, 80)])
    assert rates == pytest.approx([2, 2, 2], abs=0.12)


def test_a_corner_costs_the_second_order() -> None:
    """A corner midway between knots: the error falls with n only, so the claim does need
    smoothness.
    """
    errors = [error(lambda x: np.abs(x - 0.5), n) for n in (5, 15, 45)]
    assert np.allclose(np.divide(errors[:-1], errors[1:]), 3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.sin, 0, 1, 0), "n must be a whole number"),
        ((np.sin, 0, 1, 2.5), "n must be a whole number"),
        ((np.sin, 0, 1, True), "n must be a whole number"),
        ((np.sin, 1, 1, 3), "the smaller first; got 1 and 1"),
        ((np.sin, 0, np.inf, 3), "two finite numbers"),
        (
            (lambda x: np.divide(1, x, where=x != 0, out=np.full_like(x, np.inf)), -1, 1, 2),
            "at 0 it is inf",
        ),
        ((lambda x: x[:-1], -1, 1, 2), r"shape \(3,\); it returned shape \(2,\)"),
    ],
)
def test_invalid_arguments_are_refused(arguments: tuple[object, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        relu_approximation(*arguments)  # type: ignore[arg-type]

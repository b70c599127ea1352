"""Hessian by hand, and against finite differences of the gradient."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.nn import differences

from galfeat.nn.activations import ACTIVATIONS
from galfeat.nn.losses import LOSSES, HalfSquaredError
from galfeat.nn.network import Network, initialized
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.hessian import NetworkHessian, matrix_of
from galfeat.nn.training.objective import Objective


def at(hidden: str, output: str, loss: str, rng: np.random.Generator) -> tuple[Objective, Samples]:
    """Return a network of two hidden layers with every weight and bias away from zero, and weighted
    samples.
    """
    network = initialized((3, 4, 3, 2), hidden, output, rng)
    network.params += 0.3 * rng.standard_normal(network.params.size)
    target = rng.choice([-1.0, 1.0], (6, 2)) if loss == "hinge" else rng.dirichlet(np.ones(2), 6)
    return Objective(network, LOSSES[loss], l2=0.3), Samples(
        rng.standard_normal((6, 3)), target, rng.uniform(0.5, 1.5, (6, 1))
    )


def gradient_at(objective: Objective, samples: Samples, params: np.ndarray) -> np.ndarray:
    return objective.at(params).value_and_gradient(samples)[1]


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_hessian_is_the_differences_of_the_gradient(
    hidden: str, loss: str, rng: np.random.Generator
) -> None:
    objective, samples = at(hidden, "identity", loss, rng)
    params = objective.network.params.copy()
    numeric = matrix_of(
        lambda v: differences.directional(lambda p: gradient_at(objective, samples, p), params, v),
        params.size,
    )
    hessian = objective.curvature(samples).hessian()
    assert_allclose(hessian, numeric, atol=5e-9)
    assert_allclose(hessian, hessian.T, rtol=0, atol=1e-14)


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "softmax", "softplus", "mish"])
@pytest.mark.parametrize("loss", LOSSES)
def test_hessian_through_every_kind_of_output(
    output: str, loss: str, rng: np.random.Generator
) -> None:
    objective, samples = at("gelu", output, loss, rng)
    params, along = (
        objective.network.params.copy(),
        rng.standard_normal(objective.network.params.size),
    )
    numeric = differences.directional(lambda p: gradient_at(objective, samples, p), params, along)
    assert_allclose(objective.curvature(samples).product(along), numeric, atol=2e-8)


def test_product_is_hessian_times_direction_and_linear(rng: np.random.Generator) -> None:
    objective, samples = at("tanh", "identity", "cross_entropy", rng)
    curvature = objective.curvature(samples)
    hessian = curvature.hessian()
    for _ in range(3):
        along = rng.standard_normal(objective.network.params.size)
        assert_allclose(curvature.product(along), hessian @ along, atol=1e-13)
        assert_allclose(curvature.product(-1e6 * along), -1e6 * (hessian @ along), atol=1e-7)


def test_curvature_of_a_sigmoid_by_pencil() -> None:
    # z = log 3: a = 3/4, a' = 3/16, a'' = -3/32; d2/dw2 of a^2/2 is a'^2 + a a'' = 9/256 - 18/256,
    # times x^2 = 4 for the weight
    network = Network((1, 1), output="sigmoid", params=np.array([math.log(3) / 2, 0.0]))
    hessian = NetworkHessian(
        network, np.array([[2.0]]), np.array([[0.0]]), HalfSquaredError()
    ).hessian()
    assert_allclose(hessian, np.array([[4.0, 2.0], [2.0, 1.0]]) * -9 / 256, rtol=1e-14)


def test_penalty_adds_curvature_to_weights_and_not_biases() -> None:
    samples = Samples(np.zeros((4, 2)), np.zeros((4, 1)))
    bare, penalized = (
        Objective(Network((2, 1)), HalfSquaredError(), l2=l2).curvature(samples).hessian()
        for l2 in (0.0, 2.0)
    )
    assert_allclose(penalized - bare, np.diag([0.5, 0.5, 0.0]), rtol=0, atol=1e-16)


def test_weights_of_samples_scale_their_curvature(rng: np.random.Generator) -> None:
    network = initialized((2, 3, 2), "tanh", "identity", rng)
    X, target = rng.standard_normal((2, 2)), np.eye(2)
    each = [
        NetworkHessian(network, X[[i]], target[[i]], LOSSES["cross_entropy"]).hessian()
        for i in range(2)
    ]
    both = NetworkHessian(
        network, X, target, LOSSES["cross_entropy"], np.array([[0.25], [3.0]])
    ).hessian()
    assert_allclose(both, 0.25 * each[0] + 3 * each[1], atol=1e-14)


def test_single_precision_stays_single(rng: np.random.Generator) -> None:
    double = initialized((3, 4, 2), "silu", "identity", rng)
    single = double.with_params(double.params.astype(np.float32))
    X, target, along = (
        rng.standard_normal((5, 3)),
        np.eye(2)[[0, 1, 1, 0, 1]],
        rng.standard_normal(double.params.size),
    )
    wanted = NetworkHessian(double, X, target, LOSSES["cross_entropy"]).product(along)
    narrow = NetworkHessian(
        single, X.astype(np.float32), target.astype(np.float32), LOSSES["cross_entropy"]
    )
    assert narrow.product(along.astype(np.float32)).dtype == narrow.hessian().dtype == np.float32
    assert_allclose(narrow.product(along.astype(np.float32)), wanted, rtol=1e-3, atol=1e-5)

"""Backpropagation against finite differences; views of the flat parameter vector."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.nn import differences

from galfeat import UsageError
from galfeat.nn.activations import ACTIVATIONS
from galfeat.nn.layout import parameter_count
from galfeat.nn.losses import LOSSES
from galfeat.nn.network import LayerBuffers, Network, initialized
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.objective import Objective


@pytest.mark.parametrize("hidden", [name for name in ACTIVATIONS if name != "step"])
@pytest.mark.parametrize("sizes", [(3, 4), (3, 5, 2), (3, 4, 5, 2)])
def test_gradient_is_the_differences_of_the_loss(
    hidden: str, sizes: tuple[int, ...], rng: np.random.Generator
) -> None:
    network = initialized(sizes, hidden, "identity", rng)
    network.params += 0.1 * rng.standard_normal(network.params.size)
    samples, target = rng.standard_normal((6, 3)), rng.dirichlet(np.ones(sizes[-1]), 6)
    weight, entropy = rng.uniform(0.1, 1, (6, 1)), LOSSES["cross_entropy"]
    value, gradient = network.loss_and_gradient(samples, target, entropy, weight)
    assert value == pytest.approx(entropy.value(network.forward(samples), target, weight))
    numeric = differences.gradient(
        lambda p: entropy.value(network.with_params(p).forward(samples), target, weight),
        network.params,
    )
    assert_allclose(gradient, numeric, atol=2e-8)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax"])
def test_gradient_through_every_output(name: str, output: str, rng: np.random.Generator) -> None:
    network = initialized((3, 4, 2), "tanh", output, rng)
    samples, target = (
        rng.standard_normal((5, 3)),
        rng.choice([-1.0, 1.0], (5, 2)) if name == "hinge" else np.eye(2)[[0, 1, 1, 0, 1]],
    )
    numeric = differences.gradient(
        lambda p: LOSSES[name].value(network.with_params(p).forward(samples), target),
        network.params,
    )
    assert_allclose(network.loss_and_gradient(samples, target, LOSSES[name])[1], numeric, atol=2e-8)


def test_objective_penalizes_weights_and_not_biases(rng: np.random.Generator) -> None:
    network = initialized((3, 4, 2), "tanh", "identity", rng)
    network.biases[0][...] = 5.0
    samples = Samples(
        rng.standard_normal((5, 3)), np.eye(2)[[0, 1, 1, 0, 1]], rng.uniform(0.5, 1.5, (5, 1))
    )
    penalized, bare = (
        Objective(network, LOSSES["cross_entropy"], l2=0.3, l1=0.2),
        Objective(network, LOSSES["cross_entropy"]),
    )
    squares, absolutes = (
        sum(float((np.abs(w) ** power).sum()) for w in network.weights) for power in (2, 1)
    )
    assert penalized.value(samples) - bare.value(samples) == pytest.approx(
        (0.15 * squares + 0.2 * absolutes) / 5
    )
    value, gradient = penalized.value_and_gradient(samples)
    assert value == pytest.approx(penalized.value(samples))

    def at(params: np.ndarray) -> float:
        return Objective(
            network.with_params(params), LOSSES["cross_entropy"], l2=0.3, l1=0.2
        ).value(samples)

    assert_allclose(gradient, differences.gradient(at, network.params), atol=2e-8)


def test_dropped_units_carry_neither_signal_nor_gradient(rng: np.random.Generator) -> None:
    network = initialized((3, 4, 2), "tanh", "identity", rng)
    samples, target = rng.standard_normal((5, 3)), np.eye(2)[[0, 1, 1, 0, 1]]
    masks = rng.choice([0.0, 2.0], (5, 4))

    def buffers_of(n: Network) -> LayerBuffers:
        return replace(n.new_buffers(5), masks=[masks])

    def at(params: np.ndarray) -> float:
        moved = network.with_params(params)
        return LOSSES["cross_entropy"].value(moved.forward(samples, buffers_of(moved)), target)

    gradient = network.loss_and_gradient(
        samples, target, LOSSES["cross_entropy"], buffers=buffers_of(network)
    )[1]
    assert_allclose(gradient, differences.gradient(at, network.params), atol=2e-8)


def test_weights_and_biases_are_views_of_the_flat_vector(rng: np.random.Generator) -> None:
    network = initialized((3, 4, 2), "relu", "identity", rng, dtype=np.float32)
    assert network.params.dtype == np.float32
    assert network.params.size == parameter_count((3, 4, 2)) == 3 * 4 + 4 * 2 + 4 + 2
    assert [w.shape for w in network.weights] == [(3, 4), (4, 2)]
    for copied in (network, copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        copied.params[...] = np.arange(26)
        assert_array_equal(
            np.concatenate([w.ravel() for w in copied.weights] + copied.biases), np.arange(26)
        )


def test_parameter_count_of_dense_layers_between_images() -> None:
    assert parameter_count([512 * 512, 512 * 512]) == pytest.approx(7e10, rel=0.02)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="at least inputs and outputs"):
        Network((3,))
    with pytest.raises(UsageError, match=r"has 8 parameters; got an array of shape \(7,\)"):
        Network((3, 2), params=np.zeros(7))

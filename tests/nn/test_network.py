"""The worked example of backpropagation to its last digit, and gradients against differences."""

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
from galfeat.nn.losses import LOSSES, HalfSquaredError
from galfeat.nn.network import Network, Passage, initialized
from galfeat.nn.objective import Objective
from galfeat.nn.samples import Samples

X = np.array([[0.05, 0.10]])
TARGET = np.array([[0.01, 0.99]])
RATE = 0.5


def stepped(network: Network, steps: int, *, biases: bool) -> Network:
    params, learned = network.params.copy(), None if biases else network.layout.n_weights
    for _ in range(steps):
        gradient = network.with_params(params).loss_and_gradient(X, TARGET, HalfSquaredError())[1]
        params[:learned] -= RATE * gradient[:learned]
    return network.with_params(params)


def loss(network: Network) -> float:
    return network.loss_and_gradient(X, TARGET, HalfSquaredError())[0]


def test_worked_example_before_and_after_one_step(lecture: Network) -> None:
    assert loss(lecture) == pytest.approx(0.298371108760003, abs=5e-16)
    after = stepped(lecture, 1, biases=False)
    w1, w3, w2, w4 = after.weights[0].ravel()
    w5, w7, w6, w8 = after.weights[1].ravel()
    wanted = [
        0.149780716132763, 0.199561432265526, 0.249751143632370, 0.299502287264739,
        0.358916479717885, 0.408666186076233, 0.511301270238738, 0.561370121107989,
    ]  # fmt: skip
    assert_allclose([w1, w2, w3, w4, w5, w6, w7, w8], wanted, rtol=0, atol=6e-16)
    assert loss(after) == pytest.approx(0.291027773693599, abs=6e-16)


def test_worked_example_does_not_use_updated_output_weights_for_the_hidden_layer(lecture: Network) -> None:
    assert abs(loss(stepped(lecture, 1, biases=False)) - 0.291027924) > 1e-7


def test_worked_example_with_biases(lecture: Network) -> None:
    assert loss(stepped(lecture, 1, biases=True)) == pytest.approx(0.280471446791430, abs=6e-16)


def test_worked_example_after_ten_thousand_steps(lecture: Network) -> None:
    after = stepped(lecture, 10_000, biases=False)
    assert loss(after) == pytest.approx(3.510187783e-5, abs=5e-15)
    assert_allclose(after.forward(X)[0], [0.015913620, 0.984064274], rtol=0, atol=5e-10)


@pytest.mark.parametrize("hidden", [name for name in ACTIVATIONS if name != "step"])
@pytest.mark.parametrize("sizes", [(3, 4), (3, 5, 2), (3, 4, 5, 2)])
def test_gradient_is_the_differences_of_the_loss(hidden: str, sizes: tuple[int, ...], rng: np.random.Generator) -> None:
    network = initialized(sizes, hidden, "identity", rng)
    network.params += 0.1 * rng.standard_normal(network.params.size)
    samples, target = rng.standard_normal((6, 3)), rng.dirichlet(np.ones(sizes[-1]), 6)
    weight, entropy = rng.uniform(0.1, 1, (6, 1)), LOSSES["cross_entropy"]
    value, gradient = network.loss_and_gradient(samples, target, entropy, weight)
    assert value == pytest.approx(entropy.value(network.forward(samples), target, weight))
    numeric = differences.gradient(lambda p: entropy.value(network.with_params(p).forward(samples), target, weight), network.params)
    assert_allclose(gradient, numeric, atol=2e-8)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax"])
def test_gradient_through_every_output(name: str, output: str, rng: np.random.Generator) -> None:
    network = initialized((3, 4, 2), "tanh", output, rng)
    samples, target = rng.standard_normal((5, 3)), rng.choice([-1.0, 1.0], (5, 2)) if name == "hinge" else np.eye(2)[[0, 1, 1, 0, 1]]
    numeric = differences.gradient(lambda p: LOSSES[name].value(network.with_params(p).forward(samples), target), network.params)
    assert_allclose(network.loss_and_gradient(samples, target, LOSSES[name])[1], numeric, atol=2e-8)


def test_objective_penalises_weights_and_not_biases(rng: np.random.Generator) -> None:
    network = initialized((3, 4, 2), "tanh", "identity", rng)
    network.biases[0][...] = 5.0
    samples = Samples(rng.standard_normal((5, 3)), np.eye(2)[[0, 1, 1, 0, 1]], rng.uniform(0.5, 1.5, (5, 1)))
    penalised, bare = Objective(network, LOSSES["cross_entropy"], l2=0.3, l1=0.2), Objective(network, LOSSES["cross_entropy"])
    squares, absolutes = (sum(float((np.abs(w) ** power).sum()) for w in network.weights) for power in (2, 1))
    assert penalised.value(samples) - bare.value(samples) == pytest.approx((0.15 * squares + 0.2 * absolutes) / 5)
    value, gradient = penalised.value_and_gradient(samples)
    assert value == pytest.approx(penalised.value(samples))

    def at(params: np.ndarray) -> float:
        return Objective(network.with_params(params), LOSSES["cross_entropy"], l2=0.3, l1=0.2).value(samples)

    assert_allclose(gradient, differences.gradient(at, network.params), atol=2e-8)


def test_dropped_units_carry_neither_signal_nor_gradient(rng: np.random.Generator) -> None:
    network = initialized((3, 4, 2), "tanh", "identity", rng)
    samples, target = rng.standard_normal((5, 3)), np.eye(2)[[0, 1, 1, 0, 1]]
    keep = rng.choice([0.0, 2.0], (5, 4))

    def passage_of(n: Network) -> Passage:
        return replace(n.room(5), keep=[keep])

    def at(params: np.ndarray) -> float:
        moved = network.with_params(params)
        return LOSSES["cross_entropy"].value(moved.forward(samples, passage_of(moved)), target)

    gradient = network.loss_and_gradient(samples, target, LOSSES["cross_entropy"], passage=passage_of(network))[1]
    assert_allclose(gradient, differences.gradient(at, network.params), atol=2e-8)


def test_weights_and_biases_are_views_of_the_flat_vector(rng: np.random.Generator) -> None:
    network = initialized((3, 4, 2), "relu", "identity", rng, dtype=np.float32)
    assert network.params.dtype == np.float32
    assert network.params.size == parameter_count((3, 4, 2)) == 3 * 4 + 4 * 2 + 4 + 2
    assert [w.shape for w in network.weights] == [(3, 4), (4, 2)]
    for copied in (network, copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        copied.params[...] = np.arange(26)
        assert_array_equal(np.concatenate([w.ravel() for w in copied.weights] + copied.biases), np.arange(26))


def test_the_lectures_remark_on_joining_images() -> None:
    assert parameter_count([512 * 512, 512 * 512]) == pytest.approx(7e10, rel=0.02)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="at least inputs and outputs"):
        Network((3,))
    with pytest.raises(UsageError, match=r"has 8 parameters; got an array of shape \(7,\)"):
        Network((3, 2), params=np.zeros(7))

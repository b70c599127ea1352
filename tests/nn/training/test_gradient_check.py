"""Gradient check: finds planted errors and their location."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from galfeat.nn.activations import ACTIVATIONS, Tanh
from galfeat.nn.layout import Layout
from galfeat.nn.losses import LOSSES, CrossEntropy, HalfSquaredError
from galfeat.nn.network import Network, initialized
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.gradient_check import ParameterLocation, check_gradient
from galfeat.nn.training.objective import Objective
from galfeat.nn.types import Floats


@dataclass(frozen=True)
class WrongTanh(Tanh):
    def slope(self, z: Floats, a: Floats) -> Floats:  # noqa: ARG002 - the signature is the base's
        return 1 - a


class WrongBias(Network):
    """A network whose gradient of one bias is off by a little."""

    def with_params(self, params: Floats) -> Network:
        return WrongBias(self.layout.sizes, self.activations[0], self.activations[-1], params)

    def _backward(self, X, buffers, gradient) -> None:  # type: ignore[no-untyped-def]
        super()._backward(X, buffers, gradient)
        self.layout.biases(gradient)[0][2] += 0.001


@pytest.fixture
def samples(rng: np.random.Generator) -> Samples:
    return Samples(
        rng.standard_normal((5, 3)), np.eye(2)[[0, 1, 1, 0, 1]], rng.uniform(0.5, 1.5, (5, 1))
    )


@pytest.mark.parametrize("hidden", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_all_networks_losses_and_penalties_pass(
    hidden: str, loss: str, samples: Samples, rng: np.random.Generator
) -> None:
    network = initialized((3, 4, 3, 2), hidden, "identity", rng)
    network.params += 0.2 * rng.standard_normal(network.params.size)
    before = network.params.copy()
    assert check_gradient(Objective(network, LOSSES[loss], l2=0.3, l1=0.2), samples).error < 1e-8
    assert_array_equal(network.params, before)


def test_wrong_slope_is_found(samples: Samples, rng: np.random.Generator) -> None:
    network = initialized((3, 4, 2), WrongTanh(), "identity", rng)
    found = check_gradient(Objective(network, CrossEntropy()), samples)
    assert found.error > 1e-3
    assert found.worst.layer == 0


def test_the_wrong_parameter_is_named(samples: Samples, rng: np.random.Generator) -> None:
    drawn = initialized((3, 4, 2), "tanh", "identity", rng)
    network = WrongBias((3, 4, 2), "tanh", "identity", drawn.params)
    found = check_gradient(Objective(network, CrossEntropy()), samples)
    assert found.worst == ParameterLocation(0, "bias", None, 2)
    assert found.error == pytest.approx(0.001, rel=1e-4)
    assert "furthest apart at the bias of unit 2 in layer 0" in str(found)


def test_error_is_relative_to_a_large_gradient() -> None:
    huge = Samples(np.array([[1e6]]), np.array([[0.0]]))
    found = check_gradient(
        Objective(Network((1, 1), params=np.array([1.0, 0.0])), HalfSquaredError()), huge
    )
    assert found.backpropagated[0] == 1e12
    assert found.error < 1e-8


def test_single_precision_is_checked_in_double(samples: Samples, rng: np.random.Generator) -> None:
    network = initialized((3, 4, 2), "tanh", "identity", rng, dtype=np.float32)
    single = Samples(samples.X.astype(np.float32), samples.target.astype(np.float32), None)
    assert check_gradient(Objective(network, CrossEntropy()), single).error < 1e-8
    assert network.params.dtype == np.float32


def test_parameter_locations_in_the_flat_vector() -> None:
    layout = Layout((2, 3, 1))
    flat = np.arange(float(layout.size))
    for index in range(layout.size):
        place = ParameterLocation.from_index(layout, index)
        if place.row is None:
            assert layout.biases(flat)[place.layer][place.column] == index
        else:
            assert layout.weights(flat)[place.layer][place.row, place.column] == index
    with pytest.raises(IndexError, match="no parameter beyond 12"):
        ParameterLocation.from_index(layout, 13)
    assert (
        str(ParameterLocation(1, "weight", 2, 0)) == "the weight from unit 2 to unit 0 in layer 1"
    )

"""Fixtures shared by the tests of the network."""

import numpy as np
import pytest

from galfeat.nn.network import Network


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


@pytest.fixture
def lecture() -> Network:
    """Return the 2-2-2 sigmoid network of the worked example, as it stands before the first
    step.
    """
    network = Network((2, 2, 2), hidden="sigmoid", output="sigmoid")
    network.weights[0][...] = [[0.15, 0.25], [0.20, 0.30]]
    network.weights[1][...] = [[0.40, 0.50], [0.45, 0.55]]
    network.biases[0][...] = 0.35
    network.biases[1][...] = 0.60
    return network

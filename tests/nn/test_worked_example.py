"""The worked example of backpropagation, to all published digits.

A 2-2-2 network of sigmoids with half the squared error is trained on one sample at a rate of 0.5;
biases are fixed unless stated otherwise.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from galfeat.nn.losses import HalfSquaredError
from galfeat.nn.network import Network

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
    assert loss(lecture) == pytest.approx(0.298371108760003, abs=1e-15)
    after = stepped(lecture, 1, biases=False)
    w1, w3, w2, w4 = after.weights[0].ravel()
    w5, w7, w6, w8 = after.weights[1].ravel()
    wanted = [
        0.149780716132763, 0.199561432265526, 0.249751143632370, 0.299502287264739,
        0.358916479717885, 0.408666186076233, 0.511301270238738, 0.561370121107989,
    ]  # fmt: skip
    assert_allclose([w1, w2, w3, w4, w5, w6, w7, w8], wanted, rtol=0, atol=1e-15)
    assert loss(after) == pytest.approx(0.291027773693599, abs=1e-15)


def test_worked_example_does_not_use_updated_output_weights_for_the_hidden_layer(
    lecture: Network,
) -> None:
    after = stepped(lecture, 1, biases=False)
    hidden, output = lecture.new_buffers(1), lecture.weights[1]
    a = lecture.forward(X, hidden)
    delta = (a - TARGET) * a * (1 - a)
    mistaken = after.with_params(after.params.copy())
    for updated, weights in ((False, output), (True, after.weights[1])):
        hidden_delta = delta @ weights.T * hidden.a[0] * (1 - hidden.a[0])
        mistaken.weights[0][...] = lecture.weights[0] - RATE * X.T @ hidden_delta
        assert (loss(mistaken) == pytest.approx(0.291027924, abs=5e-10)) == updated
    assert abs(loss(after) - 0.291027924) > 1e-7


def test_worked_example_with_biases(lecture: Network) -> None:
    assert loss(stepped(lecture, 1, biases=True)) == pytest.approx(0.280471446791430, abs=1e-15)


def test_worked_example_after_ten_thousand_steps(lecture: Network) -> None:
    after = stepped(lecture, 10_000, biases=False)
    assert loss(after) == pytest.approx(3.510187783e-5, abs=5e-15)
    assert_allclose(after.forward(X)[0], [0.015913620, 0.984064274], rtol=0, atol=5e-10)

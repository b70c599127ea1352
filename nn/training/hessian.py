"""Exact Hessian-vector products of a network, by Pearlmutter's R-operator.

The R-operator differentiates every line of backpropagation along a direction (V, v_b) of the
weights and biases. With R{x} written r_x, the forward pass ``z = a W + b``, ``a' = f(z)`` becomes
``r_z = r_a W + a V + v_b``, ``r_a' = f'(z) r_z``, and the backward pass is treated likewise. A
Hessian-vector product is exact and costs about as much as two gradients; the Hessian matrix is
built only on request.

At kinks (the ReLU family at 0, the hinge loss at its margin) there is no second derivative: the
one-sided derivative is used, on the side from which the slope is taken.

References
----------
Pearlmutter, B. A. 1994, Neural Computation 6, 147, doi:10.1162/neco.1994.6.1.147
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from galfeat.nn.losses import Loss
from galfeat.nn.network import Network
from galfeat.nn.types import Floats, Weight

__all__ = ["NetworkHessian", "matrix_of"]


class NetworkHessian:
    """The Hessian of a loss with respect to the network's present parameters.

    The constructor does one forward and backward pass; each Hessian-vector product then costs
    about twice as much.

    Parameters
    ----------
    network : Network
    X : array, shape (n, inputs)
    target : array, shape (n, outputs)
    loss : Loss
    weight : float or array of shape (n, 1)
        Weight of each sample in the sum.
    l2 : float
        Strength of a penalty ``l2/2 |W|^2`` on the weights, biases not counted.

    Examples
    --------
    Half the squared error of one weight, x = 3, has the second derivative x^2 with respect to the
    weight, x with respect to weight and bias, 1 with respect to the bias:

    >>> from galfeat.nn.losses import HalfSquaredError
    >>> x, target = np.array([[3.0]]), np.array([[0.0]])
    >>> curvature = NetworkHessian(Network((1, 1)), x, target, HalfSquaredError())
    >>> curvature.product(np.array([1.0, 0.0])).tolist()
    [9.0, 3.0]
    >>> curvature.hessian().tolist()
    [[9.0, 3.0], [3.0, 1.0]]
    """

    def __init__(
        self,
        network: Network,
        X: Floats,
        target: Floats,
        loss: Loss,
        weight: Weight = 1.0,
        *,
        l2: float = 0.0,
    ) -> None:
        self.network, self.target, self.loss, self.weight, self.l2 = (
            network,
            target,
            loss,
            weight,
            l2,
        )
        buffers = network.new_buffers(len(X))
        output = network.forward(X, buffers)
        self._z, self._a = buffers.z, buffers.a
        self._inputs = [X, *buffers.a[:-1]]
        self._delta_z = buffers.delta
        self._delta_a = self._backward(loss.gradient(output, target, weight))

    def _backward(self, delta: Floats) -> list[Floats]:
        """Fill the gradients with respect to every z; return those with respect to every a."""
        delta_a = []
        for layer in reversed(range(len(self._z))):
            delta_a.append(delta)
            self._delta_z[layer][...] = delta
            self.network.activations[layer].pull(
                self._delta_z[layer], self._z[layer], self._a[layer]
            )
            delta = self._delta_z[layer] @ self.network.weights[layer].T
        return delta_a[::-1]

    def product(self, direction: Floats) -> Floats:
        """Return the Hessian-vector product, shape (size,).

        Parameters
        ----------
        direction : array, shape (size,)
            In the order of ``network.params``.
        """
        layout = self.network.layout
        along, result = layout.weights(direction), np.empty_like(self.network.params)
        r_z, r_inputs, r_output = self._r_forward(along, layout.biases(direction))
        result_weights, result_biases = layout.weights(result), layout.biases(result)
        r_delta = self.loss.gradient_along(self._a[-1], self.target, self.weight, r_output)
        for layer in reversed(range(len(along))):
            delta, z, a = self._delta_a[layer], self._z[layer], self._a[layer]
            r_delta = self.network.activations[layer].pull_along(delta, r_delta, z, a, r_z[layer])
            np.matmul(self._inputs[layer].T, r_delta, out=result_weights[layer])
            np.add.reduce(r_delta, axis=0, out=result_biases[layer])
            if layer:  # the input of the first layer, the samples, does not depend on parameters
                result_weights[layer] += r_inputs[layer].T @ self._delta_z[layer]
                r_delta = (
                    r_delta @ self.network.weights[layer].T + self._delta_z[layer] @ along[layer].T
                )
        result[: layout.n_weights] += self.l2 * direction[: layout.n_weights]
        return result

    def _r_forward(
        self, weights: list[Floats], biases: list[Floats]
    ) -> tuple[list[Floats], list[Floats], Floats]:
        """Return the directional derivatives of all z, of all layer inputs and of the output."""
        all_r_z: list[Floats] = []
        r_inputs: list[Floats] = []
        r_a: Floats = np.zeros_like(self._inputs[0])
        for layer, activation in enumerate(self.network.activations):
            r_inputs.append(r_a)
            r_z = self._inputs[layer] @ weights[layer]
            r_z += biases[layer]
            if layer:
                r_z += r_a @ self.network.weights[layer]
            r_a = activation.push(r_z, self._z[layer], self._a[layer])
            all_r_z.append(r_z)
        return all_r_z, r_inputs, r_a

    def hessian(self) -> Floats:
        """Return the Hessian matrix, shape (size, size), symmetric up to rounding.

        It takes ``size`` Hessian-vector products: for networks of up to a few hundred parameters.
        """
        return matrix_of(self.product, self.network.params.size, self.network.params.dtype)


def matrix_of(
    product: Callable[[Floats], Floats], size: int, dtype: DTypeLike = np.float64
) -> Floats:
    """Return the matrix of a linear operator, one product with a unit vector per column."""
    matrix, direction = np.empty((size, size), dtype), np.zeros(size, dtype)
    for index in range(size):
        direction[index] = 1
        matrix[:, index] = product(direction)
        direction[index] = 0
    return matrix

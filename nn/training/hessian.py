"""How the gradient moves when the parameters move: Hessian-vector products and the Hessian.

Pearlmutter's R-operator takes the derivative of every line of backpropagation along a direction V
of the parameters. With R{x} written r_x, the way forward ``z = a W + b``, ``a' = f(z)`` becomes
``r_z = r_a W + a V + v_b``, ``r_a' = f'(z) r_z``, and the way back is treated likewise. The product
of Hessian and direction is exact and costs about as much as two gradients; the Hessian itself is
never built unless it is asked for.

At kinks (the ReLU family at 0, the hinge at its margin) there is no second derivative; the one of
the side that the slope is taken from is used.

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

__all__ = ["Curvature", "columns"]


class Curvature:
    """The second derivatives of a loss at one point: the network as it is, on these samples.

    One pass forward and back is done when it is made; each product then costs about twice as much
    again.

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
    >>> curvature = Curvature(Network((1, 1)), x, target, HalfSquaredError())
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
        passage = network.room(len(X))
        output = network.forward(X, passage)
        self._z, self._a = passage.z, passage.a
        self._inputs = [X, *passage.a[:-1]]
        self._delta_z = passage.delta
        self._delta_a = self._way_back(loss.gradient(output, target, weight))

    def _way_back(self, delta: Floats) -> list[Floats]:
        """Fill the gradients with respect to every z, and return those with respect to every a."""
        kept = []
        for layer in reversed(range(len(self._z))):
            kept.append(delta)
            self._delta_z[layer][...] = delta
            self.network.activations[layer].pull(
                self._delta_z[layer], self._z[layer], self._a[layer]
            )
            delta = self._delta_z[layer] @ self.network.weights[layer].T
        return kept[::-1]

    def product(self, direction: Floats) -> Floats:
        """Return the Hessian times a direction, shape (size,).

        Parameters
        ----------
        direction : array, shape (size,)
            In the order of ``network.params``.
        """
        layout = self.network.layout
        along, result = layout.weights(direction), np.empty_like(self.network.params)
        r_z, r_inputs, r_output = self._forward_along(along, layout.biases(direction))
        result_weights, result_biases = layout.weights(result), layout.biases(result)
        r_delta = self.loss.gradient_along(self._a[-1], self.target, self.weight, r_output)
        for layer in reversed(range(len(along))):
            delta, z, a = self._delta_a[layer], self._z[layer], self._a[layer]
            r_delta = self.network.activations[layer].pull_along(delta, r_delta, z, a, r_z[layer])
            np.matmul(self._inputs[layer].T, r_delta, out=result_weights[layer])
            np.add.reduce(r_delta, axis=0, out=result_biases[layer])
            if layer:  # the samples themselves do not move, and nothing lies before the first layer
                result_weights[layer] += r_inputs[layer].T @ self._delta_z[layer]
                r_delta = (
                    r_delta @ self.network.weights[layer].T + self._delta_z[layer] @ along[layer].T
                )
        result[: layout.n_weights] += self.l2 * direction[: layout.n_weights]
        return result

    def _forward_along(
        self, weights: list[Floats], biases: list[Floats]
    ) -> tuple[list[Floats], list[Floats], Floats]:
        """Return how each layer's sums, each layer's inputs and the output move along a
        direction.
        """
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
        """Return all second derivatives, shape (size, size).

        It is symmetric but for rounding, and takes ``size`` products: for networks of up to a few
        hundred parameters.
        """
        return columns(self.product, self.network.params.size, self.network.params.dtype)


def columns(
    product: Callable[[Floats], Floats], size: int, dtype: DTypeLike = np.float64
) -> Floats:
    """Return the matrix whose product with any direction is known, a column a product."""
    matrix, direction = np.empty((size, size), dtype), np.zeros(size, dtype)
    for index in range(size):
        direction[index] = 1
        matrix[:, index] = product(direction)
        direction[index] = 0
    return matrix

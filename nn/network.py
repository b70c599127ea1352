"""Dense layers over one flat parameter vector.

Layer l turns the activations a of the layer before it into ``z = a W + b`` and then into its own
activations ``f(z)``. Backpropagation walks the layers the other way: with ``delta`` the gradient
with respect to z, the gradient with respect to W is ``a^T delta``, to b the column sums of delta,
and to the layer before ``delta W^T``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from galfeat import UsageError
from galfeat.nn.activations import Activation, get_activation
from galfeat.nn.initializers import get_initializer, initializer_for
from galfeat.nn.layout import Layout
from galfeat.nn.losses import Loss
from galfeat.nn.types import Floats, Weight

__all__ = ["Network", "Passage", "initialized"]


@dataclass(frozen=True)
class Passage:
    """What one pass through the network leaves at each layer; all arrays have one row a sample.

    Parameters
    ----------
    z : list of array
        Weighted sums.
    a : list of array
        Activations.
    delta : list of array
        Room for the gradients with respect to `z`.
    keep : list of array or None
        Factor on the activations of each layer but the last: 0 drops a unit, see
        `galfeat.nn.dropout`. None keeps all.
    """

    z: list[Floats]
    a: list[Floats]
    delta: list[Floats]
    keep: list[Floats] | None = None

    @classmethod
    def of(cls, sizes: Sequence[int], rows: int, dtype: DTypeLike) -> "Passage":
        """Return empty room for so many rows."""

        def empty() -> list[Floats]:
            return [np.empty((rows, size), dtype=dtype) for size in sizes[1:]]

        return cls(empty(), empty(), empty())

    def first(self, rows: int) -> "Passage":
        """Return the room of the first rows, as views."""

        def top(arrays: list[Floats]) -> list[Floats]:
            return [array[:rows] for array in arrays]

        return Passage(
            top(self.z), top(self.a), top(self.delta), None if self.keep is None else top(self.keep)
        )

    def into(self, layer: int, X: Floats) -> Floats:
        """Return what goes into a layer.

        The samples, or the activations that the layer before lets through.
        """
        if layer == 0:
            return X
        a = self.a[layer - 1]
        return a if self.keep is None else a * self.keep[layer - 1]

    def drop(self, delta: Floats, layer: int) -> None:
        """Let a gradient through to a layer's activations where `keep` let the activations through,
        in place.
        """
        if self.keep is not None:
            delta *= self.keep[layer]


class Network:
    """A multilayer perceptron.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, from the inputs to the outputs.
    hidden : str or Activation
        Activation of the hidden layers.
    output : str or Activation
        Activation of the last layer; ``"identity"`` for losses that are fused with theirs.
    params : array of float32 or float64, shape (size,), optional
        The parameters; the array itself is kept, not a copy. Zeros in float64 if not given.

    Attributes
    ----------
    params : array, shape (size,)
        All weights, layer by layer, then all biases.
    weights, biases : list of array
        Views of `params`.

    Examples
    --------
    >>> network = Network((2, 3, 1), hidden="tanh")
    >>> network.params.size
    13
    >>> network.forward(np.ones((4, 2))).shape
    (4, 1)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        hidden: str | Activation = "relu",
        output: str | Activation = "identity",
        params: Floats | None = None,
    ) -> None:
        self.layout = Layout(tuple(sizes))
        if params is None:
            params = np.zeros(self.layout.size)
        if params.shape != (self.layout.size,):
            raise UsageError(
                f"a network of layers {self.layout.sizes} has {self.layout.size} parameters; got "
                f"an array of shape {params.shape}"
            )
        self.params = params
        self.weights = self.layout.weights(params)
        self.biases = self.layout.biases(params)
        self.activations = [get_activation(hidden)] * (len(self.weights) - 1) + [
            get_activation(output)
        ]

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as parameters, so that the views stay views of them."""
        return Network, (self.layout.sizes, self.activations[0], self.activations[-1], self.params)

    def with_params(self, params: Floats) -> "Network":
        """Return the same network with other parameters."""
        return Network(self.layout.sizes, self.activations[0], self.activations[-1], params)

    def room(self, rows: int) -> Passage:
        """Return the arrays that a pass of so many rows needs.

        Give them to `forward` and `loss_and_gradient` to save making them anew.
        """
        return Passage.of(self.layout.sizes, rows, self.params.dtype)

    def forward(self, X: Floats, passage: Passage | None = None) -> Floats:
        """Return the output, shape (n, outputs).

        Parameters
        ----------
        X : array, shape (n, inputs)
        passage : Passage, optional
            Filled with the sums and activations of every layer.
        """
        passage = self.room(len(X)) if passage is None else passage
        for layer, (weight, bias, activation) in enumerate(
            zip(self.weights, self.biases, self.activations, strict=True)
        ):
            z = np.matmul(passage.into(layer, X), weight, out=passage.z[layer])
            z += bias
            activation.value(z, out=passage.a[layer])
        return passage.a[-1]

    def loss_and_gradient(
        self,
        X: Floats,
        target: Floats,
        loss: Loss,
        weight: Weight = 1.0,
        *,
        out: Floats | None = None,
        passage: Passage | None = None,
    ) -> tuple[float, Floats]:
        """Return the loss of the samples and its gradient with respect to the parameters, by
        backpropagation.

        Parameters
        ----------
        X : array, shape (n, inputs)
        target : array, shape (n, outputs)
        loss : Loss
        weight : float or array of shape (n, 1)
            Weight of each sample in the sum.
        out : array, shape (size,), optional
            Where the gradient goes.
        passage : Passage, optional
            Room from an earlier pass.

        Returns
        -------
        loss : float
        gradient : array, shape (size,)
        """
        passage = self.room(len(X)) if passage is None else passage
        gradient = np.empty_like(self.params) if out is None else out
        output = self.forward(X, passage)
        value, _ = loss.value_and_gradient(output, target, weight, out=passage.delta[-1])
        self._backward(X, passage, gradient)
        return value, gradient

    def _backward(self, X: Floats, passage: Passage, gradient: Floats) -> None:
        """Fill the gradient; the last `delta` of the passage holds the loss's gradient with respect
        to the output.
        """
        weight_gradients, bias_gradients = (
            self.layout.weights(gradient),
            self.layout.biases(gradient),
        )
        for layer in reversed(range(len(self.weights))):
            delta = passage.delta[layer]
            self.activations[layer].pull(delta, passage.z[layer], passage.a[layer])
            np.matmul(passage.into(layer, X).T, delta, out=weight_gradients[layer])
            np.add.reduce(delta, axis=0, out=bias_gradients[layer])
            if layer:
                np.matmul(delta, self.weights[layer].T, out=passage.delta[layer - 1])
                passage.drop(passage.delta[layer - 1], layer - 1)


def initialized(
    sizes: Sequence[int],
    hidden: str | Activation,
    output: str | Activation,
    rng: np.random.Generator,
    *,
    initializer: str = "auto",
    dtype: DTypeLike = np.float64,
) -> Network:
    """Return a network with random weights and zero biases.

    Parameters
    ----------
    sizes, hidden, output
        As for `Network`.
    rng : numpy.random.Generator
    initializer : str
        A name from `galfeat.nn.initializers`; ``"auto"`` takes the one that suits the hidden
        activation.
    dtype : dtype
        float32 or float64; the same numbers are drawn for both.
    """
    network = Network(sizes, hidden, output, np.zeros(Layout(tuple(sizes)).size, dtype=dtype))
    draw = get_initializer(
        initializer_for(get_activation(hidden)) if initializer == "auto" else initializer
    )
    for weight in network.weights:
        weight[...] = draw(rng, (weight.shape[0], weight.shape[1]))
    return network

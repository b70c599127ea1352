"""Multilayer perceptron: forward pass and backpropagation over one flat parameter vector.

Layer l maps the activations a of the previous layer to the pre-activations ``z = a W + b`` and then
to its own activations ``f(z)``. Backpropagation visits the layers in reverse order: with ``delta``
the gradient with respect to z, the gradient with respect to W is ``a^T delta``, with respect to b
the column sums of delta, and with respect to the activations of the previous layer ``delta W^T``.
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

__all__ = ["LayerBuffers", "Network", "initialized"]


@dataclass(frozen=True)
class LayerBuffers:
    """Work arrays of a forward and backward pass; one row per sample, one array per layer.

    Parameters
    ----------
    z : list of array, shape (rows, units)
        Pre-activations: weighted sums of each layer.
    a : list of array, shape (rows, units)
        Activations.
    delta : list of array, shape (rows, units)
        Gradients with respect to `z`, filled by the backward pass.
    masks : list of array, shape (rows, units), or None
        Dropout masks: factors on the activations of each layer but the last, 0 for a dropped unit;
        see `galfeat.nn.dropout`. None: no dropout.
    """

    z: list[Floats]
    a: list[Floats]
    delta: list[Floats]
    masks: list[Floats] | None = None

    @classmethod
    def allocate(cls, sizes: Sequence[int], rows: int, dtype: DTypeLike) -> "LayerBuffers":
        """Return uninitialized arrays for `rows` samples."""

        def empty() -> list[Floats]:
            return [np.empty((rows, size), dtype=dtype) for size in sizes[1:]]

        return cls(empty(), empty(), empty())

    def first_rows(self, rows: int) -> "LayerBuffers":
        """Return views of the first rows."""

        def top(arrays: list[Floats]) -> list[Floats]:
            return [array[:rows] for array in arrays]

        return LayerBuffers(
            top(self.z),
            top(self.a),
            top(self.delta),
            None if self.masks is None else top(self.masks),
        )

    def layer_input(self, layer: int, X: Floats) -> Floats:
        """Return a layer's input: the samples, or the masked activations of the previous layer."""
        if layer == 0:
            return X
        a = self.a[layer - 1]
        return a if self.masks is None else a * self.masks[layer - 1]

    def mask_gradient(self, delta: Floats, layer: int) -> None:
        """Multiply the gradient of a layer's activations by its dropout mask, in place."""
        if self.masks is not None:
            delta *= self.masks[layer]


class Network:
    """A multilayer perceptron of dense layers.

    Parameters
    ----------
    sizes : sequence of int
        Number of units in each layer, from the inputs to the outputs.
    hidden : str or Activation
        Activation of the hidden layers.
    output : str or Activation
        Activation of the last layer; ``"identity"`` for losses that include the activation (both
        cross-entropies).
    params : array of float32 or float64, shape (size,), optional
        The parameters; the array itself is used, not a copy. Zeros in float64 if not given.

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
        """Pickle and copy only the parameters, so that `weights` and `biases` remain views."""
        return Network, (self.layout.sizes, self.activations[0], self.activations[-1], self.params)

    def with_params(self, params: Floats) -> "Network":
        """Return a network of the same layers and activations with other parameters."""
        return Network(self.layout.sizes, self.activations[0], self.activations[-1], params)

    def new_buffers(self, rows: int) -> LayerBuffers:
        """Return work arrays for a pass over `rows` samples.

        Pass them to `forward` and `loss_and_gradient` to avoid an allocation at each call.
        """
        return LayerBuffers.allocate(self.layout.sizes, rows, self.params.dtype)

    def forward(self, X: Floats, buffers: LayerBuffers | None = None) -> Floats:
        """Compute the output of the network.

        Parameters
        ----------
        X : array, shape (n, inputs)
        buffers : LayerBuffers, optional
            Filled with the pre-activations and activations of every layer.

        Returns
        -------
        array, shape (n, outputs)
            The last activations in `buffers`, not a copy.
        """
        buffers = self.new_buffers(len(X)) if buffers is None else buffers
        for layer, (weight, bias, activation) in enumerate(
            zip(self.weights, self.biases, self.activations, strict=True)
        ):
            z = np.matmul(buffers.layer_input(layer, X), weight, out=buffers.z[layer])
            z += bias
            activation.value(z, out=buffers.a[layer])
        return buffers.a[-1]

    def loss_and_gradient(
        self,
        X: Floats,
        target: Floats,
        loss: Loss,
        weight: Weight = 1.0,
        *,
        out: Floats | None = None,
        buffers: LayerBuffers | None = None,
    ) -> tuple[float, Floats]:
        """Compute the loss and, by backpropagation, its gradient with respect to the parameters.

        Parameters
        ----------
        X : array, shape (n, inputs)
        target : array, shape (n, outputs)
        loss : Loss
        weight : float or array of shape (n, 1)
            Weight of each sample in the sum.
        out : array, shape (size,), optional
            Array to store the gradient in.
        buffers : LayerBuffers, optional
            Work arrays of an earlier pass.

        Returns
        -------
        loss : float
        gradient : array, shape (size,)
        """
        buffers = self.new_buffers(len(X)) if buffers is None else buffers
        gradient = np.empty_like(self.params) if out is None else out
        output = self.forward(X, buffers)
        value, _ = loss.value_and_gradient(output, target, weight, out=buffers.delta[-1])
        self._backward(X, buffers, gradient)
        return value, gradient

    def _backward(self, X: Floats, buffers: LayerBuffers, gradient: Floats) -> None:
        """Fill `gradient`; ``buffers.delta[-1]`` holds the gradient with respect to the output."""
        weight_gradients, bias_gradients = (
            self.layout.weights(gradient),
            self.layout.biases(gradient),
        )
        for layer in reversed(range(len(self.weights))):
            delta = buffers.delta[layer]
            self.activations[layer].pull(delta, buffers.z[layer], buffers.a[layer])
            np.matmul(buffers.layer_input(layer, X).T, delta, out=weight_gradients[layer])
            np.add.reduce(delta, axis=0, out=bias_gradients[layer])
            if layer:
                np.matmul(delta, self.weights[layer].T, out=buffers.delta[layer - 1])
                buffers.mask_gradient(buffers.delta[layer - 1], layer - 1)


def initialized(
    sizes: Sequence[int],
    hidden: str | Activation,
    output: str | Activation,
    rng: np.random.Generator,
    *,
    initializer: str = "auto",
    dtype: DTypeLike = np.float64,
) -> Network:
    """Create a network with random weights and zero biases.

    Parameters
    ----------
    sizes, hidden, output
        As for `Network`.
    rng : numpy.random.Generator
    initializer : str
        A name from `galfeat.nn.initializers`; ``"auto"`` chooses by the hidden activation.
    dtype : dtype
        float32 or float64; the same random numbers are drawn for both.

    Returns
    -------
    Network
    """
    network = Network(sizes, hidden, output, np.zeros(Layout(tuple(sizes)).size, dtype=dtype))
    draw = get_initializer(
        initializer_for(get_activation(hidden)) if initializer == "auto" else initializer
    )
    for weight in network.weights:
        weight[...] = draw(rng, (weight.shape[0], weight.shape[1]))
    return network

"""Memory layout of a dense network's parameters in one flat vector.

All weight matrices come first, layer by layer, then all biases, so that the weights, to which
penalties apply, are contiguous.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from galfeat import UsageError
from galfeat.nn.types import Floats

__all__ = ["Layout", "parameter_count"]


@dataclass(frozen=True)
class Layout:
    """Positions of a dense network's weights and biases in the flat parameter vector.

    Parameters
    ----------
    sizes : tuple of int
        Number of units in each layer, from the inputs to the outputs: ``(2, 3, 1)`` is two inputs,
        three hidden units, one output.

    Raises
    ------
    UsageError
        If there are fewer than two layers, or a layer without units.
    """

    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or any(size < 1 for size in self.sizes):
            raise UsageError(
                "a network needs at least inputs and outputs, and one unit or more in each "
                f"layer; got {self.sizes}"
            )

    @cached_property
    def shapes(self) -> list[tuple[int, int]]:
        """Shape (inputs, outputs) of each layer's weights."""
        return list(pairwise(self.sizes))

    @cached_property
    def n_weights(self) -> int:
        """Number of weights, without biases."""
        return sum(n_in * n_out for n_in, n_out in self.shapes)

    @property
    def size(self) -> int:
        """Number of parameters: weights and biases."""
        return self.n_weights + sum(self.sizes[1:])

    def weights(self, vector: Floats) -> list[Floats]:
        """Return views of the flat vector, one weight matrix (inputs, outputs) per layer."""
        views, start = [], 0
        for shape in self.shapes:
            stop = start + shape[0] * shape[1]
            views.append(vector[start:stop].reshape(shape))
            start = stop
        return views

    def biases(self, vector: Floats) -> list[Floats]:
        """Return views of the flat vector, one bias array (outputs,) per layer."""
        views, start = [], self.n_weights
        for size in self.sizes[1:]:
            views.append(vector[start : start + size])
            start += size
        return views


def parameter_count(sizes: Sequence[int]) -> int:
    """Return the number of weights and biases of a dense network.

    Examples
    --------
    A dense layer from one 512x512 image to another has about 7e10 weights, which is why features
    are extracted from images first:

    >>> parameter_count([512 * 512, 512 * 512])
    68719738880
    """
    return Layout(tuple(sizes)).size

"""Where each layer's weights lie in one flat vector.

All weight matrices come first, layer by layer, then all biases, so that a penalty on the weights
touches one unbroken stretch.
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
    """The order of a dense network's parameters.

    Parameters
    ----------
    sizes : tuple of int
        Units of each layer, from the inputs to the outputs: ``(2, 3, 1)`` is two inputs, three
        hidden units, one output.
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
        """Number of weights, biases not counted."""
        return sum(n_in * n_out for n_in, n_out in self.shapes)

    @property
    def size(self) -> int:
        """Number of parameters, biases counted."""
        return self.n_weights + sum(self.sizes[1:])

    def weights(self, vector: Floats) -> list[Floats]:
        """Return views of the flat vector, one matrix (inputs, outputs) a layer."""
        views, start = [], 0
        for shape in self.shapes:
            stop = start + shape[0] * shape[1]
            views.append(vector[start:stop].reshape(shape))
            start = stop
        return views

    def biases(self, vector: Floats) -> list[Floats]:
        """Return views of the flat vector, one array (outputs,) a layer."""
        views, start = [], self.n_weights
        for size in self.sizes[1:]:
            views.append(vector[start : start + size])
            start += size
        return views


def parameter_count(sizes: Sequence[int]) -> int:
    """Return the number of weights and biases of a dense network.

    Examples
    --------
    Joining every pixel of one 512x512 image to every pixel of another takes about 7e10 weights,
    which is why images are first turned into features:

    >>> parameter_count([512 * 512, 512 * 512])
    68719738880
    """
    return Layout(tuple(sizes)).size

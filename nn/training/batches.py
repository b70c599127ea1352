"""Training samples, and how they come in batches."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galfeat.nn.types import Floats

__all__ = ["Batches", "Samples"]


@dataclass(frozen=True)
class Samples:
    """What a network learns from.

    Parameters
    ----------
    X : array, shape (n, inputs)
    target : array, shape (n, outputs)
        What the network should put out.
    weight : array, shape (n, 1), or None
        Weight of each sample, of mean 1 over all samples; None weighs them alike.
    """

    X: Floats
    target: Floats
    weight: Floats | None = None

    def __len__(self) -> int:
        return len(self.X)

    def rows(self, index: NDArray[np.intp]) -> "Samples":
        """Return the samples of an index array, their weights brought back to mean 1."""
        weight = None if self.weight is None else self.weight[index]
        return Samples(
            self.X[index], self.target[index], None if weight is None else weight / weight.mean()
        )


class Batches:
    """The samples in batches, in a new order each time they are gone through.

    Full batch, mini-batches or one sample at a time is a matter of `size` alone. The batches are
    gathered into the same arrays again and again: use one before asking for the next.

    Parameters
    ----------
    samples : Samples
    size : int
        Samples a batch; the last batch may be smaller. With `size` at least the number of samples
        the order does not matter and nothing is copied.
    rng : numpy.random.Generator or None
        Draws the order; None keeps the samples as they lie.
    """

    def __init__(self, samples: Samples, size: int, rng: np.random.Generator | None) -> None:
        self.samples, self.size, self.rng = samples, min(size, len(samples)), rng
        self.whole = rng is None or self.size == len(samples)
        if not self.whole:
            arrays = (samples.X, samples.target, samples.weight)
            self._room = [
                None if array is None else np.empty((self.size, array.shape[1]), array.dtype)
                for array in arrays
            ]

    def __iter__(self) -> Iterator[Samples]:
        n = len(self.samples)
        starts = range(0, n, self.size)
        if self.whole:
            yield from (self._view(slice(start, start + self.size)) for start in starts)
        elif self.rng is not None:
            order = self.rng.permutation(n)
            yield from (self._gather(order[start : start + self.size]) for start in starts)

    def _view(self, part: slice) -> Samples:
        weight = self.samples.weight
        return Samples(
            self.samples.X[part],
            self.samples.target[part],
            None if weight is None else weight[part],
        )

    def _gather(self, rows: NDArray[np.intp]) -> Samples:
        X, target, weight = self._room
        return Samples(
            _take(self.samples.X, rows, X),
            _take(self.samples.target, rows, target),
            None if self.samples.weight is None else _take(self.samples.weight, rows, weight),
        )


def _take(array: Floats, rows: NDArray[np.intp], room: Floats | None) -> Floats:
    out = None if room is None else room[: len(rows)]
    # "clip", as the default mode goes through a copy
    return array.take(rows, axis=0, out=out, mode="clip")

"""Training samples and their division into mini-batches."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galfeat.nn.types import Floats

__all__ = ["Batches", "Samples"]


@dataclass(frozen=True)
class Samples:
    """Training data: features, targets and sample weights.

    Parameters
    ----------
    X : array, shape (n, inputs)
    target : array, shape (n, outputs)
        Desired output of the network.
    weight : array, shape (n, 1), or None
        Sample weights, of mean 1 over all samples; None: all equal.
    """

    X: Floats
    target: Floats
    weight: Floats | None = None

    def __len__(self) -> int:
        return len(self.X)

    def rows(self, index: NDArray[np.intp]) -> "Samples":
        """Return the samples of an index array, with their weights rescaled to mean 1."""
        weight = None if self.weight is None else self.weight[index]
        return Samples(
            self.X[index], self.target[index], None if weight is None else weight / weight.mean()
        )


class Batches:
    """An iterable over mini-batches, in a new random order at each iteration.

    `size` alone decides between full-batch, mini-batch and stochastic training. Shuffled batches
    are copied into the same arrays again and again: a batch is valid until the next one is asked
    for.

    Parameters
    ----------
    samples : Samples
    size : int
        Samples per batch; the last batch may be smaller. If `size` is at least the number of
        samples, the order does not matter and nothing is copied.
    rng : numpy.random.Generator or None
        Draws the order; None: no shuffling.
    """

    def __init__(self, samples: Samples, size: int, rng: np.random.Generator | None) -> None:
        self.samples, self.size, self.rng = samples, min(size, len(samples)), rng
        self._unshuffled = rng is None or self.size == len(samples)
        if not self._unshuffled:
            arrays = (samples.X, samples.target, samples.weight)
            self._buffers = [
                None if array is None else np.empty((self.size, array.shape[1]), array.dtype)
                for array in arrays
            ]

    def __iter__(self) -> Iterator[Samples]:
        n = len(self.samples)
        starts = range(0, n, self.size)
        if self._unshuffled:
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
        X, target, weight = self._buffers
        return Samples(
            _take(self.samples.X, rows, X),
            _take(self.samples.target, rows, target),
            None if self.samples.weight is None else _take(self.samples.weight, rows, weight),
        )


def _take(array: Floats, rows: NDArray[np.intp], buffer: Floats | None) -> Floats:
    out = None if buffer is None else buffer[: len(rows)]
    # mode="clip" writes to `out` directly; the default mode makes a temporary copy
    return array.take(rows, axis=0, out=out, mode="clip")

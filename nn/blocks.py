"""Prediction in blocks of a fixed number of rows.

A matrix product of one row and one of many rows go through different code and round differently. Here every product has the same number of
rows, the last block being filled up with zeros, so a sample's output has the same bits however many samples come with it and in whatever
order.
"""

from collections.abc import Callable

import numpy as np

from galfeat.nn.network import Network
from galfeat.nn.types import Floats

__all__ = ["BLOCK", "outputs"]

BLOCK = 128  # rows; a multiple of every processor's tile, so no row is an edge row


def outputs(network: Network, X: Floats, finish: Callable[[Floats], Floats] | None = None) -> Floats:
    """Return the network's output for each row, shape (n, outputs), the same bits whatever the other rows.

    Parameters
    ----------
    network : Network
    X : array, shape (n, inputs)
        C-contiguous, of the network's dtype.
    finish : callable, optional
        Applied to the output of each block, shape (`BLOCK`, outputs), row by row; what it returns is kept.
    """
    room = network.room(BLOCK)
    result = np.empty((len(X), network.layout.sizes[-1]), dtype=network.params.dtype)
    for start in range(0, len(X), BLOCK):
        block = X[start : start + BLOCK]
        rows = len(block)
        if rows < BLOCK:
            padded = np.zeros((BLOCK, X.shape[1]), dtype=X.dtype)
            padded[:rows] = block
            block = padded
        output = network.forward(block, room)
        result[start : start + rows] = (output if finish is None else finish(output))[:rows]
    return result

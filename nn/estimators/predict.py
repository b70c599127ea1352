"""Prediction in blocks of a fixed number of rows.

A matrix product of one row and one of many rows go through different code and round differently.
Here every product has the same number of rows, the last block being filled up with zeros, so a
sample's output has the same bits however many samples come with it and in whatever order.
"""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.utils import assert_all_finite

from galfeat.nn.network import Network
from galfeat.nn.training.blas_threads import one_thread
from galfeat.nn.types import Floats

__all__ = ["BLOCK", "outputs"]

BLOCK = 256  # rows; a multiple of every processor's tile, so no row is an edge row


def outputs(
    networks: Sequence[Network], X: Floats, finish: Callable[[list[Floats]], Floats]
) -> Floats:
    """Return what is made of the networks' outputs for each row, shape (n, outputs), the same bits
    whatever the other rows.

    Parameters
    ----------
    networks : sequence of Network
        All with as many inputs and outputs.
    X : array, shape (n, inputs)
        Of the networks' dtype.
    finish : callable
        Takes the outputs of a block, one array of shape (`BLOCK`, outputs) a network, and makes one
        array of them, row by row.

    Raises
    ------
    ValueError
        If features are NaN or infinite.
    """
    rooms = [network.room(BLOCK) for network in networks]
    block = np.zeros((BLOCK, X.shape[1]), dtype=networks[0].params.dtype)
    result = np.empty((len(X), networks[0].layout.sizes[-1]), dtype=networks[0].params.dtype)
    # the caller looks at what comes out
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(X), BLOCK):
            rows = min(BLOCK, len(X) - start)
            # a copy costs less than it saves: the product then reads from the processor's cache
            block[:rows] = X[start : start + rows]
            block[rows:] = 0
            made = finish(
                [
                    network.forward(block, room)
                    for network, room in zip(networks, rooms, strict=True)
                ]
            )
            # a feature that is not finite leaves no sum of its row finite
            if not np.isfinite(rooms[0].z[0].sum()):
                assert_all_finite(X, input_name="X")
            result[start : start + rows] = made[:rows]
    return result

"""Prediction in blocks of a fixed number of rows.

A sample's output has the same bits however many samples come with it, in whatever order, because
the matrix products add in a fixed order (`galfeat.nn.matmul`) and the functions between them act on
each element or each row alone. They see blocks of one size, the last one filled up with zeros: a
block stays in the processor's cache, and vector code meets no other length.
"""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.utils import assert_all_finite

from galfeat.nn.network import Network, Passage
from galfeat.nn.types import Floats

__all__ = ["BLOCK", "outputs"]

BLOCK = 256  # rows


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
        Best of the networks' dtype and C-contiguous: then it is not copied.
    finish : callable
        Takes the outputs of a block, one array of shape (`BLOCK`, outputs) a network, and makes one
        array of them, row by row.

    Raises
    ------
    ValueError
        If features are NaN or infinite.
    """
    from galfeat.nn.matmul import pack  # imported late: numba, which training does not need

    X = np.ascontiguousarray(X, dtype=networks[0].params.dtype)
    rooms = [network.room(BLOCK) for network in networks]
    packed = [[pack(weight) for weight in network.weights] for network in networks]
    result = np.empty((len(X), networks[0].layout.sizes[-1]), dtype=networks[0].params.dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # the caller looks at what comes out
        for start in range(0, len(X), BLOCK):
            rows = min(BLOCK, len(X) - start)
            if rows == BLOCK:
                block = X[start : start + BLOCK]
            else:
                block = np.zeros((BLOCK, X.shape[1]), dtype=X.dtype)
                block[:rows] = X[start:]
            made = finish(
                [_forward(*each, block) for each in zip(networks, packed, rooms, strict=True)]
            )
            if not np.isfinite(
                rooms[0].z[0].sum()
            ):  # a feature that is not finite leaves no sum of its row finite
                assert_all_finite(X, input_name="X")
            result[start : start + rows] = made[:rows]
    return result


def _forward(network: Network, packed: Sequence[Floats], room: Passage, block: Floats) -> Floats:
    """Return the network's output for a block; like `Network.forward`, in a fixed order of sums."""
    from galfeat.nn.matmul import matmul

    a = block
    for panels, bias, activation, z, made in zip(
        packed, network.biases, network.activations, room.z, room.a, strict=True
    ):
        matmul(a, panels, out=z)
        z += bias
        activation.value(z, out=made)
        a = made
    return a

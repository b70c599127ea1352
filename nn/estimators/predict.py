"""Prediction in blocks of a fixed number of rows, independent of the batch size.

A sample's output has the same bits regardless of the number and order of the other samples, because
the matrix products sum in a fixed order (`galfeat.nn.matmul`) and the other functions act on each
element or row separately. They are applied to blocks of one size, the last padded with zeros: a
block fits in the processor's cache, and vectorized code always sees the same length.
"""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.utils import assert_all_finite

from galfeat.nn.network import LayerBuffers, Network
from galfeat.nn.types import Floats

__all__ = ["BLOCK", "predict_in_blocks"]

BLOCK = 256  # rows


def predict_in_blocks(
    networks: Sequence[Network], X: Floats, combine: Callable[[list[Floats]], Floats]
) -> Floats:
    """Combine the networks' outputs for each row, independently of the other rows.

    Parameters
    ----------
    networks : sequence of Network
        All with the same numbers of inputs and outputs.
    X : array, shape (n, inputs)
        Not copied if C-contiguous and of the networks' dtype.
    combine : callable
        Takes a list with the output of each network for a block, shape (`BLOCK`, outputs), and
        returns one array of that shape, row by row.

    Returns
    -------
    array, shape (n, outputs)

    Raises
    ------
    ValueError
        If features are NaN or infinite.
    """
    from galfeat.nn.matmul import pack_panels  # imported late: numba, which training does not need

    X = np.ascontiguousarray(X, dtype=networks[0].params.dtype)
    buffers = [network.new_buffers(BLOCK) for network in networks]
    packed = [[pack_panels(weight) for weight in network.weights] for network in networks]
    result = np.empty((len(X), networks[0].layout.sizes[-1]), dtype=networks[0].params.dtype)
    with np.errstate(over="ignore", invalid="ignore"):  # the caller checks the result
        for start in range(0, len(X), BLOCK):
            rows = min(BLOCK, len(X) - start)
            if rows == BLOCK:
                block = X[start : start + BLOCK]
            else:
                block = np.zeros((BLOCK, X.shape[1]), dtype=X.dtype)
                block[:rows] = X[start:]
            combined = combine(
                [_forward(*each, block) for each in zip(networks, packed, buffers, strict=True)]
            )
            # a feature that is not finite makes all pre-activations of its row not finite: one sum
            # is cheaper than checking all features
            if not np.isfinite(buffers[0].z[0].sum()):
                assert_all_finite(X, input_name="X")
            result[start : start + rows] = combined[:rows]
    return result


def _forward(
    network: Network, packed: Sequence[Floats], buffers: LayerBuffers, block: Floats
) -> Floats:
    """Compute `Network.forward` for a block with a fixed order of summation."""
    from galfeat.nn.matmul import matmul

    a = block
    for panels, bias, activation, z, out in zip(
        packed, network.biases, network.activations, buffers.z, buffers.a, strict=True
    ):
        matmul(a, panels, out=z)
        z += bias
        activation.value(z, out=out)
        a = out
    return a

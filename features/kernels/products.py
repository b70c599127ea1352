"""Matrix product with a fixed order of summation: rows are bitwise independent of the batch."""

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel

__all__ = ["row_products"]


def row_products(rows: NDArray[np.float64], axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply rows by axes, adding in a fixed order.

    Each element is the sum over k = 0, 1, 2, … of ``rows[i, k] * axes[j, k]``, rounded at each
    step. A BLAS adds whole tiles, edges and single rows in different orders, so that a row's last
    bits would depend on the other rows of the batch.

    Parameters
    ----------
    rows : array, shape (n, k)
    axes : array, shape (components, k)

    Returns
    -------
    array, shape (n, components)
    """
    result = np.zeros((len(rows), len(axes)))
    _add_up(np.ascontiguousarray(rows), np.ascontiguousarray(axes.T), result)
    return result


@kernel(fast=False)
def _add_up(
    rows: NDArray[np.float64], columns: NDArray[np.float64], result: NDArray[np.float64]
) -> None:
    for i in range(len(rows)):
        total = result[i]
        for k in range(len(columns)):
            value, along = rows[i, k], columns[k]
            for j in range(len(along)):
                total[j] += value * along[j]

"""Prediction in batches of a fixed number of rows."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.extraction.measure import Block, take_rows

__all__ = ["padded"]

_ROWS = 256  # of a padded batch


def padded(
    blocks: Mapping[str, Block], predict: Callable[[Mapping[str, Block]], NDArray[Any]]
) -> NDArray[np.float64]:
    """Predict in batches of a fixed number of rows, the last one padded with its first row.

    Matrix products round differently for different shapes; with a fixed shape, the result of a row
    depends on that row alone.

    Parameters
    ----------
    blocks : mapping of str to array (n, k) or list of n arrays
    predict : callable
        From such blocks to an array of shape (rows, classes).

    Returns
    -------
    array of shape (n, classes)
    """
    n = len(next(iter(blocks.values())))
    parts: list[NDArray[np.float64]] = []
    for start in range(0, n, _ROWS):
        rows = np.arange(start, min(start + _ROWS, n))
        full = np.concatenate([rows, np.full(_ROWS - len(rows), start)])
        taken = {name: take_rows(block, full) for name, block in blocks.items()}
        parts.append(predict(taken)[: len(rows)])
    return np.concatenate(parts)

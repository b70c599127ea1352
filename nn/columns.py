"""The first step of softmax and of cross-entropy, laid out for speed."""

import numpy as np

from galfeat.nn.types import Floats

__all__ = ["shifted_columns"]

_FEW = 64  # scores a sample up to which it pays to transpose


def shifted_columns(scores: Floats) -> Floats:
    """Return the scores less the largest of their row, one *column* a row of `scores`.

    Sums and maxima over a few classes are several times faster down the columns of a small matrix than along the rows of a tall one. Every
    sample is worked on by itself either way.

    Parameters
    ----------
    scores : array, shape (n, k)

    Returns
    -------
    array, shape (k, n)
        A new array, none above 0.
    """
    columns = np.array(scores.T, order="C" if scores.shape[1] <= _FEW else "K")
    columns -= columns.max(axis=0)
    return columns

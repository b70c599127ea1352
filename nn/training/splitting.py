"""The samples that early stopping sets aside."""

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError

__all__ = ["split"]


def split(groups: NDArray[np.intp], fraction: float, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows to train on and the rows to validate on, each group in its proportion.

    Parameters
    ----------
    groups : array of int, shape (n,)
        Class of each sample; one and the same number for all where there are no classes.
    fraction : float
        Share of the samples that validates.
    rng : numpy.random.Generator

    Returns
    -------
    training, validation : array of int
        Rows, in order. A group of one sample trains; every larger group has at least one sample on each side.

    Raises
    ------
    UsageError
        If no group has two samples.
    """
    validates = np.zeros(len(groups), dtype=bool)
    for group in np.unique(groups):
        rows = rng.permutation(np.flatnonzero(groups == group))
        wanted = round(fraction * len(rows))
        validates[rows[: min(max(wanted, 1), len(rows) - 1)]] = True
    if not validates.any():
        raise UsageError(
            "no sample can be set aside for early stopping or calibration: that takes two samples of one class at least; "
            f"there are n_samples = {len(groups)} in all"
        )
    return np.flatnonzero(~validates), np.flatnonzero(validates)

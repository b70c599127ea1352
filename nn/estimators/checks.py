"""Checks of samples that scikit-learn would let through, or refuse in words that do not help."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from galfeat import UsageError

__all__ = ["check_labels", "without_mask"]


def without_mask(X: ArrayLike) -> ArrayLike:
    """Return features as they are; refuse masked values, which would be taken as good ones.

    Raises
    ------
    UsageError
        If a value is masked.
    """
    mask = getattr(X, "mask", None)
    if isinstance(mask, np.ndarray | np.bool_) and np.any(mask):
        rows = np.flatnonzero(np.atleast_2d(mask).any(axis=-1))
        raise UsageError(
            f"X is a masked array, and values of {rows.size:,} rows are masked (the first: row "
            f"{rows[0]}): a network needs all features, so leave these rows out"
        )
    return X


def check_labels(y: ArrayLike) -> None:
    """Refuse missing labels (None, NaN) and labels of several kinds.

    Raises
    ------
    UsageError
        With the first row of that kind, counted from 0.
    """
    values: Any = y if hasattr(y, "dtype") else np.array(y, dtype=object)
    labels_array = np.asarray(values)
    if labels_array.dtype.kind != "O" or labels_array.ndim != 1:
        return
    labels = labels_array.tolist()
    missing = [
        row
        for row, label in enumerate(labels)
        if label is None or bool(label != label)  # NaN
    ]
    if missing:
        raise UsageError(
            f"y has no label in {len(missing):,} rows (the first: row {missing[0]}, "
            f"{labels[missing[0]]!r}): leave out the samples without a class"
        )
    texts = [isinstance(label, str) for label in labels]
    if any(texts) and not all(texts):
        row = texts.index(not texts[0])
        raise UsageError(
            f"y mixes texts and numbers: {labels[0]!r} is the label of row 0, and {labels[row]!r} "
            f"of row {row}; make all of them text"
        )

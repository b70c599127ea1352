"""Class labels as one-hot targets, and class weights."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn.utils import compute_sample_weight

from galfeat import UsageError
from galfeat.nn.losses import Hinge, Loss
from galfeat.nn.types import Floats

__all__ = ["ClassWeight", "check_known_labels", "class_sample_weights", "listed", "one_hot"]

ClassWeight: TypeAlias = Mapping[Any, float] | Literal["balanced"] | None


def one_hot(codes: NDArray[np.intp], n_classes: int, loss: Loss, dtype: DTypeLike) -> Floats:
    """Return one-hot targets, shape (n, n_classes).

    Parameters
    ----------
    codes : array of int, shape (n,)
        Index of each sample's class.
    n_classes : int
    loss : Loss
        The hinge loss takes -1 for the other classes, all others take 0.
    dtype : dtype
    """
    target = np.full((len(codes), n_classes), -1.0 if isinstance(loss, Hinge) else 0.0, dtype=dtype)
    target[np.arange(len(codes)), codes] = 1
    return target


def class_sample_weights(
    class_weight: ClassWeight,
    classes: NDArray[Any],
    labels: NDArray[Any],
    codes: NDArray[np.intp],
) -> Floats:
    """Return the class weight of each sample, shape (n,)."""
    names = classes.tolist()
    # by index: scikit-learn would take the class "1" for the number 1
    if isinstance(class_weight, Mapping) and set(class_weight) <= set(names):
        by_index = {names.index(name): weight for name, weight in class_weight.items()}
        return np.asarray(compute_sample_weight(by_index, codes))
    return np.asarray(compute_sample_weight(class_weight, labels))


def check_known_labels(labels: NDArray[Any], classes: NDArray[Any]) -> None:
    """Raise a UsageError if a label is not among the classes."""
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise UsageError(f"label {listed(unknown)} is not among the classes {listed(classes)}")


def listed(values: NDArray[Any]) -> str:
    """Return the values separated by commas, for messages."""
    return ", ".join(repr(value) for value in values.tolist())

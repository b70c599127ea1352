"""Class priors: how common the classes are where a model is used.

The networks are trained with class weights, so that a rare class of the training galaxies counts as
much as a common one: what they predict are probabilities under equal priors, whatever the training
galaxies were. Other priors multiply these [1]_.

References
----------
.. [1] Saerens, M., Latinne, P., and Decaestecker, C. 2002, Neural Computation 14, 21,
   doi:10.1162/089976602753284446
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError

__all__ = ["ESTIMATED", "Priors", "class_priors", "estimated_priors", "with_priors"]

ESTIMATED = "estimated"
"""Where `classify` takes it: as frequent as `estimated_priors` says of its cutouts."""
_ITERATIONS, _TOLERANCE = 10_000, 1e-9

Priors = Literal["equal", "training"] | Mapping[str, float]
"""Equal, as frequent as among the training galaxies, or given by class."""


def class_priors(
    priors: Priors, classes: Sequence[str], labels: NDArray[np.str_] | None = None
) -> dict[str, float]:
    """Return the prior probability of each class; they sum to 1.

    Parameters
    ----------
    priors : {"equal", "training"} or mapping of str to float
        Given priors have any common factor.
    classes : sequence of str
    labels : array of str, shape (n,), optional
        Of the training galaxies, for "training".

    Raises
    ------
    UsageError
        If the priors are another word, a class is missing or unknown, or a prior is not positive.
    """
    if isinstance(priors, str):
        known = ("equal", ESTIMATED if labels is None else "training")
        if priors not in known:
            raise UsageError(
                f"priors are '{known[0]}', '{known[1]}' or a number for each class, such as "
                f"{classes[0]}=0.7; not '{priors}'"
            )
        counts = Counter(() if labels is None else labels.tolist())
        given = {name: float(counts[name] if priors == "training" else 1) for name in classes}
    else:
        given = _checked(priors, classes)
    total = sum(given.values())
    return {name: given[name] / total for name in classes}


def with_priors(
    probabilities: NDArray[np.float64], priors: Mapping[str, float], classes: Sequence[str]
) -> NDArray[np.float64]:
    """Return probabilities under equal priors as probabilities under other priors.

    Parameters
    ----------
    probabilities : array, shape (n, classes)
    priors : mapping of str to float
    classes : sequence of str
    """
    factors = np.array([priors[name] for name in classes]) * len(classes)
    if (factors == 1).all():
        return probabilities
    weighted = probabilities * factors
    total: NDArray[np.float64] = weighted / weighted.sum(axis=1, keepdims=True)
    return total


def estimated_priors(
    probabilities: NDArray[np.float64], classes: Sequence[str]
) -> dict[str, float]:
    """Estimate how common the classes are among unlabeled galaxies.

    By the expectation-maximization algorithm of Saerens, Latinne and Decaestecker [1]_, which finds
    the priors of the greatest likelihood if galaxies of a class look as in training. One
    galaxy is added that is of all classes alike, so that no prior is zero.

    Parameters
    ----------
    probabilities : array, shape (n, classes)
        Calibrated, under equal priors.
    classes : sequence of str

    Examples
    --------
    >>> found = estimated_priors(np.array([[0.9, 0.1]] * 800 + [[0.1, 0.9]] * 200), ["a", "b"])
    >>> round(found["a"], 3)  # more than 0.8: some of the 200 are galaxies that look like b
    0.875
    """
    n, count = probabilities.shape
    priors = np.full(count, 1 / count)
    for _ in range(_ITERATIONS):
        weighted = probabilities * priors
        weighted /= weighted.sum(axis=1, keepdims=True)
        found = (weighted.sum(axis=0) + 1 / count) / (n + 1)
        moved = float(np.abs(found - priors).max())
        priors = found
        if moved < _TOLERANCE:
            break
    return dict(zip(classes, priors.tolist(), strict=True))


def _checked(priors: Mapping[str, float], classes: Sequence[str]) -> dict[str, float]:
    unknown = [name for name in priors if name not in classes]
    missing = [name for name in classes if name not in priors]
    if unknown or missing:
        wrong = f"there is no class '{unknown[0]}'" if unknown else f"'{missing[0]}' has none"
        raise UsageError(
            f"priors need a number for each class: {wrong}; the classes are {', '.join(classes)}"
        )
    for name, value in priors.items():
        if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
            raise UsageError(f"the prior of '{name}' must be a positive number; it is {value!r}")
    return {name: float(priors[name]) for name in classes}

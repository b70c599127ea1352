"""A fitted scikit-learn estimator as JSON values and arrays, and back."""

from collections.abc import Mapping
from typing import Any, TypeVar

from sklearn.base import BaseEstimator

__all__ = ["restore", "state_of"]

T = TypeVar("T", bound=BaseEstimator)


def state_of(estimator: BaseEstimator) -> dict[str, Any]:
    """Return the settings and the learned attributes (those whose names end in ``_``) of an
    estimator.
    """
    learned = {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and not name.startswith("_")
    }
    return {"settings": estimator.get_params(deep=False), "learned": learned}


def restore(kind: type[T], state: Mapping[str, Any]) -> T:
    """Return the estimator of this kind that `state_of` described.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the state is not of this kind.
    """
    estimator: T = kind(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in state["settings"].items()
        }
    )
    for name, value in state["learned"].items():
        if not name.endswith("_") or name.startswith("_"):
            raise ValueError(f"'{name}' is nothing that is learned")
        setattr(estimator, name, value)
    return estimator

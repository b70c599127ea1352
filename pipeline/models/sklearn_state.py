"""Fitted scikit-learn estimators as JSON values and arrays."""

from collections.abc import Mapping
from typing import Any, TypeVar

from sklearn.base import BaseEstimator

__all__ = ["estimator_state", "restore_estimator"]

T = TypeVar("T", bound=BaseEstimator)


def estimator_state(estimator: BaseEstimator) -> dict[str, Any]:
    """Return the settings and the learned attributes of an estimator.

    Learned attributes have names that end in ``_``, as scikit-learn requires.
    """
    learned = {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and not name.startswith("_")
    }
    return {"settings": estimator.get_params(deep=False), "learned": learned}


def restore_estimator(kind: type[T], state: Mapping[str, Any]) -> T:
    """Return the fitted estimator of a state.

    Parameters
    ----------
    kind : type
        Class of the estimator.
    state : mapping
        As `estimator_state` returned it.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the state does not belong to this class.
    """
    estimator: T = kind(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in state["settings"].items()
        }
    )
    for name, value in state["learned"].items():
        if not name.endswith("_") or name.startswith("_"):
            raise ValueError(f"'{name}' is not a learned attribute")
        setattr(estimator, name, value)
    return estimator

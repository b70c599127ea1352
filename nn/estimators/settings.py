"""Checks of an estimator's settings: types, ranges and names."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from galfeat import UsageError
from galfeat.nn.activations import Activation, get_activation
from galfeat.nn.initializers import get_initializer
from galfeat.nn.losses import Loss, get_loss
from galfeat.nn.optimizers import OPTIMIZERS, Optimizer, get_optimizer
from galfeat.nn.schedules import Schedule, get_schedule
from galfeat.nn.training.solvers import FULL_BATCH_SOLVERS

__all__ = ["check_settings", "hidden_sizes"]

# name: (minimum, maximum, whether the minimum is allowed, whether the maximum is allowed)
_REALS = {
    "alpha": (0.0, np.inf, True, False),
    "l1": (0.0, np.inf, True, False),
    "dropout": (0.0, 1.0, True, False),
    "learning_rate_init": (0.0, np.inf, False, False),
    "validation_fraction": (0.0, 1.0, False, False),
}
_COUNTS = ("max_iter", "n_iter_no_change", "n_networks")
_FLAGS = ("shuffle", "warm_start", "early_stopping", "calibration")


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check types, ranges and names of an estimator's settings; those that are absent are skipped.

    Raises
    ------
    UsageError
        If a setting is invalid; the message names it, its allowed values and its value.
    """
    for name, (low, high, with_low, with_high) in _REALS.items():
        if name in settings and not _within(settings[name], low, high, with_low, with_high):
            left, right = "[" if with_low else "(", "]" if with_high else ")"
            raise UsageError(
                f"{name} must be a number in {left}{low:g}, {high:g}{right}; got {settings[name]!r}"
            )
    for name in _COUNTS:
        if name in settings and not _is_count(settings[name]):
            raise UsageError(f"{name} must be a whole number of at least 1; got {settings[name]!r}")
    for name in _FLAGS:
        if name in settings and not isinstance(settings[name], bool | np.bool_):
            raise UsageError(f"{name} must be True or False; got {settings[name]!r}")
    _check_tolerance_and_batches(settings)
    _check_random_state(settings["random_state"])
    hidden_sizes(settings["hidden_layer_sizes"])
    _check_components(settings)
    _check_class_weight(settings.get("class_weight"))


def _check_tolerance_and_batches(settings: Mapping[str, Any]) -> None:
    tol, batch, dtype = settings["tol"], settings["batch_size"], settings["dtype"]
    if tol is not None and not _within(tol, 0.0, np.inf, True, False):
        raise UsageError(
            f"tol must be a number of at least 0, or None to train for max_iter epochs; got {tol!r}"
        )
    if not (isinstance(batch, str) and batch == "auto") and not _is_count(batch):
        raise UsageError(
            f"batch_size must be 'auto' or a whole number of at least 1; got {batch!r}"
        )
    if not isinstance(dtype, str) or dtype not in ("float32", "float64"):
        raise UsageError(f"dtype must be 'float64' or 'float32'; got {dtype!r}")


def _check_random_state(random_state: Any) -> None:
    is_seed = (
        isinstance(random_state, Integral)
        and not isinstance(random_state, bool)
        and int(random_state) >= 0
    )
    if (
        random_state is not None
        and not is_seed
        and not isinstance(random_state, np.random.Generator | np.random.RandomState)
    ):
        raise UsageError(
            "random_state must be a whole number of at least 0, a generator of random numbers or "
            f"None; got {random_state!r}"
        )


def _check_components(settings: Mapping[str, Any]) -> None:
    """Check that activation, loss, solver, schedule and initializer exist."""
    for name in ("activation", "loss", "solver", "learning_rate", "initializer"):
        if not isinstance(settings[name], str | Activation | Loss | Optimizer | Schedule):
            raise UsageError(
                f"{name} must be a name, or an object of galfeat.nn; got {settings[name]!r}"
            )
    get_activation(settings["activation"])
    get_loss(settings["loss"])
    get_schedule(settings["learning_rate"])
    if settings["initializer"] != "auto":
        get_initializer(settings["initializer"])
    _check_solver(settings["solver"], settings)


def _check_solver(solver: Any, settings: Mapping[str, Any]) -> None:
    if not isinstance(solver, str) or solver not in FULL_BATCH_SOLVERS:
        try:
            get_optimizer(solver, settings["learning_rate_init"])
        except UsageError as error:
            choice = ", ".join([*OPTIMIZERS, "amsgrad", *FULL_BATCH_SOLVERS])
            raise (
                UsageError(f"there is no solver '{solver}'; choose one of {choice}")
                if isinstance(solver, str)
                else error
            ) from None
    elif settings["dropout"] or settings["l1"]:
        raise UsageError(
            f"solver='{solver}' needs a smooth loss that stays the same from step to step: use "
            "dropout=0 and l1=0"
        )


def _check_class_weight(weight: Any) -> None:
    if (
        weight is not None
        and not isinstance(weight, Mapping)
        and not (isinstance(weight, str) and weight == "balanced")
    ):
        raise UsageError(
            f"class_weight must be None, 'balanced' or a mapping of class to weight; got {weight!r}"
        )
    if isinstance(weight, Mapping) and not all(
        _within(each, 0.0, np.inf, True, False) for each in weight.values()
    ):
        raise UsageError(
            f"the weights in class_weight must be numbers of at least 0; got {dict(weight)!r}"
        )


def hidden_sizes(sizes: Any) -> tuple[int, ...]:
    """Return the numbers of hidden units as a tuple; a single number means one layer.

    Raises
    ------
    UsageError
        If they are not whole numbers of at least 1.
    """
    listed = (
        list(np.atleast_1d(sizes))
        if isinstance(sizes, np.ndarray)
        else list(sizes)
        if isinstance(sizes, tuple | list)
        else [sizes]
    )
    if not all(_is_count(size) for size in listed):
        raise UsageError(
            f"hidden_layer_sizes must be whole numbers of at least 1, one a layer; got {sizes!r}"
        )
    return tuple(int(size) for size in listed)


def _within(value: Any, low: float, high: float, with_low: bool, with_high: bool) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    number = float(value)
    return low < number < high or (with_low and number == low) or (with_high and number == high)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1

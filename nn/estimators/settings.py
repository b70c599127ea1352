"""Whether an estimator's settings make sense, said in words."""

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
from galfeat.nn.training.solvers import METHODS

__all__ = ["check_settings", "hidden_sizes"]

# name: (lowest, highest allowed, whether the lowest itself is allowed, whether the highest itself
# is allowed)
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
    """Check ranges, types and names of an estimator's settings.

    Those it does not have are passed over.

    Raises
    ------
    UsageError
        Naming the setting, what it must be and what it is.
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
    _check_rest(settings)
    _check_parts(settings)


def _check_rest(settings: Mapping[str, Any]) -> None:
    tol, batch, dtype, chance = (
        settings["tol"],
        settings["batch_size"],
        settings["dtype"],
        settings["random_state"],
    )
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
    numbered = isinstance(chance, Integral) and not isinstance(chance, bool) and int(chance) >= 0
    if (
        chance is not None
        and not numbered
        and not isinstance(chance, np.random.Generator | np.random.RandomState)
    ):
        raise UsageError(
            "random_state must be a whole number of at least 0, a generator of random numbers or "
            f"None; got {chance!r}"
        )
    hidden_sizes(settings["hidden_layer_sizes"])


def _check_parts(settings: Mapping[str, Any]) -> None:
    """Look for the parts that the settings name."""
    solver, weight = settings["solver"], settings.get("class_weight")
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
    if not isinstance(solver, str) or solver not in METHODS:
        try:
            get_optimizer(solver, settings["learning_rate_init"])
        except UsageError as error:
            choice = ", ".join([*OPTIMIZERS, "amsgrad", *METHODS])
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
    """Return the units of the hidden layers as a tuple; one number is one layer.

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

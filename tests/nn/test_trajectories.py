"""A hundred steps of every optimizer and schedule, compared with PyTorch.

The reference is written by ``reference/make_trajectories.py``.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from galfeat.nn.losses import CrossEntropy
from galfeat.nn.network import Network
from galfeat.nn.optimizers import (
    Adagrad,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
)
from galfeat.nn.schedules import (
    Constant,
    Cosine,
    Exponential,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
    WarmRestarts,
)
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.loop import TrainingPlan, train
from galfeat.nn.training.objective import Objective

REFERENCE: dict[str, Any] = json.loads(
    (Path(__file__).parent / "reference" / "trajectories.json").read_text()
)
RUNS: dict[str, dict[str, Any]] = REFERENCE["runs"]
STEPS = 100

# PyTorch's settings that have another name here
NAMES = {"lr": "learning_rate", "eps": "epsilon", "alpha": "rho"}


def optimizer_of(settings: dict[str, Any]) -> Optimizer:
    kind = settings["class"]
    if kind == "SGD":
        kind = (
            "Nesterov"
            if settings.get("nesterov")
            else "Momentum"
            if "momentum" in settings
            else "GradientDescent"
        )
    classes: dict[str, type[Optimizer]] = {
        known.__name__: known
        for known in (Adagrad, Adam, AdamW, GradientDescent, Momentum, Nesterov, RMSprop)
    }
    given = {
        NAMES.get(name, name): value
        for name, value in settings.items()
        if name not in ("class", "nesterov", "betas")
    }
    if "betas" in settings:
        given["beta_1"], given["beta_2"] = settings["betas"]
    return classes[kind](**given)


def schedule_of(settings: dict[str, Any] | None, rate: float) -> Schedule:
    """Return the schedule; PyTorch's floor is a rate, ours a factor."""
    match settings:
        case None:
            return Constant()
        case {"class": "StepLR", "step_size": every, "gamma": drop}:
            return StepDecay(every, drop)
        case {"class": "ExponentialLR", "gamma": drop}:
            return Exponential(drop)
        case {"class": "CosineAnnealingLR", "T_max": period, "eta_min": floor}:
            return Cosine(period, floor / rate)
        case {
            "class": "CosineAnnealingWarmRestarts",
            "T_0": period,
            "T_mult": growth,
            "eta_min": floor,
        }:
            return WarmRestarts(period, growth, floor / rate)
        case {
            "class": "ReduceLROnPlateau",
            "factor": drop,
            "patience": patience,
            "threshold": threshold,
        }:
            return ReduceOnPlateau(patience, drop, threshold)
    raise AssertionError(settings)


@pytest.mark.parametrize("name", RUNS)
def test_a_hundred_steps_are_pytorchs(name: str) -> None:
    run, n = RUNS[name], len(REFERENCE["X"])
    samples = Samples(np.array(REFERENCE["X"]), np.eye(REFERENCE["sizes"][-1])[REFERENCE["labels"]])
    network = Network(REFERENCE["sizes"], "tanh", "identity", np.array(REFERENCE["start"]))
    optimizer = optimizer_of(run["optimizer"])
    losses, params = [], {}

    def watch(updates: int, loss: float) -> None:
        losses.append(loss)
        params[updates] = network.params.copy()

    epochs = -(-STEPS // -(-n // run["batch"]))
    schedule = schedule_of(run.get("schedule"), optimizer.learning_rate)
    plan = TrainingPlan(
        optimizer=optimizer,
        schedule=schedule,
        batch_size=run["batch"],
        max_iter=epochs,
        tol=None,
        shuffle=False,
    )
    train(
        Objective(network, CrossEntropy()), samples, plan, np.random.default_rng(), callback=watch
    )
    assert_allclose(losses[:STEPS], run["losses"], rtol=0, atol=1e-9)
    assert len(run["losses"]) == STEPS
    for step, wanted in run["params"].items():
        assert_allclose(params[int(step)], wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", [name for name, run in RUNS.items() if "schedule" in run])
def test_rates_of_every_epoch_are_pytorchs(name: str) -> None:
    run = RUNS[name]
    rate = run["optimizer"]["lr"]
    schedule = schedule_of(run["schedule"], rate)
    ours = [rate * schedule.factor(epoch, run["losses"][:epoch]) for epoch in range(STEPS)]
    assert_allclose(ours, run["rates"], rtol=1e-12)
    assert len(set(run["rates"])) > 4


def test_all_are_there() -> None:
    kinds = {run["optimizer"]["class"] for run in RUNS.values()} | {
        run["schedule"]["class"] for run in RUNS.values() if "schedule" in run
    }
    assert kinds >= {
        "SGD",
        "Adagrad",
        "RMSprop",
        "Adam",
        "AdamW",
        "StepLR",
        "ExponentialLR",
        "CosineAnnealingLR",
        "ReduceLROnPlateau",
    }
    assert {"gradient_descent", "momentum", "nesterov", "amsgrad", "warm_restarts"} <= set(RUNS)

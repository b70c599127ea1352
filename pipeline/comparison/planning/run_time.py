"""Predict the run time of a comparison plan from the size of its trainings and a machine speed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.classifiers.augmentation import COPIES
from galfeat.pipeline.comparison.classifiers.cnn import epochs_for
from galfeat.pipeline.comparison.folds.fold import MATCHED_UNITS
from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.planning.plan import ComparisonPlan, learning_curve_sizes
from galfeat.pipeline.models.ensemble import train_network
from galfeat.pipeline.models.hyperparameters import Settings, draw_settings

__all__ = [
    "NOMINAL",
    "Speed",
    "measured_speed",
    "predicted_baseline_seconds",
    "predicted_seconds",
]

_UPDATES, _BATCH, _EPOCHS = 480, 200, 60  # as in `make_network`
_WIDE = 2000  # columns of a block above which its principal components take a noticeable time


@dataclass(frozen=True)
class Speed:
    """Training speed of one thread.

    Parameters
    ----------
    multiply : float
        Multiply-adds per second in the training of a wide network.
    update : float
        Seconds per update, whatever its size.
    """

    multiply: float
    update: float


NOMINAL = Speed(6e10, 3e-4)
"""Speed of a thread of an ordinary machine.

The decision on what to leave out uses it instead of the measured speed, so that it is the same on
every machine.
"""


def measured_speed(pixels: int) -> Speed:
    """Time two small trainings on random numbers, which takes about two seconds.

    Parameters
    ----------
    pixels : int
        Numbers per galaxy of the widest input.
    """
    rng = np.random.default_rng(0)
    labels = np.array(["a", "b"] * 100)
    times = []
    for width, effort in ((pixels, 6 / _UPDATES), (64, 60 / _UPDATES)):
        x = rng.normal(size=(200, width)).astype(np.float32)
        # warm-up: the first matrix product of a process is slow
        train_network(x, labels, Settings(), seed=0, effort=effort / 4)
        start = time.perf_counter()
        train_network(x, labels, Settings(), seed=0, effort=effort)
        times.append(time.perf_counter() - start)
    wide, narrow = times[0] / 6, times[1] / 60
    return Speed(6.0 * 200 * 64 * pixels / max(wide - narrow, wide / 10), narrow)


def predicted_seconds(
    plan: ComparisonPlan,
    inputs: Sequence[ComparisonInput],
    widths: Mapping[str, int],
    n: int,
    *,
    speed: Speed,
    workers: int,
) -> float:
    """Return the predicted seconds of a plan, without baseline searches and CNN.

    Parameters
    ----------
    plan : ComparisonPlan
    inputs : sequence of ComparisonInput
    widths : mapping of str to int
        Columns of each block.
    n : int
        Galaxies.
    speed : Speed
    workers : int
        Threads; each one after the first counts 0.65, since they share memory.
    """
    n_train = n * (plan.n_folds - 1) / plan.n_folds
    total = 0.0
    for each in plan.select(inputs):
        total += _input_seconds(plan, each, widths, n_train, speed)
    component_widths = {
        part.column: widths.get(part.column, 64)
        for each in plan.select(inputs)
        for part in each.parts
        if part.components
    }
    components = sum(
        _component_seconds(n_train, width, speed) for width in component_widths.values()
    )
    total += plan.n_repeats * plan.n_folds * 1.6 * components
    total += 0.03 * plan.altered * len(plan.perturbations(3))
    return float(total / _threads(workers))


def _input_seconds(
    plan: ComparisonPlan,
    each: ComparisonInput,
    widths: Mapping[str, int],
    n_train: float,
    speed: Speed,
) -> float:
    draws = draw_settings(plan.draws, 0)
    once = {hidden: _fit_seconds(each, widths, n_train, hidden, speed) for hidden in (32, 64, 128)}
    search = sum(0.5 * 0.8 * once[settings.hidden] for settings in draws)
    final = plan.networks * float(np.mean([once[settings.hidden] for settings in draws]))
    matched = (
        plan.networks * _matched_seconds(widths[PIXELS.name], n_train, speed)
        if plan.matched
        else 0.0
    )
    copying = 3 * 0.003 * COPIES * n_train * each.augmented
    total = plan.n_repeats * plan.n_folds * (search + final + matched + copying)
    curve = sum(
        _fit_seconds(each, widths, size, 64, speed)
        for size in learning_curve_sizes(int(n_train), plan.curve_sizes)[:-1]
    )
    total += plan.n_folds * plan.networks * curve * (each.name in plan.curve_inputs)
    if each.name == "features":
        total += plan.n_repeats * plan.n_folds * len(each.parts) * final * plan.dropping
    return total + plan.n_folds * (each.name in plan.head_inputs) * n_train * 2e-3


def predicted_baseline_seconds(
    plan: ComparisonPlan, inputs: Sequence[ComparisonInput], n: int, *, cnn: bool, workers: int
) -> float:
    """Return the predicted seconds of baseline searches and CNN.

    They are reported, but not counted by
    `galfeat.pipeline.comparison.planning.budget.fit_to_budget`.

    Parameters
    ----------
    plan : ComparisonPlan
    inputs : sequence of ComparisonInput
    n : int
        Galaxies.
    cnn : bool
        Whether the convolutional network takes part.
    workers : int
    """
    n_train = n * (plan.n_folds - 1) / plan.n_folds
    search = (1.0 + 0.25 * plan.draws) * 5e-3 * n_train
    names = {each.name for each in inputs}
    weight = sum(1.5 if name == "pixels" else 0.2 for name in plan.head_inputs if name in names)
    training = 1.8 * n_train * epochs_for(round(n_train)) * 4e-4 * plan.effort if cnn else 0.0
    return float(plan.n_folds * (search * weight + training) / _threads(workers))


def _threads(workers: int) -> float:
    return 1 + 0.65 * (workers - 1)


def _epochs(n: float) -> float:
    return float(max(_EPOCHS, _UPDATES / np.ceil(n / _BATCH)))


def _columns(each: ComparisonInput, widths: Mapping[str, int]) -> float:
    shrunk = {"small": 1 / 16}
    return sum(
        min(56, widths.get(part.column, 64))
        if part.components
        else widths.get(part.column, 64) * shrunk.get(part.view, 1.0)
        for part in each.parts
    )


def _fit_seconds(
    each: ComparisonInput, widths: Mapping[str, int], n: float, hidden: int, speed: Speed
) -> float:
    updates = _epochs(n) * np.ceil(n / _BATCH)
    seconds = float(
        updates * (speed.update + 6.0 * _BATCH * hidden * _columns(each, widths) / speed.multiply)
    )
    return seconds * 1.1


def _matched_seconds(pixels: int, n: float, speed: Speed) -> float:
    updates = _epochs(n) * np.ceil(n / _BATCH)
    return float(updates * (speed.update + 6.0 * _BATCH * MATCHED_UNITS * pixels / speed.multiply))


def _component_seconds(n: float, width: int, speed: Speed) -> float:
    side = min(n, width)
    return (
        float((2.0 * side * n * width + 20.0 * side**3) / (0.4 * speed.multiply))
        if width > _WIDE or side > _WIDE / 4
        else 0.2
    )

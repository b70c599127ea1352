"""Fit a comparison plan to the data and to its time budget."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.classifiers.cnn import torch_installed
from galfeat.pipeline.comparison.inputs import ComparisonInput, comparison_inputs
from galfeat.pipeline.comparison.loading.classic import classic_parts
from galfeat.pipeline.comparison.loading.dataset import Dataset
from galfeat.pipeline.comparison.planning.plan import ComparisonPlan
from galfeat.pipeline.comparison.planning.run_time import (
    NOMINAL,
    Speed,
    measured_speed,
    predicted_baseline_seconds,
    predicted_seconds,
)

__all__ = ["BudgetedPlan", "fit_to_budget", "make_plan"]


@dataclass(frozen=True)
class BudgetedPlan:
    """Plan that fits its time budget, with the inputs that take part.

    Parameters
    ----------
    plan : ComparisonPlan
    inputs : tuple of ComparisonInput
    cnn : bool
        Whether the convolutional network takes part.
    predicted_seconds : float
        On this machine, after the cutouts are measured.
    notes : tuple of str
        Sentences for the report.
    """

    plan: ComparisonPlan
    inputs: tuple[ComparisonInput, ...]
    cnn: bool
    predicted_seconds: float
    notes: tuple[str, ...] = ()


def make_plan(
    data: Dataset, requested: ComparisonPlan, *, workers: int, log: Callable[[str], None]
) -> BudgetedPlan:
    """Leave out of a plan what its time budget does not allow, and predict its run time.

    Parameters
    ----------
    data : Dataset
    requested : ComparisonPlan
    workers : int
        Threads. The prediction uses them; what is left out does not depend on them.
    log : callable
        Called with a sentence on the run time and on each cut.
    """
    inputs = comparison_inputs(tuple(data.recipe.extractors), classic_parts(data.recipe))
    widths = {
        name: 64 if isinstance(block, list) else block.shape[1]
        for name, block in data.sample.blocks.items()
    }
    n = len(data.sample.labels)

    def seconds(plan: ComparisonPlan, speed: Speed, threads: int) -> float:
        return predicted_seconds(plan, inputs, widths, n, speed=speed, workers=threads)

    full = requested.preset == "full"
    cnn = full and torch_installed()
    notes = (
        ("PyTorch is not installed: the small convolutional network was left out.",)
        if full and not cnn
        else ()
    )
    plan = fit_to_budget(requested, lambda plan: seconds(plan, NOMINAL, 2))
    predicted = seconds(plan, measured_speed(widths[PIXELS.name]), workers)
    predicted += predicted_baseline_seconds(plan, inputs, n, cnn=cnn, workers=workers)
    log(f"training and tests will take about {_duration(predicted)} on {workers} thread(s)")
    for sentence in plan.cut[len(requested.cut) :]:
        log(sentence)
    return BudgetedPlan(plan, plan.select(inputs), cnn, predicted, notes)


def fit_to_budget(
    plan: ComparisonPlan, seconds: Callable[[ComparisonPlan], float]
) -> ComparisonPlan:
    """Leave stages out of a plan until its predicted run time fits its budget.

    Folds, repeats and the hyperparameter search stay. Of the further stages, those go first that
    cost much and tell little.

    Parameters
    ----------
    plan : ComparisonPlan
    seconds : callable
        Predicts the run time of a plan. For two runs to do the same it must not depend on the
        machine: see `NOMINAL`.
    """
    without_linear = tuple(dict.fromkeys((*plan.skipped, "pixels_linear")))
    steps: tuple[tuple[dict[str, Any], str], ...] = (
        ({"curve_sizes": min(plan.curve_sizes, 4)}, "Learning curves have at most 4 points"),
        (
            {"head_inputs": _kept(plan.head_inputs)},
            "Logistic regression and random forest were tried on features and pixels_pca alone",
        ),
        ({"skipped": without_linear}, "The input pixels_linear was left out"),
        (
            {"curve_inputs": _kept(plan.curve_inputs)},
            "Learning curves were made for features and pixels_pca alone",
        ),
        (
            {"skipped": tuple(dict.fromkeys((*without_linear, "pixels_augmented")))},
            "The input pixels_augmented was left out",
        ),
        ({"matched": False}, "The networks with equal numbers of parameters were left out"),
        ({"networks": 1}, "Each final classifier is one network instead of an ensemble"),
    )
    for changes, sentence in steps:
        if seconds(plan) <= plan.budget:
            break
        changed = replace(plan, **changes)
        if changed != plan:
            plan = replace(changed, cut=(*changed.cut, f"{sentence}, for lack of time."))
    return plan


def _kept(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in ("features", "pixels_pca"))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} minutes"

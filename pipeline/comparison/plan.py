"""What a comparison does, how long it will take, and what is left out where that is too long."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.classifiers.augmentation import COPIES
from galfeat.pipeline.comparison.classifiers.cnn import epochs_for
from galfeat.pipeline.comparison.classifiers.hyperparameters import Settings, draw_settings
from galfeat.pipeline.comparison.fold import MATCHED_UNITS
from galfeat.pipeline.comparison.inputs import Contender
from galfeat.pipeline.comparison.perturbations import strengths
from galfeat.pipeline.comparison.split import train_network

__all__ = [
    "FULL",
    "NOMINAL",
    "QUICK",
    "Plan",
    "Speed",
    "fitted_to",
    "measured_speed",
    "predicted_seconds",
    "searched_heads_seconds",
    "sizes",
]

_CURVES = ("pixels", "pixels_pca", "pixels_aligned", "features")
_SIZES = (50, 100, 200, 400, 800, 1600, 3200, 6400, 12800)
_UPDATES, _BATCH, _EPOCHS = 480, 200, 60  # as in `make_network`
_WIDE = 2000  # numbers of a block from which its principal components count


@dataclass(frozen=True)
class Plan:
    """How much is done.

    Parameters
    ----------
    preset : {"quick", "full"}
    n_folds, n_repeats, draws : int
    networks : int
        So many of the best draws train a network each; their committee is the classifier.
    effort : float
        Multiplies the epochs of every training.
    budget : float
        Seconds to aim at, after the cutouts are measured.
    skipped : tuple of str
        Inputs that take no part.
    curve_inputs, head_inputs, altered_inputs : tuple of str
        Whose learning curves, other heads and robustness are asked for.
    curve_sizes : int
        At most so many sizes of training sets.
    altered : int
        Galaxies whose altered cutouts are tested, in all.
    matched, dropping, importance : bool
    cut : tuple of str
        What was left out of the full protocol, a sentence each.
    """

    preset: str = "full"
    n_folds: int = 5
    n_repeats: int = 2
    draws: int = 8
    networks: int = 5
    effort: float = 1.0
    budget: float = 3600.0
    skipped: tuple[str, ...] = ()
    curve_inputs: tuple[str, ...] = _CURVES
    head_inputs: tuple[str, ...] = _CURVES
    altered_inputs: tuple[str, ...] = (*_CURVES, "pixels_augmented")
    curve_sizes: int = 9
    altered: int = 400
    matched: bool = True
    dropping: bool = True
    importance: bool = True
    cut: tuple[str, ...] = ()

    def alterations(self, n_bands: int) -> list[tuple[str, float]]:
        """Return the conditions under which test galaxies are altered."""
        return strengths(n_bands, quick=self.preset == "quick") if self.altered else []

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    def taking_part(self, all_inputs: Sequence[Contender]) -> tuple[Contender, ...]:
        """Return the inputs that are not left out."""
        return tuple(each for each in all_inputs if each.name not in self.skipped)


FULL = Plan()
QUICK = Plan(
    preset="quick",
    n_folds=3,
    n_repeats=1,
    draws=2,
    networks=1,
    budget=110.0,
    skipped=("pixels_augmented", "pixels_linear"),
    curve_inputs=("pixels_pca", "features"),
    head_inputs=("features",),
    altered_inputs=("pixels", "pixels_pca", "pixels_aligned", "features"),
    curve_sizes=3,
    altered=120,
    matched=False,
    cut=(
        "The quick protocol has 3 folds once instead of 5 folds twice.",
        (
            "The quick protocol tries 2 settings in the search instead of 8, and trains one "
            "network "
            "instead of a committee of five."
        ),
        "The quick protocol leaves out the inputs pixels_augmented and pixels_linear, the "
        "networks with one number of parameters and the "
        "convolutional network.",
        (
            "The quick protocol has shorter learning curves and fewer altered conditions, on 120 "
            "galaxies."
        ),
    ),
)


@dataclass(frozen=True)
class Speed:
    """What this machine does, one thread.

    Parameters
    ----------
    multiply : float
        Multiplications and additions of a wide network in training, a second.
    update : float
        Seconds that an update takes whatever its size.
    """

    multiply: float
    update: float


NOMINAL = Speed(6e10, 3e-4)
"""The speed by which is decided what to leave out.

A thread of an ordinary machine, whatever machine this is.
"""


def measured_speed(pixels: int) -> Speed:
    """Time two small trainings on random numbers: about two seconds."""
    rng = np.random.default_rng(0)
    labels = np.array(["a", "b"] * 100)
    times = []
    for width, effort in ((pixels, 6 / _UPDATES), (64, 60 / _UPDATES)):
        x = rng.normal(size=(200, width)).astype(np.float32)
        # the first product of a process is slow
        train_network(x, labels, Settings(), seed=0, effort=effort / 4)
        start = time.perf_counter()
        train_network(x, labels, Settings(), seed=0, effort=effort)
        times.append(time.perf_counter() - start)
    wide, narrow = times[0] / 6, times[1] / 60
    return Speed(6.0 * 200 * 64 * pixels / max(wide - narrow, wide / 10), narrow)


def sizes(n_train: int, most: int) -> list[int]:
    """Return the sizes of training sets of a learning curve.

    50, 100, 200 and so on, and all galaxies; at most so many.
    """
    chosen = [size for size in _SIZES if size < 0.8 * n_train]
    if len(chosen) > most - 1:
        places = np.linspace(0, len(chosen) - 1, max(1, most - 1)).round().astype(int)
        chosen = [chosen[place] for place in dict.fromkeys(places.tolist())]
    return [*chosen, n_train]


def predicted_seconds(
    plan: Plan,
    inputs: Sequence[Contender],
    widths: Mapping[str, int],
    n: int,
    *,
    speed: Speed,
    workers: int,
) -> float:
    """Return how long a plan will take.

    Parameters
    ----------
    plan : Plan
    inputs : sequence of Contender
    widths : mapping of str to int
        Numbers a galaxy of each block.
    n : int
        Galaxies.
    speed : Speed
    workers : int
        Threads; two thirds of the second and further ones are counted, since they share memory.
    """
    n_train = n * (plan.n_folds - 1) / plan.n_folds
    total = 0.0
    drawn = draw_settings(plan.draws, 0)
    pixels = widths[PIXELS.name]
    for each in plan.taking_part(inputs):
        once = {
            hidden: _fit_seconds(each, widths, n_train, hidden, speed) for hidden in (32, 64, 128)
        }
        search = sum(0.5 * 0.8 * once[settings.hidden] for settings in drawn)
        final = plan.networks * float(np.mean([once[settings.hidden] for settings in drawn]))
        matched = plan.networks * _matched_seconds(pixels, n_train, speed) if plan.matched else 0.0
        copying = 3 * 0.003 * COPIES * n_train * each.augmented
        total += plan.n_repeats * plan.n_folds * (search + final + matched + copying)
        curve = sum(
            _fit_seconds(each, widths, size, 64, speed)
            for size in sizes(int(n_train), plan.curve_sizes)[:-1]
        )
        total += plan.n_folds * plan.networks * curve * (each.name in plan.curve_inputs)
        if each.name == "features":
            total += plan.n_repeats * plan.n_folds * len(each.parts) * final * plan.dropping
        total += plan.n_folds * (each.name in plan.head_inputs) * n_train * 2e-3
    parts = {
        part.column: widths.get(part.column, 64)
        for each in plan.taking_part(inputs)
        for part in each.parts
        if part.components
    }
    learned = sum(_component_seconds(n_train, width, speed) for width in parts.values())
    total += plan.n_repeats * plan.n_folds * 1.6 * learned
    total += 0.03 * plan.altered * len(plan.alterations(3))
    return float(total / (1 + 0.65 * (workers - 1)))


def searched_heads_seconds(
    plan: Plan, inputs: Sequence[Contender], n: int, *, ceiling: bool, workers: int
) -> float:
    """Return how long the other heads take; what is left out does not go by it.

    Parameters
    ----------
    plan : Plan
    inputs : sequence of Contender
    n : int
        Galaxies.
    ceiling : bool
        Whether the convolutional network takes part.
    workers : int
    """
    n_train = n * (plan.n_folds - 1) / plan.n_folds
    each = (1.0 + 0.25 * plan.draws) * 5e-3 * n_train
    wide = sum(
        1.5 if name == "pixels" else 0.2
        for name in plan.head_inputs
        if name in {one.name for one in inputs}
    )
    shown = 1.8 * n_train * epochs_for(round(n_train)) * 4e-4 * plan.effort if ceiling else 0.0
    return float(plan.n_folds * (each * wide + shown) / (1 + 0.65 * (workers - 1)))


def fitted_to(plan: Plan, seconds: Callable[[Plan], float]) -> Plan:
    """Return the plan with things left out until its predicted time fits its budget.

    Folds, repeats and the search stay: what goes are the answers to further questions, those first
    that cost much and say little.

    Parameters
    ----------
    plan : Plan
    seconds : callable
        Predicts the time of a plan. For two runs to do the same it must not look at the clock: see
        `NOMINAL`.
    """
    linear = tuple(dict.fromkeys((*plan.skipped, "pixels_linear")))
    steps: tuple[tuple[dict[str, Any], str], ...] = (
        ({"curve_sizes": min(plan.curve_sizes, 4)}, "Learning curves have at most 4 points"),
        (
            {"head_inputs": _kept(plan.head_inputs)},
            "Logistic regression and random forest were tried on features and pixels_pca alone",
        ),
        ({"skipped": linear}, "The input pixels_linear was left out"),
        (
            {"curve_inputs": _kept(plan.curve_inputs)},
            "Learning curves were made for features and pixels_pca alone",
        ),
        (
            {"skipped": tuple(dict.fromkeys((*linear, "pixels_augmented")))},
            "The input pixels_augmented was left out",
        ),
        ({"matched": False}, "The networks with one number of parameters were left out"),
        ({"networks": 1}, "Each final classifier is one network instead of a committee"),
    )
    for changes, sentence in steps:
        if seconds(plan) <= plan.budget:
            break
        changed = replace(plan, **changes)
        if changed != plan:
            plan = replace(changed, cut=(*changed.cut, f"{sentence}, for want of time."))
    return plan


def _kept(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in ("features", "pixels_pca"))


def _epochs(n: float) -> float:
    return float(max(_EPOCHS, _UPDATES / np.ceil(n / _BATCH)))


def _columns(each: Contender, widths: Mapping[str, int]) -> float:
    shrunk = {"small": 1 / 16}
    return sum(
        min(56, widths.get(part.column, 64))
        if part.components
        else widths.get(part.column, 64) * shrunk.get(part.view, 1.0)
        for part in each.parts
    )


def _fit_seconds(
    each: Contender, widths: Mapping[str, int], n: float, hidden: int, speed: Speed
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

"""Comparison plans: how many folds, hyperparameter draws and further stages are run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.loading.perturbations import perturbation_strengths
from galfeat.pipeline.recipes import TRAINING

__all__ = ["FULL", "PLANS", "QUICK", "ComparisonPlan", "learning_curve_sizes"]

_CURVES = ("pixels", "pixels_pca", "pixels_aligned", "features")
_SIZES = (50, 100, 200, 400, 800, 1600, 3200, 6400, 12800)


@dataclass(frozen=True)
class ComparisonPlan:
    """Settings of a comparison: folds, hyperparameter search, stages and time budget.

    Parameters
    ----------
    preset : {"quick", "full"}
    n_folds, n_repeats : int
        Of the repeated stratified group k-fold.
    draws : int
        Settings that the hyperparameter search tries for every input.
    networks : int
        Number of best settings that train a network each; their ensemble is the classifier.
    effort : float
        Factor of the epochs of every training.
    budget : float
        Seconds to aim at, after the cutouts are measured.
    skipped : tuple of str
        Inputs that take no part.
    curve_inputs, head_inputs, altered_inputs : tuple of str
        Inputs with learning curves, with baseline classifiers, and with perturbed test galaxies.
    curve_sizes : int
        Largest number of training set sizes in a learning curve.
    altered : int
        Number of galaxies that are perturbed, over all folds.
    matched : bool
        Whether networks with the shared number of parameters are trained too.
    dropping : bool
        Whether extractors are left out one by one (ablation).
    importance : bool
        Whether permutation importances are computed.
    cut : tuple of str
        What was left out of the full protocol, a sentence each.
    """

    preset: str = "full"
    n_folds: int = 5
    n_repeats: int = 2
    draws: int = TRAINING.draws
    networks: int = TRAINING.n_networks
    effort: float = 1.0
    budget: float = 3900.0
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

    def perturbations(self, n_bands: int) -> list[tuple[str, float]]:
        """Return kind and strength of each perturbation of the test galaxies."""
        if not self.altered:
            return []
        return perturbation_strengths(n_bands, quick=self.preset == "quick")

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    def select(self, inputs: Sequence[ComparisonInput]) -> tuple[ComparisonInput, ...]:
        """Return the inputs that take part."""
        return tuple(each for each in inputs if each.name not in self.skipped)


FULL = ComparisonPlan()
QUICK = ComparisonPlan(
    preset="quick",
    n_folds=3,
    n_repeats=1,
    draws=2,
    networks=1,
    budget=125.0,
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
            "network instead of an ensemble of five."
        ),
        "The quick protocol leaves out the inputs pixels_augmented and pixels_linear, the "
        "networks with equal numbers of parameters and the "
        "convolutional network.",
        (
            "The quick protocol has shorter learning curves and fewer perturbations, on 120 "
            "galaxies."
        ),
    ),
)
PLANS: Mapping[str, ComparisonPlan] = {"quick": QUICK, "full": FULL}
"""The presets by name."""


def learning_curve_sizes(n_train: int, most: int) -> list[int]:
    """Return the training set sizes of a learning curve: 50, 100, 200 and so on, and all.

    Parameters
    ----------
    n_train : int
        All training galaxies.
    most : int
        Largest number of sizes.
    """
    sizes = [size for size in _SIZES if size < 0.8 * n_train]
    if len(sizes) > most - 1:
        places = np.linspace(0, len(sizes) - 1, max(1, most - 1)).round().astype(int)
        sizes = [sizes[place] for place in dict.fromkeys(places.tolist())]
    return [*sizes, n_train]

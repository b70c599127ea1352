"""Stages of a fold: one function per kind of score row.

=====================  ==========================================================================
`run_main`             search, training and test of an input, with the tests of the same network:
                       matched size, perturbed galaxies, another survey, permutation importance
`run_ablation`         an input without one of its parts
`run_learning_curve`   fewer training galaxies
`run_baseline`         logistic regression or random forest in place of the network
`run_cnn`              the convolutional network on the cutouts
=====================  ==========================================================================

Each returns the `Checkpoint` of its task.
"""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.checkpoints import Checkpoint
from galfeat.pipeline.comparison.classifiers.baselines import (
    FittedBaseline,
    draw_baseline,
    fit_baseline,
    search_baseline,
)
from galfeat.pipeline.comparison.classifiers.cnn import CNN, ConvNet, fit_cnn
from galfeat.pipeline.comparison.folds.fold import Fold
from galfeat.pipeline.comparison.folds.permutation_importance import permutation_importances
from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.loading.labeled_blocks import ExternalTestSet, PerturbedGalaxies
from galfeat.pipeline.comparison.results import ScoreRow
from galfeat.pipeline.evaluation.metrics import expand_to_classes
from galfeat.pipeline.extraction.measure import take_rows
from galfeat.pipeline.models.ensemble import FittedEnsemble
from galfeat.pipeline.models.hyperparameters import Settings

__all__ = [
    "fit_baseline_on_fold",
    "fit_cnn_on_fold",
    "run_ablation",
    "run_baseline",
    "run_cnn",
    "run_learning_curve",
    "run_main",
]


def run_main(
    fold: Fold,
    model_input: ComparisonInput,
    *,
    matched: bool = False,
    importance: bool = False,
    perturbed: Sequence[PerturbedGalaxies] = (),
    external: ExternalTestSet | None = None,
) -> Checkpoint:
    """Search, train and test an input, and run the further tests of the trained ensemble.

    Parameters
    ----------
    fold : Fold
    model_input : ComparisonInput
    matched : bool
        Whether to train an ensemble with the shared number of parameters too.
    importance : bool
        Whether to compute permutation importances.
    perturbed : sequence of PerturbedGalaxies
        Perturbed test galaxies.
    external : ExternalTestSet, optional
    """
    start = time.thread_time()
    found = fold.search(model_input)
    settings, temperature = found.settings, found.temperature
    searched = time.thread_time()
    fitted = fold.fit(model_input, settings, temperature)
    trained = time.thread_time()
    features = fold.outer.features(model_input.parts)[1]
    probabilities = fold.predict(fitted, features)
    seconds = {
        "search": searched - start,
        "fit": trained - searched + sum(fold.outer.seconds[part] for part in model_input.parts),
        "predict": (time.thread_time() - trained) / len(probabilities),
    }
    rows = [fold.ensemble_row("main", model_input, fitted, probabilities)]
    if matched:
        rows.append(_matched_row(fold, model_input, settings, temperature, features))
    rows += [_robustness_row(fold, model_input, fitted, galaxies) for galaxies in perturbed]
    if external is not None:
        rows.append(_external_row(fold, model_input, fitted, external))
    importances = permutation_importances(fold, model_input, fitted, features) if importance else ()
    return Checkpoint(rows, settings, probabilities, importances, seconds)


def _matched_row(
    fold: Fold,
    model_input: ComparisonInput,
    settings: Sequence[Settings],
    temperature: float,
    features: Sequence[NDArray[np.float32]],
) -> ScoreRow:
    fitted = fold.fit(model_input, settings, temperature, matched=True)
    return fold.ensemble_row("matched", model_input, fitted, fold.predict(fitted, features))


def _robustness_row(
    fold: Fold, model_input: ComparisonInput, fitted: FittedEnsemble, galaxies: PerturbedGalaxies
) -> ScoreRow:
    return fold.ensemble_row(
        "robustness",
        model_input,
        fitted,
        fold.predict(fitted, fitted.features(galaxies.blocks)),
        fold.sample.labels[galaxies.rows],
        perturbation=galaxies.kind,
        strength=galaxies.strength,
    )


def _external_row(
    fold: Fold, model_input: ComparisonInput, fitted: FittedEnsemble, external: ExternalTestSet
) -> ScoreRow:
    probabilities = fold.predict(fitted, fitted.features(external.blocks))
    return fold.ensemble_row("cross", model_input, fitted, probabilities, external.labels)


def run_ablation(
    fold: Fold, model_input: ComparisonInput, place: int, settings: Sequence[Settings]
) -> Checkpoint:
    """Train and test an input without one of its parts, with the settings chosen for the whole.

    Parameters
    ----------
    fold : Fold
    model_input : ComparisonInput
    place : int
        Which part is left out.
    settings : sequence of Settings
        Of the ensemble.
    """
    part = model_input.parts[place]
    reduced = model_input.without(part)
    fitted = fold.fit(reduced, settings)
    probabilities = fold.predict(fitted, fold.outer.features(reduced.parts)[1])
    row = fold.ensemble_row("drop", model_input, fitted, probabilities, part=part.column)
    return Checkpoint([row], settings)


def run_learning_curve(
    fold: Fold, model_input: ComparisonInput, n_train: int, settings: Sequence[Settings]
) -> Checkpoint:
    """Train on fewer galaxies, with the settings chosen for all, and test on the same ones.

    Code words, scales and principal components are learned from these fewer galaxies too.
    """
    small = fold.with_fewer_galaxies(n_train)
    small.outer.learn(model_input.parts)
    fitted = small.fit(model_input, settings)
    probabilities = small.predict(fitted, small.outer.features(model_input.parts)[1])
    return Checkpoint(
        [small.ensemble_row("learning", model_input, fitted, probabilities)], settings
    )


def run_baseline(
    fold: Fold, model_input: ComparisonInput, classifier: str, settings: Sequence[Settings]
) -> Checkpoint:
    """Search, train and test a baseline classifier on the features of an input.

    Parameters
    ----------
    fold : Fold
    model_input : ComparisonInput
    classifier : str
        One of `BASELINES`.
    settings : sequence of Settings
        Of the network's ensemble: stored with the result, not used.
    """
    fitted = fit_baseline_on_fold(fold, model_input, classifier)
    probabilities = fitted.probabilities(fold.outer.features(model_input.parts)[1])
    row = fold.score_row(
        "head",
        model_input,
        expand_to_classes(probabilities, fitted.classes, fold.sample.classes),
        fold.outer.test_labels,
        (fitted.n_features, fitted.n_parameters),
        fitted.settings,
        head=classifier,
    )
    return Checkpoint([row], settings)


def fit_baseline_on_fold(
    fold: Fold, model_input: ComparisonInput, classifier: str
) -> FittedBaseline:
    """Search and train a baseline classifier on the training side of a fold.

    As many settings are tried as for the network, on the same inner split.
    """
    labels, seed = fold.training_labels(model_input), fold.sample.seed
    best, temperature, _ = search_baseline(
        classifier,
        model_input.parts,
        fold.inner.features(model_input.parts),
        fold.inner_labels(labels),
        draws=draw_baseline(classifier, len(fold.draws), seed),
        seed=seed,
    )
    return fit_baseline(
        classifier,
        model_input.parts,
        fold.outer.features(model_input.parts)[0],
        labels,
        settings=best,
        temperature=temperature,
        seed=seed,
    )


def run_cnn(fold: Fold, model_input: ComparisonInput, settings: Sequence[Settings]) -> Checkpoint:
    """Train and test the convolutional network on the cutouts; see `run_baseline`."""
    fitted = fit_cnn_on_fold(fold, model_input)
    probabilities = fitted.probabilities(_images(fold, fold.outer.test))
    row = fold.score_row(
        "head",
        model_input,
        expand_to_classes(probabilities, fitted.classes, fold.sample.classes),
        fold.outer.test_labels,
        (fitted.n_inputs, fitted.n_parameters),
        {"stopped": fitted.stopping.stopped},
        head=CNN,
    )
    return Checkpoint([row], settings)


def fit_cnn_on_fold(fold: Fold, model_input: ComparisonInput) -> ConvNet:
    """Train the convolutional network; the inner split chooses the number of epochs."""
    return fit_cnn(
        _images(fold, fold.outer.train),
        fold.training_labels(model_input),
        (fold.inner_train, fold.inner_validation),
        seed=fold.sample.seed,
        effort=fold.effort,
    )


def _images(fold: Fold, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    pixels = np.asarray(take_rows(fold.sample.blocks[PIXELS.name], rows))
    return pixels.reshape(-1, *fold.sample.shape)

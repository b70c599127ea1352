"""Results of a comparison as plain values, from which report, tables and figures are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SCORES",
    "ComparisonResults",
    "Cost",
    "Importance",
    "InputDescription",
    "LayerSize",
    "Prediction",
    "ScoreRow",
]

SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "auc", "log_loss", "brier", "ece")
"""Scores of every row; of the last three, less is better.

``auc`` is the unweighted mean over the classes, each against the rest.
"""

Group = Literal["pixels", "features", "both", "control"]
Stage = Literal["main", "matched", "head", "learning", "robustness", "drop", "only", "cross"]


@dataclass(frozen=True)
class InputDescription:
    """Name, description and group of an input, for the report.

    Parameters
    ----------
    name : str
        For example ``pixels``, ``pixels_pca``, ``hog``, ``features``, ``shuffled``.
    about : str
        One phrase.
    group : {"pixels", "features", "both", "control"}
    """

    name: str
    about: str
    group: Group


@dataclass(frozen=True)
class ScoreRow:
    """Row of ``scores.csv``: scores of an input and a classifier in a fold, under one condition.

    Parameters
    ----------
    stage : str
        ``main``: tuned network, whole training fold, unperturbed test fold. ``matched``: as main,
        with the number of parameters that all inputs share. ``head``: a baseline classifier, named
        by `head`. ``learning``: learning curve, with fewer training galaxies. ``robustness``:
        perturbed test galaxies, networks of ``main``. ``drop``: ablation, all features but `part`;
        ``only``: `part` alone. ``cross``: networks of ``main`` on the external test set.
    input : str
        Name of an `InputDescription`.
    head : {"network", "logistic", "forest", "cnn"}
        The classifier.
    repeat, fold : int
        From 0. The same pair is the same split in every row.
    n_train, n_test : int
    perturbation : str
        ``robustness``: ``rotation`` (degrees), ``shift`` (pixels), ``noise``, ``correlated`` and
        ``gradient`` (added, in units of the noise of the image), ``depth`` and ``color``
        (magnitudes), ``seeing`` and ``smoothing`` (sigma, pixels), ``scale`` (factor of size),
        ``dimming`` (factor of 1 + z), ``filters`` (share of light from the next band), ``jpeg``
        (quality), ``neighbor`` (times the galaxy's flux), ``band`` (number of the missing band,
        from 0). Otherwise empty.
    strength : float
        In the unit given for `perturbation`; otherwise 0.
    part : str
        ``drop`` and ``only``: the extractor. Otherwise empty.
    n_features, n_parameters : int
    scores : mapping
        Of `SCORES`; NaN where a score is not defined.
    per_class : mapping
        Class to ``precision``, ``recall``, ``f1``, ``auc`` and ``n``.
    settings : mapping
        What the hyperparameter search chose on the inner split.
    """

    stage: Stage
    input: str
    head: str
    repeat: int
    fold: int
    n_train: int
    n_test: int
    n_features: int
    n_parameters: int
    scores: Mapping[str, float]
    per_class: Mapping[str, Mapping[str, float]]
    perturbation: str = ""
    strength: float = 0.0
    part: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted probabilities of an input for held-out galaxies, in stage ``main``.

    Parameters
    ----------
    probabilities : array of float, shape (repeats, n, classes)
        Rows in the order of `ComparisonResults.ids`, columns in that of
        `ComparisonResults.classes`. The predicted class is the most probable one.
    """

    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class Importance:
    """Permutation importance: the fall of the scores when one part of an input is permuted.

    Parameters
    ----------
    input : str
    part : str
        The extractor whose columns were permuted among the test galaxies.
    repeat, fold : int
    loss : float
        Fall of macro-F1, mean over the permutations.
    per_class : mapping
        Fall of each class's F1.
    """

    input: str
    part: str
    repeat: int
    fold: int
    loss: float
    per_class: Mapping[str, float]


@dataclass(frozen=True)
class Cost:
    """Cost of an input in numbers, parameters, bytes and seconds.

    Times are of one processor of this machine. They are the only results that differ from run to
    run.

    Parameters
    ----------
    input : str
    n_features : int
        Numbers per galaxy in the input of the network.
    n_measured : int
        Numbers per galaxy before reduction; for SIFT the mean number of descriptor values.
    n_parameters : int
        Of the network, mean over the folds.
    bytes_per_galaxy : int
        Of the measured numbers as stored in a feature table.
    extract_seconds : float
        Preparation and extraction, per galaxy, one thread.
    fit_seconds, predict_seconds : float
        Encoding and network: fit on one training fold; prediction per galaxy.
    search_seconds : float
        All draws of the hyperparameter search, per fold.
    """

    input: str
    n_features: int
    n_measured: int
    n_parameters: int
    bytes_per_galaxy: int
    extract_seconds: float
    fit_seconds: float
    predict_seconds: float
    search_seconds: float


@dataclass(frozen=True)
class LayerSize:
    """Parameters of fully connected layers on images of one size.

    Parameters
    ----------
    size : int
        Pixels a side.
    bands : int
    inputs : int
        Pixels times bands.
    parameters : int
        Of a layer from one band to an image of the same size: ``n^2 + n`` for n pixels.
    shallow : int
        Of a network with 64 hidden units on all bands.
    features : int
        Of the same network on all hand-crafted features; does not depend on the size.
    """

    size: int
    bands: int
    inputs: int
    parameters: int
    shallow: int
    features: int


@dataclass(frozen=True, eq=False)
class ComparisonResults:
    """Results of the comparison of hand-crafted features with raw pixels on one data set.

    Parameters
    ----------
    source, label : str
        Name of the source without its folder; catalog column with the classes.
    bands : tuple of str
    ids : array of str, shape (n,)
    labels : array of str, shape (n,)
        True classes.
    classes : tuple of str
        In sorted order.
    folds : array of int, shape (repeats, n)
        The fold in which a galaxy was tested.
    descriptions : tuple of InputDescription
        Of the inputs, in the order of the report. ``pixels`` is always among them: every difference
        is one to it.
    rows : tuple of ScoreRow
    predictions : mapping of str to Prediction
        By the name of the input; stage ``main``.
    pixels : array of float32, shape (n, bands, size, size)
        The prepared cutouts, for figures.
    importances : tuple of Importance
    costs : tuple of Cost
    layers : tuple of LayerSize
    left_out : mapping of str to int
        Number of galaxies that took no part by reason; reads as "3 without a label".
    cut : tuple of str
        What was left out for the time budget, a sentence each.
    notes : tuple of str
        Further sentences for the reader, such as on duplicates, a group column, or a classifier
        that is not installed.
    predicted_seconds, used_seconds : float
        After the cutouts were measured.
    run : mapping
        Content of ``run.json``, with which the run can be repeated; has ``recipe``,
        ``fingerprint``, ``seed``, ``n_folds``, ``n_repeats``, ``draws``, ``preset``.
    cross_source : str
        Name of the external test set of stage ``cross``; empty if there is none.
    """

    source: str
    label: str
    bands: tuple[str, ...]
    ids: NDArray[np.str_]
    labels: NDArray[np.str_]
    classes: tuple[str, ...]
    folds: NDArray[np.intp]
    descriptions: tuple[InputDescription, ...]
    rows: tuple[ScoreRow, ...]
    predictions: Mapping[str, Prediction]
    pixels: NDArray[np.float32]
    importances: tuple[Importance, ...] = ()
    costs: tuple[Cost, ...] = ()
    layers: tuple[LayerSize, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    cut: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    predicted_seconds: float = 0.0
    used_seconds: float = 0.0
    run: Mapping[str, Any] = field(default_factory=dict)
    cross_source: str = ""

    @property
    def n_repeats(self) -> int:
        """Number of repeats of the cross-validation."""
        return len(self.folds)

    @property
    def n_folds(self) -> int:
        """Number of folds of one repeat."""
        return int(self.folds.max()) + 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs, in the order of the report."""
        return tuple(each.name for each in self.descriptions)

    def select(self, stage: Stage, **where: object) -> list[ScoreRow]:
        """Return the rows of a stage whose fields have the given values, in the stored order.

        Parameters
        ----------
        stage : str
        **where
            Fields of `ScoreRow` and their values.
        """
        return [
            row
            for row in self.rows
            if row.stage == stage
            and all(getattr(row, name) == value for name, value in where.items())
        ]

    def values(self, rows: Sequence[ScoreRow], metric: str) -> NDArray[np.float64]:
        """Return one score of each row."""
        return np.array([row.scores[metric] for row in rows])

"""All that a comparison found out, as plain values.

What the report, the tables and the figures are made from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["SCORES", "Candidate", "Cost", "Importance", "Layer", "Prediction", "Row", "Study"]

SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "auc", "log_loss", "brier", "ece")
"""Scores of every row; of the last three, less is better.

``auc`` is the unweighted mean over the classes, each against the rest.
"""

Group = Literal["pixels", "features", "both", "control"]
Stage = Literal["main", "matched", "head", "learning", "robustness", "drop", "only", "cross"]


@dataclass(frozen=True)
class Candidate:
    """An input of the comparison.

    Parameters
    ----------
    name : str
        For example ``pixels``, ``pixels_pca``, ``hog``, ``features``, ``shuffled``.
    about : str
        What it is, for the report.
    group : {"pixels", "features", "both", "control"}
    """

    name: str
    about: str
    group: Group


@dataclass(frozen=True)
class Row:
    """One line of ``scores.csv``: an input, a head and a fold, under one condition.

    Parameters
    ----------
    stage : str
        ``main``: tuned network, whole training fold, untouched test fold. ``matched``: as main,
        with the one number of parameters that all inputs share. ``head``: another classifier, named
        by `head`. ``learning``: fewer training galaxies. ``robustness``: altered test galaxies, the
        classifiers of ``main``. ``drop``: all features but `part`; ``only``: `part` alone.
        ``cross``: tested on the other source.
    input : str
        Name of a `Candidate`.
    head : {"network", "logistic", "forest", "cnn"}
    repeat, fold : int
        From 0. The same pair is the same split of the galaxies in every row.
    n_train, n_test : int
    perturbation : str
        ``robustness``: ``rotation`` (degrees), ``shift`` (pixels), ``noise`` (added, in units of
        the noise that is there), ``blur`` (sigma, pixels), ``dimming`` (factor of 1 + z), ``band``
        (number of the missing band, from 0). Otherwise empty.
    strength : float
        How much, in the unit named above; 0 elsewhere.
    part : str
        ``drop`` and ``only``: the extractor. Otherwise empty.
    n_features, n_parameters : int
    scores : mapping
        Of `SCORES`; NaN where a score is not defined.
    per_class : mapping
        Class to ``precision``, ``recall``, ``f1``, ``auc`` and ``n``.
    settings : mapping
        What the search chose on inner folds.
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
    """What stage ``main`` said of galaxies that it had not seen.

    Parameters
    ----------
    probabilities : array of float, shape (repeats, n, classes)
        Rows in the order of `Study.ids`, columns in that of `Study.classes`. The predicted class is
        the most probable one.
    """

    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class Importance:
    """What a trained network loses when one block of its input is shuffled among the test galaxies.

    Parameters
    ----------
    input : str
    part : str
        The extractor whose columns were shuffled.
    repeat, fold : int
    loss : float
        Fall of macro-F1, mean over the shufflings.
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
    """What an input costs. Times are of one processor of this machine and differ from run to run.

    Nothing else in a study does.

    Parameters
    ----------
    input : str
    n_features : int
        Numbers a galaxy that the network is fed.
    n_measured : int
        Numbers a galaxy before reduction; of SIFT the mean number of descriptor values.
    n_parameters : int
        Of the network, mean over the folds.
    bytes_per_galaxy : int
        Of the measured numbers, as they lie in a feature table.
    extract_seconds : float
        Preparation and measuring, a galaxy, one thread.
    fit_seconds, predict_seconds : float
        Encoding and network: fitting once on a training fold; prediction a galaxy.
    search_seconds : float
        All draws of the search, a fold.
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
class Layer:
    """A line of the lecture's argument: one fully connected layer from an image to an image.

    Parameters
    ----------
    size : int
        Pixels a side.
    bands : int
    inputs : int
        Pixels times bands.
    parameters : int
        Of a layer from one band of so many pixels to as many units: ``n^2 + n`` with n the pixels.
    shallow : int
        Of a shallow network with 64 hidden units on all bands.
    features : int
        Of the same network on all hand-crafted features, whatever the size.
    """

    size: int
    bands: int
    inputs: int
    parameters: int
    shallow: int
    features: int


@dataclass(frozen=True, eq=False)
class Study:
    """The comparison of hand-crafted features with raw pixels on one set of labelled galaxies.

    Parameters
    ----------
    source, label : str
        Name of the source without its folder; catalogue column with the classes.
    bands : tuple of str
    ids : array of str, shape (n,)
    labels : array of str, shape (n,)
        True classes.
    classes : tuple of str
        In sorted order.
    folds : array of int, shape (repeats, n)
        The fold in which a galaxy was tested.
    candidates : tuple of Candidate
        In the order of the report. ``pixels`` is always there: every difference is one to it.
    rows : tuple of Row
    predictions : mapping of str to Prediction
        By the name of the input; stage ``main``.
    pixels : array of float32, shape (n, bands, size, size)
        The prepared cutouts, for pictures.
    importances : tuple of Importance
    costs : tuple of Cost
    layers : tuple of Layer
    left_out : mapping of str to int
        Why galaxies took no part, and how many; reads as "3 without a label".
    cut : tuple of str
        What the time did not allow, a sentence each; empty if nothing was cut.
    notes : tuple of str
        What a reader must know: duplicates kept on one side, a group column that was used, a head
        that was not installed.
    predicted_seconds, used_seconds : float
        Of the comparison, after the cutouts were measured.
    run : mapping
        All that is needed to repeat the run, as JSON values; has ``recipe``, ``fingerprint``,
        ``seed``, ``n_folds``, ``n_repeats``, ``draws``, ``preset``.
    cross_source : str
        Name of the other source that stage ``cross`` was tested on; empty if there is none.
    """

    source: str
    label: str
    bands: tuple[str, ...]
    ids: NDArray[np.str_]
    labels: NDArray[np.str_]
    classes: tuple[str, ...]
    folds: NDArray[np.intp]
    candidates: tuple[Candidate, ...]
    rows: tuple[Row, ...]
    predictions: Mapping[str, Prediction]
    pixels: NDArray[np.float32]
    importances: tuple[Importance, ...] = ()
    costs: tuple[Cost, ...] = ()
    layers: tuple[Layer, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    cut: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    predicted_seconds: float = 0.0
    used_seconds: float = 0.0
    run: Mapping[str, Any] = field(default_factory=dict)
    cross_source: str = ""

    @property
    def n_repeats(self) -> int:
        """How often the galaxies were split anew."""
        return len(self.folds)

    @property
    def n_folds(self) -> int:
        """Parts of one split."""
        return int(self.folds.max()) + 1

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs, in the order of the report."""
        return tuple(each.name for each in self.candidates)

    def select(self, stage: Stage, **where: object) -> list[Row]:
        """Return the rows of a stage whose fields have these values, ordered by repeat and fold
        within the order of the study.
        """
        return [
            row
            for row in self.rows
            if row.stage == stage
            and all(getattr(row, name) == value for name, value in where.items())
        ]

    def values(self, rows: Sequence[Row], metric: str) -> NDArray[np.float64]:
        """Return one score of each row."""
        return np.array([row.scores[metric] for row in rows])

"""Training of an ensemble: hyperparameter search, training, calibration.

The comparison trains every input in every fold in this way, and ``train`` its model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.evaluation.cross_validation import inner_split
from galfeat.pipeline.evaluation.metrics import evaluate, expand_to_classes
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.models.ensemble import (
    FittedEnsemble,
    Layers,
    fitted_temperature,
    train_member,
)
from galfeat.pipeline.models.hyperparameters import Settings, draw_settings
from galfeat.pipeline.models.inputs import InputBlock
from galfeat.pipeline.models.split import Split
from galfeat.pipeline.recipes import TrainingSettings

__all__ = ["SEARCH_EFFORT", "EnsembleTraining", "SearchResult", "fold_seed", "search_settings"]

SEARCH_EFFORT = 0.5
"""Factor of the epochs of a training in the search, relative to a final one."""


@dataclass(frozen=True)
class SearchResult:
    """Result of a hyperparameter search.

    Parameters
    ----------
    settings : list of Settings
        Of the ensemble, the best first.
    temperature : float
        Calibrates the ensemble on the validation galaxies.
    scores : list of float
        Macro-F1 of all draws.
    """

    settings: list[Settings]
    temperature: float
    scores: list[float]


def fold_seed(seed: int, repeat: int, fold: int) -> int:
    """Return the seed of the inner split of a fold; it differs from fold to fold."""
    return seed + 7919 * repeat + 101 * fold


def search_settings(
    parts: Sequence[InputBlock],
    copies: Sequence[Sequence[NDArray[np.float32]]],
    validation_features: Sequence[NDArray[np.float32]],
    labels: tuple[NDArray[np.str_], NDArray[np.str_]],
    *,
    classes: Sequence[str],
    draws: Sequence[Settings],
    n_networks: int,
    seed: int,
    effort: float = 1.0,
    layers: Layers | None = None,
) -> SearchResult:
    """Search hyperparameters by macro-F1 on an inner split.

    Parameters
    ----------
    parts : sequence of InputBlock
    copies : sequence of sequence of array
        Encoded training galaxies and their augmented copies, an array a part.
    validation_features : sequence of array
    labels : pair of array of str
        Of the training and the validation galaxies.
    classes : sequence of str
        All classes, sorted.
    draws : sequence of Settings
    n_networks : int
        How many of the best make the ensemble.
    seed : int
    effort : float
        Factor of the epochs.
    layers : callable, optional
        See `train_member`.
    """
    train, validation = labels
    known = sorted(set(train.tolist()))
    scores, tables = [], []
    for settings in draws:
        member = train_member(
            parts,
            copies,
            train,
            settings,
            seed=seed,
            effort=effort * SEARCH_EFFORT,
            layers=layers,
        )
        matrix = member.matrix(validation_features)
        tables.append(np.asarray(member.network.predict_proba(matrix), dtype=np.float64))
        expanded = expand_to_classes(tables[-1], known, classes)
        scores.append(evaluate(validation, expanded, classes)[0]["macro_f1"])
    best = np.argsort(-np.array(scores), kind="stable")[:n_networks].tolist()
    mean = np.mean([tables[place] for place in best], axis=0)
    temperature = fitted_temperature(mean, validation, known)
    return SearchResult([draws[place] for place in best], temperature, scores)


@dataclass(frozen=True)
class EnsembleTraining:
    """How ensembles are trained on blocks of features, as often as it is needed.

    Parameters
    ----------
    parts : sequence of InputBlock
        The input.
    shape : tuple of int
        Bands, rows and columns of the prepared cutouts.
    training : TrainingSettings
    seed : int
    hidden : tuple of int, optional
        Units of the hidden layers; by default the search chooses among 32, 64 and 128.
    chosen : tuple of Settings
        Hyperparameters of the ensemble's networks, of an earlier search; none are searched then.
    """

    parts: Sequence[InputBlock]
    shape: tuple[int, int, int]
    training: TrainingSettings
    seed: int = 0
    hidden: tuple[int, ...] | None = None
    chosen: tuple[Settings, ...] = ()

    def fit(
        self,
        blocks: Mapping[str, Block],
        labels: NDArray[np.str_],
        groups: NDArray[np.intp],
        train: NDArray[np.intp],
        *,
        split_seed: int | None = None,
    ) -> FittedEnsemble:
        """Train an ensemble on some of the galaxies.

        Parameters
        ----------
        blocks : mapping of str to array or list
            Of all galaxies.
        labels : array of str, shape (n,)
        groups : array of int, shape (n,)
            Galaxies of one number stay on one side of the inner split.
        train : array of int
            Rows to learn from.
        split_seed : int, optional
            Of the inner split; by default `seed`.
        """
        settings, temperature = self._searched(
            blocks, labels, groups, train, self.seed if split_seed is None else split_seed
        )
        whole = self._split(blocks, labels, train, train[:0])
        features = whole.features(self.parts)[0]
        members = [
            train_member(
                self.parts,
                [features],
                whole.train_labels,
                each,
                seed=self.seed,
                layers=self._layers,
            )
            for each in settings
        ]
        encoders = [whole.encoder(part) for part in self.parts]
        return FittedEnsemble(self.parts, encoders, members, temperature)

    @property
    def draws(self) -> list[Settings]:
        """The hyperparameters that are tried."""
        return list(self.chosen) or draw_settings(self.training.draws, self.seed)

    @property
    def _layers(self) -> Layers | None:
        hidden = self.hidden
        return None if hidden is None else lambda _: hidden

    def _searched(
        self,
        blocks: Mapping[str, Block],
        labels: NDArray[np.str_],
        groups: NDArray[np.intp],
        train: NDArray[np.intp],
        split_seed: int,
    ) -> tuple[list[Settings], float]:
        draws, count = self.draws, self.training.n_networks
        kept = len(self.chosen) or min(count, len(draws))
        rows, validation = inner_split(labels[train], groups[train], split_seed)
        known = set(labels[train[rows]].tolist())
        if not len(validation) or len(known) < 2:  # too few galaxies to set any aside
            return draws[:kept], 1.0
        inner = self._split(blocks, labels, train[rows], train[validation])
        train_features, validation_features = inner.features(self.parts)
        found = search_settings(
            self.parts,
            [train_features],
            validation_features,
            (inner.train_labels, inner.test_labels),
            classes=sorted(set(labels[train].tolist())),
            draws=draws,
            n_networks=kept,
            seed=self.seed,
            layers=self._layers,
        )
        return found.settings, found.temperature if self.training.calibration else 1.0

    def _split(
        self,
        blocks: Mapping[str, Block],
        labels: NDArray[np.str_],
        train: NDArray[np.intp],
        test: NDArray[np.intp],
    ) -> Split:
        split = Split(blocks, labels, train, test, shape=self.shape, seed=self.seed)
        split.learn(self.parts)
        return split

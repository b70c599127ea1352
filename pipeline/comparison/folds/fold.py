"""One fold of the nested cross-validation: hyperparameter search, training and scoring."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.comparison.classifiers.augmentation import COPIES, augmented_copies
from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.loading.labeled_blocks import LabeledBlocks
from galfeat.pipeline.comparison.results import ScoreRow, Stage
from galfeat.pipeline.evaluation.cross_validation import inner_split, nested_subset
from galfeat.pipeline.evaluation.metrics import evaluate, expand_to_classes
from galfeat.pipeline.extraction.measure import take_rows
from galfeat.pipeline.models.ensemble import FittedEnsemble, count_parameters, train_member
from galfeat.pipeline.models.fitting import SearchResult, fold_seed, search_settings
from galfeat.pipeline.models.hyperparameters import Settings
from galfeat.pipeline.models.split import Split

__all__ = ["MATCHED_UNITS", "Fold", "matched_hidden"]

MATCHED_UNITS = 8
"""Hidden units on raw pixels of the network whose number of parameters all inputs share."""


class Fold:
    """One fold of one repeat: an outer split, and an inner split of its training side.

    Parameters
    ----------
    sample : LabeledBlocks
    train, test : array of int
        Rows of the sample.
    repeat, fold : int
    draws : sequence of Settings
        Hyperparameters to try, the same for every input.
    networks : int
        Number of best settings that train a network each; their ensemble is the classifier.
    effort : float
        Factor of the epochs of every training.

    Attributes
    ----------
    outer, inner : Split
    inner_train, inner_validation : array of int
        The inner split, as rows of the training side.
    seed : int
        Differs from fold to fold.
    """

    def __init__(
        self,
        sample: LabeledBlocks,
        train: NDArray[np.intp],
        test: NDArray[np.intp],
        *,
        repeat: int,
        fold: int,
        draws: Sequence[Settings],
        networks: int,
        effort: float = 1.0,
    ) -> None:
        self.sample, self.repeat, self.fold, self.draws = sample, repeat, fold, draws
        self.networks, self.effort = networks, effort
        self.seed = fold_seed(sample.seed, repeat, fold)
        self.inner_train, self.inner_validation = inner_split(
            sample.labels[train], sample.groups[train], self.seed
        )
        self.outer = self._split(train, test)
        self.inner = self._split(train[self.inner_train], train[self.inner_validation])

    def _split(self, train: NDArray[np.intp], test: NDArray[np.intp]) -> Split:
        return Split(
            self.sample.blocks,
            self.sample.labels,
            train,
            test,
            shape=self.sample.shape,
            seed=self.sample.seed,
        )

    def with_fewer_galaxies(self, n_train: int) -> "Fold":
        """Return the fold with a stratified subset of its training galaxies and the same test."""
        chosen = nested_subset(self.outer.train_labels, n_train, self.seed)
        fold = copy(self)
        fold.outer = self._split(self.outer.train[chosen], self.outer.test)
        return fold

    def learn(self, inputs: Sequence[ComparisonInput], apply: Callable[..., Any] = map) -> None:
        """Learn the encoders of all parts of these inputs, on both splits.

        Parameters
        ----------
        inputs : sequence of ComparisonInput
        apply : callable
            ``map``, or that of a thread pool.
        """
        parts = [part for one in inputs for part in one.parts]
        self.inner.learn(parts, apply)
        self.outer.learn(parts, apply)

    def training_labels(self, model_input: ComparisonInput) -> NDArray[np.str_]:
        """Return the training labels, permuted at random for the control that asks for it."""
        labels = self.outer.train_labels
        if not model_input.shuffled:
            return labels
        rng = np.random.default_rng(self.seed)
        permuted = rng.permutation(labels)
        # a permutation may leave only one class in the inner training part
        while len(set(permuted[self.inner_train].tolist())) < min(2, len(set(labels.tolist()))):
            permuted = rng.permutation(labels)
        return permuted

    def inner_labels(self, labels: NDArray[np.str_]) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
        """Return the training labels of both sides of the inner split."""
        return labels[self.inner_train], labels[self.inner_validation]

    def search(self, model_input: ComparisonInput) -> SearchResult:
        """Search hyperparameters by macro-F1 on the inner split."""
        train_features, validation_features = self.inner.features(model_input.parts)
        return search_settings(
            model_input.parts,
            [train_features, *self._augmented(model_input, self.inner)],
            validation_features,
            self.inner_labels(self.training_labels(model_input)),
            classes=self.sample.classes,
            draws=self.draws,
            n_networks=self.networks,
            seed=self.sample.seed,
            effort=self.effort,
        )

    def fit(
        self,
        model_input: ComparisonInput,
        settings: Sequence[Settings],
        temperature: float = 1.0,
        *,
        matched: bool = False,
    ) -> FittedEnsemble:
        """Train an ensemble, one network per setting, on the whole training side.

        Parameters
        ----------
        model_input : ComparisonInput
        settings : sequence of Settings
        temperature : float
        matched : bool
            Whether the hidden layer is resized to the number of parameters that all inputs share.
        """
        labels = self.training_labels(model_input)
        copies = [
            self.outer.features(model_input.parts)[0],
            *self._augmented(model_input, self.outer),
        ]
        members = [
            train_member(
                model_input.parts,
                copies,
                labels,
                one,
                seed=self.sample.seed,
                effort=self.effort,
                layers=self._matched_layers if matched else None,
            )
            for one in settings
        ]
        encoders = [self.outer.encoder(part) for part in model_input.parts]
        return FittedEnsemble(model_input.parts, encoders, members, temperature)

    def predict(
        self, fitted: FittedEnsemble, features: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float64]:
        """Return the probability of every class of the sample, shape (n, classes)."""
        return expand_to_classes(
            fitted.probabilities(features), fitted.classes, self.sample.classes
        )

    def ensemble_row(
        self,
        stage: Stage,
        model_input: ComparisonInput,
        fitted: FittedEnsemble,
        probabilities: NDArray[np.float64],
        truth: NDArray[np.str_] | None = None,
        **more: Any,
    ) -> ScoreRow:
        """Return the scores of an ensemble of networks; see `score_row`.

        Parameters
        ----------
        truth : array of str, optional
            By default the labels of the test galaxies of this fold.
        """
        n_features = round(float(np.mean([sum(one.columns) for one in fitted.members])))
        n_parameters = round(
            float(np.mean([count_parameters(one.network) for one in fitted.members]))
        )
        return self.score_row(
            stage,
            model_input,
            probabilities,
            self.outer.test_labels if truth is None else truth,
            (n_features, n_parameters),
            fitted.members[0].settings.as_dict(),
            **more,
        )

    def score_row(
        self,
        stage: Stage,
        model_input: ComparisonInput,
        probabilities: NDArray[np.float64],
        truth: NDArray[np.str_],
        sizes: tuple[int, int],
        settings: Mapping[str, Any],
        **more: Any,
    ) -> ScoreRow:
        """Return the scores of predicted probabilities.

        Parameters
        ----------
        stage : str
        model_input : ComparisonInput
        probabilities : array, shape (n, classes)
        truth : array of str, shape (n,)
        sizes : pair of int
            Features and parameters of the classifier.
        settings : mapping
            What the hyperparameter search chose.
        **more
            Further fields of `ScoreRow`.
        """
        scores, per_class = evaluate(truth, probabilities, self.sample.classes)
        return ScoreRow(
            stage=stage,
            input=model_input.name,
            repeat=self.repeat,
            fold=self.fold,
            n_train=len(self.outer.train),
            n_test=len(truth),
            n_features=sizes[0],
            n_parameters=sizes[1],
            scores=scores,
            per_class=per_class,
            settings=dict(settings),
            **({"head": "network"} | more),
        )

    def _augmented(
        self, model_input: ComparisonInput, split: Split
    ) -> list[list[NDArray[np.float32]]]:
        if not model_input.augmented:
            return []
        part = model_input.parts[0]
        images = np.asarray(take_rows(self.sample.blocks[part.column], split.train)).reshape(
            -1, *self.sample.shape
        )
        copies = (
            augmented_copies(images, split.train, number, self.sample.seed)
            for number in range(COPIES)
        )
        encoder = split.encoder(part)
        return [[encoder.transform({part.column: one.reshape(len(images), -1)})] for one in copies]

    def _matched_layers(self, columns: int) -> tuple[int, ...]:
        n_classes, n_pixels = len(self.outer.classes), int(np.prod(self.sample.shape))
        budget = MATCHED_UNITS * (n_pixels + 1 + n_classes) + n_classes
        return (matched_hidden(budget, columns, n_classes),)


def matched_hidden(budget: int, features: int, classes: int) -> int:
    """Return the hidden units with which a network has a given number of parameters; at least 1.

    A network of h units on d features for k classes has h (d + 1 + k) + k parameters.
    """
    return max(1, round((budget - classes) / (features + 1 + classes)))

"""What is done on one fold.

Search, training and test of every input, and the questions that follow.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.classifiers.augmentation import COPIES, moved_copies
from galfeat.pipeline.comparison.classifiers.baselines import (
    FittedHead,
    draw_head,
    fit_head,
    search_head,
)
from galfeat.pipeline.comparison.classifiers.cnn import CNN, ConvNet, fit_cnn
from galfeat.pipeline.comparison.classifiers.hyperparameters import Settings
from galfeat.pipeline.comparison.cross_validation import inner_split, nested
from galfeat.pipeline.comparison.inputs import Contender
from galfeat.pipeline.comparison.metrics import judged, spread
from galfeat.pipeline.comparison.results import Importance, Row, Stage
from galfeat.pipeline.comparison.split import (
    Fitted,
    Member,
    Split,
    joined,
    parameters,
    temperature_of,
    train_network,
    widths_and_factors,
)
from galfeat.pipeline.extraction.measure import Block, take_rows
from galfeat.pipeline.models.inputs import Part

__all__ = ["MATCHED_UNITS", "Altered", "Fold", "Piece", "Sample", "matched_hidden"]

_SHUFFLINGS = 3
_SEARCH_EFFORT = 0.5  # of the epochs of a final training
MATCHED_UNITS = 8  # of a network on raw pixels that has as many parameters as the others


@dataclass(frozen=True, eq=False)
class Altered:
    """Test galaxies as they are under another condition.

    Parameters
    ----------
    kind : str
    strength : float
    rows : array of int
        Which galaxies of the sample.
    blocks : mapping of str to array or list
    """

    kind: str
    strength: float
    rows: NDArray[np.intp]
    blocks: Mapping[str, Block]


@dataclass(frozen=True, eq=False)
class Sample:
    """The galaxies of a comparison.

    Parameters
    ----------
    blocks : mapping of str to array or list
    labels : array of str, shape (n,)
    family : array of int, shape (n,)
    shape : tuple of int
        Bands, rows and columns of the prepared cutouts.
    seed : int
    """

    blocks: Mapping[str, Block]
    labels: NDArray[np.str_]
    family: NDArray[np.intp]
    shape: tuple[int, int, int]
    seed: int

    @property
    def classes(self) -> list[str]:
        """Names of the classes, sorted."""
        return sorted(set(self.labels.tolist()))


@dataclass(frozen=True, eq=False)
class Piece:
    """The result of one trial.

    Parameters
    ----------
    rows : sequence of Row
    probabilities : array, shape (test galaxies, classes), or None
        Of stage ``main``.
    importances : sequence of Importance
    seconds : mapping of str to float
        Times, for the costs; they alone differ from run to run.
    committee : sequence of Settings
        What the search chose, the best first.
    """

    rows: Sequence[Row]
    committee: Sequence[Settings]
    probabilities: NDArray[np.float64] | None = None
    importances: Sequence[Importance] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


class Fold:
    """One fold of one repeat.

    Parameters
    ----------
    sample : Sample
    train, test : array of int
        Rows of the sample.
    repeat, fold : int
    draws : sequence of Settings
        What the search tries, for every input.
    networks : int
        So many of the best settings train a network each; their committee is the classifier.
    effort : float
        Multiplies the epochs of every training.
    """

    def __init__(
        self,
        sample: Sample,
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
        self.seed = sample.seed + 7919 * repeat + 101 * fold
        learn, judge = inner_split(sample.labels[train], sample.family[train], self.seed)
        self.outer = self._split(train, test)
        self.inner = self._split(train[learn], train[judge])
        self._learn, self._judge = learn, judge

    def _split(self, train: NDArray[np.intp], test: NDArray[np.intp]) -> Split:
        return Split(
            self.sample.blocks,
            self.sample.labels,
            train,
            test,
            shape=self.sample.shape,
            seed=self.sample.seed,
        )

    def learn(self, contenders: Sequence[Contender], apply: Callable[..., Any] = map) -> None:
        """Learn what the parts of these inputs need, on both splits."""
        parts = [part for each in contenders for part in each.parts]
        self.inner.learn(parts, apply)
        self.outer.learn(parts, apply)

    def labels_of(self, contender: Contender) -> NDArray[np.str_]:
        """Return the training labels, dealt out at random for the control that asks for it."""
        labels = self.outer.train_labels
        if not contender.shuffled:
            return labels
        rng = np.random.default_rng(self.seed)
        dealt = rng.permutation(labels)
        # of a rare class, all may be dealt elsewhere
        while len(set(dealt[self._learn].tolist())) < min(2, len(set(labels.tolist()))):
            dealt = rng.permutation(labels)
        return dealt

    def search(self, contender: Contender) -> tuple[list[Settings], float, list[float]]:
        """Return the best of the draws by macro-F1 on the inner split, the temperature that suits
        their committee, and all inner scores.
        """
        labels, classes = self.labels_of(contender), self.sample.classes
        learn, judge = labels[self._learn], labels[self._judge]
        _, wide_judge = self.inner.wide(contender.parts)
        sides = [self.inner.wide(contender.parts)[0], *self._copies(contender, self.inner)]
        scores, said, known = [], [], sorted(set(learn.tolist()))
        for settings in self.draws:
            member = self._member(contender.parts, sides, learn, settings, _SEARCH_EFFORT)
            said.append(
                np.asarray(
                    member.network.predict_proba(member.matrix(wide_judge)), dtype=np.float64
                )
            )
            scores.append(judged(judge, spread(said[-1], known, classes), classes)[0]["macro_f1"])
        best = np.argsort(-np.array(scores), kind="stable")[: self.networks].tolist()
        temperature = temperature_of(np.mean([said[place] for place in best], axis=0), judge, known)
        return [self.draws[place] for place in best], temperature, scores

    def fit(
        self,
        contender: Contender,
        committee: Sequence[Settings],
        temperature: float = 1.0,
        *,
        matched: bool = False,
    ) -> Fitted:
        """Train a committee, one network a setting, on the whole training side.

        Matched, all have one number of parameters.
        """
        labels = self.labels_of(contender)
        sides = [self.outer.wide(contender.parts)[0], *self._copies(contender, self.outer)]
        members = [
            self._member(contender.parts, sides, labels, settings, 1.0, matched=matched)
            for settings in committee
        ]
        return Fitted(
            contender.parts,
            [self.outer.encoder(part) for part in contender.parts],
            members,
            temperature,
        )

    def _member(
        self,
        parts: Sequence[Part],
        sides: Sequence[list[NDArray[np.float32]]],
        labels: NDArray[np.str_],
        settings: Settings,
        effort: float,
        *,
        matched: bool = False,
    ) -> Member:
        """Train a network on the parts of the training galaxies, and on their copies where there
        are any.
        """
        widths, factors = widths_and_factors(parts, sides[0], settings.components)
        x = np.concatenate([joined(each, widths, factors) for each in sides])
        if matched:
            settings = replace(
                settings, hidden=matched_hidden(self._budget(), x.shape[1], len(self.outer.classes))
            )
        share = self.effort * effort / len(sides)
        network = train_network(
            x, np.concatenate([labels] * len(sides)), settings, seed=self.sample.seed, effort=share
        )
        return Member(settings, widths, factors, network)

    def _copies(self, contender: Contender, split: Split) -> list[list[NDArray[np.float32]]]:
        if not contender.augmented:
            return []
        part = contender.parts[0]
        images = np.asarray(take_rows(self.sample.blocks[part.column], split.train)).reshape(
            -1, *self.sample.shape
        )
        moved = (
            moved_copies(images, split.train, number, self.sample.seed).reshape(len(images), -1)
            for number in range(COPIES)
        )
        return [[split.encoder(part).transform({part.column: each})] for each in moved]

    def main(
        self,
        contender: Contender,
        *,
        matched: bool = False,
        importance: bool = False,
        altered: Sequence[Altered] = (),
        elsewhere: tuple[Mapping[str, Block], NDArray[np.str_]] | None = None,
    ) -> Piece:
        """Search, train and test an input; then ask the trained network what else is wanted."""
        start = time.thread_time()
        committee, temperature, _ = self.search(contender)
        searched = time.thread_time()
        fitted = self.fit(contender, committee, temperature)
        trained = time.thread_time()
        wide = self.outer.wide(contender.parts)[1]
        probabilities = self._said(fitted, wide)
        seconds = {
            "search": searched - start,
            "fit": trained - searched + sum(self.outer.seconds[part] for part in contender.parts),
            "predict": (time.thread_time() - trained) / len(probabilities),
        }
        rows = [self._row("main", contender, fitted, probabilities)]
        if matched:
            again = self.fit(contender, committee, temperature, matched=True)
            rows.append(self._row("matched", contender, again, self._said(again, wide)))
        for each in altered:
            said = self._said(fitted, fitted.wide(each.blocks))
            more = {"perturbation": each.kind, "strength": each.strength}
            rows.append(
                self._row(
                    "robustness", contender, fitted, said, self.sample.labels[each.rows], **more
                )
            )
        if elsewhere is not None:
            rows.append(
                self._row(
                    "cross",
                    contender,
                    fitted,
                    self._said(fitted, fitted.wide(elsewhere[0])),
                    elsewhere[1],
                )
            )
        importances = self._importances(contender, fitted, wide) if importance else ()
        return Piece(rows, committee, probabilities, importances, seconds)

    def dropped(self, contender: Contender, without: int, committee: Sequence[Settings]) -> Piece:
        """Train and test an input without one of its parts, with the settings chosen for the
        whole.
        """
        part = contender.parts[without]
        less = contender.without(part)
        fitted = self.fit(less, committee)
        return Piece(
            [
                self._row(
                    "drop",
                    contender,
                    fitted,
                    self._said(fitted, self.outer.wide(less.parts)[1]),
                    part=part.column,
                )
            ],
            committee,
        )

    def learning(self, contender: Contender, n_train: int, committee: Sequence[Settings]) -> Piece:
        """Learn everything from fewer galaxies, with the settings chosen for all, and test on the
        same ones.
        """
        chosen = nested(self.outer.train_labels, n_train, self.seed)
        small = copy(self)
        small.outer = self._split(self.outer.train[chosen], self.outer.test)
        small.outer.learn(contender.parts)
        fitted = small.fit(contender, committee)
        return Piece(
            [
                small._row(
                    "learning",
                    contender,
                    fitted,
                    small._said(fitted, small.outer.wide(contender.parts)[1]),
                )
            ],
            committee,
        )

    def head(self, contender: Contender, name: str, committee: Sequence[Settings]) -> Piece:
        """Search, train and test another classifier on the numbers of an input."""
        fitted = self.fit_head(contender, name)
        said = spread(
            fitted.probabilities(self.outer.wide(contender.parts)[1]),
            fitted.classes,
            self.sample.classes,
        )
        sizes = (fitted.n_features, fitted.n_parameters)
        return Piece(
            [
                self._scored(
                    "head",
                    contender,
                    said,
                    self.outer.test_labels,
                    sizes,
                    fitted.settings,
                    head=name,
                )
            ],
            committee,
        )

    def fit_head(self, contender: Contender, name: str) -> FittedHead:
        """Search and train another classifier.

        It tries as many settings as the network, on the same inner split.
        """
        parts, labels, seed = contender.parts, self.labels_of(contender), self.sample.seed
        draws = draw_head(name, len(self.draws), seed)
        inner = (labels[self._learn], labels[self._judge])
        best, temperature, _ = search_head(
            name, parts, self.inner.wide(parts), inner, draws=draws, seed=seed
        )
        return fit_head(
            name,
            parts,
            self.outer.wide(parts)[0],
            labels,
            settings=best,
            temperature=temperature,
            seed=seed,
        )

    def ceiling(self, contender: Contender, committee: Sequence[Settings]) -> Piece:
        """Train and test the convolutional network on the cutouts."""
        fitted = self.fit_ceiling(contender)
        said = spread(
            fitted.probabilities(self._images(self.outer.test)), fitted.classes, self.sample.classes
        )
        sizes = (fitted.n_inputs, fitted.n_parameters)
        settings = {"stopped": fitted.trial.stopped}
        return Piece(
            [
                self._scored(
                    "head", contender, said, self.outer.test_labels, sizes, settings, head=CNN
                )
            ],
            committee,
        )

    def fit_ceiling(self, contender: Contender) -> ConvNet:
        """Train the convolutional network; its epochs are chosen on the inner split."""
        images, labels = self._images(self.outer.train), self.labels_of(contender)
        return fit_cnn(
            images, labels, (self._learn, self._judge), seed=self.sample.seed, effort=self.effort
        )

    def _images(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        return np.asarray(take_rows(self.sample.blocks[PIXELS.name], rows)).reshape(
            -1, *self.sample.shape
        )

    def _budget(self) -> int:
        k, pixels = len(self.outer.classes), int(np.prod(self.sample.shape))
        return MATCHED_UNITS * (pixels + 1 + k) + k

    def _said(self, fitted: Fitted, wide: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        return spread(fitted.probabilities(wide), fitted.classes, self.sample.classes)

    def _importances(
        self, contender: Contender, fitted: Fitted, wide: Sequence[NDArray[np.float32]]
    ) -> list[Importance]:
        truth, classes = self.outer.test_labels, self.sample.classes
        whole, by_class = judged(truth, self._said(fitted, wide), classes)
        rng = np.random.default_rng(self.seed)
        found = []
        for place, part in enumerate(contender.parts):
            losses: list[float] = []
            lost: dict[str, list[float]] = {name: [] for name in classes}
            for _ in range(_SHUFFLINGS):
                mixed = [
                    rows[rng.permutation(len(rows))] if number == place else rows
                    for number, rows in enumerate(wide)
                ]
                scores, per_class = judged(truth, self._said(fitted, mixed), classes)
                losses.append(whole["macro_f1"] - scores["macro_f1"])
                for name in classes:
                    lost[name].append(by_class[name]["f1"] - per_class[name]["f1"])
            fall = {name: float(np.mean(values)) for name, values in lost.items()}
            found.append(
                Importance(
                    contender.name,
                    part.column,
                    self.repeat,
                    self.fold,
                    float(np.mean(losses)),
                    fall,
                )
            )
        return found

    def _row(
        self,
        stage: Stage,
        contender: Contender,
        fitted: Fitted,
        said: NDArray[np.float64],
        truth: NDArray[np.str_] | None = None,
        **more: Any,
    ) -> Row:
        features = round(float(np.mean([sum(each.widths) for each in fitted.members])))
        size = round(float(np.mean([parameters(each.network) for each in fitted.members])))
        truth = self.outer.test_labels if truth is None else truth
        return self._scored(
            stage,
            contender,
            said,
            truth,
            (features, size),
            fitted.members[0].settings.as_dict(),
            **more,
        )

    def _scored(
        self,
        stage: Stage,
        contender: Contender,
        said: NDArray[np.float64],
        truth: NDArray[np.str_],
        sizes: tuple[int, int],
        settings: Mapping[str, Any],
        **more: Any,
    ) -> Row:
        scores, per_class = judged(truth, said, self.sample.classes)
        return Row(
            stage=stage,
            input=contender.name,
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


def matched_hidden(budget: int, features: int, classes: int) -> int:
    """Return the units of the one hidden layer with which a network has as many parameters as the
    budget; at least one.

    A network of h units on d features for k classes has h (d + 1 + k) + k parameters.
    """
    return max(1, round((budget - classes) / (features + 1 + classes)))

"""What is done on one fold: search, training and test of every input, and the questions that follow."""

import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.contenders import Contender
from galfeat.pipeline.copies import COPIES, moved_copies
from galfeat.pipeline.fitting import Fitted, Split, parameters, temperature_of, train_network
from galfeat.pipeline.folds import inner_split, nested
from galfeat.pipeline.heads import head_probabilities
from galfeat.pipeline.judging import judged, spread
from galfeat.pipeline.measuring import Block, take_rows
from galfeat.pipeline.searching import Settings
from galfeat.pipeline.study import Importance, Row, Stage

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
    settings : Settings
    """

    rows: Sequence[Row]
    settings: Settings
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
        Networks of a final committee.
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
    ) -> None:
        self.sample, self.repeat, self.fold, self.draws, self.networks = sample, repeat, fold, draws, networks
        self.seed = sample.seed + 7919 * repeat + 101 * fold
        learn, judge = inner_split(sample.labels[train], sample.family[train], self.seed)
        self.outer = self._split(train, test)
        self.inner = self._split(train[learn], train[judge])
        self._learn, self._judge = learn, judge

    def _split(self, train: NDArray[np.intp], test: NDArray[np.intp]) -> Split:
        return Split(self.sample.blocks, self.sample.labels, train, test, shape=self.sample.shape, seed=self.sample.seed)

    def learn(self, contenders: Sequence[Contender], apply: Callable[..., Any] = map) -> None:
        """Learn what the parts of these inputs need, on both splits."""
        parts = [part for each in contenders for part in each.parts]
        self.inner.learn(parts, apply)
        self.outer.learn(parts, apply)

    def labels_of(self, contender: Contender) -> NDArray[np.str_]:
        """Return the training labels, dealt out at random for the control that asks for it."""
        labels = self.outer.train_labels
        return np.random.default_rng(self.seed).permutation(labels) if contender.shuffled else labels

    def search(self, contender: Contender) -> tuple[Settings, float, list[float]]:
        """Return the best of the draws by macro-F1 on the inner split, the temperature that suits it, and all inner scores."""
        labels = self.labels_of(contender)
        learn, judge = labels[self._learn], labels[self._judge]
        scores, said = [], []
        for settings in self.draws:
            x, x_judge, _ = self.inner.sides(contender.parts, settings.components)
            x, y, effort = self._augmented(contender, self.inner, x, learn)
            network = train_network(x, y, settings, seed=self.sample.seed, effort=effort * _SEARCH_EFFORT)
            probabilities = np.asarray(network.predict_proba(x_judge), dtype=np.float64)
            known = [str(name) for name in network.classes_]
            scores.append(judged(judge, spread(probabilities, known, self.sample.classes), self.sample.classes)[0]["macro_f1"])
            said.append((probabilities, known))
        best = int(np.argmax(scores))
        return self.draws[best], temperature_of(said[best][0], judge, said[best][1]), scores

    def fit(self, contender: Contender, settings: Settings, temperature: float = 1.0, hidden: int | None = None) -> Fitted:
        """Train the committee on the whole training side."""
        x, _, factors = self.outer.sides(contender.parts, settings.components)
        x, labels, effort = self._augmented(contender, self.outer, x, self.labels_of(contender))
        used = settings if hidden is None else replace(settings, hidden=hidden)
        network = train_network(x, labels, used, seed=self.sample.seed, n_networks=self.networks, effort=effort)
        return Fitted(contender.parts, [self.outer.encoder(part) for part in contender.parts], factors, used, network, temperature)

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
        start = time.perf_counter()
        settings, temperature, _ = self.search(contender)
        searched = time.perf_counter()
        fitted = self.fit(contender, settings, temperature)
        trained = time.perf_counter()
        x_test = self.outer.sides(contender.parts, settings.components)[1]
        probabilities = self._said(fitted, x_test)
        seconds = {
            "search": searched - start,
            "fit": trained - searched + sum(self.outer.seconds[part] for part in contender.parts),
            "predict": (time.perf_counter() - trained) / len(x_test),
        }
        rows = [self._row("main", contender, fitted, probabilities)]
        if matched:
            again = self.fit(contender, settings, temperature, matched_hidden(self._budget(), x_test.shape[1], len(self.outer.classes)))
            rows.append(self._row("matched", contender, again, self._said(again, x_test)))
        for each in altered:
            said = self._said(fitted, fitted.matrix(each.blocks))
            more = {"perturbation": each.kind, "strength": each.strength}
            rows.append(self._row("robustness", contender, fitted, said, self.sample.labels[each.rows], **more))
        if elsewhere is not None:
            rows.append(self._row("cross", contender, fitted, self._said(fitted, fitted.matrix(elsewhere[0])), elsewhere[1]))
        importances = self._importances(contender, fitted, x_test) if importance else ()
        return Piece(rows, settings, probabilities, importances, seconds)

    def dropped(self, contender: Contender, without: int, settings: Settings) -> Piece:
        """Train and test an input without one of its parts, with the settings chosen for the whole."""
        part = contender.parts[without]
        less = contender.without(part)
        fitted = self.fit(less, settings)
        said = self._said(fitted, self.outer.sides(less.parts, settings.components)[1])
        return Piece([self._row("drop", contender, fitted, said, part=part.column)], settings)

    def learning(self, contender: Contender, n_train: int, settings: Settings) -> Piece:
        """Learn everything from fewer galaxies, with the settings chosen for all, and test on the same ones."""
        chosen = nested(self.outer.train_labels, n_train, self.seed)
        small = copy(self)
        small.outer = self._split(self.outer.train[chosen], self.outer.test)
        small.outer.learn(contender.parts)
        fitted = small.fit(contender, settings)
        said = small._said(fitted, small.outer.sides(contender.parts, settings.components)[1])
        return Piece([small._row("learning", contender, fitted, said)], settings)

    def head(self, contender: Contender, name: str, settings: Settings) -> Piece:
        """Train and test another classifier on the same numbers."""
        x, x_test, _ = self.outer.sides(contender.parts, settings.components)
        said, known, size = head_probabilities(name, x, self.labels_of(contender), x_test, weight=settings.weight, seed=self.sample.seed)
        full = spread(said, known, self.sample.classes)
        return Piece([self._scored("head", contender, full, self.outer.test_labels, (x.shape[1], size), settings, head=name)], settings)

    def _budget(self) -> int:
        k, pixels = len(self.outer.classes), int(np.prod(self.sample.shape))
        return MATCHED_UNITS * (pixels + 1 + k) + k

    def _augmented(
        self, contender: Contender, split: Split, x: NDArray[np.float32], labels: NDArray[np.str_]
    ) -> tuple[NDArray[np.float32], NDArray[np.str_], float]:
        if not contender.augmented:
            return x, labels, 1.0
        part = contender.parts[0]
        images = np.asarray(take_rows(self.sample.blocks[part.column], split.train)).reshape(-1, *self.sample.shape)
        encoder, factor = split.encoder(part), split.sides((part,), 0)[2][0]
        copies = [moved_copies(images, split.train, number, self.sample.seed).reshape(len(images), -1) for number in range(COPIES)]
        more = [encoder.transform({part.column: each}) * np.float32(factor) for each in copies]
        return np.concatenate([x, *more]), np.concatenate([labels] * (COPIES + 1)), 1.0 / (COPIES + 1)

    def _said(self, fitted: Fitted, x: NDArray[np.float32]) -> NDArray[np.float64]:
        return spread(fitted.of_matrix(x), [str(name) for name in fitted.network.classes_], self.sample.classes)

    def _importances(self, contender: Contender, fitted: Fitted, x: NDArray[np.float32]) -> list[Importance]:
        truth, classes = self.outer.test_labels, self.sample.classes
        whole, by_class = judged(truth, self._said(fitted, x), classes)
        rng = np.random.default_rng(self.seed)
        found, start = [], 0
        for part in contender.parts:
            width = self.outer.sides((part,), fitted.settings.components)[0].shape[1]
            losses: list[float] = []
            lost: dict[str, list[float]] = {name: [] for name in classes}
            for _ in range(_SHUFFLINGS):
                mixed = x.copy()
                mixed[:, start : start + width] = x[rng.permutation(len(x)), start : start + width]
                scores, per_class = judged(truth, self._said(fitted, mixed), classes)
                losses.append(whole["macro_f1"] - scores["macro_f1"])
                for name in classes:
                    lost[name].append(by_class[name]["f1"] - per_class[name]["f1"])
            fall = {name: float(np.mean(values)) for name, values in lost.items()}
            found.append(Importance(contender.name, part.column, self.repeat, self.fold, float(np.mean(losses)), fall))
            start += width
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
        sizes = (sum(len(each) for each in fitted.network.coefs_[:1]), parameters(fitted.network))
        return self._scored(stage, contender, said, self.outer.test_labels if truth is None else truth, sizes, fitted.settings, **more)

    def _scored(
        self,
        stage: Stage,
        contender: Contender,
        said: NDArray[np.float64],
        truth: NDArray[np.str_],
        sizes: tuple[int, int],
        settings: Settings,
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
            settings=settings.as_dict(),
            **({"head": "network"} | more),
        )


def matched_hidden(budget: int, features: int, classes: int) -> int:
    """Return the units of the one hidden layer with which a network has as many parameters as the budget; at least one.

    A network of h units on d features for k classes has h (d + 1 + k) + k parameters.
    """
    return max(1, round((budget - classes) / (features + 1 + classes)))

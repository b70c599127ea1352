"""Hand-crafted features and raw pixels head to head: the same galaxies, the same folds, the same network."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from galfeat.pipeline.inputs import INPUTS, Encoder, Input, Part
from galfeat.pipeline.measuring import Block, take_rows
from galfeat.pipeline.model import make_network, padded
from galfeat.pipeline.scores import Interval, corrected_interval, score

__all__ = ["Comparison", "FoldScore", "cross_validate"]


@dataclass(frozen=True)
class FoldScore:
    """The scores of one input on one fold."""

    input: str
    fold: int
    n_train: int
    n_test: int
    n_features: int
    n_parameters: int
    scores: Mapping[str, float]


@dataclass
class Comparison:
    """What the folds of all inputs gave.

    Parameters
    ----------
    classes : list of str
    labels : array of str, shape (n,)
        True class of each galaxy.
    folds : array of int, shape (n,)
        The fold in which a galaxy was tested.
    rows : list of FoldScore
        One an input and fold.
    predicted : dict of str to array of str
        Of each input, the class that each galaxy got when it was tested.
    """

    classes: list[str]
    labels: NDArray[np.str_]
    folds: NDArray[np.intp]
    rows: list[FoldScore] = field(default_factory=list)
    predicted: dict[str, NDArray[np.str_]] = field(default_factory=dict)

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs, in the order of the report."""
        return list(self.predicted)

    def of(self, name: str) -> list[FoldScore]:
        """Return the fold scores of one input."""
        return [row for row in self.rows if row.input == name]

    def interval(self, name: str, metric: str, minus: str | None = None) -> Interval:
        """Return the mean score of an input, or of its difference to another one fold by fold, with the corrected 95 % interval."""
        rows = self.of(name)
        values = np.array([row.scores[metric] for row in rows])
        if minus is not None:
            values = values - np.array([row.scores[metric] for row in self.of(minus)])
        return corrected_interval(values, float(np.mean([row.n_train for row in rows])), float(np.mean([row.n_test for row in rows])))

    def confusion(self, name: str) -> NDArray[np.intp]:
        """Return the confusion matrix summed over the folds: true class down, predicted class across."""
        matrix = np.zeros((len(self.classes), len(self.classes)), dtype=np.intp)
        index = {each: i for i, each in enumerate(self.classes)}
        for true, predicted in zip(self.labels.tolist(), self.predicted[name].tolist(), strict=True):
            matrix[index[true], index[predicted]] += 1
        return matrix


def cross_validate(
    blocks: Mapping[str, Block],
    labels: NDArray[np.str_],
    shape: tuple[int, int, int],
    *,
    inputs: Sequence[Input] = tuple(INPUTS.values()),
    n_folds: int = 5,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Comparison:
    """Score every input on the same stratified folds.

    Code words, scales, principal components and the network are learned from the training part of a fold alone.

    Parameters
    ----------
    blocks : mapping of str to array or list
        One block an extractor, n rows each.
    labels : array of str, shape (n,)
        Every class needs at least `n_folds` members.
    shape : tuple of int
        Bands, rows and columns of the prepared cutouts.
    inputs : sequence of Input
    n_folds : int
    seed : int
        Seed of the folds, the code words and the network.
    workers : int, optional
        Inputs that are trained side by side, a thread each; by default one a processor. The scores do not depend on it.
    progress : callable, optional
        Called with the number of networks trained, of all networks, and the name of the input.

    Returns
    -------
    Comparison
    """
    classes = sorted(set(labels.tolist()))
    result = Comparison(classes, labels, np.zeros(len(labels), dtype=np.intp))
    result.predicted = {each.name: np.full(len(labels), "", dtype=labels.dtype) for each in inputs}
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    # one thread a network: sums over threads would round differently, and small products lose by being split
    with threadpool_limits(1), ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for fold, (train, test) in enumerate(splitter.split(np.zeros(len(labels)), labels)):
            result.folds[test] = fold
            split = _Fold(fold, train, test, blocks, labels, shape, seed)
            split.encode(inputs, pool)
            for number, (each, (predicted, row)) in enumerate(zip(inputs, pool.map(split.train, inputs), strict=True)):
                result.predicted[each.name][test] = predicted
                result.rows.append(row)
                if progress:
                    progress(fold * len(inputs) + number + 1, n_folds * len(inputs), each.name)
    return result


class _Fold:
    """One split of the galaxies; its parts learn once, whichever inputs they stand in."""

    def __init__(
        self,
        number: int,
        train: NDArray[np.intp],
        test: NDArray[np.intp],
        blocks: Mapping[str, Block],
        labels: NDArray[np.str_],
        shape: tuple[int, int, int],
        seed: int,
    ) -> None:
        self.number, self.shape, self.seed = number, shape, seed
        self.training = {name: take_rows(block, train) for name, block in blocks.items()}
        self.testing = {name: take_rows(block, test) for name, block in blocks.items()}
        self.train_labels, self.test_labels = labels[train], labels[test]
        self.classes = sorted(set(labels.tolist()))
        self.encoded: dict[Part, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}

    def encode(self, inputs: Sequence[Input], pool: ThreadPoolExecutor) -> None:
        """Learn each part from the training galaxies and apply it to both sides."""
        parts = list(dict.fromkeys(part for each in inputs for part in each.parts))
        self.encoded = dict(zip(parts, pool.map(self._encode, parts), strict=True))

    def train(self, each: Input) -> tuple[NDArray[np.str_], FoldScore]:
        """Train the network on one input; return the predicted classes of the test galaxies and the scores."""
        x_train, x_test = (np.hstack([self.encoded[part][side] for part in each.parts]) for side in (0, 1))
        network = make_network(len(x_train), seed=self.seed).fit(x_train, self.train_labels)
        probabilities = padded({"x": x_test}, lambda block: network.predict_proba(block["x"]))
        predicted: NDArray[np.str_] = network.classes_[probabilities.argmax(axis=1)]
        parameters = sum(array.size for array in (*network.coefs_, *network.intercepts_))
        scores = score(self.test_labels, predicted, self.classes)
        return predicted, FoldScore(each.name, self.number, len(x_train), len(x_test), x_train.shape[1], parameters, scores)

    def _encode(self, part: Part) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        encoder = Encoder([part], self.shape, self.seed).fit(self.training)
        return encoder.transform(self.training), padded(self.testing, encoder.transform).astype(np.float32)

"""Hand-crafted features and raw pixels head to head: the same galaxies, the same folds, the same network."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    for fold, (train, test) in enumerate(splitter.split(np.zeros(len(labels)), labels)):
        result.folds[test] = fold
        for number, (each, predicted, row) in enumerate(_fold(blocks, labels, shape, inputs, train, test, fold, seed)):
            result.predicted[each.name][test] = predicted
            result.rows.append(row)
            if progress:
                progress(fold * len(inputs) + number + 1, n_folds * len(inputs), each.name)
    return result


def _fold(
    blocks: Mapping[str, Block],
    labels: NDArray[np.str_],
    shape: tuple[int, int, int],
    inputs: Sequence[Input],
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    fold: int,
    seed: int,
) -> Iterator[tuple[Input, NDArray[np.str_], FoldScore]]:
    training = {name: take_rows(block, train) for name, block in blocks.items()}
    testing = {name: take_rows(block, test) for name, block in blocks.items()}
    classes = sorted(set(labels.tolist()))
    encoded: dict[Part, tuple[NDArray[np.float32], NDArray[np.float64]]] = {}
    for each in inputs:
        for part in each.parts:
            if part not in encoded:  # a part learns the same whichever input it stands in
                encoded[part] = _encode(part, shape, seed, training, testing)
        x_train = np.hstack([encoded[part][0] for part in each.parts])
        x_test: Mapping[str, Block] = {"x": np.hstack([encoded[part][1] for part in each.parts]).astype(np.float32)}
        network = make_network(seed=seed).fit(x_train, labels[train])
        probabilities = padded(x_test, lambda block, network=network: network.predict_proba(block["x"]))
        predicted = network.classes_[probabilities.argmax(axis=1)]
        parameters = int(sum(array.size for array in (*network.coefs_, *network.intercepts_)))
        scores = score(labels[test], predicted, classes)
        yield each, predicted, FoldScore(each.name, fold, len(train), len(test), x_train.shape[1], parameters, scores)


def _encode(
    part: Part, shape: tuple[int, int, int], seed: int, training: Mapping[str, Block], testing: Mapping[str, Block]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    with threadpool_limits(1, "openmp"):  # the order of a parallel sum would decide the code words' last bits
        encoder = Encoder([part], shape, seed).fit(training)
    return encoder.transform(training), padded(testing, encoder.transform)

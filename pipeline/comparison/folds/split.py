"""One split of the galaxies: encoders and networks are fitted on its training side only."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.nn import MLPClassifier
from galfeat.nn.estimators.calibration import fit_temperature, scaled_softmax
from galfeat.pipeline.comparison.classifiers.hyperparameters import MOST_COMPONENTS, Settings
from galfeat.pipeline.extraction.measure import Block, take_rows
from galfeat.pipeline.models.inputs import Encoder, InputBlock
from galfeat.pipeline.models.model import make_network, padded

__all__ = [
    "FittedEnsemble",
    "ScaledNetwork",
    "Split",
    "calibrated",
    "class_weights",
    "column_counts_and_scales",
    "concatenate",
    "count_parameters",
    "fitted_temperature",
    "train_network",
]

# root mean square norm of the rows of a part over the training galaxies, as in `Encoder`
_LENGTH = 3.0
_Encoded = tuple[Encoder, NDArray[np.float32], NDArray[np.float32]]
_MIN_PROBABILITY = 1e-12  # below which logarithms are not taken


class Split:
    """Training and test galaxies, with the encoders of the parts of the inputs.

    Each part is encoded once, however many inputs it is in.

    Parameters
    ----------
    blocks : mapping of str to array or list
        Feature blocks of all galaxies.
    labels : array of str, shape (n,)
    train, test : array of int
        Rows.
    shape : tuple of int
        Bands, rows and columns of the prepared cutouts.
    seed : int
    """

    def __init__(
        self,
        blocks: Mapping[str, Block],
        labels: NDArray[np.str_],
        train: NDArray[np.intp],
        test: NDArray[np.intp],
        *,
        shape: tuple[int, int, int],
        seed: int,
    ) -> None:
        self.blocks, self.labels, self.train, self.test, self.shape, self.seed = (
            blocks,
            labels,
            train,
            test,
            shape,
            seed,
        )
        self.classes = sorted(set(labels[train].tolist()))
        self._parts: dict[InputBlock, _Encoded] = {}
        self.seconds: dict[InputBlock, float] = {}

    @property
    def train_labels(self) -> NDArray[np.str_]:
        """Labels of the training galaxies."""
        return self.labels[self.train]

    @property
    def test_labels(self) -> NDArray[np.str_]:
        """Labels of the test galaxies."""
        return self.labels[self.test]

    def learn(
        self, parts: Iterable[InputBlock], apply: Callable[..., Iterable[_Encoded]] = map
    ) -> None:
        """Fit the encoders of these parts on the training side, where that has not been done.

        An encoder has code words, scales and principal components.

        Parameters
        ----------
        parts : iterable of InputBlock
        apply : callable
            ``map``, or that of a thread pool.
        """
        new = [part for part in dict.fromkeys(parts) if part not in self._parts]
        self._parts |= dict(zip(new, apply(self._encode, new), strict=True))

    def encoder(self, part: InputBlock) -> Encoder:
        """Return the fitted encoder of a part."""
        return self._parts[part][0]

    def features(
        self, parts: Sequence[InputBlock]
    ) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """Return the encoded training and test galaxies, an array per part.

        Each array has as many principal components as any setting may keep.
        """
        return [self._parts[part][1] for part in parts], [self._parts[part][2] for part in parts]

    def _encode(self, part: InputBlock) -> _Encoded:
        start = time.thread_time()
        largest = (
            None if part.components is None else InputBlock(part.column, part.view, MOST_COMPONENTS)
        )
        train, test = (
            {part.column: take_rows(self.blocks[part.column], rows)}
            for rows in (self.train, self.test)
        )
        encoder = Encoder([largest or part], self.shape, self.seed).fit(train)
        train_features = encoder.transform(train)
        self.seconds[part] = time.thread_time() - start
        return encoder, train_features, padded(test, encoder.transform).astype(np.float32)


@dataclass(frozen=True, eq=False)
class ScaledNetwork:
    """Network of an ensemble, with its selection and scaling of the parts of its input.

    Parameters
    ----------
    settings : Settings
    columns : sequence of int
        Number of leading columns of each part.
    scales : sequence of float
        Factors that give all parts the same norm.
    network : MLPClassifier
    """

    settings: Settings
    columns: Sequence[int]
    scales: Sequence[float]
    network: MLPClassifier

    def matrix(self, features: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the input matrix of the network, shape (n, features)."""
        return concatenate(features, self.columns, self.scales)


@dataclass(frozen=True, eq=False)
class FittedEnsemble:
    """Trained ensemble of networks with its encoders and its temperature.

    Parameters
    ----------
    parts : sequence of InputBlock
    encoders : sequence of Encoder
        One per part.
    members : sequence of ScaledNetwork
        The best settings first.
    temperature : float
        Calibration: divides the logarithms of the probabilities. Fitted on the inner split.
    """

    parts: Sequence[InputBlock]
    encoders: Sequence[Encoder]
    members: Sequence[ScaledNetwork]
    temperature: float

    @property
    def classes(self) -> list[str]:
        """Names of the classes of the training galaxies, sorted."""
        return [str(name) for name in self.members[0].network.classes_]

    def features(self, blocks: Mapping[str, Block]) -> list[NDArray[np.float32]]:
        """Return the encoded parts of other galaxies, as `Split.features` does."""
        pairs = zip(self.parts, self.encoders, strict=True)
        return [
            padded({part.column: blocks[part.column]}, encoder.transform).astype(np.float32)
            for part, encoder in pairs
        ]

    def probabilities(self, features: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return the calibrated mean probability of each class, shape (n, classes)."""
        tables = [
            np.asarray(each.network.predict_proba(each.matrix(features)), dtype=np.float64)
            for each in self.members
        ]
        return calibrated(np.mean(tables, axis=0), self.temperature)


def column_counts_and_scales(
    parts: Sequence[InputBlock], features: Sequence[NDArray[np.float32]], components: int
) -> tuple[list[int], list[float]]:
    """Return the number of columns that are kept of each part, and its scale factor.

    Parameters
    ----------
    parts : sequence of InputBlock
    features : sequence of array
        Of the training galaxies, an array per part.
    components : int
        Principal components to keep of the parts that are reduced.
    """
    columns = [
        rows.shape[1] if part.components is None else min(components, rows.shape[1])
        for part, rows in zip(parts, features, strict=True)
    ]
    kept = (rows[:, :count] for rows, count in zip(features, columns, strict=True))
    return columns, [_scale(rows) for rows in kept]


def concatenate(
    features: Sequence[NDArray[np.float32]], columns: Sequence[int], scales: Sequence[float]
) -> NDArray[np.float32]:
    """Return the leading columns of all parts side by side, each part times its scale factor."""
    return np.hstack(
        [
            rows[:, :count] * np.float32(scale)
            for rows, count, scale in zip(features, columns, scales, strict=True)
        ]
    )


def train_network(
    x: NDArray[np.float32],
    labels: NDArray[np.str_],
    settings: Settings,
    *,
    seed: int,
    effort: float = 1.0,
) -> MLPClassifier:
    """Train a network with given hyperparameters.

    Parameters
    ----------
    x : array, shape (n, features)
    labels : array of str, shape (n,)
    settings : Settings
    seed : int
    effort : float
        Factor of the epochs.
    """
    network = make_network(
        len(x),
        (settings.hidden,),
        seed,
        alpha=settings.alpha,
        rate=settings.rate,
        effort=effort,
        class_weight=class_weights(labels, settings.weight),
    )
    return network.fit(x, labels)


def class_weights(labels: NDArray[np.str_], power: float) -> dict[str, float]:
    """Return class weights: inverse relative frequencies to some power, 1 on average.

    Parameters
    ----------
    labels : array of str, shape (n,)
    power : float
        0 gives all galaxies the same weight, 1 all classes.
    """
    counts = Counter(labels.tolist())
    mean = len(labels) / len(counts)
    raw = {name: (mean / count) ** power for name, count in sorted(counts.items())}
    norm = sum(raw[name] * count for name, count in counts.items()) / len(labels)
    return {name: weight / norm for name, weight in raw.items()}


def fitted_temperature(
    probabilities: NDArray[np.float64], labels: NDArray[np.str_], classes: Sequence[str]
) -> float:
    """Fit the temperature that calibrates the probabilities of validation galaxies.

    Galaxies of classes that are not among the training galaxies are left out.

    Parameters
    ----------
    probabilities : array, shape (n, classes)
    labels : array of str, shape (n,)
    classes : sequence of str
        Those of the training galaxies, sorted.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger (2017), PMLR 70, 1321, doi:10.48550/arXiv.1706.04599.
    """
    known = np.isin(labels, list(classes))
    target = (labels[known, None] == np.asarray(classes)[None, :]).astype(np.float64)
    return (
        fit_temperature(np.log(np.maximum(probabilities[known], _MIN_PROBABILITY)), target)
        if known.any()
        else 1.0
    )


def calibrated(probabilities: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    """Return the probabilities after temperature scaling; rows sum to 1."""
    logarithms = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _MIN_PROBABILITY))
    return np.asarray(scaled_softmax(logarithms, temperature), dtype=np.float64)


def count_parameters(network: MLPClassifier) -> int:
    """Return the number of weights and biases of a network."""
    sizes = [*network.coefs_, *network.intercepts_]
    return sum(array.size for array in sizes)


def _scale(rows: NDArray[np.float32]) -> float:
    mean_square = float(np.mean(np.sum(rows.astype(np.float64) ** 2, axis=1)))
    return _LENGTH / mean_square**0.5 if mean_square > 0 else 1.0

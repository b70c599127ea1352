"""One split of the galaxies.

Everything is learned from its training side alone and judged on the other.
"""

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
from galfeat.pipeline.models.inputs import Encoder, Part
from galfeat.pipeline.models.model import make_network, padded

__all__ = [
    "Fitted",
    "Member",
    "Split",
    "calibrated",
    "class_weights",
    "joined",
    "parameters",
    "temperature_of",
    "train_network",
    "widths_and_factors",
]

# root mean square length of a part's rows over the training galaxies, as in `Encoder`
_LENGTH = 3.0
_Learned = tuple[Encoder, NDArray[np.float32], NDArray[np.float32]]
_LEAST = 1e-12  # probability, where a logarithm is taken


class Split:
    """Galaxies to learn from and galaxies to judge on.

    What the parts of inputs need is learned once, whichever inputs they stand in.

    Parameters
    ----------
    blocks : mapping of str to array or list
        All galaxies.
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
        self._parts: dict[Part, _Learned] = {}
        self.seconds: dict[Part, float] = {}

    @property
    def train_labels(self) -> NDArray[np.str_]:
        """Classes of the galaxies to learn from."""
        return self.labels[self.train]

    @property
    def test_labels(self) -> NDArray[np.str_]:
        """Classes of the galaxies to judge on."""
        return self.labels[self.test]

    def learn(self, parts: Iterable[Part], apply: Callable[..., Iterable[_Learned]] = map) -> None:
        """Learn code words, scales and components of these parts from the training side.

        Those learned already stay.

        Parameters
        ----------
        parts : iterable of Part
        apply : callable
            ``map``, or that of a pool.
        """
        new = [part for part in dict.fromkeys(parts) if part not in self._parts]
        self._parts |= dict(zip(new, apply(self._learned, new), strict=True))

    def encoder(self, part: Part) -> Encoder:
        """Return what was learned for a part."""
        return self._parts[part][0]

    def wide(
        self, parts: Sequence[Part]
    ) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
        """Return both sides of each part, with the most components that a setting may keep."""
        return [self._parts[part][1] for part in parts], [self._parts[part][2] for part in parts]

    def _learned(self, part: Part) -> _Learned:
        start = time.thread_time()
        widest = None if part.components is None else Part(part.column, part.view, MOST_COMPONENTS)
        seen, unseen = (
            {part.column: take_rows(self.blocks[part.column], rows)}
            for rows in (self.train, self.test)
        )
        encoder = Encoder([widest or part], self.shape, self.seed).fit(seen)
        learned = encoder.transform(seen)
        self.seconds[part] = time.thread_time() - start
        return encoder, learned, padded(unseen, encoder.transform).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Member:
    """A network of a committee, and what it makes of the parts of its input.

    Parameters
    ----------
    settings : Settings
    widths : sequence of int
        Columns of each part that it takes.
    factors : sequence of float
        Bring the parts to one scale.
    network : MLPClassifier
    """

    settings: Settings
    widths: Sequence[int]
    factors: Sequence[float]
    network: MLPClassifier

    def matrix(self, wide: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return what the network is fed, shape (n, features)."""
        return joined(wide, self.widths, self.factors)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained committee with what was learned before it.

    Parameters
    ----------
    parts : sequence of Part
    encoders : sequence of Encoder
        One a part.
    members : sequence of Member
        The best settings first.
    temperature : float
        The logarithms of the probabilities are divided by it: fitted on the inner split.
    """

    parts: Sequence[Part]
    encoders: Sequence[Encoder]
    members: Sequence[Member]
    temperature: float

    @property
    def classes(self) -> list[str]:
        """Names of the classes that it knows, sorted."""
        return [str(name) for name in self.members[0].network.classes_]

    def wide(self, blocks: Mapping[str, Block]) -> list[NDArray[np.float32]]:
        """Return the parts of other galaxies, as `Split.wide` does."""
        pairs = zip(self.parts, self.encoders, strict=True)
        return [
            padded({part.column: blocks[part.column]}, encoder.transform).astype(np.float32)
            for part, encoder in pairs
        ]

    def probabilities(self, wide: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return the probability of each class, the mean over the committee made as sure as it may
        be; shape (n, classes).
        """
        said = [
            np.asarray(each.network.predict_proba(each.matrix(wide)), dtype=np.float64)
            for each in self.members
        ]
        return calibrated(np.mean(said, axis=0), self.temperature)


def widths_and_factors(
    parts: Sequence[Part], wide: Sequence[NDArray[np.float32]], components: int
) -> tuple[list[int], list[float]]:
    """Return how many columns of each part are taken, and the factors that then bring the training
    galaxies to one scale.
    """
    widths = [
        rows.shape[1] if part.components is None else min(components, rows.shape[1])
        for part, rows in zip(parts, wide, strict=True)
    ]
    return widths, [_factor(rows[:, :width]) for rows, width in zip(wide, widths, strict=True)]


def joined(
    wide: Sequence[NDArray[np.float32]], widths: Sequence[int], factors: Sequence[float]
) -> NDArray[np.float32]:
    """Return the first columns of each part side by side, each part times its factor."""
    return np.hstack(
        [
            rows[:, :width] * np.float32(factor)
            for rows, width, factor in zip(wide, widths, factors, strict=True)
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
    """Train a network with these settings."""
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
    """Return the weight of each class.

    Its frequency, relative to the mean one, to the power of -`power`; 1 on average over galaxies.
    """
    counts = Counter(labels.tolist())
    mean = len(labels) / len(counts)
    raw = {name: (mean / count) ** power for name, count in sorted(counts.items())}
    norm = sum(raw[name] * count for name, count in counts.items()) / len(labels)
    return {name: weight / norm for name, weight in raw.items()}


def temperature_of(
    probabilities: NDArray[np.float64], labels: NDArray[np.str_], classes: Sequence[str]
) -> float:
    """Return the temperature that suits galaxies that the network has not seen.

    Galaxies of classes that it does not know are left out.
    """
    known = np.isin(labels, list(classes))
    target = (labels[known, None] == np.asarray(classes)[None, :]).astype(np.float64)
    return (
        fit_temperature(np.log(np.maximum(probabilities[known], _LEAST)), target)
        if known.any()
        else 1.0
    )


def calibrated(probabilities: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    """Return probabilities whose logarithms are divided by the temperature; rows sum to 1."""
    logarithms = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _LEAST))
    return np.asarray(scaled_softmax(logarithms, temperature), dtype=np.float64)


def parameters(network: MLPClassifier) -> int:
    """Return the number of weights and biases of a network."""
    sizes = [*network.coefs_, *network.intercepts_]
    return sum(array.size for array in sizes)


def _factor(rows: NDArray[np.float32]) -> float:
    mean_square = float(np.mean(np.sum(rows.astype(np.float64) ** 2, axis=1)))
    return _LENGTH / mean_square**0.5 if mean_square > 0 else 1.0

"""Ensembles of networks: several networks on one input, whose probabilities are averaged."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.nn import MLPClassifier
from galfeat.nn.estimators.calibration import fit_temperature, scaled_softmax
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.models.hyperparameters import Settings
from galfeat.pipeline.models.inputs import Encoder, InputBlock
from galfeat.pipeline.models.padding import padded
from galfeat.pipeline.models.state_checks import checked_whole

__all__ = [
    "FittedEnsemble",
    "Layers",
    "ScaledNetwork",
    "calibrated",
    "class_weights",
    "column_counts_and_scales",
    "concatenate",
    "count_parameters",
    "fitted_temperature",
    "make_network",
    "train_member",
    "train_network",
]

# root mean square norm of the rows of a part over the training galaxies, as in `Encoder`
_LENGTH = 3.0
_MIN_PROBABILITY = 1e-12  # below which logarithms are not taken
_BATCH_SIZE, _EPOCHS, _MIN_UPDATES = 200, 60, 480  # of the training
Layers = Callable[[int], tuple[int, ...]]
"""Units of the hidden layers, by the number of columns of the input."""


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

    def get_state(self) -> dict[str, Any]:
        """Return settings and learned values, as JSON values and arrays.

        Principal components that no network uses are left out.
        """
        used = np.max([each.columns for each in self.members], axis=0).tolist()
        return {
            "encoders": [
                encoder.with_columns(count).get_state()
                for encoder, count in zip(self.encoders, used, strict=True)
            ],
            "temperature": float(self.temperature),
            "members": [
                {
                    "settings": each.settings.as_dict(),
                    "columns": [int(count) for count in each.columns],
                    "scales": [float(scale) for scale in each.scales],
                    "network": each.network.get_state(),
                }
                for each in self.members
            ],
        }

    @classmethod
    def from_state(
        cls, state: Mapping[str, Any], columns: Mapping[str, int], shape: tuple[int, int, int]
    ) -> "FittedEnsemble":
        """Return the ensemble of a state that `get_state` returned.

        Parameters
        ----------
        state : mapping
        columns : mapping of str to int
            Width of the block of each extractor; 0 for local descriptors.
        shape : tuple of int
            Bands, rows and columns of the prepared cutouts.

        Raises
        ------
        UsageError
            If it is no such state, or its parts do not go together.
        KeyError, TypeError, ValueError
            Likewise.
        """
        encoders = [Encoder.from_state(each, columns) for each in state["encoders"]]
        if any(encoder.shape != shape for encoder in encoders):
            raise UsageError("the saved shape is not that of its prepared cutouts")
        temperature = state["temperature"]
        if not _is_positive(temperature):
            raise UsageError("the saved temperature must be a positive number")
        members = [_member(each, encoders) for each in state["members"]]
        if not members or any(
            each.network.classes_.tolist() != members[0].network.classes_.tolist()
            for each in members
        ):
            raise UsageError("the networks of the saved ensemble do not have the same classes")
        parts = [part for encoder in encoders for part in encoder.parts]
        return cls(parts, encoders, members, float(temperature))


def _member(state: Mapping[str, Any], encoders: Sequence[Encoder]) -> ScaledNetwork:
    """Return a network of a saved ensemble, after checking that it goes with its encoders."""
    columns = [checked_whole("columns", count) for count in state["columns"]]
    widths = [encoder.width_ for encoder in encoders]
    if len(columns) != len(widths) or any(
        count > width for count, width in zip(columns, widths, strict=True)
    ):
        raise UsageError("the saved columns of a network are more than its encoders give")
    scales = list(state["scales"])
    if len(scales) != len(columns) or not all(_is_positive(scale) for scale in scales):
        raise UsageError("the saved scales of a network must be positive numbers, one a block")
    network = MLPClassifier.from_state(state["network"])
    if network.n_features_in_ != sum(columns):
        raise UsageError(
            f"a network takes {network.n_features_in_} numbers, and its encoders give "
            f"{sum(columns)}"
        )
    return ScaledNetwork(Settings(**state["settings"]), columns, scales, network)


def _is_positive(value: object) -> bool:
    return isinstance(value, float) and 0 < value < math.inf


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


def make_network(
    n: int,
    hidden: tuple[int, ...] = (64,),
    seed: int = 0,
    *,
    alpha: float = 1.0,
    rate: float = 1e-3,
    n_networks: int = 1,
    effort: float = 1.0,
    class_weight: Mapping[str, float] | Literal["balanced"] = "balanced",
) -> MLPClassifier:
    """Return an untrained network with the default hyperparameters.

    Parameters
    ----------
    n : int
        Number of training galaxies. Few galaxies make few updates per epoch, and get more epochs.
    hidden : tuple of int
        Units of the hidden layers.
    seed : int
    alpha : float
        L2 penalty.
    rate : float
        Learning rate.
    n_networks : int
        Size of the ensemble.
    effort : float
        Factor on the number of epochs.
    class_weight : mapping or "balanced"
    """
    batches = -(-n // _BATCH_SIZE)
    return MLPClassifier(
        hidden_layer_sizes=hidden,
        alpha=alpha,
        batch_size=min(_BATCH_SIZE, n),
        learning_rate_init=rate,
        max_iter=max(1, round(effort * max(_EPOCHS, -(-_MIN_UPDATES // batches)))),
        tol=None,
        n_networks=n_networks,
        class_weight=class_weight,
        dtype="float32",
        random_state=seed,
    )


def train_network(
    x: NDArray[np.float32],
    labels: NDArray[np.str_],
    settings: Settings,
    *,
    seed: int,
    effort: float = 1.0,
    layers: tuple[int, ...] | None = None,
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
    layers : tuple of int, optional
        Units of the hidden layers; by default the one of the settings.
    """
    network = make_network(
        len(x),
        (settings.hidden,) if layers is None else layers,
        seed,
        alpha=settings.alpha,
        rate=settings.rate,
        effort=effort,
        class_weight=class_weights(labels, settings.weight),
    )
    return network.fit(x, labels)


def train_member(
    parts: Sequence[InputBlock],
    copies: Sequence[Sequence[NDArray[np.float32]]],
    labels: NDArray[np.str_],
    settings: Settings,
    *,
    seed: int,
    effort: float = 1.0,
    layers: Layers | None = None,
) -> ScaledNetwork:
    """Train one network on the encoded training galaxies and their augmented copies.

    Parameters
    ----------
    parts : sequence of InputBlock
    copies : sequence of sequence of array
        The galaxies first, then each of their copies; an array a part.
    labels : array of str, shape (n,)
    settings : Settings
    seed : int
    effort : float
        Factor of the epochs; there are as many updates as without copies.
    layers : callable, optional
        Units of the hidden layers by the number of columns; by default the one of the settings.
    """
    columns, scales = column_counts_and_scales(parts, copies[0], settings.components)
    x = np.concatenate([concatenate(one, columns, scales) for one in copies])
    hidden = None if layers is None else layers(x.shape[1])
    if hidden is not None and len(hidden) == 1:
        settings = replace(settings, hidden=hidden[0])
    network = train_network(
        x,
        np.concatenate([labels] * len(copies)),
        settings,
        seed=seed,
        effort=effort / len(copies),
        layers=hidden,
    )
    return ScaledNetwork(settings, columns, scales, network)


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

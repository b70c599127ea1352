"""Baseline classifiers on the same features: logistic regression and random forest.

They separate the effect of the input from that of the classifier. As many hyperparameters are tried
as for the network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from galfeat.pipeline.evaluation.metrics import evaluate, expand_to_classes
from galfeat.pipeline.models.ensemble import (
    calibrated,
    class_weights,
    column_counts_and_scales,
    concatenate,
    fitted_temperature,
)
from galfeat.pipeline.models.hyperparameters import COMPONENTS, Settings
from galfeat.pipeline.models.inputs import InputBlock

__all__ = ["BASELINES", "FittedBaseline", "draw_baseline", "fit_baseline", "search_baseline"]

BASELINES = ("logistic", "forest")
"""Logistic regression with an L2 penalty, and random forest."""

_TREES, _TREES_OF_SEARCH = 200, 50
_LEAVES, _TRIES, _MAX_TRIED = (1, 2, 4, 8, 16), (0.5, 1.0, 2.0), 64
# of the solver of the logistic regression, as in scikit-learn
_MAX_ITER, _TOL = 1000, 1e-3
# With more columns per galaxy than this, the logistic regression is fitted in the row space.
_MAX_COLUMN_RATIO = 4
_MIN_EIGENVALUE = 1e-10  # of the largest

Features = Sequence[NDArray[np.float32]]
Model = Any  # LogisticRegression or RandomForestClassifier, which carry no annotations


@dataclass(frozen=True, eq=False)
class _FeatureMap:
    """Selection, scaling and projection of the parts of an input."""

    columns: Sequence[int]
    scales: Sequence[float]
    basis: NDArray[np.float64] | None = None

    def matrix(self, features: Features) -> NDArray[Any]:
        x = concatenate(features, self.columns, self.scales)
        return x if self.basis is None else x @ self.basis


@dataclass(frozen=True, eq=False)
class FittedBaseline:
    """Trained baseline classifier with its feature map, settings and temperature.

    Parameters
    ----------
    model : LogisticRegression or RandomForestClassifier
        Trained on the numbers of the classes: in class weights, scikit-learn confuses a class "1"
        with the number 1.
    classes : list of str
        Names of the classes of the training galaxies, sorted.
    feature_map : object
        Which columns are used, and how they are scaled and projected.
    settings : mapping
        Chosen by the hyperparameter search.
    temperature : float
        Calibration: divides the logarithms of the probabilities. Fitted on the inner split.
    """

    model: Model
    classes: list[str]
    feature_map: _FeatureMap
    settings: Mapping[str, Any]
    temperature: float

    @property
    def n_features(self) -> int:
        """Number of features per galaxy."""
        return sum(self.feature_map.columns)

    @property
    def n_parameters(self) -> int:
        """Number of coefficients, or of the nodes of all trees."""
        if isinstance(self.model, RandomForestClassifier):
            return sum(int(tree.tree_.node_count) for tree in self.model.estimators_)
        return (self.n_features + 1) * len(self.model.intercept_)

    def probabilities(self, features: Features) -> NDArray[np.float64]:
        """Return the calibrated probability of each class, shape (n, classes)."""
        return calibrated(
            self.model.predict_proba(self.feature_map.matrix(features)), self.temperature
        )


def draw_baseline(name: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Return the default settings of a baseline and `count` - 1 random ones.

    Logistic regression: C from 0.0003 to 3, log-uniform. Random forest: at least 1, 2, 4, 8 or 16
    galaxies per leaf; 0.5, 1 or 2 times the square root of the number of features, 64 at most, are
    tried at each split. Both: 24, 48 or 96 principal components per block. The draws of a small
    count are the first of a large one.

    Parameters
    ----------
    name : str
        One of `BASELINES`.
    count, seed : int
    """
    rng = np.random.default_rng([seed, BASELINES.index(name)])
    first: dict[str, Any] = {"C": 0.1} if name == "logistic" else {"leaf": 2, "tries": 1.0}
    drawn: list[dict[str, Any]] = []
    for _ in range(count - 1):
        components = int(rng.choice(COMPONENTS))
        if name == "logistic":
            drawn.append({"components": components, "C": float(10 ** rng.uniform(-3.5, 0.5))})
        else:
            drawn.append(
                {
                    "components": components,
                    "leaf": int(rng.choice(_LEAVES)),
                    "tries": float(rng.choice(_TRIES)),
                }
            )
    return [{"components": Settings().components, **first}, *drawn]


def search_baseline(
    name: str,
    parts: Sequence[InputBlock],
    sides: tuple[Features, Features],
    labels: tuple[NDArray[np.str_], NDArray[np.str_]],
    *,
    draws: Sequence[Mapping[str, Any]],
    seed: int,
) -> tuple[Mapping[str, Any], float, list[float]]:
    """Search settings by macro-F1 on the inner split.

    Parameters
    ----------
    name : str
        One of `BASELINES`.
    parts : sequence of InputBlock
    sides : pair of sequences of array
        Training and validation features of the inner split, an array per part.
    labels : pair of array of str
    draws : sequence of mapping
    seed : int

    Returns
    -------
    settings : mapping
        The best draw.
    temperature : float
    scores : list of float
        Macro-F1 of every draw.

    Notes
    -----
    The forests of the search have 50 trees, the final one 200.
    """
    train, validation = labels
    classes = sorted({*train.tolist(), *validation.tolist()})
    feature_maps: dict[tuple[int, ...], _FeatureMap] = {}
    tables, scores = [], []
    for settings in draws:
        columns = tuple(column_counts_and_scales(parts, sides[0], settings["components"])[0])
        if columns not in feature_maps:
            feature_maps[columns] = _feature_map(name, parts, sides[0], settings["components"])
        model, known = _train(
            name,
            feature_maps[columns].matrix(sides[0]),
            train,
            settings,
            trees=_TREES_OF_SEARCH,
            seed=seed,
        )
        tables.append(
            np.asarray(
                model.predict_proba(feature_maps[columns].matrix(sides[1])), dtype=np.float64
            )
        )
        scores.append(
            evaluate(validation, expand_to_classes(tables[-1], known, classes), classes)[0][
                "macro_f1"
            ]
        )
    best = int(np.argmax(scores))
    return (
        draws[best],
        fitted_temperature(tables[best], validation, sorted(set(train.tolist()))),
        scores,
    )


def fit_baseline(
    name: str,
    parts: Sequence[InputBlock],
    features: Features,
    labels: NDArray[np.str_],
    *,
    settings: Mapping[str, Any],
    temperature: float,
    seed: int,
) -> FittedBaseline:
    """Train a baseline with these settings on the whole training side.

    Parameters are those of `search_baseline`; `features` has an array per part.
    """
    feature_map = _feature_map(name, parts, features, settings["components"])
    model, classes = _train(
        name, feature_map.matrix(features), labels, settings, trees=_TREES, seed=seed
    )
    return FittedBaseline(model, classes, feature_map, settings, temperature)


def _feature_map(
    name: str, parts: Sequence[InputBlock], features: Features, components: int
) -> _FeatureMap:
    columns, scales = column_counts_and_scales(parts, features, components)
    n = len(features[0])
    if name != "logistic" or sum(columns) < _MAX_COLUMN_RATIO * n:
        return _FeatureMap(columns, scales)
    return _FeatureMap(
        columns, scales, _row_space(concatenate(features, columns, scales).astype(np.float64))
    )


def _row_space(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an orthonormal basis of the row space, shape (columns, rank).

    The L2-penalized coefficients lie in it, so the fit in this basis is the same and faster.
    """
    values, vectors = eigh(x @ x.T)
    kept = values > _MIN_EIGENVALUE * values[-1]
    basis: NDArray[np.float64] = x.T @ (vectors[:, kept] / np.sqrt(values[kept]))
    return basis


def _train(
    name: str,
    x: NDArray[Any],
    labels: NDArray[np.str_],
    settings: Mapping[str, Any],
    *,
    trees: int,
    seed: int,
) -> tuple[Model, list[str]]:
    classes, numbers = np.unique(labels, return_inverse=True)
    by_name = class_weights(labels, Settings().weight)
    weights = {number: by_name[name] for number, name in enumerate(classes.tolist())}
    if name == "logistic":
        model = LogisticRegression(
            C=settings["C"], max_iter=_MAX_ITER, tol=_TOL, class_weight=weights
        )
        return model.fit(x.astype(np.float64), numbers), classes.tolist()
    tried = min(max(1, round(settings["tries"] * x.shape[1] ** 0.5)), _MAX_TRIED)
    forest = RandomForestClassifier(
        trees,
        min_samples_leaf=settings["leaf"],
        max_features=tried,
        class_weight=weights,
        n_jobs=1,
        random_state=seed,
    )
    return forest.fit(x, numbers), classes.tolist()

"""Other classifiers than our network, on the same numbers and searched as long.

They tell what the input does from what the head does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from galfeat.pipeline.comparison.classifiers.hyperparameters import COMPONENTS, Settings
from galfeat.pipeline.comparison.metrics import judged, spread
from galfeat.pipeline.comparison.split import (
    calibrated,
    class_weights,
    joined,
    temperature_of,
    widths_and_factors,
)
from galfeat.pipeline.models.inputs import Part

__all__ = ["HEADS", "FittedHead", "draw_head", "fit_head", "search_head"]

HEADS = ("logistic", "forest")
"""Logistic regression with an L2 penalty, and a forest of random trees."""

_TREES, _TREES_OF_SEARCH = 200, 50
_LEAVES, _TRIES, _MOST_TRIED = (1, 2, 4, 8, 16), (0.5, 1.0, 2.0), 64
# of the logistic regression's solver, and the gradient at which it stops
_STEPS, _CLOSE = 1000, 1e-3
# times as many numbers as galaxies: then the numbers are first turned into the galaxies' own span
_WIDER = 4
_NOTHING = 1e-10  # of the largest eigenvalue

Side = Sequence[NDArray[np.float32]]
Model = Any  # LogisticRegression or RandomForestClassifier, which carry no annotations


@dataclass(frozen=True, eq=False)
class _Space:
    """What a head makes of the parts of its input."""

    widths: Sequence[int]
    factors: Sequence[float]
    basis: NDArray[np.float64] | None = None

    def matrix(self, wide: Side) -> NDArray[Any]:
        x = joined(wide, self.widths, self.factors)
        return x if self.basis is None else x @ self.basis


@dataclass(frozen=True, eq=False)
class FittedHead:
    """A trained head with what was learned before it.

    Parameters
    ----------
    model : LogisticRegression or RandomForestClassifier
        Of the classes' numbers: scikit-learn takes a class "1" for the number 1 where weights go by
        classes.
    classes : list of str
        Names of the classes that it knows, sorted.
    space : object
        Which columns it takes, and how they are brought to one scale.
    settings : mapping
        What the search chose.
    temperature : float
        The logarithms of the probabilities are divided by it: fitted on the inner split.
    """

    model: Model
    classes: list[str]
    space: _Space
    settings: Mapping[str, Any]
    temperature: float

    @property
    def n_features(self) -> int:
        """Numbers a galaxy that it is fed."""
        return sum(self.space.widths)

    @property
    def n_parameters(self) -> int:
        """Coefficients, one an input number and class; or the nodes of all trees."""
        if isinstance(self.model, RandomForestClassifier):
            return sum(int(tree.tree_.node_count) for tree in self.model.estimators_)
        return (self.n_features + 1) * len(self.model.intercept_)

    def probabilities(self, wide: Side) -> NDArray[np.float64]:
        """Return the probability of each class, made as sure as it may be; shape (n, classes)."""
        return calibrated(self.model.predict_proba(self.space.matrix(wide)), self.temperature)


def draw_head(name: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Return the default settings of a head and `count` - 1 random ones.

    Logistic regression: C from 0.0003 to 3, evenly in its logarithm. Forest: at least 1, 2, 4, 8 or
    16 galaxies a leaf; 0.5, 1 or 2 times the square root of the numbers, 64 at most, are tried a
    split. Both: 24, 48 or 96 components a block. The draws of a small count are the first of a
    large one.

    Parameters
    ----------
    name : str
        One of `HEADS`.
    count, seed : int
    """
    rng = np.random.default_rng([seed, HEADS.index(name)])
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


def search_head(
    name: str,
    parts: Sequence[Part],
    sides: tuple[Side, Side],
    labels: tuple[NDArray[np.str_], NDArray[np.str_]],
    *,
    draws: Sequence[Mapping[str, Any]],
    seed: int,
) -> tuple[Mapping[str, Any], float, list[float]]:
    """Return the best of the draws by macro-F1 on the inner split, its temperature, and all inner
    scores.

    Parameters
    ----------
    name : str
        One of `HEADS`.
    parts : sequence of Part
    sides : pair of sequences of array
        Both sides of the inner split, an array a part; the forests of the search have 50 trees, the
        final one 200.
    labels : pair of array of str
    draws : sequence of mapping
    seed : int
    """
    learn, judge = labels
    classes = sorted({*learn.tolist(), *judge.tolist()})
    spaces: dict[tuple[int, ...], _Space] = {}
    said, scores = [], []
    for settings in draws:
        widths = tuple(widths_and_factors(parts, sides[0], settings["components"])[0])
        if widths not in spaces:
            spaces[widths] = _space(name, parts, sides[0], settings["components"])
        model, known = _train(
            name,
            spaces[widths].matrix(sides[0]),
            learn,
            settings,
            trees=_TREES_OF_SEARCH,
            seed=seed,
        )
        said.append(
            np.asarray(model.predict_proba(spaces[widths].matrix(sides[1])), dtype=np.float64)
        )
        scores.append(judged(judge, spread(said[-1], known, classes), classes)[0]["macro_f1"])
    best = int(np.argmax(scores))
    return draws[best], temperature_of(said[best], judge, sorted(set(learn.tolist()))), scores


def fit_head(
    name: str,
    parts: Sequence[Part],
    wide: Side,
    labels: NDArray[np.str_],
    *,
    settings: Mapping[str, Any],
    temperature: float,
    seed: int,
) -> FittedHead:
    """Train a head with these settings on the whole training side."""
    space = _space(name, parts, wide, settings["components"])
    model, classes = _train(name, space.matrix(wide), labels, settings, trees=_TREES, seed=seed)
    return FittedHead(model, classes, space, settings, temperature)


def _space(name: str, parts: Sequence[Part], wide: Side, components: int) -> _Space:
    widths, factors = widths_and_factors(parts, wide, components)
    n = len(wide[0])
    if name != "logistic" or sum(widths) < _WIDER * n:
        return _Space(widths, factors)
    return _Space(widths, factors, _span(joined(wide, widths, factors).astype(np.float64)))


def _span(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return orthonormal columns that span the rows.

    Coefficients beyond them would cost penalty and change nothing.
    """
    values, vectors = eigh(x @ x.T)
    kept = values > _NOTHING * values[-1]
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
            C=settings["C"], max_iter=_STEPS, tol=_CLOSE, class_weight=weights
        )
        return model.fit(x.astype(np.float64), numbers), classes.tolist()
    tried = min(max(1, round(settings["tries"] * x.shape[1] ** 0.5)), _MOST_TRIED)
    forest = RandomForestClassifier(
        trees,
        min_samples_leaf=settings["leaf"],
        max_features=tried,
        class_weight=weights,
        n_jobs=1,
        random_state=seed,
    )
    return forest.fit(x, numbers), classes.tolist()

"""Class priors: what is said of them, and what they do to probabilities."""

import numpy as np
import pytest
from scipy import optimize

from galfeat import UsageError
from galfeat.pipeline.models.priors import class_priors, estimated_priors, with_priors

LABELS = np.array(["a"] * 6 + ["b"] * 2)


def test_the_three_kinds() -> None:
    assert class_priors("equal", ["a", "b"], LABELS) == {"a": 0.5, "b": 0.5}
    assert class_priors("training", ["a", "b"], LABELS) == {"a": 0.75, "b": 0.25}
    assert class_priors({"b": 9, "a": 1}, ["a", "b"], LABELS) == {"a": 0.1, "b": 0.9}


def test_bayes_by_hand() -> None:
    p = np.array([[0.5, 0.5], [0.9, 0.1]])
    found = with_priors(p, {"a": 0.75, "b": 0.25}, ["a", "b"])
    np.testing.assert_allclose(found, [[0.75, 0.25], [0.675 / 0.7, 0.025 / 0.7]])
    assert with_priors(p, {"a": 0.5, "b": 0.5}, ["a", "b"]) is p


@pytest.mark.parametrize(
    ("priors", "said"),
    [
        ("even", "not 'even'"),
        ({"a": 1.0}, "'b' has none"),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, "there is no class 'c'"),
        ({"a": 1.0, "b": 0.0}, "'b' must be a positive number; it is 0.0"),
        ({"a": 1.0, "b": float("nan")}, "'b' must be a positive number; it is nan"),
    ],
)
def test_others_are_refused(priors: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        class_priors(priors, ["a", "b"], LABELS)  # type: ignore[arg-type]


def test_estimated_priors_have_the_greatest_likelihood() -> None:
    rng = np.random.default_rng(3)
    truth = rng.choice(3, 2000, p=[0.7, 0.25, 0.05])
    means = np.eye(3)[truth] * 2
    light = np.exp(-0.5 * ((rng.normal(size=(2000, 3)) + means)[:, None, :] - 2 * np.eye(3)) ** 2)
    p = light.prod(axis=2)
    p /= p.sum(axis=1, keepdims=True)  # of calibrated, equal priors

    def loss(x: np.ndarray) -> float:
        return float(-np.log(p @ (np.exp(x) / np.exp(x).sum())).sum())

    best = np.exp(optimize.minimize(loss, np.zeros(3)).x)
    found = estimated_priors(p, ["a", "b", "c"])
    np.testing.assert_allclose(list(found.values()), best / best.sum(), atol=2e-3)
    np.testing.assert_allclose(list(found.values()), [0.7, 0.25, 0.05], atol=0.03)
    assert min(estimated_priors(np.array([[1.0, 0.0]] * 9), ["a", "b"]).values()) > 0

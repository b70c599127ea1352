"""Class priors: what is said of them, and what they do to probabilities."""

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.pipeline.models.priors import class_priors, with_priors

LABELS = np.array(["a"] * 6 + ["b"] * 2)


def test_the_three_kinds() -> None:
    assert class_priors("equal", LABELS, ["a", "b"]) == {"a": 0.5, "b": 0.5}
    assert class_priors("training", LABELS, ["a", "b"]) == {"a": 0.75, "b": 0.25}
    assert class_priors({"b": 9, "a": 1}, LABELS, ["a", "b"]) == {"a": 0.1, "b": 0.9}


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
        class_priors(priors, LABELS, ["a", "b"])  # type: ignore[arg-type]

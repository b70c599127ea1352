"""Scores, by pencil."""

import numpy as np
import pytest

from galfeat.pipeline.comparison.judging import judged, spread
from galfeat.pipeline.comparison.results import SCORES

CLASSES = ["a", "b", "c"]


def test_scores_by_pencil() -> None:
    truth = np.array(["a", "a", "a", "b", "b", "c"])
    said = np.array(["a", "a", "b", "b", "a", "c"])
    table = np.where(said[:, None] == np.array(CLASSES), 0.8, 0.1)
    scores, per_class = judged(truth, table, CLASSES)
    assert tuple(scores) == SCORES
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert per_class["a"]["precision"] == pytest.approx(2 / 3)
    assert per_class["b"]["f1"] == pytest.approx(0.5)
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert scores["log_loss"] == pytest.approx(-(4 * np.log(0.8) + 2 * np.log(0.1)) / 6)
    assert scores["brier"] == pytest.approx((4 * (0.04 + 0.01 + 0.01) + 2 * (0.81 + 0.64 + 0.01)) / 6)
    assert scores["ece"] == pytest.approx(abs(0.8 - 4 / 6))


def test_a_class_without_test_galaxies_counts_only_where_it_is_claimed() -> None:
    truth = np.array(["a", "a", "b", "b"])
    right = np.array([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.1, 0.9, 0.0]])
    assert judged(truth, right, CLASSES)[0]["macro_f1"] == 1.0
    claimed = right.copy()
    claimed[0] = [0.0, 0.1, 0.9]
    assert judged(truth, claimed, CLASSES)[0]["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert judged(truth, claimed, CLASSES)[0]["balanced_accuracy"] == pytest.approx(0.75)


def test_classes_that_a_classifier_has_not_met_have_no_probability() -> None:
    assert spread(np.array([[0.25, 0.75]]), ["a", "c"], CLASSES).tolist() == [[0.25, 0.0, 0.75]]

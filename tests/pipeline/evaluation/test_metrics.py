"""Scores of probabilities against pencils and scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    brier_score_loss,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)

from galfeat import UsageError
from galfeat.pipeline.comparison.results import SCORES
from galfeat.pipeline.evaluation.metrics import (
    brier,
    class_scores,
    confusion,
    evaluate,
    expand_to_classes,
    expected_calibration_error,
    log_loss,
    reliability_bins,
    score,
)

CLASSES = ["a", "b", "c"]
TRUTH = np.array(["a", "a", "b", "c"])
TABLE = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])


def drawn(n: int, k: int = 3) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return calibrated probabilities and classes drawn from them."""
    rng = np.random.default_rng(2)
    table = rng.dirichlet(np.full(k, 0.5), size=n)
    names = [chr(97 + place) for place in range(k)]
    truth = np.array([names[rng.choice(k, p=row)] for row in table])
    return truth, table, names


def test_penalties_of_four_galaxies_by_hand() -> None:
    assert log_loss(TRUTH, TABLE, CLASSES) == pytest.approx(
        -(math.log(0.7) + 2 * math.log(0.4) + math.log(0.8)) / 4
    )
    squares = (
        (0.09 + 0.04 + 0.01) + (0.36 + 0.25 + 0.01) + (0.01 + 0.04 + 0.01) + (0.09 + 0.09 + 0.36)
    )
    assert brier(TRUTH, TABLE, CLASSES) == pytest.approx(squares / 4)


def test_brier_of_two_classes_is_scikit_learns() -> None:
    truth, table, names = drawn(50, 2)
    assert brier(truth, table, names) == pytest.approx(brier_score_loss(truth == "b", table[:, 1]))


def test_calibration_of_four_galaxies_by_hand() -> None:
    # confidences 0.7 right, 0.5 wrong, 0.8 right, 0.4 right; in fifths: (0.2, 0.4], (0.4, 0.6],
    # (0.6, 0.8]
    bins = reliability_bins(TRUTH, TABLE, CLASSES, n_bins=5)
    assert [(each.n, each.accuracy) for each in bins] == [(1, 1.0), (1, 0.0), (2, 1.0)]
    assert [each.confidence for each in bins] == pytest.approx([0.4, 0.5, 0.75])
    assert expected_calibration_error(TRUTH, TABLE, CLASSES, n_bins=5) == pytest.approx(
        (0.6 + 0.5 + 2 * 0.25) / 4
    )


def test_bins_are_those_of_scikit_learn() -> None:
    truth, table, names = drawn(400)
    right = np.array(names)[table.argmax(axis=1)] == truth
    shares, confidences = calibration_curve(right, table.max(axis=1), n_bins=15)
    bins = reliability_bins(truth, table, names)
    assert [each.accuracy for each in bins] == pytest.approx(shares.tolist())
    assert [each.confidence for each in bins] == pytest.approx(confidences.tolist())
    assert sum(each.n for each in bins) == 400


def test_intervals_of_a_bin_are_those_of_clopper_and_pearson() -> None:
    # 8 of 10 right: 0.4439 to 0.9748 in their table; 10 of 10: 0.025 ** (1 / 10) to 1
    table = np.tile([0.9, 0.1], (10, 1))
    some = reliability_bins(np.array(["a"] * 8 + ["b"] * 2), table, ["a", "b"])[0]
    assert (some.low, some.high) == pytest.approx((0.4439, 0.9748), abs=1e-4)
    every = reliability_bins(np.array(["a"] * 10), table, ["a", "b"])[0]
    assert (every.low, every.high) == pytest.approx((0.025**0.1, 1.0))
    none = reliability_bins(np.array(["b"] * 10), table, ["a", "b"])[0]
    assert (none.low, none.high) == pytest.approx((0.0, 1 - 0.025**0.1))


def test_calibrated_probabilities_have_a_small_error_and_boastful_ones_a_large_one() -> None:
    truth, table, names = drawn(5000)
    boastful = table**4 / (table**4).sum(axis=1, keepdims=True)
    assert expected_calibration_error(truth, table, names) < 0.03
    assert expected_calibration_error(truth, boastful, names) > 0.1


def test_every_class_by_hand() -> None:
    a, b, c = class_scores(TRUTH, TABLE, CLASSES)
    assert (a.n, a.precision, a.recall) == (2, 1.0, 0.5)
    assert a.f1 == pytest.approx(2 / 3)
    assert (b.n, b.precision, b.recall) == (1, 0.5, 1.0)
    assert (c.n, c.precision, c.recall) == (1, 1.0, 1.0)
    assert a.auc == 1.0  # 0.7 and 0.4 both lie above 0.3 and 0.1
    assert confusion(TRUTH, TABLE, CLASSES).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_every_class_as_scikit_learn_has_it() -> None:
    truth, table, names = drawn(300, 5)
    table = np.round(table, 1)  # ties
    predicted = np.array(names)[table.argmax(axis=1)]
    precision, recall, f1, n = precision_recall_fscore_support(truth, predicted, labels=names)
    scores = class_scores(truth, table, names)
    assert [each.precision for each in scores] == pytest.approx(precision)
    assert [each.recall for each in scores] == pytest.approx(recall)
    assert [each.f1 for each in scores] == pytest.approx(f1)
    assert [each.n for each in scores] == n.tolist()
    areas = [roc_auc_score(truth == name, table[:, place]) for place, name in enumerate(names)]
    assert [each.auc for each in scores] == pytest.approx(areas)
    assert (
        confusion(truth, table, names).tolist()
        == confusion_matrix(truth, predicted, labels=names).tolist()
    )


def test_a_class_that_is_nowhere_has_no_area_and_never_predicted_is_no_error() -> None:
    scores = class_scores(np.array(["a", "a"]), np.array([[0.9, 0.1], [0.8, 0.2]]), ["a", "b"])
    assert math.isnan(scores[1].auc)
    assert (scores[1].n, scores[1].precision, scores[1].recall) == (0, 0.0, 0.0)


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(UsageError, match="not among a, b"):
        confusion(np.array(["z"]), np.array([[0.9, 0.1]]), ["a", "b"])


def test_scores_by_pencil() -> None:
    truth = np.array(["a", "a", "a", "b", "b", "c"])
    said = np.array(["a", "a", "b", "b", "a", "c"])
    table = np.where(said[:, None] == np.array(CLASSES), 0.8, 0.1)
    scores, per_class = evaluate(truth, table, CLASSES)
    assert tuple(scores) == SCORES
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert per_class["a"]["precision"] == pytest.approx(2 / 3)
    assert per_class["b"]["f1"] == pytest.approx(0.5)
    assert scores["macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert scores["log_loss"] == pytest.approx(-(4 * np.log(0.8) + 2 * np.log(0.1)) / 6)
    assert scores["brier"] == pytest.approx(
        (4 * (0.04 + 0.01 + 0.01) + 2 * (0.81 + 0.64 + 0.01)) / 6
    )
    assert scores["ece"] == pytest.approx(abs(0.8 - 4 / 6))


def test_a_class_without_test_galaxies_counts_only_where_it_is_claimed() -> None:
    truth = np.array(["a", "a", "b", "b"])
    right = np.array([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.1, 0.9, 0.0]])
    assert evaluate(truth, right, CLASSES)[0]["macro_f1"] == 1.0
    claimed = right.copy()
    claimed[0] = [0.0, 0.1, 0.9]
    assert evaluate(truth, claimed, CLASSES)[0]["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert evaluate(truth, claimed, CLASSES)[0]["balanced_accuracy"] == pytest.approx(0.75)


def test_classes_that_a_classifier_has_not_met_have_no_probability() -> None:
    assert expand_to_classes(np.array([[0.25, 0.75]]), ["a", "c"], CLASSES).tolist() == [
        [0.25, 0.0, 0.75]
    ]


def test_scores_of_six_galaxies_by_hand() -> None:
    truth = ["a", "a", "a", "a", "b", "c"]
    predicted = ["a", "a", "a", "b", "b", "b"]
    scores = score(truth, predicted, ["a", "b", "c"])
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["balanced_accuracy"] == pytest.approx((3 / 4 + 1 + 0) / 3)
    # F1: a has precision 1, recall 3/4; b precision 1/3, recall 1; c is never predicted
    assert scores["macro_f1"] == pytest.approx((6 / 7 + 1 / 2 + 0) / 3)

"""Class labels as targets and weights, by hand."""

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.nn.estimators.labels import check_known_labels, class_sample_weights, one_hot
from galfeat.nn.losses import get_loss


def test_one_hot_targets_by_hand() -> None:
    codes = np.array([1, 0])
    cross_entropy = one_hot(codes, 3, get_loss("cross_entropy"), np.float32)
    assert cross_entropy.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert cross_entropy.dtype == np.float32
    assert one_hot(codes, 2, get_loss("hinge"), np.float64).tolist() == [[-1, 1], [1, -1]]


def test_class_weights_of_names_that_look_like_numbers() -> None:
    labels = np.array(["1", "0", "1", "1"])
    codes = np.array([1, 0, 1, 1])
    weights = class_sample_weights({"1": 2.0}, np.array(["0", "1"]), labels, codes)
    assert weights.tolist() == [2, 1, 2, 2]
    # balanced weights are the samples over the classes times the count of the class
    balanced = class_sample_weights("balanced", np.array(["0", "1"]), labels, codes)
    assert balanced.tolist() == pytest.approx([2 / 3, 2, 2 / 3, 2 / 3])


def test_unknown_labels_are_named() -> None:
    with pytest.raises(UsageError, match="label 'c' is not among the classes 'a', 'b'"):
        check_known_labels(np.array(["a", "c"]), np.array(["a", "b"]))

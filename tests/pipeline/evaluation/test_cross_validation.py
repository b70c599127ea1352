"""Folds: the mix of the classes, families undivided, duplicates found."""

from collections import Counter

import numpy as np
import pytest

from galfeat.pipeline.evaluation.cross_validation import (
    close_positions,
    connected_groups,
    identical_images,
    identical_texts,
    inner_split,
    nested_subset,
    repeated_folds,
)

LABELS = np.array(["spiral"] * 60 + ["merger"] * 30 + ["agn"] * 10)
ALONE = np.arange(100)


def test_every_fold_has_the_mix_and_every_repeat_is_another() -> None:
    folds = repeated_folds(LABELS, ALONE, 5, 3, seed=1)
    assert folds.shape == (3, 100)
    for repeat in folds:
        for fold in range(5):
            assert Counter(LABELS[repeat == fold].tolist()) == {"spiral": 12, "merger": 6, "agn": 2}
    assert (folds[0] != folds[1]).sum() > 40
    np.testing.assert_array_equal(folds, repeated_folds(LABELS, ALONE, 5, 3, seed=1))


def test_groups_are_never_split() -> None:
    groups = np.arange(100) // 4
    for repeat in repeated_folds(LABELS, groups, 5, 2, seed=0):
        for number in range(25):
            assert len(set(repeat[groups == number].tolist())) == 1
    learn, judge = inner_split(LABELS, groups, seed=3)
    assert not set(groups[learn].tolist()) & set(groups[judge].tolist())
    assert sorted([*learn.tolist(), *judge.tolist()]) == list(range(100))


def test_an_inner_split_of_a_rare_class_has_it_on_both_sides() -> None:
    labels = np.array(["a"] * 20 + ["b"] * 2)
    learn, judge = inner_split(labels, np.arange(22), seed=0)
    assert "b" in labels[learn]
    assert "b" in labels[judge]


def test_smaller_training_sets_are_parts_of_larger_ones_and_have_every_class() -> None:
    small, large = nested_subset(LABELS, 10, 0), nested_subset(LABELS, 50, 0)
    assert set(small.tolist()) < set(large.tolist())
    assert (len(small), len(large)) == (10, 50)
    assert set(LABELS[nested_subset(LABELS, 3, 0)].tolist()) == {"spiral", "merger", "agn"}
    shares = Counter(LABELS[large].tolist())
    assert shares["spiral"] == pytest.approx(30, abs=2)


def test_groups_are_transitive() -> None:
    assert connected_groups(6, [np.array([[0, 1]]), np.array([[1, 5], [3, 4]])]).tolist() == [
        0,
        0,
        1,
        2,
        2,
        0,
    ]
    assert connected_groups(3, []).tolist() == [0, 1, 2]
    assert identical_texts(np.array(["x", "", "x", "", "y", "x"])).tolist() == [[0, 2], [0, 5]]


def test_duplicates_by_position_and_by_image() -> None:
    # 0.5 arcsec of right ascension at 60 degrees are 1 arcsec in the coordinate; across 0 h; one
    # without a position
    ra = np.array([359.99995, 0.00005, 10.0, np.nan, 10.0, 200.0, 200.0])
    dec = np.array([60.0, 60.0, 5.0, np.nan, 5.001, 89.9999, -89.0])
    assert close_positions(ra, dec).tolist() == [[0, 1]]
    pixels = np.random.default_rng(0).normal(size=(4, 1, 5, 5)).astype(np.float32)
    pixels[3] = pixels[1]
    assert identical_images(pixels).tolist() == [[1, 3]]

"""Baseline classifiers: as in scikit-learn, searched on the inner split only, reproducible."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from galfeat.pipeline.comparison.classifiers.baselines import (
    BASELINES,
    FittedBaseline,
    draw_baseline,
    fit_baseline,
    search_baseline,
)
from galfeat.pipeline.comparison.folds.fold import Fold
from galfeat.pipeline.comparison.folds.stages import fit_baseline_on_fold, run_baseline
from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.loading.labeled_blocks import LabeledBlocks
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.models.ensemble import concatenate
from galfeat.pipeline.models.hyperparameters import draw_settings
from galfeat.pipeline.models.inputs import InputBlock

PARTS = (InputBlock("color"), InputBlock("hog"))
WHOLE = ComparisonInput("features", PARTS, "features", "")
RAW = ComparisonInput("pixels", (InputBlock("pixels", "", None),), "pixels", "")


def sample(n: int = 120, seed: int = 0) -> LabeledBlocks:
    rng = np.random.default_rng(seed)
    labels = np.array(["a", "b", "c"])[np.arange(n) % 3]
    answer = 3.0 * (labels[:, None] == np.array(["a", "b", "c"]))
    blocks: dict[str, Block] = {
        "pixels": rng.normal(size=(n, 64)).astype(np.float32),
        "color": np.hstack([answer, rng.normal(size=(n, 20))]).astype(np.float32),
        "hog": rng.normal(size=(n, 40)).astype(np.float32),
    }
    return LabeledBlocks(blocks, labels, np.arange(n), (1, 8, 8), seed)


def fold_of(each: LabeledBlocks, test: NDArray[np.intp]) -> Fold:
    train = np.setdiff1d(np.arange(len(each.labels)), test)
    fold = Fold(each, train, test, repeat=0, fold=0, draws=draw_settings(2, 0), networks=1)
    fold.learn([WHOLE, RAW])
    return fold


def learned(fitted: FittedBaseline) -> list[object]:
    model = fitted.model
    arrays = (
        [model.coef_, model.intercept_]
        if hasattr(model, "coef_")
        else [tree.tree_.threshold for tree in model.estimators_]
    )
    return [
        dict(fitted.settings),
        fitted.temperature,
        list(fitted.feature_map.scales),
        [each.tobytes() for each in arrays],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", BASELINES)
def test_a_planted_signal_is_found(name: str) -> None:
    fold = fold_of(sample(), np.arange(40))
    (row,) = run_baseline(fold, WHOLE, name, []).rows
    assert (row.stage, row.head, row.input, row.n_test) == ("head", name, "features", 40)
    assert row.scores["balanced_accuracy"] > 0.8
    assert set(row.settings) == {
        "components",
        *(("C",) if name == "logistic" else ("leaf", "tries")),
    }
    (noise,) = run_baseline(fold, RAW, name, []).rows
    assert abs(noise.scores["balanced_accuracy"] - 1 / 3) < 0.25
    again = run_baseline(fold_of(sample(), np.arange(40)), WHOLE, name, []).rows[0]
    assert vars(again) == vars(row)


@pytest.mark.slow
@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("contender", [WHOLE, RAW], ids=lambda each: each.name)
def test_nothing_learned_depends_on_the_test_galaxies(
    name: str, contender: ComparisonInput
) -> None:
    whole, test = sample(), np.arange(80, 120)
    blocks: dict[str, Block] = {}
    for column, block in whole.blocks.items():
        mixed = np.array(block)
        mixed[test] = 1e3 - 7 * mixed[test]
        blocks[column] = mixed
    labels = whole.labels.copy()
    labels[test] = np.roll(labels[test], 1)
    other = replace(whole, blocks=blocks, labels=labels)
    one, two = (
        learned(fit_baseline_on_fold(fold_of(each, test), contender, name))
        for each in (whole, other)
    )
    assert one == two


def test_shuffled_labels_keep_two_classes() -> None:
    labels = np.array(["a"] * 21 + ["b"] * 3)
    for seed in range(30):
        each = replace(sample(24), labels=labels, seed=seed)
        fold = Fold(
            each,
            np.arange(24),
            np.arange(0),
            repeat=0,
            fold=0,
            draws=draw_settings(1, 0),
            networks=1,
        )
        dealt = fold.training_labels(replace(WHOLE, shuffled=True))
        assert sorted(dealt.tolist()) == sorted(labels.tolist())
        assert len(set(dealt[fold.inner_train].tolist())) == 2


def test_the_search_takes_the_best_draw_of_those_that_it_was_given() -> None:
    fold = fold_of(sample(), np.arange(40))
    wide, judge = fold.inner.features(PARTS)
    labels = (fold.inner.train_labels, fold.inner.test_labels)
    # two that never split a leaf
    draws = [{"components": 24, "leaf": leaf, "tries": 1.0} for leaf in (1000, 2, 900)]
    best, temperature, scores = search_baseline(
        "forest", PARTS, (wide, judge), labels, draws=draws, seed=0
    )
    assert best == draws[1]
    assert int(np.argmax(scores)) == 1
    assert temperature > 0


@pytest.mark.slow
def test_wide_inputs_give_the_coefficients_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(40, 400)).astype(np.float32), np.array(["a", "b", "c", "d"] * 10)
    part, new = (InputBlock("pixels", "", None),), rng.normal(size=(30, 400)).astype(np.float32)
    fitted = fit_baseline(
        "logistic",
        part,
        [x],
        labels,
        settings={"components": 24, "C": 0.5},
        temperature=1.0,
        seed=0,
    )
    assert fitted.feature_map.basis is not None
    assert fitted.feature_map.basis.shape == (400, 40)
    columns, scales = fitted.feature_map.columns, fitted.feature_map.scales
    plain = LogisticRegression(C=0.5, tol=1e-8, max_iter=5000).fit(
        concatenate([x], columns, scales).astype(np.float64), labels
    )
    expected = plain.predict_proba(concatenate([new], columns, scales).astype(np.float64))
    np.testing.assert_allclose(fitted.probabilities([new]), expected, atol=2e-3)
    assert fitted.n_parameters == 4 * 401


@pytest.mark.parametrize("name", BASELINES)
def test_draws_start_with_the_default_and_grow_without_changing(name: str) -> None:
    assert draw_baseline(name, 1, 5) == draw_baseline(name, 9, 0)[:1]
    assert draw_baseline(name, 9, 3)[:4] == draw_baseline(name, 4, 3)
    assert draw_baseline(name, 9, 3) != draw_baseline(name, 9, 4)
    assert {each["components"] for each in draw_baseline(name, 30, 0)} == {24, 48, 96}

"""What a model is worth: cross-validated scores, warnings, and what is said of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score

from galfeat.pipeline.evaluation.significance import corrected_interval, corrected_ttest
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.models.fitting import EnsembleTraining
from galfeat.pipeline.models.inputs import InputBlock
from galfeat.pipeline.models.scores import ModelScores, cross_validated_scores, scores_text
from galfeat.pipeline.recipes import TrainingSettings

SHAPE = (1, 8, 8)
SMALL = TrainingSettings(draws=2, n_networks=2)
TRAINING = EnsembleTraining((InputBlock("color"),), SHAPE, SMALL)


def galaxies(n: int, signal: float, seed: int = 0) -> tuple[dict[str, Block], NDArray[np.str_]]:
    rng = np.random.default_rng(seed)
    labels = np.array(["a", "b", "c"])[np.arange(n) % 3]
    answer = signal * (labels[:, None] == np.array(["a", "b", "c"]))
    block = np.hstack([answer, rng.normal(size=(n, 5))]).astype(np.float32)
    block[:, :3] += rng.normal(size=(n, 3))
    return {"color": block}, labels


def scored(n: int, signal: float, **more: object) -> ModelScores:
    blocks, labels = galaxies(n, signal)
    found = cross_validated_scores(TRAINING, blocks, labels, np.arange(n), n_folds=3, **more)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.fixture(scope="module")
def good() -> ModelScores:
    return scored(168, 4.0)


def test_separable_classes_score_high_without_a_warning(good: ModelScores) -> None:
    assert good.intervals["macro_f1"].mean > 0.9
    assert good.intervals["macro_f1"].low <= good.intervals["macro_f1"].mean
    assert good.warnings == ()
    assert good.counts == {"a": 56, "b": 56, "c": 56}
    assert sum(map(sum, good.confusion)) == 168


def test_the_scores_are_those_of_the_confusion_matrix(good: ModelScores) -> None:
    counts = np.array(good.confusion)
    truth = np.repeat(np.repeat(np.arange(3), 3), counts.ravel())
    guess = np.repeat(np.tile(np.arange(3), 3), counts.ravel())
    assert (confusion_matrix(truth, guess) == counts).all()
    each = f1_score(truth, guess, average=None)
    assert [score.f1 for score in good.per_class] == pytest.approx(each.tolist())
    assert good.intervals["accuracy"].mean == pytest.approx(np.trace(counts) / 168)


@pytest.mark.slow
def test_labels_that_say_nothing_are_warned_of() -> None:
    found = scored(168, 0.0)
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith(
        "with 168 galaxies the model cannot be told from guessing: its balanced accuracy is 0."
    )


def test_alternating_labels_of_few_galaxies_cannot_be_told_from_guessing() -> None:
    blocks, _ = galaxies(18, 0.0)
    found = cross_validated_scores(
        TRAINING, blocks, np.array(["a", "b"] * 9), np.arange(18), n_folds=5
    )
    assert found is not None
    few, guess = found.warnings
    assert few.startswith("classes with fewer than 50 galaxies: a (9), b (9)")
    assert guess.startswith("with 18 galaxies the model cannot be told from guessing")
    assert "that of a guess 0.500" in guess


def test_forty_galaxies_of_a_class_are_few_even_where_they_are_told_apart() -> None:
    found = scored(120, 4.0)
    assert len(found.warnings) == 1
    assert "a (40), b (40), c (40)" in found.warnings[0]


@pytest.mark.parametrize("excess", [0.0, 0.02, 0.05, 0.08, 0.2, -0.2])
def test_the_warning_stands_where_the_interval_includes_a_guess(
    good: ModelScores, excess: float
) -> None:
    """What is said agrees with the interval that is shown."""
    scores = [1 / 3 + excess + scatter for scatter in (-0.06, 0.0, 0.06)]
    span = corrected_interval(scores, 112, 56)
    told = replace(
        good,
        intervals={**good.intervals, "balanced_accuracy": span},
        chance=corrected_ttest(np.array(scores) - 1 / 3, 112, 56, "greater").p,
    )
    assert bool(told.warnings) == (span.low <= 1 / 3)
    if told.warnings:
        assert f"{span.mean:.3f} ({span.low:.3f} to {span.high:.3f})" in told.warnings[0]


def test_small_classes_are_warned_of_and_nothing_depends_on_threads() -> None:
    few = scored(30, 4.0)
    assert few.warnings[0].startswith("classes with fewer than 50 galaxies: a (10), b (10), c (10)")
    assert scored(30, 4.0, workers=3).as_dict() == few.as_dict()


def test_a_class_of_one_is_not_tested_and_two_lone_classes_are_no_test() -> None:
    blocks, labels = galaxies(31, 4.0)
    labels[-1] = "z"
    found = cross_validated_scores(TRAINING, blocks, labels, np.arange(31), n_folds=3)
    assert found is not None
    assert found.classes == ("a", "b", "c")
    assert found.counts["z"] == 1
    two = np.array(["a", "b"])
    taken = {"color": np.asarray(blocks["color"])[:2]}
    assert cross_validated_scores(TRAINING, taken, two, np.arange(2)) is None


def test_scores_survive_a_file_and_are_told(good: ModelScores) -> None:
    again = ModelScores.from_dict(json.loads(json.dumps(good.as_dict())))
    assert again.as_dict() == good.as_dict()
    lines = scores_text(again)
    assert lines[0] == "cross-validated on 168 galaxies, 3 folds (95 % intervals):"
    mean = good.intervals["macro_f1"].mean
    assert any(line.startswith(f"  macro_f1           {mean:.3f} (") for line in lines)
    assert sum(line.startswith("  a ") for line in lines) == 2

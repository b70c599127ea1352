"""What a model is worth: cross-validated scores, warnings, and what is said of them."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score

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
    assert [said for said in found.warnings if "no better than by guessing" in said]


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

"""Intervals cover what they promise: on a hundred small problems whose large-sample truth is
known.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat.pipeline.comparison.folds.fold import Fold
from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.loading.labeled_blocks import LabeledBlocks
from galfeat.pipeline.evaluation.cross_validation import repeated_folds
from galfeat.pipeline.evaluation.significance import corrected_interval
from galfeat.pipeline.models.hyperparameters import Settings
from galfeat.pipeline.models.inputs import InputBlock

INPUT = ComparisonInput("pixels", (InputBlock("pixels", "", None),), "pixels", "")
N = 100


def drawn(n: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Return two classes of Gaussian features, 1.6 standard deviations apart: no rendered galaxies,
    which would take an hour.
    """
    labels = np.array(["a", "b"])[rng.permutation(n) % 2]
    x = rng.normal(size=(n, 4))
    x[:, 0] += 1.6 * (labels == "b")
    return x.astype(np.float32), labels


def accuracy(sample: LabeledBlocks, train: NDArray[np.intp], test: NDArray[np.intp]) -> float:
    fold = Fold(sample, train, test, repeat=0, fold=0, draws=[Settings()], networks=1, effort=0.05)
    fold.outer.learn(INPUT.parts)
    fitted = fold.fit(INPUT, fold.draws)
    said = fitted.probabilities(fold.outer.features(INPUT.parts)[1])
    return float(np.mean(np.array(fitted.classes)[said.argmax(axis=1)] == fold.outer.test_labels))


@pytest.mark.slow
def test_95_percent_intervals_cover_the_truth_in_90_to_99_of_100_surveys() -> None:
    rng = np.random.default_rng(5)
    # the accuracy that so many training galaxies are expected to give: many trainings, tested on
    # many galaxies
    truths = []
    for _ in range(30):
        x, labels = drawn(N * 4 // 5 + 2000, rng)
        sample = LabeledBlocks({"pixels": x}, labels, np.arange(len(x)), (1, 2, 2), 0)
        truths.append(accuracy(sample, np.arange(N * 4 // 5), np.arange(N * 4 // 5, len(x))))
    truth, covered = float(np.mean(truths)), 0
    for seed in range(100):
        x, labels = drawn(N, rng)
        sample = LabeledBlocks({"pixels": x}, labels, np.arange(N), (1, 2, 2), seed)
        folds = repeated_folds(labels, sample.groups, 5, 1, seed)[0]
        scores = [
            accuracy(sample, np.flatnonzero(folds != fold), np.flatnonzero(folds == fold))
            for fold in range(5)
        ]
        interval = corrected_interval(scores, N * 4 // 5, N // 5)
        covered += int(interval.low <= truth <= interval.high)
    assert 0.7 < truth < 0.85
    assert 90 <= covered <= 99

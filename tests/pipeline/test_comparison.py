"""The comparison of inputs on the same folds: nothing is learned from the test fold."""

import numpy as np

from galfeat.pipeline import INPUTS
from galfeat.pipeline.comparison import cross_validate


def test_pure_noise_scores_at_chance_and_a_planted_answer_does_not() -> None:
    rng = np.random.default_rng(0)
    labels = np.array(["a", "b", "c"] * 60)
    answer = (labels[:, None] == np.array(["a", "b", "c"])).astype(np.float32)
    data = {
        "pixels": rng.normal(size=(180, 64)).astype(np.float32),
        "color": rng.normal(size=(180, 30)).astype(np.float32),
        "hog": np.hstack([rng.normal(size=(180, 5)), 5 * answer]).astype(np.float32),
    }
    chosen = [INPUTS["pixels"], INPUTS["color"], INPUTS["hog"]]
    result = cross_validate(data, labels, (1, 8, 8), inputs=chosen, n_folds=3)
    for name in ("pixels", "color"):
        assert abs(result.interval(name, "balanced_accuracy").mean - 1 / 3) < 0.12
    assert result.interval("hog", "balanced_accuracy").mean > 0.9
    assert result.confusion("hog").sum() == 180
    assert np.trace(result.confusion("hog")) > 160

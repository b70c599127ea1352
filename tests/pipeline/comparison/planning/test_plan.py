"""The plan: what is cut where time is short, and the search that is the same for all."""

from dataclasses import replace

import numpy as np
import pytest

from galfeat.pipeline.comparison.folds.fold import matched_hidden
from galfeat.pipeline.comparison.inputs import comparison_inputs
from galfeat.pipeline.comparison.planning.budget import fit_to_budget
from galfeat.pipeline.comparison.planning.plan import (
    FULL,
    QUICK,
    ComparisonPlan,
    learning_curve_sizes,
)
from galfeat.pipeline.comparison.planning.run_time import NOMINAL, predicted_seconds
from galfeat.pipeline.models.hyperparameters import Settings, draw_settings
from galfeat.pipeline.models.inputs import InputBlock

CLASSIC = tuple(InputBlock(name) for name in ("color", "classic texture", "classic hog", "sift"))
INPUTS = comparison_inputs(("pixels", "color", "texture", "hog", "sift", "shape"), CLASSIC)
WIDTHS = {
    "pixels": 12288,
    "aligned": 12288,
    "color": 224,
    "texture": 1551,
    "hog": 1323,
    "classic texture": 400,
    "classic hog": 5292,
    "sift": 64,
    "shape": 219,
    "nuisance": 10,
}


def seconds(plan: ComparisonPlan, n: int = 3000) -> float:
    return predicted_seconds(plan, INPUTS, WIDTHS, n, speed=NOMINAL, workers=2)


def test_the_full_protocol_takes_about_an_hour() -> None:
    plan = fit_to_budget(FULL, seconds)
    assert (plan.n_folds, plan.n_repeats, plan.draws) == (5, 2, 8)
    assert seconds(plan) < 1.25 * 3600
    assert "pixels_augmented" not in plan.skipped
    assert seconds(QUICK, 1200) < 125


def test_cuts_for_time_are_named_and_the_core_stays() -> None:
    assert fit_to_budget(FULL, lambda _: 10.0) == FULL
    plan = fit_to_budget(replace(FULL, budget=1.0), seconds)
    assert (plan.n_folds, plan.n_repeats, plan.draws) == (5, 2, 8)
    assert plan.skipped == ("pixels_linear", "pixels_augmented")
    assert [sentence for sentence in plan.cut if "pixels_linear" in sentence]
    assert len(plan.cut) == 7
    assert seconds(plan) < seconds(FULL)


def test_sizes_of_a_learning_curve() -> None:
    assert learning_curve_sizes(1000, 9) == [50, 100, 200, 400, 1000]
    assert learning_curve_sizes(1000, 3) == [50, 400, 1000]
    assert learning_curve_sizes(45, 9) == [45]


def test_draws_start_with_the_default_and_grow_without_changing() -> None:
    assert draw_settings(1, 0) == [Settings()]
    assert draw_settings(8, 3)[:4] == draw_settings(4, 3)
    assert draw_settings(8, 3) != draw_settings(8, 4)
    for each in draw_settings(50, 0):
        assert 0.3 < each.alpha <= 10
        assert 5e-4 < each.rate < 3.2e-3


def test_a_matched_network_by_pencil() -> None:
    # 10 features, 3 classes: a unit costs 10 + 1 + 3 parameters, and there are 3 biases of the
    # classes
    assert matched_hidden(3 + 14 * 20, 10, 3) == 20
    assert matched_hidden(5, 1000, 3) == 1
    assert np.isclose(matched_hidden(100_000, 48, 5), 100_000 / 54, rtol=0.01)


@pytest.mark.parametrize("name", ["shuffled", "random", "nuisance"])
def test_there_are_controls(name: str) -> None:
    assert next(each for each in INPUTS if each.name == name).group == "control"

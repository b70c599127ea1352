"""scikit-learn's estimator checks, with default and other settings."""

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

from galfeat.nn import MLPClassifier, MLPRegressor

WEIGHTS = "check_sample_weight_equivalence_on_dense_data"
REASONS = {
    "rounding": (
        "weights and repetitions agree to rounding, which in float32 is more than the 1e-7 that is "
        "asked for"
    ),
    "paths": (
        "weights and repetitions agree to rounding, but after many steps the saddle points on "
        "Newton's way have made it large"
    ),
    "chance": (
        "a sample of weight 2 is drawn once, its two copies are drawn apart: they meet other units "
        "left out, batches or splits"
    ),
    "single": "a float32 network predicts float32 numbers; float64 is asked for",
    "finite": (
        "the check wants the logarithm of a probability that rounds to 0 to be minus infinity; "
        "ours stays finite"
    ),
}
# settings, and the checks that may fail with them, each with its reason; what rounding decides may
# pass on another machine
OTHERS: list[tuple[BaseEstimator, dict[str, str]]] = [
    (
        MLPClassifier(
            loss="hinge",
            solver="nesterov",
            learning_rate_init=0.01,
            learning_rate="cosine",
            activation="gelu",
        ),
        {},
    ),
    (MLPClassifier((10,), solver="lbfgs"), {"check_classifiers_train": "finite"}),
    (MLPClassifier((4,), "tanh", solver="newton", max_iter=8, alpha=0.1), {WEIGHTS: "paths"}),
    (
        MLPClassifier(dtype="float32", early_stopping=True, class_weight="balanced", max_iter=50),
        {WEIGHTS: "rounding"},
    ),
    (
        MLPClassifier(
            n_networks=2,
            calibration=True,
            dropout=0.1,
            l1=1e-3,
            learning_rate_init=0.01,
            max_iter=80,
        ),
        {WEIGHTS: "chance"},
    ),
    (
        MLPRegressor(dtype="float32", activation="silu"),
        {WEIGHTS: "rounding", "check_regressor_multioutput": "single"},
    ),
    (MLPRegressor((10,), solver="lbfgs", initializer="lecun_normal", n_networks=2), {}),
    (MLPRegressor((4,), "tanh", solver="newton", max_iter=8, alpha=0.1), {WEIGHTS: "paths"}),
    (
        MLPRegressor(dropout=0.1, early_stopping=True, l1=1e-3, learning_rate_init=0.01),
        {WEIGHTS: "chance"},
    ),
    (
        MLPRegressor(
            loss="mean_squared_error",
            batch_size=8,
            solver="adamw",
            learning_rate="reduce_on_plateau",
        ),
        {WEIGHTS: "chance"},
    ),
]


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::sklearn.exceptions.SkipTestWarning"
)
@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
def test_the_defaults_pass_every_check(estimator, check) -> None:  # type: ignore[no-untyped-def]
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::sklearn.exceptions.SkipTestWarning"
)
@parametrize_with_checks([other for other, _ in OTHERS])
def test_other_settings_pass_every_check_but_those_listed(estimator, check) -> None:  # type: ignore[no-untyped-def]
    listed = next(failing for other, failing in OTHERS if repr(other) == repr(estimator))
    try:
        check(estimator)
    except AssertionError:
        if check.func.__name__ not in listed:
            raise
        pytest.xfail(REASONS[listed[check.func.__name__]])

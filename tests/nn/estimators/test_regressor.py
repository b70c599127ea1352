"""MLPRegressor: fits, agreement with scikit-learn, invalid input."""

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor as Peer
from sklearn.preprocessing import StandardScaler

from galfeat import UsageError
from galfeat.nn import MLPRegressor
from galfeat.nn.estimators.predict import BLOCK

RNG = np.random.default_rng(5)
X = RNG.standard_normal((120, 5))
T = np.sin(X[:, 0]) + 0.5 * X[:, 1]


def fixed(**settings: Any) -> MLPRegressor:
    basic: dict[str, Any] = {
        "hidden_layer_sizes": (9,),
        "max_iter": 20,
        "tol": None,
        "random_state": 0,
    }
    return MLPRegressor(**(basic | settings))


@pytest.mark.parametrize("solver", ["adam", "nesterov", "rmsprop", "lbfgs", "newton"])
def test_a_curve_is_learned(solver: str) -> None:
    model = fixed(
        solver=solver,
        activation="tanh",
        alpha=1e-3,
        learning_rate_init=0.01,
        max_iter=60 if solver == "newton" else 300,
    )
    assert model.fit(X, T).score(X, T) > 0.95


@pytest.mark.parametrize("loss", ["half_squared_error", "mean_squared_error"])
def test_several_targets(loss: str) -> None:
    both = np.stack([T, -T, np.ones(120)], axis=1)
    model = fixed(loss=loss, solver="lbfgs", max_iter=200).fit(X, both)
    assert model.predict(X).shape == (120, 3)
    assert np.mean((model.predict(X) - both) ** 2) < 0.01


def test_predictions_are_shaped_like_targets() -> None:
    flat, column = fixed().fit(X, T), fixed().fit(X, T[:, None])
    assert flat.predict(X).shape == (120,)
    assert column.predict(X).shape == (120, 1)
    assert_array_equal(flat.predict(X), column.predict(X)[:, 0])
    with pytest.raises(UsageError, match="shape they had in the first call"):
        flat.set_params(warm_start=True).fit(X, T[:, None])


def test_vote_fractions_are_learned_as_fractions() -> None:
    share = 1 / (1 + np.exp(-2 * X[:, 0]))
    model = fixed(loss="binary_cross_entropy", solver="lbfgs", max_iter=200).fit(X, share)
    assert_allclose(model.predict(X), share, atol=0.03)
    assert model.predict(1e3 * X).min() >= 0
    assert model.predict(1e3 * X).max() <= 1
    shares = np.exp(X[:, :3])
    shares /= shares.sum(axis=1, keepdims=True)
    model = fixed(loss="cross_entropy", solver="lbfgs", max_iter=300).fit(X, shares)
    assert_allclose(model.predict(X), shares, atol=0.03)
    assert_allclose(model.predict(5 * X).sum(axis=1), 1)
    ensemble = fixed(loss="cross_entropy", n_networks=2).fit(X, shares)
    assert_allclose(ensemble.predict(5 * X).sum(axis=1), 1)


@pytest.mark.parametrize(
    ("loss", "target", "message"),
    [
        ("hinge", T, "the hinge loss is for classes"),
        ("binary_cross_entropy", T, r"must be in \[0, 1\]"),
        ("cross_entropy", np.abs(X), r"must be in \[0, 1\]"),
        ("cross_entropy", np.full((120, 3), 0.3), "must add up to 1"),
    ],
)
def test_targets_out_of_the_range_of_the_loss_are_refused(
    loss: str, target: np.ndarray, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        fixed(loss=loss).fit(X, target)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_do_not_depend_on_the_other_rows(dtype: str, rng: np.random.Generator) -> None:
    new = rng.standard_normal((2 * BLOCK + 11, 5))
    model = fixed(dtype=dtype, n_networks=2).fit(X, T)
    whole, order = model.predict(new), rng.permutation(len(new))
    assert whole.dtype == dtype
    assert_array_equal(model.predict(new[order]), whole[order])
    assert_array_equal(model.predict(new[5:6]), whole[5:6])


def test_the_loss_is_scikit_learns() -> None:
    """From the same start, in the same order, both go the same way: two of Adam's ways to place
    epsilon is all that differs.
    """
    target = np.stack([T, X[:, 1] * X[:, 2]], axis=1)
    settings: dict[str, Any] = {
        "max_iter": 1,
        "shuffle": False,
        "batch_size": 32,
        "alpha": 2.0,
        "random_state": 0,
        "tol": 0.0,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = Peer(
            hidden_layer_sizes=(9,),
            activation="tanh",
            warm_start=True,
            learning_rate_init=0.01,
            **settings,
        ).fit(X, target)
        ours = MLPRegressor((9,), "tanh", warm_start=True, learning_rate_init=0.01, **settings).fit(
            X, target
        )
        peer.coefs_, peer.intercepts_ = (
            [w.copy() for w in ours.coefs_],
            [b.copy() for b in ours.intercepts_],
        )
        # no momentum from the epoch before
        ours._members = [type(ours._members[0])(ours.network_, ours._members[0].rng)]
        peer.set_params(max_iter=40).fit(X, target)
        ours.set_params(max_iter=40).fit(X, target)
    assert_allclose(ours.predict(X), peer.predict(X), rtol=0, atol=1e-5)


def test_as_good_as_scikit_learn() -> None:
    data, target = load_diabetes(return_X_y=True)
    ours, theirs = [], []
    for seed in range(10):
        A, B, a, b = train_test_split(data, target, test_size=0.3, random_state=seed)
        scale, level = StandardScaler().fit(A), StandardScaler().fit(a[:, None])
        A, B, a, b = (
            scale.transform(A),
            scale.transform(B),
            level.transform(a[:, None])[:, 0],
            level.transform(b[:, None])[:, 0],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours.append(MLPRegressor((16,), max_iter=60, random_state=seed).fit(A, a).score(B, b))
            theirs.append(
                Peer(hidden_layer_sizes=(16,), max_iter=60, random_state=seed).fit(A, a).score(B, b)
            )
    behind = np.subtract(theirs, ours)
    assert behind.mean() <= behind.std(ddof=1) / np.sqrt(len(behind))


def test_early_stopping_ends_at_overfitting(rng: np.random.Generator) -> None:
    data = rng.standard_normal((150, 20))
    noisy = data[:, 0] + rng.standard_normal(150)
    new = rng.standard_normal((1000, 20))
    scores = []
    for early in (False, True):
        settings: dict[str, Any] = {
            "validation_fraction": 0.3,
            "max_iter": 600,
            "learning_rate_init": 0.01,
            "alpha": 0.0,
        }
        model = MLPRegressor((60,), early_stopping=early, random_state=0, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores.append(model.fit(data, noisy).score(new, new[:, 0]))
    assert model.validation_scores_ is not None
    assert model.n_iter_ < len(model.validation_scores_) < 600
    assert model.best_validation_score_ == max(model.validation_scores_) < 0
    assert scores[1] > scores[0] + 0.1


def test_partial_fit_and_warm_start_continue() -> None:
    whole, parts = fixed(max_iter=4).fit(X, T), fixed()
    for _ in range(4):
        parts.partial_fit(X, T)
    warm = fixed(max_iter=2, warm_start=True).fit(X, T).fit(X, T)
    assert_array_equal(whole.network_.params, parts.network_.params)
    assert_array_equal(whole.network_.params, warm.network_.params)


def test_weights_are_repetitions() -> None:
    weight = np.arange(120) % 4
    by_weight = fixed(max_iter=60).fit(X, T, sample_weight=weight)
    by_count = fixed(max_iter=60, batch_size=1000).fit(X.repeat(weight, axis=0), T.repeat(weight))
    assert_allclose(by_weight.predict(X), by_count.predict(X), atol=1e-8)


def test_bad_input_is_reported() -> None:
    hole = X.copy()
    hole[3, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        fixed().fit(hole, T)
    with pytest.raises(ValueError, match="contains NaN"):
        fixed().fit(X, np.where(T > 1, np.nan, T))
    with pytest.raises(ValueError, match="contains infinity"):
        fixed().fit(X, np.where(T > 1, np.inf, T))
    with pytest.raises(UsageError, match="too large for float32"):
        fixed(dtype="float32").fit(X, 1e39 * T)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fixed().fit(X, T[:-1])
    model = fixed().fit(X, T)
    with pytest.raises(ValueError, match="X has 4 features, but MLPRegressor is expecting 5"):
        model.predict(X[:, :4])
    with pytest.raises(ValueError, match="contains infinity"):
        model.predict(np.where(X > 2, np.inf, X))
    with pytest.raises(UsageError, match="row 7 is not finite: its features are too large"):
        model.predict(np.where(np.arange(120)[:, None] == 7, 1.7e308, X))
    with pytest.raises(ValueError, match="not fitted"):
        fixed().predict(X)


@pytest.mark.parametrize("solver", ["gradient_descent", "nesterov", "adam", "lbfgs", "newton"])
def test_divergence_leaves_no_network(solver: str) -> None:
    model = fixed(solver=solver, learning_rate_init=1e200)
    with pytest.raises(UsageError, match=r"not finite|no longer finite"):
        model.fit(
            1e160 * X if solver in {"lbfgs", "newton"} else X,
            1e160 * T if solver in {"lbfgs", "newton"} else T,
        )
    assert not hasattr(model, "network_")
    with pytest.raises(ValueError, match="not fitted"):
        model.predict(X)


def test_a_failed_fit_discards_the_networks_unless_warm_started() -> None:
    model = fixed().fit(X, T)
    with pytest.raises(UsageError, match="diverged"):
        model.set_params(solver="gradient_descent", learning_rate_init=1e200).fit(X, T)
    assert not hasattr(model, "network_")
    kept = fixed(warm_start=True).fit(X, T)
    before = kept.predict(X)
    with pytest.raises(UsageError, match="diverged"):
        kept.set_params(solver="gradient_descent", learning_rate_init=1e200).fit(X, T)
    assert_array_equal(kept.predict(X), before)


def test_a_network_of_other_settings_cannot_be_continued() -> None:
    model = fixed(warm_start=True).fit(X, T)
    with pytest.raises(
        UsageError, match=r"float64 and layers \(5, 9, 1\); .* float32 and layers \(5, 9, 1\)"
    ):
        model.set_params(dtype="float32").fit(X, T)
    with pytest.raises(UsageError, match=r"need 1 of float64 and layers \(5, 8, 1\)"):
        model.set_params(dtype="float64", hidden_layer_sizes=(8,)).fit(X, T)

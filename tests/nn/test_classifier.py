"""MLPClassifier as scikit-learn's checks, its users and its worst inputs see it."""

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as Peer
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.nn import MLPClassifier
from galfeat.nn.blocks import BLOCK

EXPECTED_FAILURES: dict[str, str] = {}  # check: reason; none


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([MLPClassifier()], expected_failed_checks=lambda _: EXPECTED_FAILURES)
def test_scikit_learns_checks(estimator, check) -> None:  # type: ignore[no-untyped-def]
    check(estimator)


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray]:
    X, y = make_classification(150, 8, n_informative=6, n_redundant=0, n_classes=3, class_sep=2.0, random_state=3)
    return X, np.array(["agn", "merger", "spiral"])[y]


def fixed(**settings: object) -> MLPClassifier:
    return MLPClassifier(**({"hidden_layer_sizes": (9,), "max_iter": 20, "tol": None, "random_state": 0} | settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("features", "hidden"), [(1, (3,)), (17, (5, 33)), (200, (64,)), (1031, (100,)), (40, ())])
def test_probabilities_do_not_depend_on_the_other_rows(
    threads: int, dtype: str, features: int, hidden: tuple[int, ...], rng: np.random.Generator
) -> None:
    X = rng.standard_normal((2 * BLOCK + 37, features))
    with threadpool_limits(threads):
        model = fixed(hidden_layer_sizes=hidden, dtype=dtype, max_iter=1).fit(X, np.arange(len(X)) % 5)
        whole = model.predict_proba(X)
        order = rng.permutation(len(X))
        assert whole.dtype == dtype
        assert_array_equal(model.predict_proba(X[order]), whole[order])
        for rows in (slice(0, 1), slice(7, 8), slice(5, 5 + BLOCK), slice(100, 133)):
            assert_array_equal(model.predict_proba(X[rows]), whole[rows])
            assert_array_equal(model.predict_log_proba(X[rows]), model.predict_log_proba(X)[rows])


def test_a_seed_gives_the_same_network(problem: tuple[np.ndarray, np.ndarray]) -> None:
    one, same, other = (fixed(random_state=seed, batch_size=32).fit(*problem).network_.params for seed in (5, 5, 6))
    assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_early_stopping_that_sees_no_harm_changes_no_bit(problem: tuple[np.ndarray, np.ndarray]) -> None:
    plain, early = fixed(max_iter=5, batch_size=32), fixed(max_iter=5, batch_size=32, early_stopping=True)
    plain.fit(*problem)
    early.fit(*problem)
    assert early.n_iter_ == 5, "the scores of five epochs on these classes must not tell against the last"
    assert_array_equal(plain.network_.params, early.network_.params)
    assert early.validation_scores_ is not None
    assert len(early.validation_scores_) == 5


def _few(name: str, seed: int) -> tuple[np.ndarray, ...]:
    if name == "digits":
        X, y = load_digits(return_X_y=True)
    elif name == "wine":
        X, y = load_wine(return_X_y=True)
    else:
        X, y = make_classification(1500, 100, n_informative=12, n_redundant=20, n_classes=5, flip_y=0.2, class_sep=1.5, random_state=1)
    A, B, a, b = train_test_split(X, y, train_size=min(200, len(y) * 2 // 3), stratify=y, random_state=seed)
    scaler = StandardScaler().fit(A)
    return scaler.transform(A), scaler.transform(B), a, b


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("rate", [0.001, 0.01])
@pytest.mark.parametrize("name", ["digits", "wine", "noisy"])
def test_early_stopping_does_not_collapse_on_few_samples(name: str, rate: float) -> None:
    without, with_it = [], []
    for seed in range(6):
        A, B, a, b = _few(name, seed)
        settings: dict[str, Any] = {"learning_rate_init": rate, "random_state": seed, "max_iter": 300}
        without.append(MLPClassifier(**settings).fit(A, a).score(B, b))
        with_it.append(MLPClassifier(early_stopping=True, **settings).fit(A, a).score(B, b))
    error = np.std(without, ddof=1) / np.sqrt(len(without))
    assert np.mean(with_it) >= np.mean(without) - error


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("load", [load_digits, load_wine, load_breast_cancer])
def test_as_accurate_as_scikit_learn(load) -> None:  # type: ignore[no-untyped-def]
    X, y = load(return_X_y=True)
    ours, theirs = [], []
    for seed in range(12):
        A, B, a, b = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
        scaler = StandardScaler().fit(A)
        A, B = scaler.transform(A), scaler.transform(B)
        ours.append(MLPClassifier((32,), max_iter=100, random_state=seed).fit(A, a).score(B, b))
        theirs.append(Peer((32,), max_iter=100, random_state=seed).fit(A, a).score(B, b))
    behind = np.subtract(theirs, ours)
    # twelve runs of either are a matter of luck to within two standard errors; worse weights to begin with (He's) are found out
    assert behind.mean() <= 2 * behind.std(ddof=1) / np.sqrt(len(behind))


def test_early_stopping_ends_where_going_on_hurts(rng: np.random.Generator) -> None:
    X = rng.standard_normal((2000, 5))
    y = (X[:, 0] > 0).astype(int)
    model = MLPClassifier(early_stopping=True, learning_rate_init=0.02, max_iter=500, random_state=0).fit(X, y)
    assert model.n_iter_ < 200
    assert model.score(X, y) > 0.97


def test_class_weight_is_sample_weight(problem: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = problem
    by_class = fixed(class_weight={"agn": 3.0, "merger": 1.0, "spiral": 0.5}).fit(X, y)
    by_sample = fixed().fit(X, y, sample_weight=np.select([y == "agn", y == "merger"], [3.0, 1.0], 0.5))
    assert_array_equal(by_class.network_.params, by_sample.network_.params)
    assert not np.array_equal(by_class.network_.params, fixed().fit(X, y).network_.params)


def test_balanced_weights_lift_the_rare_class(rng: np.random.Generator) -> None:
    y = (np.arange(600) % 20 == 0).astype(int)
    X = rng.standard_normal((600, 3)) + 1.2 * y[:, None]
    found = [
        MLPClassifier(class_weight=weight, max_iter=100, tol=None, random_state=0).fit(X, y).predict(X[y == 1]).mean()
        for weight in (None, "balanced")
    ]
    assert found[1] > found[0] + 0.2


def test_probabilities_and_their_logarithms(problem: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = problem
    model = fixed(max_iter=100, learning_rate_init=0.02).fit(X, y)
    assert_array_equal(model.classes_, ["agn", "merger", "spiral"])
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X), rtol=1e-10)
    assert_array_equal(model.classes_[model.predict_proba(X).argmax(axis=1)], model.predict(X))
    assert np.isfinite(model.predict_log_proba(1e6 * X)).all()
    assert model.score(X, y) > 0.85


def test_coefficients_are_views(problem: tuple[np.ndarray, np.ndarray]) -> None:
    model = fixed().fit(*problem)
    assert [w.shape for w in model.coefs_] == [(8, 9), (9, 3)]
    assert [b.shape for b in model.intercepts_] == [(9,), (3,)]
    assert all(np.shares_memory(part, model.network_.params) for part in model.coefs_ + model.intercepts_)
    assert (model.n_layers_, model.n_outputs_, model.n_iter_, model.t_) == (3, 3, 20, 20 * 150)
    assert len(model.loss_curve_) == 20


def test_partial_fit_and_warm_start_go_on(problem: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = problem
    whole = fixed(max_iter=4).fit(X, y)
    parts = fixed().partial_fit(X, y, classes=np.unique(y))
    for _ in range(3):
        parts.partial_fit(X, y)
    warm = fixed(max_iter=2, warm_start=True).fit(X, y).fit(X, y)
    assert_array_equal(whole.network_.params, parts.network_.params)
    assert_array_equal(whole.network_.params, warm.network_.params)


def test_convergence_warning_only_where_asked(problem: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.warns(ConvergenceWarning, match="raise max_iter, or say tol=None"):
        MLPClassifier(max_iter=3, random_state=0).fit(*problem)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier(max_iter=3, random_state=0, tol=None).fit(*problem)
        MLPClassifier(max_iter=3, random_state=0, early_stopping=True).fit(*problem)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_not_finite(problem: tuple[np.ndarray, np.ndarray], bad: float) -> None:
    X, y = problem[0].copy(), problem[1]
    model = fixed().fit(X, y)
    X[3, 2] = bad
    for act in (lambda: fixed().fit(X, y), lambda: model.predict(X)):
        with pytest.raises(ValueError, match=r"contains NaN|contains infinity"):
            act()


def test_other_bad_input_is_said_in_words(problem: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = problem
    with pytest.raises(UsageError, match="all samples are of one class, 'agn'"):
        fixed().fit(X, ["agn"] * len(y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fixed().fit(X, y[:-1])
    with pytest.raises(ValueError, match="X has 7 features, but MLPClassifier is expecting 8"):
        fixed().fit(X, y).predict(X[:, :7])
    with pytest.raises(UsageError, match="label 'irregular' is not among the classes 'agn', 'merger', 'spiral'"):
        fixed().partial_fit(X, y, classes=np.unique(y)).partial_fit(X[:1], ["irregular"])
    with pytest.raises(UsageError, match="first call of partial_fit needs classes"):
        fixed().partial_fit(X, y)
    with pytest.raises(ValueError, match="at least one non-zero"):
        fixed().fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(UsageError, match="class_weight makes all sample weights zero"):
        fixed(class_weight=dict.fromkeys(np.unique(y).tolist(), 0.0)).fit(X, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", ["adam", "gradient_descent"])
def test_a_rate_that_diverges_leaves_no_network(problem: tuple[np.ndarray, np.ndarray], solver: str, dtype: str) -> None:
    X, y = problem
    model = fixed(solver=solver, learning_rate_init=1e200 if dtype == "float64" else 1e30, dtype=dtype)
    with pytest.raises(UsageError, match=r"training diverged: .* use a smaller learning rate"):
        model.fit(1e3 * X, y)
    kept = fixed(warm_start=True).fit(X, y)
    before = kept.network_.params.copy()
    kept.set_params(solver="gradient_descent", learning_rate_init=1e200)
    with pytest.raises(UsageError, match="diverged"):
        kept.fit(1e3 * X, y)
    assert_array_equal(kept.network_.params, before)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("hidden_layer_sizes", (0,)), ("alpha", -1.0), ("learning_rate_init", 0.0), ("max_iter", 0), ("batch_size", "all"), ("tol", -1.0),
        ("validation_fraction", 1.0), ("dtype", "float16"), ("activation", "rleu"), ("solver", "adan"), ("learning_rate", "falling"),
        ("initializer", "hee"), ("shuffle", 1), ("n_iter_no_change", 2.5),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_named(problem: tuple[np.ndarray, np.ndarray], setting: str, value: object) -> None:
    with pytest.raises(
        UsageError, match=setting if setting not in {"activation", "solver", "learning_rate", "initializer"} else "there is no"
    ):
        fixed(**{setting: value}).fit(*problem)

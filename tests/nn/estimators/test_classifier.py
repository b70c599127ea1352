"""MLPClassifier: reproducibility, agreement with scikit-learn, weights, invalid input."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as Peer
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.nn import MLPClassifier
from galfeat.nn.estimators.predict import BLOCK
from galfeat.nn.losses import LOSSES
from galfeat.nn.optimizers import OPTIMIZERS, Adam
from galfeat.nn.schedules import SCHEDULES
from galfeat.nn.training.ensemble import EnsembleMember


@pytest.fixture(scope="module")
def problem() -> tuple[np.ndarray, np.ndarray]:
    X, y = make_classification(
        150, 8, n_informative=6, n_redundant=0, n_classes=3, class_sep=2.0, random_state=3
    )
    return X, np.array(["agn", "merger", "spiral"])[y]


def fixed(**settings: object) -> MLPClassifier:
    return MLPClassifier(
        **({"hidden_layer_sizes": (9,), "max_iter": 20, "tol": None, "random_state": 0} | settings)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("features", "hidden"), [(1, (3,)), (17, (5, 33)), (200, (64,)), (1031, (100,)), (40, ())]
)
def test_probabilities_do_not_depend_on_the_other_rows(
    threads: int, dtype: str, features: int, hidden: tuple[int, ...], rng: np.random.Generator
) -> None:
    X = rng.standard_normal((2 * BLOCK + 37, features))
    with threadpool_limits(threads):
        model = fixed(hidden_layer_sizes=hidden, dtype=dtype, max_iter=1).fit(
            X, np.arange(len(X)) % 5
        )
        whole = model.predict_proba(X)
        order = rng.permutation(len(X))
        assert whole.dtype == dtype
        assert_array_equal(model.predict_proba(X[order]), whole[order])
        for rows in (slice(0, 1), slice(7, 8), slice(5, 5 + BLOCK), slice(100, 133)):
            assert_array_equal(model.predict_proba(X[rows]), whole[rows])
            assert_array_equal(model.predict_log_proba(X[rows]), model.predict_log_proba(X)[rows])


def test_a_seed_gives_the_same_network(problem: tuple[np.ndarray, np.ndarray]) -> None:
    one, same, other = (
        fixed(random_state=seed, batch_size=32).fit(*problem).network_.params for seed in (5, 5, 6)
    )
    assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_early_stopping_without_overfitting_changes_no_bit(
    problem: tuple[np.ndarray, np.ndarray],
) -> None:
    plain, early = (
        fixed(max_iter=5, batch_size=32),
        fixed(max_iter=5, batch_size=32, early_stopping=True),
    )
    plain.fit(*problem)
    early.fit(*problem)
    assert early.n_iter_ == 5, (
        "the scores of five epochs on these classes must not tell against the last"
    )
    assert_array_equal(plain.network_.params, early.network_.params)
    assert early.validation_scores_ is not None
    assert len(early.validation_scores_) == 5


def _few(name: str, seed: int) -> tuple[np.ndarray, ...]:
    if name == "digits":
        X, y = load_digits(return_X_y=True)
    elif name == "wine":
        X, y = load_wine(return_X_y=True)
    else:
        X, y = make_classification(
            1500,
            100,
            n_informative=12,
            n_redundant=20,
            n_classes=5,
            flip_y=0.2,
            class_sep=1.5,
            random_state=1,
        )
    A, B, a, b = train_test_split(
        X, y, train_size=min(200, len(y) * 2 // 3), stratify=y, random_state=seed
    )
    scaler = StandardScaler().fit(A)
    return scaler.transform(A), scaler.transform(B), a, b


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("rate", [0.001, 0.01])
@pytest.mark.parametrize("name", ["digits", "wine", "noisy"])
def test_early_stopping_does_not_collapse_on_few_samples(name: str, rate: float) -> None:
    without, with_it = [], []
    for seed in range(6):
        A, B, a, b = _few(name, seed)
        settings: dict[str, Any] = {
            "learning_rate_init": rate,
            "random_state": seed,
            "max_iter": 300,
        }
        without.append(MLPClassifier(**settings).fit(A, a).score(B, b))
        with_it.append(MLPClassifier(early_stopping=True, **settings).fit(A, a).score(B, b))
    error = np.std(without, ddof=1) / np.sqrt(len(without))
    assert np.mean(with_it) >= np.mean(without) - error


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("load", [load_digits, load_wine])
def test_from_the_same_start_in_the_same_order_both_learn_the_same(
    load: Callable[..., tuple[np.ndarray, np.ndarray]],
) -> None:
    """Loss, gradient, penalty, batches, Adam and the end of training are scikit-learn's.

    Epsilon, which the two place differently, is made too small to matter. Three classes or more: of
    two, scikit-learn's network has one output, and this one two.
    """
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    settings: dict[str, Any] = {
        "alpha": 0.5,
        "shuffle": False,
        "batch_size": 50,
        "random_state": 0,
        "warm_start": True,
        "tol": 1e-3,
    }
    peer = Peer((16,), "tanh", max_iter=1, learning_rate_init=0.01, epsilon=1e-20, **settings).fit(
        X, y
    )
    ours = MLPClassifier(
        (16,), "tanh", max_iter=1, solver=Adam(learning_rate=0.01, epsilon=1e-20), **settings
    ).fit(X, y)
    peer.coefs_, peer.intercepts_ = (
        [w.copy() for w in ours.coefs_],
        [b.copy() for b in ours.intercepts_],
    )
    # as scikit-learn, without momentum from the epoch before
    ours._members = [EnsembleMember(ours.network_, ours._members[0].rng)]
    peer.set_params(max_iter=60).fit(X, y)
    ours.set_params(max_iter=60).fit(X, y)
    assert ours.n_iter_ == peer.n_iter_ < 60
    np.testing.assert_allclose(ours.loss_curve_, peer.loss_curve_[-ours.n_iter_ :], rtol=1e-9)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=1e-9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("load", "share", "rate", "runs"),
    [
        (load_digits, 0.3, 0.001, 24),
        (load_wine, 0.5, 0.003, 40),
        (load_breast_cancer, 0.5, 0.003, 24),
    ],
)
def test_as_accurate_as_scikit_learn(
    load: Callable[..., tuple[np.ndarray, np.ndarray]], share: float, rate: float, runs: int
) -> None:
    """Each from its own start, in its own order: within one standard error of the runs'
    differences.

    One standard error is passed by luck five times in six where there is nothing between the two:
    500 runs on the digits differ by -0.0001 +- 0.0003, 400 on the wines by +0.003 +- 0.002, 300 on
    the tumours by +0.0003 +- 0.0006. What the test does find is a worse start: with He's
    initializer all three fall behind, by about two standard errors or more.
    """
    X, y = load(return_X_y=True)
    ours, theirs = [], []
    for seed in range(runs):
        A, B, a, b = train_test_split(X, y, train_size=share, stratify=y, random_state=seed)
        scaler = StandardScaler().fit(A)
        A, B = scaler.transform(A), scaler.transform(B)
        settings: dict[str, Any] = {
            "learning_rate_init": rate,
            "max_iter": 100,
            "random_state": seed,
        }
        ours.append(MLPClassifier((32,), **settings).fit(A, a).score(B, b))
        theirs.append(Peer((32,), **settings).fit(A, a).score(B, b))
    behind = np.subtract(theirs, ours)
    assert behind.mean() <= behind.std(ddof=1) / np.sqrt(runs)


def test_early_stopping_ends_at_overfitting(rng: np.random.Generator) -> None:
    X = rng.standard_normal((2000, 5))
    y = (X[:, 0] > 0).astype(int)
    model = MLPClassifier(
        early_stopping=True, learning_rate_init=0.02, max_iter=500, random_state=0
    ).fit(X, y)
    assert model.n_iter_ < 200
    assert model.score(X, y) > 0.97


def test_class_weight_is_sample_weight(problem: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = problem
    by_class = fixed(class_weight={"agn": 3.0, "merger": 1.0, "spiral": 0.5}).fit(X, y)
    by_sample = fixed().fit(
        X, y, sample_weight=np.select([y == "agn", y == "merger"], [3.0, 1.0], 0.5)
    )
    assert_array_equal(by_class.network_.params, by_sample.network_.params)
    assert not np.array_equal(by_class.network_.params, fixed().fit(X, y).network_.params)


def test_class_weight_of_classes_whose_names_are_numbers(
    problem: tuple[np.ndarray, np.ndarray],
) -> None:
    X, y = problem
    weights = {"agn": 3.0, "merger": 1.0, "spiral": 0.5}
    number = {"agn": "1", "merger": "2", "spiral": "30"}
    named = fixed(class_weight=weights).fit(X, y)
    numbered = fixed(class_weight={number[name]: weight for name, weight in weights.items()}).fit(
        X, np.array([number[name] for name in y])
    )
    assert numbered.classes_.tolist() == ["1", "2", "30"]
    np.testing.assert_array_equal(numbered.predict_proba(X), named.predict_proba(X))


def test_class_weight_and_sample_weight_are_multiplied(
    problem: tuple[np.ndarray, np.ndarray], rng: np.random.Generator
) -> None:
    X, y = problem
    weight = rng.uniform(0.5, 2, len(y))
    both = fixed(class_weight={"agn": 4.0, "merger": 1.0, "spiral": 1.0}).fit(
        X, y, sample_weight=weight
    )
    product = fixed().fit(X, y, sample_weight=np.where(y == "agn", 4 * weight, weight))
    assert_array_equal(both.network_.params, product.network_.params)


def test_balanced_weights_lift_the_rare_class(rng: np.random.Generator) -> None:
    y = (np.arange(600) % 20 == 0).astype(int)
    X = rng.standard_normal((600, 3)) + 1.2 * y[:, None]
    found = [
        MLPClassifier(class_weight=weight, max_iter=100, tol=None, random_state=0)
        .fit(X, y)
        .predict(X[y == 1])
        .mean()
        for weight in (None, "balanced")
    ]
    assert found[1] > found[0] + 0.2


def test_probabilities_and_their_logarithms(problem: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = problem
    model = fixed(max_iter=100, learning_rate_init=0.02).fit(X, y)
    assert_array_equal(model.classes_, ["agn", "merger", "spiral"])
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_allclose(
        np.exp(model.predict_log_proba(X)), model.predict_proba(X), rtol=1e-10
    )
    assert_array_equal(model.classes_[model.predict_proba(X).argmax(axis=1)], model.predict(X))
    assert np.isfinite(model.predict_log_proba(1e6 * X)).all()
    assert model.score(X, y) > 0.85


def test_coefficients_are_views(problem: tuple[np.ndarray, np.ndarray]) -> None:
    model = fixed().fit(*problem)
    assert [w.shape for w in model.coefs_] == [(8, 9), (9, 3)]
    assert [b.shape for b in model.intercepts_] == [(9,), (3,)]
    assert all(
        np.shares_memory(part, model.network_.params) for part in model.coefs_ + model.intercepts_
    )
    assert (model.n_layers_, model.n_outputs_, model.n_iter_, model.t_) == (3, 3, 20, 20 * 150)
    assert len(model.loss_curve_) == 20


def test_partial_fit_and_warm_start_continue(problem: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = problem
    whole = fixed(max_iter=4).fit(X, y)
    parts = fixed().partial_fit(X, y, classes=np.unique(y))
    for _ in range(3):
        parts.partial_fit(X, y)
    warm = fixed(max_iter=2, warm_start=True).fit(X, y).fit(X, y)
    assert_array_equal(whole.network_.params, parts.network_.params)
    assert_array_equal(whole.network_.params, warm.network_.params)


def test_convergence_warning_only_where_asked(problem: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.warns(ConvergenceWarning, match="raise max_iter, or set tol=None"):
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


def test_other_bad_input_is_reported(problem: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = problem
    with pytest.raises(UsageError, match="all samples are of one class, 'agn'"):
        fixed().fit(X, ["agn"] * len(y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fixed().fit(X, y[:-1])
    with pytest.raises(ValueError, match="X has 7 features, but MLPClassifier is expecting 8"):
        fixed().fit(X, y).predict(X[:, :7])
    with pytest.raises(
        UsageError, match="label 'irregular' is not among the classes 'agn', 'merger', 'spiral'"
    ):
        fixed().partial_fit(X, y, classes=np.unique(y)).partial_fit(X[:1], ["irregular"])
    with pytest.raises(UsageError, match="first call of partial_fit needs classes"):
        fixed().partial_fit(X, y)
    # scikit-learn's words, where it looks at weights
    with pytest.raises(ValueError, match=r"at least one (non-zero|sample)"):
        fixed().fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(UsageError, match="sample_weight and class_weight make all weights zero"):
        fixed(class_weight=dict.fromkeys(np.unique(y).tolist(), 0.0)).fit(X, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", ["adam", "gradient_descent"])
def test_a_rate_that_diverges_leaves_no_network(
    problem: tuple[np.ndarray, np.ndarray], solver: str, dtype: str
) -> None:
    X, y = problem
    model = fixed(
        solver=solver, learning_rate_init=1e200 if dtype == "float64" else 1e30, dtype=dtype
    )
    for act in (
        model.fit,
        lambda X, y: model.partial_fit(X, y, classes=np.unique(y)) and model.partial_fit(X, y),
    ):
        with pytest.raises(UsageError, match=r"training diverged: .* use a smaller learning rate"):
            act(1e3 * X, y)
    kept = fixed(warm_start=True).fit(X, y)
    before = kept.network_.params.copy()
    kept.set_params(solver="gradient_descent", learning_rate_init=1e200)
    with pytest.raises(UsageError, match="diverged"):
        kept.fit(1e3 * X, y)
    with pytest.raises(UsageError, match="diverged"):
        kept.partial_fit(1e3 * X, y).partial_fit(1e3 * X, y)
    assert np.isfinite(kept.network_.params).all()
    assert np.isfinite(before).all()


def test_features_too_large_to_predict_are_named(problem: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = problem
    model = fixed(dtype="float32").fit(X, y)
    far = X.copy()
    far[[4, 9]] = 3e38
    with pytest.raises(
        UsageError, match="output for row 4 is not finite: its features are too large for float32"
    ):
        model.predict_proba(far)
    with pytest.raises(UsageError, match="row 4"):
        model.predict(far)


def test_labels_that_a_warm_start_does_not_know(problem: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = problem
    model = fixed(warm_start=True).fit(X, y)
    with pytest.raises(
        UsageError,
        match="needs the classes of the first fit, 'agn', 'merger', 'spiral'; got 'agn', 'merger'",
    ):
        model.fit(X[y != "spiral"], y[y != "spiral"])
    with pytest.raises(UsageError, match="classes must be those of the first call"):
        model.partial_fit(X, y, classes=["agn", "merger"])


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_separates_the_classes(
    problem: tuple[np.ndarray, np.ndarray], loss: str
) -> None:
    X, y = problem
    model = fixed(loss=loss, max_iter=150, learning_rate_init=0.01).fit(X, y)
    assert model.score(X, y) > 0.85
    np.testing.assert_array_equal(
        model.classes_[model.decision_function(X).argmax(axis=1)], model.predict(X)
    )
    two = fixed(loss=loss, max_iter=150, learning_rate_init=0.01).fit(X, y == "agn")
    assert two.decision_function(X).shape == (150,)
    np.testing.assert_array_equal(two.decision_function(X) > 0, two.predict(X))
    assert hasattr(two, "predict_proba") == (loss in {"cross_entropy", "binary_cross_entropy"})
    if hasattr(two, "predict_proba"):
        np.testing.assert_allclose(two.predict_proba(X).sum(axis=1), 1)
        np.testing.assert_array_equal(two.predict_proba(X)[:, 1] > 0.5, two.predict(X))
        assert np.isfinite(two.predict_log_proba(1e6 * X)).all()


@pytest.mark.slow
@pytest.mark.parametrize("solver", [*OPTIMIZERS, "amsgrad", "newton", "lbfgs"])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_every_solver_makes_the_loss_fall(
    problem: tuple[np.ndarray, np.ndarray], solver: str, schedule: str
) -> None:
    model = fixed(
        solver=solver, learning_rate=schedule, learning_rate_init=0.02, max_iter=15, alpha=0.1
    ).fit(*problem)
    assert model.loss_ < 0.9 * model.loss_curve_[0]


def test_a_schedule_changes_training(problem: tuple[np.ndarray, np.ndarray]) -> None:
    ends = {
        name: fixed(learning_rate=name, max_iter=40).fit(*problem).network_.params.tobytes()
        for name in SCHEDULES
    }
    same = [name for name, end in ends.items() if end == ends["constant"]]
    assert same == ["constant", "reduce_on_plateau"], (
        "the step's first drop comes after 30 epochs, a plateau never"
    )


def test_the_training_loss_stops_training(rng: np.random.Generator) -> None:
    X = rng.standard_normal((300, 3))
    model = MLPClassifier((8,), tol=0.05, n_iter_no_change=4, max_iter=500, random_state=0).fit(
        X, (X[:, 0] > 0).astype(int)
    )
    curve = np.array(model.loss_curve_)
    assert 5 <= model.n_iter_ < 500
    assert model.validation_scores_ is None
    best = np.minimum.accumulate(curve)
    assert np.all(curve[-5:] > best[-6:-1] - 0.05), (
        "the last five epochs each better the best so far by less than tol"
    )
    assert model.loss_ == curve[-1]
    assert model.best_loss_ == curve.min()


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("hidden_layer_sizes", (0,), "hidden_layer_sizes must be whole numbers"),
        ("alpha", -1.0, r"alpha must be a number in \[0, inf\)"),
        ("l1", float("nan"), "l1 must be a number"),
        ("dropout", 1.0, r"dropout must be a number in \[0, 1\)"),
        ("learning_rate_init", 0.0, "learning_rate_init must be"),
        ("max_iter", 0, "max_iter must be"),
        ("batch_size", "all", "batch_size must be"),
        ("tol", -1.0, "tol must be"),
        ("validation_fraction", 1.0, "validation_fraction must be"),
        ("dtype", "float16", "dtype must be"),
        ("activation", "rleu", "there is no activation 'rleu'; choose one of"),
        ("activation", ["relu"], "activation must be a name, or an object of"),
        ("loss", "log_loss", "there is no loss 'log_loss'; choose one of"),
        ("solver", "adan", "there is no solver 'adan'; choose one of .*adam.*newton, lbfgs"),
        ("learning_rate", "falling", "there is no schedule 'falling'"),
        ("initializer", "hee", "there is no initializer 'hee'"),
        ("shuffle", 1, "shuffle must be True or False"),
        ("calibration", "temperature", "calibration must be True or False"),
        ("n_iter_no_change", 2.5, "n_iter_no_change must be"),
        ("n_networks", 0, "n_networks must be"),
        ("random_state", -1, "random_state must be"),
        ("class_weight", "even", "class_weight must be"),
        (
            "class_weight",
            {"agn": -1.0, "merger": 1.0, "spiral": 1.0},
            "class_weight must be numbers of at least 0",
        ),
        ("hidden_layer_sizes", np.array(0), "hidden_layer_sizes must be"),
        ("warm_start", np.zeros(2), "warm_start must be"),
    ],
)
def test_settings_out_of_range_are_named(
    problem: tuple[np.ndarray, np.ndarray], setting: str, value: object, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        fixed(**{setting: value}).fit(*problem)


def test_labels_that_are_none_are_named_with_their_row() -> None:
    features = np.random.default_rng(0).normal(size=(6, 2))
    for missing in (None, float("nan")):
        labels = np.array(["a", "b", "a", missing, "b", missing], dtype=object)
        with pytest.raises(UsageError, match=r"no label in 2 rows \(the first: row 3"):
            MLPClassifier().fit(features, labels)
    with pytest.raises(UsageError, match="mixes texts and numbers: 'a' is the label of row 0"):
        MLPClassifier().fit(features, np.array(["a", "b", 1, 2, "a", "b"], dtype=object))


def test_masked_features_are_refused() -> None:
    features = np.random.default_rng(0).normal(size=(6, 2))
    masked = np.ma.MaskedArray(features, mask=features > 1e9)
    labels = np.array(list("aabbab"))
    network = MLPClassifier(max_iter=2, tol=None).fit(masked, labels)
    masked[4, 1] = np.ma.masked
    for fit_or_predict in (
        lambda: MLPClassifier().fit(masked, labels),
        lambda: network.predict(masked),
    ):
        with pytest.raises(UsageError, match=r"values of 1 rows are masked \(the first: row 4\)"):
            fit_or_predict()

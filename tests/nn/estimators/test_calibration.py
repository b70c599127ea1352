"""Temperature scaling: recovers a known temperature and never changes a predicted class."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from galfeat import UsageError
from galfeat.nn import MLPClassifier
from galfeat.nn.estimators.calibration import fit_temperature, scaled_log_softmax, scaled_softmax
from galfeat.nn.estimators.probabilities import ensemble_scores, link_for, log_softmax
from galfeat.nn.losses import LOSSES


def drawn(
    rng: np.random.Generator, n: int, k: int, sharpness: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return log-probabilities and one-hot classes drawn with exactly these probabilities."""
    logs = log_softmax(sharpness * rng.standard_normal((n, k)))
    chosen = (rng.random((n, 1)) > np.cumsum(np.exp(logs), axis=1)[:, :-1]).sum(axis=1)
    return logs, np.eye(k)[chosen]


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("wrong_by", [0.4, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(
    rng: np.random.Generator, k: int, wrong_by: float
) -> None:
    found = []
    for _ in range(8):
        logs, target = drawn(rng, 4000, k, 2.0)
        found.append(fit_temperature(wrong_by * logs, target))
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert np.mean(found) == pytest.approx(wrong_by, abs=3 * error + 2e-3 * wrong_by)
    assert error < 0.02 * wrong_by


def test_no_other_temperature_has_less_log_loss(rng: np.random.Generator) -> None:
    logs, target = drawn(rng, 20_000, 3, 2.0)
    weight = rng.uniform(0.5, 2, (20_000, 1))
    classes = target.argmax(axis=1)
    best = minimize_scalar(
        lambda t: log_loss(classes, scaled_softmax(2.5 * logs, t), sample_weight=weight[:, 0]),
        bounds=(0.1, 10),
        method="bounded",
    )
    # the sample added moves it by 1/n
    assert fit_temperature(2.5 * logs, target, weight) == pytest.approx(best.x, rel=2e-3)
    assert fit_temperature(2.5 * logs, target, 7 * weight) == pytest.approx(
        fit_temperature(2.5 * logs, target, weight)
    )


def test_few_samples_do_not_give_full_confidence() -> None:
    right = np.log([[0.9, 0.1]] * 20)
    t = fit_temperature(right, np.eye(2)[[0] * 20])
    assert scaled_softmax(right, t)[0, 0] == pytest.approx(20.9 / 21), (
        "twenty of twenty, and one more that is right with 0.9"
    )


def test_uninformative_scores_get_the_highest_temperature() -> None:
    against = np.log([[0.9, 0.1]] * 20)
    assert fit_temperature(against, np.eye(2)[[1] * 20]) == 1e3
    assert fit_temperature(np.zeros((20, 2)), np.eye(2)[[1] * 20]) in (1e-3, 1e3)


@pytest.mark.parametrize(
    "bad", [np.zeros((0, 2)), np.full((3, 2), np.nan), np.full((3, 2), -np.inf)]
)
def test_invalid_scores_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(UsageError, match="finite scores"):
        fit_temperature(bad, np.zeros((len(bad), 2)))


def test_temperature_scaling_keeps_the_order_and_the_sum(rng: np.random.Generator) -> None:
    logs = rng.standard_normal((50, 4))
    for t in (0.1, 1.0, 30.0):
        np.testing.assert_array_equal(scaled_softmax(logs, t).argmax(axis=1), logs.argmax(axis=1))
        np.testing.assert_allclose(scaled_softmax(logs, t).sum(axis=1), 1)
        np.testing.assert_allclose(np.exp(scaled_log_softmax(logs, t)), scaled_softmax(logs, t))
    # odds are squared
    np.testing.assert_allclose(
        scaled_softmax(np.log([[0.2, 0.8]]), 0.5), [[0.04 / 0.68, 0.64 / 0.68]]
    )


def test_probabilities_of_each_loss_by_hand() -> None:
    outputs = [np.log([[1.0, 3.0]]), np.log([[1.0, 1.0]])]
    # of .25 .75 and .5 .5
    np.testing.assert_allclose(
        np.exp(ensemble_scores(outputs, link_for(LOSSES["cross_entropy"]))), [[0.375, 0.625]]
    )
    np.testing.assert_allclose(
        np.exp(ensemble_scores(outputs[:1], link_for(LOSSES["binary_cross_entropy"]))), [[0.4, 0.6]]
    )  # answers .5 and .75, brought to a sum of 1
    assert link_for(LOSSES["hinge"]) is None
    np.testing.assert_allclose(
        ensemble_scores([np.array([[1.0, 3.0]]), np.array([[2.0, 8.0]])], None), [[1.5, 5.5]]
    )
    far = ensemble_scores(
        [np.array([[0.0, -5e3]]), np.array([[0.0, -6e3]])], link_for(LOSSES["cross_entropy"])
    )
    np.testing.assert_allclose(far, [[0.0, -5e3 - np.log(2)]])


def _overconfident(seed: int, noise: float = 0.2, distance: float = 0.8) -> tuple[np.ndarray, ...]:
    X, y = make_classification(
        900, 20, n_informative=5, n_classes=3, flip_y=noise, class_sep=distance, random_state=seed
    )
    parts = train_test_split(X, y, test_size=0.5, random_state=seed, stratify=y)
    return tuple(np.asarray(part) for part in parts)


SETTINGS = {
    "hidden_layer_sizes": (100,),
    "alpha": 0.0,
    "max_iter": 150,
    "tol": None,
    "learning_rate_init": 0.005,
    "dtype": "float32",
}


def test_calibration_lowers_the_log_loss_of_an_overconfident_network() -> None:
    raw, setting, own = [], [], []
    for seed in range(3):
        A, B, a, b = _overconfident(seed)
        plain = MLPClassifier(random_state=seed, **SETTINGS).fit(A, a)  # type: ignore[arg-type]
        calibrated = MLPClassifier(random_state=seed, calibration=True, **SETTINGS).fit(A, a)  # type: ignore[arg-type]
        np.testing.assert_array_equal(plain.network_.params, calibrated.network_.params)
        np.testing.assert_array_equal(plain.predict(B), calibrated.predict(B))
        assert calibrated.temperature_ is not None
        assert calibrated.temperature_ > 1.5
        raw.append(log_loss(b, plain.predict_proba(B)))
        setting.append(log_loss(b, calibrated.predict_proba(B)))
        before = plain.predict(B)
        plain.calibrate(B[::2], b[::2])
        own.append(log_loss(b[1::2], plain.predict_proba(B[1::2])))
        np.testing.assert_array_equal(plain.predict(B), before)
        np.testing.assert_allclose(
            np.exp(plain.predict_log_proba(B)), plain.predict_proba(B), rtol=1e-4, atol=1e-30
        )
    assert np.mean(setting) < 0.7 * np.mean(raw)
    assert np.mean(own) < 0.7 * np.mean(raw)


def test_a_calibrated_network_keeps_its_temperature(
    rng: np.random.Generator,
) -> None:
    found = []
    for seed in range(6):
        X = rng.standard_normal((3000, 2))
        # a linear network can be exactly right
        y = (rng.random(3000) < 1 / (1 + np.exp(-2 * X[:, 0]))).astype(int)
        model = MLPClassifier((), solver="lbfgs", alpha=0.0, tol=1e-4, random_state=seed).fit(
            X[:1500], y[:1500]
        )
        found.append(model.calibrate(X[1500:], y[1500:]).temperature_)
    assert abs(np.mean(found) - 1) < 2 * np.std(found, ddof=1) / np.sqrt(len(found)) + 0.02  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", ["hinge", "half_squared_error"])
def test_calibration_makes_probabilities_of_scores(loss: str) -> None:
    A, B, a, b = _overconfident(5, 0.05, 1.5)
    model = MLPClassifier((20,), loss=loss, max_iter=100, tol=None, random_state=0)
    assert not hasattr(model, "predict_proba")
    with pytest.raises(AttributeError, match="predict_proba"):
        model.fit(A, a).predict_proba(B)
    model.calibrate(B[::2], b[::2])
    assert log_loss(b[1::2], model.predict_proba(B[1::2])) < 0.7 * np.log(3)
    assert log_loss(
        b, model.set_params(calibration=True).fit(A, a).predict_proba(B)
    ) < 0.7 * np.log(3)


def test_the_next_fit_discards_the_temperature() -> None:
    A, B, a, b = _overconfident(2)
    model = MLPClassifier((30,), max_iter=60, tol=None, random_state=0).fit(A, a)
    plain = model.predict_proba(B)
    assert model.calibrate(B, b).temperature_ != 1
    assert model.fit(A, a).temperature_ == 1
    np.testing.assert_array_equal(model.predict_proba(B), plain)
    kept = model.calibrate(B, b).temperature_
    assert model.partial_fit(A, a).temperature_ == kept


def test_calibrating_needs_known_labels_and_a_trained_network() -> None:
    A, B, a, b = _overconfident(1)
    with pytest.raises(ValueError, match="not fitted"):
        MLPClassifier().calibrate(A, a)
    model = MLPClassifier((5,), max_iter=2, tol=None).fit(A, a)
    with pytest.raises(UsageError, match="label 7 is not among the classes"):
        model.calibrate(B, np.where(b == 0, 7, b))
    assert model.temperature_ == 1
    with pytest.raises(AttributeError, match="partial_fit"):
        MLPClassifier(calibration=True).partial_fit(A, a)

"""The perceptron learning rule and Novikoff's bound."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Perceptron as Peer
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from galfeat import UsageError
from galfeat.nn import Perceptron


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::sklearn.exceptions.SkipTestWarning"
)
@parametrize_with_checks([Perceptron()])
def test_scikit_learns_checks(estimator, check) -> None:  # type: ignore[no-untyped-def]
    check(estimator)


def test_by_pencil() -> None:
    """From w = b = 0: (1, 0) is wrong, w = (1, 0), b = 1; (0, 1) is wrong, w = (1, -1), b = 0; all
    are right then.
    """
    neuron = Perceptron().fit([[1.0, 0.0], [0.0, 1.0]], ["up", "down"])
    assert neuron.classes_.tolist() == ["down", "up"]
    assert (neuron.coef_.tolist(), neuron.intercept_.tolist()) == ([[1, -1]], [0])
    assert (neuron.n_updates_.tolist(), neuron.n_iter_, neuron.converged_.tolist()) == (
        [2],
        2,
        [True],
    )


@pytest.mark.parametrize("shuffle", [False, True])
def test_it_converges_within_the_bound(shuffle: bool) -> None:
    """Novikoff's theorem, with the margin of a nearly hard support vector machine, which is at most
    the best one.
    """
    rng = np.random.default_rng(4)
    tightest = 0.0
    for seed in range(20):
        direction = rng.normal(size=4)
        X = rng.normal(size=(200, 4)) * 10.0 ** rng.integers(-1, 2)
        distance = X @ direction / np.linalg.norm(direction)
        keep = abs(distance) > 0.03 * abs(distance).max()
        X, y = X[keep], distance[keep] > 0
        neuron = Perceptron(fit_intercept=False, shuffle=shuffle, random_state=seed).fit(X, y)
        svm = LinearSVC(C=1e6, fit_intercept=False, max_iter=200_000, tol=1e-3, dual=False).fit(
            X, y
        )
        margins = np.where(y, 1, -1) * (X @ svm.coef_[0]) / np.linalg.norm(svm.coef_)
        bound = ((X**2).sum(axis=1).max()) / max(margins.min(), 0.03 * abs(distance).max()) ** 2
        assert neuron.converged_.all()
        assert (neuron.predict(X) == y).all()
        assert 0 < neuron.n_updates_[0] <= bound
        tightest = max(tightest, neuron.n_updates_[0] / bound)
    assert tightest > 0.01, "the bound must be nearly reached at least once"


def test_the_bound_can_be_met() -> None:
    """One sample (and its mirror image) of length R = gamma: (R / gamma)^2 = 1 update."""
    neuron = Perceptron(fit_intercept=False).fit([[3.0, 4.0], [-3.0, -4.0]], [1, 0])
    assert neuron.n_updates_.tolist() == [1]


def test_as_scikit_learns_where_it_does_the_same() -> None:
    """Unshuffled, two classes: the same updates (scikit-learn too takes a sample on the hyperplane
    for a mistake).
    """
    X, y = load_iris(return_X_y=True)
    y = (y > 0).astype(int)
    ours = Perceptron().fit(X, y)
    theirs = Peer(shuffle=False, tol=None, max_iter=ours.n_iter_).fit(X, y)
    assert np.allclose(ours.coef_, theirs.coef_)
    assert np.allclose(ours.intercept_, theirs.intercept_)


def test_inseparable_classes_do_not_converge() -> None:
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    with pytest.warns(ConvergenceWarning, match="still made mistakes after max_iter=50 passes"):
        neuron = Perceptron(50).fit(X, [0, 1, 1, 0])
    assert not neuron.converged_.any()
    assert (neuron.n_iter_, neuron.predict(X).tolist() != [0, 1, 1, 0]) == (50, True)


def test_three_classes_have_three_neurons() -> None:
    X = np.array([[2.0, 0.0], [3.0, 0.5], [-2.0, 2.0], [-2.0, 3.0], [-2.0, -2.0], [-3.0, -2.0]])
    y = np.array(["agn", "agn", "merger", "merger", "spiral", "spiral"])
    neurons = Perceptron().fit(X, y)
    assert neurons.coef_.shape == (3, 2)
    assert neurons.predict(X).tolist() == y.tolist()
    assert neurons.decision_function(X).shape == (6, 3)


def test_a_seed_gives_the_same_hyperplane() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    y = X[:, 0] + 0.2 * X[:, 1] > 0.1
    one, same, other = (
        Perceptron(shuffle=True, random_state=seed).fit(X, y).coef_ for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("passes", [0, -1, 1.5, True, "many"])
def test_invalid_settings_are_refused(passes: object) -> None:
    with pytest.raises(UsageError, match="max_iter must be a whole number of at least 1"):
        Perceptron(passes).fit([[0.0], [1.0]], [0, 1])  # type: ignore[arg-type]


def test_one_class_is_refused() -> None:
    with pytest.raises(UsageError, match="y has one class only, agn"):
        Perceptron().fit([[0.0], [1.0]], ["agn", "agn"])

"""Ensembles, validation runs, dropout and penalties."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_classification

from galfeat import UsageError
from galfeat.nn import MLPClassifier, MLPRegressor
from galfeat.nn.dropout import Dropout
from galfeat.nn.losses import LOSSES
from galfeat.nn.network import Network, initialized
from galfeat.nn.optimizers import Adam
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.early_stopping import Validation
from galfeat.nn.training.ensemble import EnsembleMember, TrainingTask
from galfeat.nn.training.loop import TrainingPlan

X, Y = make_classification(
    150, 8, n_informative=6, n_redundant=0, n_classes=3, class_sep=2.0, random_state=3
)
T = X[:, 0] * X[:, 1]


def fixed(**settings: Any) -> MLPClassifier:
    basic: dict[str, Any] = {
        "hidden_layer_sizes": (9,),
        "max_iter": 10,
        "tol": None,
        "random_state": 0,
        "batch_size": 32,
    }
    return MLPClassifier(**(basic | settings))


def test_an_ensemble_averages_probabilities() -> None:
    model = fixed(n_networks=3).fit(X, Y)
    scores = [network.forward(X) for network in model.networks_]
    shares = [np.exp(o) / np.exp(o).sum(axis=1, keepdims=True) for o in scores]
    assert_allclose(model.predict_proba(X), sum(shares) / 3, rtol=1e-12)
    assert_allclose(model.predict_log_proba(X), np.log(sum(shares) / 3), rtol=1e-9)
    assert_array_equal(model.predict(X), np.argmax(sum(shares), axis=1))


def test_an_ensemble_averages_scores_where_there_are_no_probabilities() -> None:
    model = fixed(n_networks=2, loss="hinge").fit(X, Y)
    assert_allclose(
        model.decision_function(X),
        (model.networks_[0].forward(X) + model.networks_[1].forward(X)) / 2,
    )
    regressor = MLPRegressor((9,), n_networks=2, max_iter=5, tol=None).fit(X, T)
    assert_allclose(
        regressor.predict(X),
        (regressor.networks_[0].forward(X) + regressor.networks_[1].forward(X))[:, 0] / 2,
    )


def test_a_small_ensemble_is_the_start_of_a_larger_one() -> None:
    one, three = fixed().fit(X, Y), fixed(n_networks=3).fit(X, Y)
    assert_array_equal(one.network_.params, three.networks_[0].params)
    assert len({network.params.tobytes() for network in three.networks_}) == 3
    assert (three.n_iter_, three.t_, len(three.loss_curve_)) == (10, 1500, 10)


def test_an_ensemble_continues_training() -> None:
    whole = fixed(n_networks=2, max_iter=4).fit(X, Y)
    parts = fixed(n_networks=2).partial_fit(X, Y, classes=[0, 1, 2])
    for _ in range(3):
        parts.partial_fit(X, Y)
    for a, b in zip(whole.networks_, parts.networks_, strict=True):
        assert_array_equal(a.params, b.params)
    with pytest.raises(UsageError, match=r"2 network\(s\) .* need 3"):
        parts.set_params(n_networks=3).partial_fit(X, Y)


class Scripted(Validation):
    """Return scores from a list, whatever the network's output."""

    def score(self, output: np.ndarray) -> tuple[float, float]:  # noqa: ARG002
        return [0.1, 0.9, 0.2, 0.1, 0.3][len(self.scores)], 0.0


def test_a_validation_run_returns_the_network_of_the_chosen_epoch() -> None:
    samples = Samples(X, np.eye(3)[Y])
    task = TrainingTask(
        samples=samples,
        loss=LOSSES["cross_entropy"],
        plan=TrainingPlan(optimizer=Adam(), batch_size=32, max_iter=5, tol=None),
    )
    member = EnsembleMember(
        initialized((8, 4, 3), "tanh", "identity", np.random.default_rng(1)),
        np.random.default_rng(2),
    )
    run = member.validation_run(
        task, lambda network: Scripted(network, samples), np.random.default_rng(3)
    )
    two, _ = replace(member, rng=np.random.default_rng(3)).trained(task.with_fixed_epochs(2))
    assert (run.epochs, run.scores) == (2, (0.1, 0.9, 0.2, 0.1, 0.3))
    assert_array_equal(run.network.params, two.network.params)
    assert member.validation_run(task, None, np.random.default_rng(3)).epochs is None


def test_an_ensemble_is_no_worse_than_its_members(rng: np.random.Generator) -> None:
    new = rng.standard_normal((400, 5))
    old = rng.standard_normal((60, 5))
    truth = [np.sin(2 * part[:, 0]) + part[:, 1] * part[:, 2] for part in (old, new)]
    model = MLPRegressor(
        (40,), n_networks=5, max_iter=200, tol=None, learning_rate_init=0.01, random_state=0
    ).fit(old, truth[0])
    alone = np.mean(
        [np.mean((network.forward(new)[:, 0] - truth[1]) ** 2) for network in model.networks_]
    )
    assert np.mean((model.predict(new) - truth[1]) ** 2) < 0.95 * alone


def test_dropped_units_are_zero_and_the_mean_stays(rng: np.random.Generator) -> None:
    masks: list[np.ndarray] = [np.empty((2000, 30)), np.empty((2000, 7), dtype=np.float32)]
    Dropout(0.25).draw(masks, rng)
    for factors in masks:
        assert set(np.unique(factors)) == {0.0, factors.dtype.type(4 / 3)}
        assert factors.mean() == pytest.approx(1, abs=0.03)
    before = [factors.copy() for factors in masks]
    Dropout(0.25).draw(masks, rng)
    assert not np.array_equal(masks[0], before[0])


def test_no_dropout_costs_nothing(rng: np.random.Generator) -> None:
    buffers = Network((3, 4, 2)).new_buffers(5)
    assert Dropout(0.0).with_masks(buffers) is buffers
    state = rng.bit_generator.state
    Dropout(0.0).draw(buffers.masks, rng)
    assert rng.bit_generator.state == state


def test_dropout_changes_training_alone() -> None:
    model = fixed(dropout=0.5).fit(X, Y)
    assert not np.array_equal(model.network_.params, fixed().fit(X, Y).network_.params)
    assert_array_equal(model.network_.params, fixed(dropout=0.5).fit(X, Y).network_.params)
    assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    assert (
        model.predict_proba(X).argmax(axis=1).tolist()
        == model.network_.forward(X).argmax(axis=1).tolist()
    )


def test_dropout_masks_change_at_each_step() -> None:
    """With a rate that moves nothing, the loss of the whole batch differs from epoch to epoch by
    the units left out alone.
    """
    still: dict[str, Any] = {"learning_rate_init": 1e-14, "batch_size": 200, "max_iter": 5}
    assert len(set(np.round(fixed(dropout=0.5, **still).fit(X, Y).loss_curve_, 9))) == 5
    assert len(set(np.round(fixed(**still).fit(X, Y).loss_curve_, 9))) == 1


def test_dropout_lowers_the_loss_on_new_samples(rng: np.random.Generator) -> None:
    new, old = rng.standard_normal((2000, 30)), rng.standard_normal((80, 30))
    truth = [(part[:, 0] > 0).astype(int) for part in (old, new)]
    losses = []
    for dropout in (0.0, 0.5):
        model = MLPClassifier(
            (60,), alpha=0.0, dropout=dropout, max_iter=150, tol=None, random_state=0
        ).fit(old, truth[0])
        losses.append(-np.mean(model.predict_log_proba(new)[np.arange(2000), truth[1]]))
    assert losses[1] < losses[0]


def test_an_l1_penalty_removes_irrelevant_features(rng: np.random.Generator) -> None:
    old = rng.standard_normal((300, 10))
    loud = []
    for l1 in (0.0, 10.0):
        model = MLPRegressor(
            (), l1=l1, alpha=0.0, max_iter=400, tol=None, learning_rate_init=0.01, random_state=0
        )
        loud.append(
            np.abs(model.fit(old, old[:, 0] + 0.3 * rng.standard_normal(300)).coefs_[0][:, 0])
        )
    assert loud[1][1:].max() < 0.3 * loud[0][1:].max()
    # least squares with an L1 penalty: 1 shrinks by l1 / n
    assert loud[1][0] == pytest.approx(1 - 10 / 300, abs=0.05)


def test_l2_and_l1_penalties_follow_their_formulas() -> None:
    """One weight, no bias to speak of: the minimum of ((w - 1)^2 + alpha/n w^2)/2 + l1/n |w| is (1
    - l1/n) / (1 + alpha/n).
    """
    x = np.array([[1.0], [-1.0]])
    for alpha, l1 in ((2.0, 0.0), (0.0, 0.5), (1.0, 0.5)):
        model = MLPRegressor(
            (),
            alpha=alpha,
            l1=l1,
            solver="gradient_descent",
            learning_rate_init=0.1,
            max_iter=500,
            tol=None,
        )
        assert model.fit(x, x[:, 0]).coefs_[0][0, 0] == pytest.approx(
            (1 - l1 / 2) / (1 + alpha / 2), abs=1e-6
        )


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
def test_full_batch_solvers_find_the_minimum(solver: str) -> None:
    """Linear regression with an L2 penalty is solved by the normal equations."""
    alpha, n = 3.0, len(X)
    model = MLPRegressor((), solver=solver, alpha=alpha, tol=1e-10, random_state=0).fit(X, T)
    centered, gram = X - X.mean(axis=0), alpha * np.eye(8)
    wanted = np.linalg.solve(centered.T @ centered + gram, centered.T @ (T - T.mean()))
    assert_allclose(model.coefs_[0][:, 0], wanted, rtol=1e-5, atol=1e-7)
    assert_allclose(model.intercepts_[0], T.mean() - X.mean(axis=0) @ wanted, rtol=1e-5)
    assert model.n_iter_ == len(model.loss_curve_) < 100
    assert model.loss_ == pytest.approx(
        0.5 * np.mean((model.predict(X) - T) ** 2) + 0.5 * alpha / n * wanted @ wanted
    )


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
def test_full_batch_solvers_stop_early_continue_and_refuse(solver: str) -> None:
    early = fixed(solver=solver, early_stopping=True, max_iter=12, alpha=1.0).fit(X, Y)
    assert early.validation_scores_ is not None
    assert early.n_iter_ <= len(early.validation_scores_) <= 12
    warm = fixed(solver=solver, max_iter=3, warm_start=True, alpha=1.0).fit(X, Y).fit(X, Y)
    assert warm.n_iter_ == 6
    assert warm.loss_ < warm.loss_curve_[2]
    for bad in ({"dropout": 0.1}, {"l1": 0.1}):
        with pytest.raises(UsageError, match="needs a smooth loss"):
            fixed(solver=solver, **bad).fit(X, Y)
    with pytest.raises(AttributeError, match="partial_fit"):
        fixed(solver=solver).partial_fit(X, Y)


def test_a_validation_run_from_the_minimum_ends_there() -> None:
    flat = MLPRegressor(
        (), solver="newton", initializer="zeros", early_stopping=True, random_state=0
    ).fit(X, np.zeros(len(X)))
    assert (flat.n_iter_, flat.loss_) == (1, 0.0)


def test_weights_of_a_part_have_a_mean_of_one() -> None:
    part = Samples(X, T[:, None], np.arange(1.0, 151.0)[:, None]).rows(np.array([0, 2]))
    assert part.weight is not None
    assert part.weight.ravel().tolist() == [0.5, 1.5]


def test_networks_are_made_with_the_activation_and_initializer_asked_for(
    rng: np.random.Generator,
) -> None:
    model = fixed(
        activation="tanh", initializer="orthogonal", max_iter=1, learning_rate_init=1e-12
    ).fit(X, Y)
    assert_allclose(model.coefs_[0] @ model.coefs_[0].T, np.eye(8), atol=1e-9)
    assert (
        model.network_.activations[0]
        == initialized((1, 1, 1), "tanh", "identity", rng).activations[0]
    )

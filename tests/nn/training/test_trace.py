"""Recorded training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galfeat import UsageError
from galfeat.nn.losses import get_loss
from galfeat.nn.network import initialized
from galfeat.nn.optimizers import Adam, GradientDescent
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.loop import TrainingPlan, train
from galfeat.nn.training.objective import Objective
from galfeat.nn.training.trace import Trace, record


def task(seed: int = 0) -> tuple[Objective, Samples, np.random.Generator]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(30, 2))
    network = initialized((2, 4, 3), "tanh", "identity", rng)
    return (
        Objective(network, get_loss("cross_entropy"), l2=0.1),
        Samples(X, np.eye(3)[np.arange(30) % 3]),
        rng,
    )


def traced(every: int = 1, **settings: object) -> tuple[Trace, Samples]:
    objective, samples, rng = task()
    plan = TrainingPlan(
        **(
            {"optimizer": Adam(learning_rate=0.05), "batch_size": 10, "max_iter": 5, "tol": None}  # type: ignore[arg-type]
            | settings
        )
    )
    return record(objective, samples, plan, rng, every=every), samples


def test_recording_does_not_change_training() -> None:
    trace, _ = traced()
    objective, samples, rng = task()
    history = train(
        objective,
        samples,
        TrainingPlan(optimizer=Adam(learning_rate=0.05), batch_size=10, max_iter=5, tol=None),
        rng,
    )
    assert len(trace) == history.updates + 1 == 16
    assert_array_equal(trace.params[-1], objective.network.params)
    assert_array_equal(trace.network.params, objective.network.params)
    assert_array_equal(trace.params[0], task()[0].network.params)


@pytest.mark.parametrize(
    ("every", "expected"),
    [(1, list(range(16))), (4, [0, 4, 8, 12, 15]), (5, [0, 5, 10, 15]), (99, [0, 15])],
)
def test_every_so_many_updates_and_the_end(every: int, expected: list[int]) -> None:
    assert traced(every)[0].updates.tolist() == expected


def test_a_step_of_gradient_descent_is_its_gradient() -> None:
    """With the full batch and rate r the parameters move by -r times the recorded gradient."""
    trace, _ = traced(optimizer=GradientDescent(learning_rate=0.25), batch_size=30)
    assert_allclose(
        np.diff(trace.params, axis=0), -0.25 * trace.gradients[:-1], rtol=1e-12, atol=1e-15
    )


def test_gradients_are_slopes_of_the_losses() -> None:
    trace, samples = traced(every=7)
    objective = task()[0]
    for step in range(len(trace)):
        direction = np.random.default_rng(step).normal(size=trace.params.shape[1])
        ahead, behind = (
            Objective(
                objective.network.with_params(trace.params[step] + h * direction),
                objective.loss,
                objective.l2,
            ).value(samples)
            for h in (1e-6, -1e-6)
        )
        assert trace.gradients[step] @ direction == pytest.approx((ahead - behind) / 2e-6, rel=1e-6)
        assert Objective(trace.at(step), objective.loss, objective.l2).value(
            samples
        ) == pytest.approx(trace.losses[step])


def test_weights_and_activations_by_layer() -> None:
    trace, samples = traced()
    assert [weight.shape for weight in trace.weights(3)] == [(2, 4), (4, 3)]
    assert [bias.shape for bias in trace.biases(3)] == [(4,), (3,)]
    hidden, out = trace.activations(3, samples.X)
    assert_allclose(hidden, np.tanh(samples.X @ trace.weights(3)[0] + trace.biases(3)[0]))
    assert_allclose(out, hidden @ trace.weights(3)[1] + trace.biases(3)[1])
    sizes = trace.gradient_norms()
    assert sizes.shape == (16, 2)
    assert_allclose(sizes[5, 1], np.linalg.norm(trace.gradients[5][8:20]))


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_every_is_a_whole_number(every: object) -> None:
    with pytest.raises(UsageError, match="every must be a whole number of at least 1"):
        traced(every)  # type: ignore[arg-type]

"""Optimizers: first steps by hand, immutable states, convergence."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galfeat import UsageError
from galfeat.nn.optimizers import (
    OPTIMIZERS,
    Adagrad,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
    get_optimizer,
)

P = np.array([1.0, -2.0])
G = np.array([0.5, 4.0])


def after(optimizer: Optimizer, steps: int) -> np.ndarray:
    params, state = P, optimizer.start(P)
    for _ in range(steps):
        params, state = optimizer.step(params, G, state)
    return params


@pytest.mark.parametrize(
    ("optimizer", "steps", "wanted"),
    [
        (GradientDescent(learning_rate=0.1), 2, [0.9, -2.8]),
        (Momentum(learning_rate=0.1, momentum=0.5), 2, [1 - 0.05 - 0.075, -2 - 0.4 - 0.6]),
        (Nesterov(learning_rate=0.1, momentum=0.5), 2, [1 - 0.075 - 0.0875, -2 - 0.6 - 0.7]),
        (Adagrad(learning_rate=0.1), 2, [0.9 - 0.1 / np.sqrt(2), -2.1 - 0.1 / np.sqrt(2)]),
        (RMSprop(learning_rate=0.1, rho=0.75), 1, [0.8, -2.2]),
        (Adam(learning_rate=0.1), 3, [0.7, -2.3]),
        (Adam(learning_rate=0.1, amsgrad=True), 3, [0.7, -2.3]),
        (AdamW(learning_rate=0.1, weight_decay=0.5), 1, [0.95 - 0.1, -1.9 - 0.1]),
    ],
)
def test_steps_by_pencil(optimizer: Optimizer, steps: int, wanted: list[float]) -> None:
    assert_allclose(after(optimizer, steps), wanted, rtol=1e-7)


def test_amsgrad_remembers_the_largest_square() -> None:
    plain, ams = Adam(learning_rate=0.1), Adam(learning_rate=0.1, amsgrad=True)
    moves = []
    for optimizer in (plain, ams):
        params, state = optimizer.step(P, np.array([100.0, 100.0]), optimizer.start(P))
        for _ in range(3000):
            params, state = optimizer.step(params, np.array([1.0, 1.0]), state)
        moves.append(
            abs(float((optimizer.step(params, np.array([1.0, 1.0]), state)[0] - params)[0]))
        )
    assert moves[0] == pytest.approx(0.1, rel=0.5)
    assert moves[1] < 0.6 * moves[0]


ALL = [*(optimizer() for optimizer in OPTIMIZERS.values()), Adam(amsgrad=True)]


@pytest.mark.parametrize(
    "optimizer", ALL, ids=lambda o: f"{type(o).__name__}{'-amsgrad' * getattr(o, 'amsgrad', False)}"
)
def test_arguments_are_not_modified_unless_reuse_is_true(
    optimizer: Optimizer, rng: np.random.Generator
) -> None:
    size = 40_000  # more than one stretch
    params, gradient = rng.standard_normal(size), rng.standard_normal(size)
    _, state = optimizer.step(params, gradient, optimizer.start(params))
    kept = [array.copy() for array in (params, gradient, *state.slots.values())]
    new, moved = optimizer.step(params, gradient, state)
    for array, before in zip((params, gradient, *state.slots.values()), kept, strict=True):
        assert_array_equal(array, before)
    again, reused = optimizer.step(params, gradient, state, reuse=True)
    assert again is params
    assert (state.count, moved.count, reused.count) == (1, 2, 2)
    assert_array_equal(again, new)
    whole = np.concatenate(
        [
            optimizer.step(kept[0][p], kept[1][p], _cut(optimizer, kept, p))[0]
            for p in (slice(0, 7), slice(7, None))
        ]
    )
    assert_array_equal(whole, new)


def _cut(optimizer: Optimizer, kept: list[np.ndarray], part: slice):  # type: ignore[no-untyped-def]
    state = optimizer.start(kept[0][part])
    return type(state)(1, dict(zip(state.slots, (array[part] for array in kept[2:]), strict=True)))


@pytest.mark.parametrize(
    "optimizer", ALL, ids=lambda o: f"{type(o).__name__}{'-amsgrad' * getattr(o, 'amsgrad', False)}"
)
def test_all_find_the_minimum_of_a_quadratic(optimizer: Optimizer) -> None:
    rate = 1.0 if isinstance(optimizer, Adagrad) else 0.02
    params, state = P, optimizer.start(P)
    for step in range(2000):
        params, state = optimizer.step(
            params, np.array([1.0, 5.0]) * params, state, rate / (1 + step / 200)
        )
    assert_allclose(params, 0, atol=1e-2)


def test_names_and_ranges() -> None:
    assert get_optimizer("amsgrad", 0.1) == Adam(learning_rate=0.1, amsgrad=True)
    assert get_optimizer(Momentum(), 0.1).learning_rate == 0.01
    with pytest.raises(UsageError, match="no optimizer 'adan'; choose one of gradient_descent"):
        get_optimizer("adan", 0.1)
    with pytest.raises(
        UsageError, match=r"beta_1 of Adam must be at least 0.0 and below 1.0; got 1.0"
    ):
        Adam(beta_1=1.0)

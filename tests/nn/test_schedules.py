"""Learning-rate factors by hand."""

import pytest

from galfeat import UsageError
from galfeat.nn.schedules import (
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
    WarmRestarts,
    get_schedule,
)


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (Constant(), {0: 1.0, 99: 1.0}),
        (StepDecay(every=10, drop=0.5), {0: 1.0, 9: 1.0, 10: 0.5, 25: 0.25}),
        (Exponential(drop=0.5), {0: 1.0, 3: 0.125}),
        (InverseTime(decay=0.5), {0: 1.0, 2: 0.5, 6: 0.25}),
        (Cosine(period=30, floor=0.2), {0: 1.0, 10: 0.8, 15: 0.6, 30: 0.2, 99: 0.2}),
        (WarmRestarts(period=4, growth=2), {0: 1.0, 2: 0.5, 4: 1.0, 8: 0.5, 12: 1.0, 20: 0.5}),
    ],
)
def test_factors(schedule: Schedule, factors: dict[int, float]) -> None:
    assert {epoch: pytest.approx(schedule.factor(epoch)) for epoch in factors} == factors


def test_reduce_on_plateau() -> None:
    schedule = ReduceOnPlateau(patience=2, drop=0.5, threshold=0.1)
    losses = [10.0, 8.0, 7.9, 7.9, 7.9, 7.9, 7.0, 7.0, 7.0, 7.0]
    assert [schedule.factor(epoch, losses[:epoch]) for epoch in range(11)] == [
        1,
        1,
        1,
        1,
        1,
        0.5,
        0.5,
        0.5,
        0.5,
        0.5,
        0.25,
    ]


def test_unknown_schedule_is_refused() -> None:
    with pytest.raises(UsageError, match="no schedule 'falling'; choose one of constant"):
        get_schedule("falling")

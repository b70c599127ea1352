# ruff: noqa: ARG002 - all schedules have the same signature, whichever of epoch and losses they need
"""How the learning rate falls.

A schedule turns the epoch, counted from 0, into a factor on the initial rate.

===================  ==================================================================
Constant             1
StepDecay            drop^(epoch // every)
Exponential          drop^epoch
InverseTime          1 / (1 + decay epoch)
Cosine               from 1 to `floor` along half a cosine within `period` epochs
WarmRestarts         the same, begun anew after `period`, `period * growth`, … epochs
ReduceOnPlateau      times `drop` whenever the loss has not fallen for `patience` epochs
===================  ==================================================================

All look at the epoch alone but for the last, which looks at the losses so far.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi

from galfeat import UsageError

__all__ = [
    "SCHEDULES",
    "Constant",
    "Cosine",
    "Exponential",
    "InverseTime",
    "ReduceOnPlateau",
    "Schedule",
    "StepDecay",
    "WarmRestarts",
    "get_schedule",
]


class Schedule(ABC):
    """Epoch and losses in, factor out; a schedule remembers nothing."""

    @abstractmethod
    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return what the initial rate is multiplied by in this epoch.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        losses : sequence of float
            Loss of every epoch before this one.
        """


@dataclass(frozen=True)
class Constant(Schedule):
    """Always the initial rate."""

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Times `drop` after every `every` epochs."""

    every: int = 30
    drop: float = 0.1

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return drop^(epoch // every)."""
        return self.drop ** (epoch // self.every)


@dataclass(frozen=True)
class Exponential(Schedule):
    """Times `drop` after every epoch."""

    drop: float = 0.97

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return drop^epoch."""
        return self.drop**epoch


@dataclass(frozen=True)
class InverseTime(Schedule):
    """Falls as 1/t: slow enough to get anywhere, fast enough to settle (Robbins and Monro 1951)."""

    decay: float = 0.01

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return 1 / (1 + decay epoch)."""
        return 1 / (1 + self.decay * epoch)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from 1 down to `floor` in `period` epochs, then `floor`."""

    period: int = 200
    floor: float = 0.0

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return floor + (1 - floor) (1 + cos(pi epoch / period)) / 2."""
        return self.floor + (1 - self.floor) * (1 + cos(pi * min(epoch / self.period, 1.0))) / 2


@dataclass(frozen=True)
class WarmRestarts(Schedule):
    """The cosine begun anew whenever it has ended, each time `growth` times longer (Loshchilov and
    Hutter 2017, arXiv:1608.03983).
    """

    period: int = 10
    growth: int = 2
    floor: float = 0.0

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return the cosine's factor at the epoch within the present period."""
        period = self.period
        while epoch >= period:
            epoch -= period
            period *= self.growth
        return Cosine(period, self.floor).factor(epoch)


@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """Times `drop` whenever the loss has not fallen for more than `patience` epochs.

    Parameters
    ----------
    patience : int
    drop : float
    threshold : float
        A loss counts as fallen when it is below ``(1 - threshold)`` times the best so far, as in
        PyTorch.
    """

    patience: int = 10
    drop: float = 0.1
    threshold: float = 1e-4

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return drop to the power of the number of plateaus so far."""
        best, waited, plateaus = float("inf"), 0, 0
        for loss in losses:
            if loss < best * (1 - self.threshold):
                best, waited = loss, 0
            else:
                waited += 1
            if waited > self.patience:
                plateaus, waited = plateaus + 1, 0
        return self.drop**plateaus


SCHEDULES: dict[str, Schedule] = {
    "constant": Constant(),
    "step": StepDecay(),
    "exponential": Exponential(),
    "inverse_time": InverseTime(),
    "cosine": Cosine(),
    "warm_restarts": WarmRestarts(),
    "reduce_on_plateau": ReduceOnPlateau(),
}


def get_schedule(name: "str | Schedule") -> Schedule:
    """Return the schedule of that name with its defaults; a schedule is returned as it is.

    Raises
    ------
    UsageError
        If there is none of that name; the message lists them.
    """
    if isinstance(name, Schedule):
        return name
    if name not in SCHEDULES:
        raise UsageError(f"there is no schedule '{name}'; choose one of {', '.join(SCHEDULES)}")
    return SCHEDULES[name]

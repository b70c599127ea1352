# ruff: noqa: ARG002 - all schedules have the same signature, whichever of epoch and losses they need
"""Learning-rate schedules.

A schedule maps the epoch, counted from 0, to a factor on the initial learning rate.

===================  ==================================================================
Constant             1
StepDecay            drop^(epoch // every)
Exponential          drop^epoch
InverseTime          1 / (1 + decay epoch)
Cosine               from 1 to `floor` along half a cosine within `period` epochs
WarmRestarts         the same, restarted after `period`, `period * growth`, … epochs
ReduceOnPlateau      times `drop` whenever the loss has not fallen for `patience` epochs
===================  ==================================================================

All depend on the epoch only, except the last, which depends on the losses so far.
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
    """A stateless map from the epoch and the losses so far to a learning-rate factor."""

    @abstractmethod
    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return the factor on the initial learning rate in this epoch.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        losses : sequence of float
            Loss of each earlier epoch.
        """


@dataclass(frozen=True)
class Constant(Schedule):
    """A constant learning rate."""

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True)
class StepDecay(Schedule):
    """A factor of `drop` after every `every` epochs."""

    every: int = 30
    drop: float = 0.1

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return drop^(epoch // every)."""
        return self.drop ** (epoch // self.every)


@dataclass(frozen=True)
class Exponential(Schedule):
    """A factor of `drop` after each epoch (exponential decay)."""

    drop: float = 0.97

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return drop^epoch."""
        return self.drop**epoch


@dataclass(frozen=True)
class InverseTime(Schedule):
    """Decay as 1/t, which satisfies the convergence conditions of Robbins and Monro (1951)."""

    decay: float = 0.01

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return 1 / (1 + decay epoch)."""
        return 1 / (1 + self.decay * epoch)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Cosine annealing from 1 to `floor` within `period` epochs, then `floor`."""

    period: int = 200
    floor: float = 0.0

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return floor + (1 - floor) (1 + cos(pi epoch / period)) / 2."""
        return self.floor + (1 - self.floor) * (1 + cos(pi * min(epoch / self.period, 1.0))) / 2


@dataclass(frozen=True)
class WarmRestarts(Schedule):
    """Cosine annealing with warm restarts, each period `growth` times longer than the last.

    References
    ----------
    Loshchilov, I., and Hutter, F. 2017, arXiv:1608.03983
    """

    period: int = 10
    growth: int = 2
    floor: float = 0.0

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return the factor of `Cosine` at the epoch within the present period."""
        period = self.period
        while epoch >= period:
            epoch -= period
            period *= self.growth
        return Cosine(period, self.floor).factor(epoch)


@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """A factor of `drop` whenever the loss has not fallen for more than `patience` epochs.

    Parameters
    ----------
    patience : int
        In epochs.
    drop : float
    threshold : float
        The loss must fall below ``(1 - threshold)`` times the best so far, as in PyTorch.
    """

    patience: int = 10
    drop: float = 0.1
    threshold: float = 1e-4

    def factor(self, epoch: int, losses: Sequence[float] = ()) -> float:
        """Return drop^(number of plateaus so far)."""
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
    """Return a schedule by its name, with default settings; a `Schedule` is returned unchanged.

    Raises
    ------
    UsageError
        If the name is unknown; the message lists the known names.
    """
    if isinstance(name, Schedule):
        return name
    if name not in SCHEDULES:
        raise UsageError(f"there is no schedule '{name}'; choose one of {', '.join(SCHEDULES)}")
    return SCHEDULES[name]

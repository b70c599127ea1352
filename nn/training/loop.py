"""The training loop: epochs of mini-batches until the loss no longer falls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import TypeAlias

import numpy as np

from galfeat import UsageError
from galfeat.nn.dropout import Dropout
from galfeat.nn.network import Passage
from galfeat.nn.optimizers import Optimizer, State
from galfeat.nn.schedules import Constant, Schedule
from galfeat.nn.training.batches import Batches, Samples
from galfeat.nn.training.blas_threads import threads_for
from galfeat.nn.training.objective import Objective
from galfeat.nn.types import Floats

__all__ = ["History", "Patience", "Plan", "train"]

Watcher: TypeAlias = Callable[[int, float], None]
"""Called after each update with the number of updates so far and the loss of the batch before it.
"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to train.

    Parameters
    ----------
    optimizer : Optimizer
    schedule : Schedule
    batch_size, max_iter : int
        Samples an update; epochs at most.
    tol : float or None
        An epoch that does not better the best loss by more than this is an epoch without progress.
        None never gives up.
    n_iter_no_change : int
        Epochs without progress before training ends.
    updates_no_change : int
        Updates without progress that must have gone by as well: on few samples an epoch is one or
        two updates, and ten of them say nothing.
    shuffle : bool
        Draw a new order of the samples each epoch.
    dropout : Dropout
    """

    optimizer: Optimizer
    schedule: Schedule = field(default_factory=Constant)
    batch_size: int = 200
    max_iter: int = 200
    tol: float | None = 1e-4
    n_iter_no_change: int = 10
    updates_no_change: int = 0
    shuffle: bool = True
    dropout: Dropout = field(default_factory=Dropout)


@dataclass
class History:
    """What training did.

    Parameters
    ----------
    losses : list of float
        Mean objective of each epoch's batches, each taken before its update.
    updates : int
        Updates of the parameters.
    converged : bool
        Whether training ended because the loss no longer fell, not because the epochs ran out.
    state : State or None
        The optimizer's, to go on from.
    """

    losses: list[float] = field(default_factory=list)
    updates: int = 0
    converged: bool = False
    state: State | None = None


@dataclass
class Patience:
    """Counts how long the loss has not fallen by more than `tol`."""

    tol: float | None
    epochs: int
    updates: int = 0
    best: float = inf
    waited_epochs: int = 0
    waited_updates: int = 0

    def ended(self, loss: float, updates: int) -> bool:
        """Take note of an epoch's loss and its number of updates.

        Return whether patience has run out.
        """
        if self.tol is None:
            return False
        if loss > self.best - self.tol:
            self.waited_epochs, self.waited_updates = (
                self.waited_epochs + 1,
                self.waited_updates + updates,
            )
        else:
            self.waited_epochs = self.waited_updates = 0
        self.best = min(self.best, loss)
        return self.waited_epochs > self.epochs and self.waited_updates > self.updates


def train(
    objective: Objective,
    samples: Samples,
    plan: Plan,
    rng: np.random.Generator,
    *,
    state: State | None = None,
    judge: Callable[[], float] | None = None,
    watch: Watcher | None = None,
) -> History:
    """Train the objective's network in place.

    Parameters
    ----------
    objective : Objective
    samples : Samples
    plan : Plan
    rng : numpy.random.Generator
        Draws the order of the samples and the units that are left out.
    state : State, optional
        Of the optimizer, to go on from; it is used up.
    judge : callable, optional
        Called after each epoch; what it returns then decides when to stop, in place of the training
        loss.
    watch : callable, optional
        Called after each update.

    Returns
    -------
    History

    Raises
    ------
    UsageError
        If the loss or the parameters are no longer finite.
    """
    params, optimizer = objective.network.params, plan.optimizer
    history = History(state=optimizer.start(params) if state is None else state)
    patience = Patience(plan.tol, plan.n_iter_no_change, plan.updates_no_change)
    batches = Batches(samples, plan.batch_size, rng if plan.shuffle else None)
    epoch = _Epoch(objective, plan, rng, watch)
    bound = threads_for(objective.network.layout, min(plan.batch_size, len(samples)))
    # overflow ends in a loss that is not finite, which is said in words
    with bound, np.errstate(all="ignore"):
        for number in range(plan.max_iter):
            before = history.updates
            epoch.run(
                batches,
                history,
                optimizer.learning_rate * plan.schedule.factor(number, history.losses),
            )
            loss = history.losses[-1] if judge is None else judge()
            if patience.ended(loss, history.updates - before):
                history.converged = True
                break
    if not np.isfinite(params).all():
        raise _diverged(optimizer)
    return history


class _Epoch:
    """One pass through the samples, with the arrays that all passes share."""

    def __init__(
        self, objective: Objective, plan: Plan, rng: np.random.Generator, watch: Watcher | None
    ) -> None:
        self.objective, self.plan, self.rng, self.watch = objective, plan, rng, watch
        self.gradient: Floats = np.empty_like(objective.network.params)
        self.rooms: dict[int, Passage] = {}

    def run(self, batches: Batches, history: History, rate: float) -> None:
        total = 0.0
        optimizer, params = self.plan.optimizer, self.objective.network.params
        state = history.state or State()
        for batch in batches:
            room = self._room(len(batch))
            self.plan.dropout.draw(room.keep, self.rng)
            loss, gradient = self.objective.value_and_gradient(
                batch, out=self.gradient, passage=room
            )
            if not isfinite(loss):
                raise _diverged(optimizer)
            _, state = optimizer.step(params, gradient, state, rate, reuse=True)
            total += loss * len(batch)
            history.updates += 1
            if self.watch is not None:
                self.watch(history.updates, loss)
        history.state = state
        history.losses.append(total / len(batches.samples))

    def _room(self, rows: int) -> Passage:
        if rows not in self.rooms:  # the first batch is the largest, the last one may be smaller
            largest = max(self.rooms, default=0)
            room = self.objective.network.room
            self.rooms[rows] = (
                self.rooms[largest].first(rows)
                if rows < largest
                else self.plan.dropout.into(room(rows))
            )
        return self.rooms[rows]


def _diverged(optimizer: Optimizer) -> UsageError:
    return UsageError(
        "training diverged: the loss is no longer finite at a learning rate of "
        f"{optimizer.learning_rate:g}; "
        "use a smaller learning rate, and standardise the features if their values are large"
    )

"""Mini-batch training loop with a convergence criterion."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import TypeAlias

import numpy as np

from galfeat import UsageError
from galfeat.nn.dropout import Dropout
from galfeat.nn.network import LayerBuffers
from galfeat.nn.optimizers import Optimizer, State
from galfeat.nn.schedules import Constant, Schedule
from galfeat.nn.training.batches import Batches, Samples
from galfeat.nn.training.blas_threads import threads_for
from galfeat.nn.training.objective import Objective
from galfeat.nn.types import Floats

__all__ = ["History", "Patience", "TrainingPlan", "train"]

UpdateCallback: TypeAlias = Callable[[int, float], None]
"""Called after each update with the number of updates so far and the loss of that batch."""


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Optimizer, learning-rate schedule, batch size and stopping criteria of a training run.

    Parameters
    ----------
    optimizer : Optimizer
    schedule : Schedule
    batch_size : int
        Samples per update.
    max_iter : int
        Maximum number of epochs.
    tol : float or None
        An epoch that improves on the best loss by less than this counts as no progress. None:
        always train for `max_iter` epochs.
    n_iter_no_change : int
        Training stops after more than this many epochs without progress ...
    updates_no_change : int
        ... that contain more than this many updates. On few samples an epoch is one or two updates,
        too few to show progress.
    shuffle : bool
        Draw a new order of the samples in each epoch.
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
    """The record of a training run.

    Parameters
    ----------
    losses : list of float
        Mean objective of each epoch's batches, each evaluated before its update.
    updates : int
        Number of parameter updates.
    converged : bool
        Whether training stopped because the loss no longer fell, rather than at `max_iter`.
    state : State or None
        Optimizer state at the end, from which training can be continued.
    """

    losses: list[float] = field(default_factory=list)
    updates: int = 0
    converged: bool = False
    state: State | None = None


@dataclass
class Patience:
    """Convergence criterion: counts epochs and updates since the loss last fell by `tol`.

    Parameters
    ----------
    tol : float or None
        Required improvement; None: never stop.
    epochs, updates : int
        Training stops when both numbers are exceeded.
    """

    tol: float | None
    epochs: int
    updates: int = 0
    best: float = inf
    waited_epochs: int = 0
    waited_updates: int = 0

    def exhausted(self, loss: float, updates: int) -> bool:
        """Record an epoch's loss and its number of updates; return whether training should stop."""
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
    plan: TrainingPlan,
    rng: np.random.Generator,
    *,
    state: State | None = None,
    validate: Callable[[], float] | None = None,
    callback: UpdateCallback | None = None,
) -> History:
    """Train the objective's network in place.

    Parameters
    ----------
    objective : Objective
    samples : Samples
    plan : TrainingPlan
    rng : numpy.random.Generator
        Draws the order of the samples and the dropout masks.
    state : State, optional
        Optimizer state to continue from; its arrays are overwritten.
    validate : callable, optional
        Called after each epoch; returns the validation loss, which then replaces the training loss
        in the convergence criterion.
    callback : callable, optional
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
    epoch = _Epoch(objective, plan, rng, callback)
    thread_limit = threads_for(objective.network.layout, min(plan.batch_size, len(samples)))
    # overflow is reported below as divergence, not as a NumPy warning
    with thread_limit, np.errstate(all="ignore"):
        for number in range(plan.max_iter):
            before = history.updates
            epoch.run(
                batches,
                history,
                optimizer.learning_rate * plan.schedule.factor(number, history.losses),
            )
            loss = history.losses[-1] if validate is None else validate()
            if patience.exhausted(loss, history.updates - before):
                history.converged = True
                break
    if not np.isfinite(params).all():
        raise _divergence_error(optimizer)
    return history


class _Epoch:
    """One pass over the samples; holds the work arrays that all epochs reuse."""

    def __init__(
        self,
        objective: Objective,
        plan: TrainingPlan,
        rng: np.random.Generator,
        callback: UpdateCallback | None,
    ) -> None:
        self.objective, self.plan, self.rng, self.callback = objective, plan, rng, callback
        self.gradient: Floats = np.empty_like(objective.network.params)
        self.buffers: dict[int, LayerBuffers] = {}

    def run(self, batches: Batches, history: History, rate: float) -> None:
        total = 0.0
        optimizer, params = self.plan.optimizer, self.objective.network.params
        state = history.state or State()
        for batch in batches:
            buffers = self._buffers_for(len(batch))
            self.plan.dropout.draw(buffers.masks, self.rng)
            loss, gradient = self.objective.value_and_gradient(
                batch, out=self.gradient, buffers=buffers
            )
            if not isfinite(loss):
                raise _divergence_error(optimizer)
            _, state = optimizer.step(params, gradient, state, rate, reuse=True)
            total += loss * len(batch)
            history.updates += 1
            if self.callback is not None:
                self.callback(history.updates, loss)
        history.state = state
        history.losses.append(total / len(batches.samples))

    def _buffers_for(self, rows: int) -> LayerBuffers:
        if rows not in self.buffers:  # the first batch is the largest, the last may be smaller
            largest = max(self.buffers, default=0)
            self.buffers[rows] = (
                self.buffers[largest].first_rows(rows)
                if rows < largest
                else self.plan.dropout.with_masks(self.objective.network.new_buffers(rows))
            )
        return self.buffers[rows]


def _divergence_error(optimizer: Optimizer) -> UsageError:
    return UsageError(
        "training diverged: the loss is no longer finite at a learning rate of "
        f"{optimizer.learning_rate:g}; "
        "use a smaller learning rate, and standardize the features if their values are large"
    )

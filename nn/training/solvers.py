"""Newton's method and L-BFGS as training solvers.

Each step uses all samples, chooses its own length, and counts as one epoch.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

from galfeat.nn.training.batches import Samples
from galfeat.nn.training.blas_threads import threads_for
from galfeat.nn.training.full_batch import FullBatch, MinimizeResult
from galfeat.nn.training.lbfgs import lbfgs
from galfeat.nn.training.loop import History, Patience, TrainingPlan
from galfeat.nn.training.newton import newton
from galfeat.nn.training.objective import Objective
from galfeat.nn.types import Floats

__all__ = ["FULL_BATCH_SOLVERS", "FullBatchSolver", "train_full_batch"]

FullBatchSolver: TypeAlias = Literal["newton", "lbfgs"]
FULL_BATCH_SOLVERS: dict[str, Callable[..., MinimizeResult]] = {"newton": newton, "lbfgs": lbfgs}


class _EarlyStop(Exception):  # noqa: N818 - a signal, not an error
    """Raised from the callback to end the minimization by early stopping."""


class _StepRecorder:
    """The callback of a solver: records each step and applies early stopping."""

    def __init__(
        self, params: Floats, plan: TrainingPlan, validate: Callable[[], float] | None
    ) -> None:
        self.params, self.validate, self.history = params, validate, History()
        self._patience = Patience(plan.tol, plan.n_iter_no_change, plan.updates_no_change)
        self._started = False

    def __call__(self, point: Floats, loss: float) -> None:
        if not self._started:  # the first call is for the starting point
            self._started = True
            return
        self.params[...] = point
        self.history.losses.append(loss)
        self.history.updates += 1
        if self.validate is not None and self._patience.exhausted(self.validate(), 1):
            raise _EarlyStop


def train_full_batch(
    solver: FullBatchSolver,
    objective: Objective,
    samples: Samples,
    plan: TrainingPlan,
    *,
    validate: Callable[[], float] | None = None,
) -> History:
    """Minimize the objective over all samples; the network is trained in place.

    Parameters
    ----------
    solver : "newton" or "lbfgs"
    objective : Objective
        Without L1 penalty.
    samples : Samples
    plan : TrainingPlan
        `max_iter` is the maximum number of steps, `tol` the gradient norm at which the solver has
        converged.
    validate : callable, optional
        Called after each step; returns the validation loss, which stops training when it no longer
        falls.

    Returns
    -------
    History
        With the loss after each step.

    Raises
    ------
    UsageError
        If there is an L1 penalty, or the loss at the start is not finite.
    """
    batch = FullBatch(objective, samples)
    record = _StepRecorder(objective.network.params, plan, validate)
    history = record.history
    try:
        # overflow is reported as an error in words, not as a NumPy warning
        with threads_for(objective.network.layout, len(samples)), np.errstate(all="ignore"):
            found = FULL_BATCH_SOLVERS[solver](
                batch, batch.start, max_iter=plan.max_iter, tol=plan.tol or 0.0, callback=record
            )
        # fewer steps than allowed: rounding leaves no step that lowers the loss
        history.converged = found.converged or found.n_iter < plan.max_iter
    except _EarlyStop:
        history.converged = True
    if not history.losses:  # the starting point is a minimum
        history.losses.append(found.loss)
        if validate is not None:
            validate()
    return history

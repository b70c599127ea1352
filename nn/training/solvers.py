"""Newton's method and L-BFGS as solvers.

Every step looks at all samples, chooses its own length, and is one epoch.
"""

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

from galfeat.nn.training.batches import Samples
from galfeat.nn.training.blas_threads import threads_for
from galfeat.nn.training.full_batch import FullBatch, Minimum
from galfeat.nn.training.lbfgs import lbfgs
from galfeat.nn.training.loop import History, Patience, Plan
from galfeat.nn.training.newton import newton
from galfeat.nn.training.objective import Objective
from galfeat.nn.types import Floats

__all__ = ["METHODS", "Method", "descend"]

Method: TypeAlias = Literal["newton", "lbfgs"]
METHODS: dict[str, Callable[..., Minimum]] = {"newton": newton, "lbfgs": lbfgs}


class _Enough(Exception):  # noqa: N818 - a signal, not an error
    """The samples set aside have seen enough."""


def descend(
    method: Method,
    objective: Objective,
    samples: Samples,
    plan: Plan,
    *,
    judge: Callable[[], float] | None = None,
) -> History:
    """Take the objective's network down to a minimum, in place.

    Parameters
    ----------
    method : "newton" or "lbfgs"
    objective : Objective
        Without L1 penalty.
    samples : Samples
    plan : Plan
        Of which `max_iter` bounds the steps and `tol` is the length of the gradient at which a
        point counts as a minimum.
    judge : callable, optional
        Called after each step; when what it returns no longer falls, the descent ends.

    Returns
    -------
    History
        Its losses are those after each step.

    Raises
    ------
    UsageError
        If there is an L1 penalty, or the loss at the start is not finite.
    """
    params, batch, history = objective.network.params, FullBatch(objective, samples), History()
    patience = Patience(plan.tol, plan.n_iter_no_change, plan.updates_no_change)
    begun = False

    def arrived(point: Floats, loss: float) -> None:
        nonlocal begun
        if not begun:  # the first call is for the start
            begun = True
            return
        params[...] = point
        history.losses.append(loss)
        history.updates += 1
        if judge is not None and patience.ended(judge(), 1):
            raise _Enough

    try:
        # overflow ends in words
        with threads_for(objective.network.layout, len(samples)), np.errstate(all="ignore"):
            found = METHODS[method](
                batch, batch.start, max_iter=plan.max_iter, tol=plan.tol or 0.0, callback=arrived
            )
        # rounding lets no step go further down
        history.converged = found.converged or found.n_iter < plan.max_iter
    except _Enough:
        history.converged = True
    if not history.losses:  # the start is a minimum
        history.losses.append(found.loss)
        if judge is not None:
            judge()
    return history

"""Several networks that learn the same task, each from its own start and in its own order, one
after another.

Their outputs are averaged, which takes out a good part of what is chance in each of them (Hansen
and Salamon 1990, doi:10.1109/34.58871). A single network is a committee of one.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from galfeat import UsageError
from galfeat.nn.losses import Loss
from galfeat.nn.network import Network
from galfeat.nn.optimizers import State
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.early_stopping import Validation
from galfeat.nn.training.loop import History, Plan, train
from galfeat.nn.training.objective import Objective
from galfeat.nn.training.solvers import Method, descend

__all__ = ["Judging", "Member", "Task", "Trial", "seeds"]

Judging: TypeAlias = Callable[[Network], Validation]
"""Makes the judge of a network in training."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be learned, and how.

    Parameters
    ----------
    samples : Samples
    loss : Loss
    plan : Plan
    method : "newton", "lbfgs" or None
        None: by the plan's optimizer, batch by batch.
    l2, l1 : float
        Strength of the penalties.
    """

    samples: Samples
    loss: Loss
    plan: Plan
    method: Method | None = None
    l2: float = 0.0
    l1: float = 0.0

    def planned(self, max_iter: int) -> "Task":
        """Return the same task for exactly so many epochs."""
        return replace(self, plan=replace(self.plan, max_iter=max_iter, tol=None))


@dataclass(frozen=True)
class Member:
    """One network and what it has been through. Training gives a new member.

    The old one stays as it was.

    Parameters
    ----------
    network : Network
    rng : numpy.random.Generator
        Draws the order of the samples and the units that are left out.
    state : State or None
        The optimizer's, to go on from.
    losses : tuple of float
        Objective of each epoch.
    scores : tuple of float or None
        Of the samples set aside, after each epoch of the last trial.
    epochs, seen : int
        Epochs, and samples seen in them.
    """

    network: Network
    rng: np.random.Generator
    state: State | None = None
    losses: tuple[float, ...] = ()
    scores: tuple[float, ...] | None = None
    epochs: int = 0
    seen: int = 0

    def trained(self, task: Task, judging: Judging | None = None) -> tuple["Member", History]:
        """Return the member after training, and what training did.

        Raises
        ------
        UsageError
            If training diverges.
        """
        network, rng, state = (
            self.network.with_params(self.network.params.copy()),
            deepcopy(self.rng),
            deepcopy(self.state),
        )
        objective = Objective(network, task.loss, l2=task.l2, l1=task.l1)
        judge = None if judging is None else judging(network)
        if task.method is None:
            history = train(objective, task.samples, task.plan, rng, state=state, judge=judge)
        else:
            history = descend(task.method, objective, task.samples, task.plan, judge=judge)
        if not np.isfinite(network.params).all():
            raise UsageError(
                "training diverged: the weights are no longer finite; standardise the features if "
                "their values are large"
            )
        epochs = len(history.losses)
        after = replace(
            self,
            network=network,
            rng=rng,
            state=history.state,
            losses=(*self.losses, *history.losses),
            epochs=self.epochs + epochs,
            seen=self.seen + epochs * len(task.samples),
        )
        return after, history

    def tried(self, task: Task, judging: Judging | None, rng: np.random.Generator) -> "Trial":
        """Train a copy on a task without the samples that are set aside, in an order of its own.

        Without `judging`, as the task says.
        """
        judges: list[Validation] = []

        def kept(network: Network) -> Validation:
            judges.extend([judging(network)] if judging is not None else [])
            return judges[0]

        network = replace(self, rng=rng).trained(task, None if judging is None else kept)[0].network
        if not judges:
            return Trial(network)
        judge = judges[0]
        return Trial(
            network if judge.params is None else network.with_params(judge.params),
            judge.chosen,
            tuple(judge.scores),
        )


@dataclass(frozen=True)
class Trial:
    """What a trial without the samples set aside has shown.

    Parameters
    ----------
    network : Network
        After the epoch that was chosen, or after the last.
    epochs : int or None
        Number of epochs that the samples set aside speak for, if they were asked.
    scores : tuple of float or None
        After each epoch.
    """

    network: Network
    epochs: int | None = None
    scores: tuple[float, ...] | None = None


def seeds(
    rng: np.random.Generator, n: int
) -> tuple[list[tuple[np.random.Generator, np.random.Generator]], np.random.Generator]:
    """Return two generators a member, for its start and for its order, and one for what members
    share.

    The first of many members are those of few.
    """
    start, order, shared, *others = rng.spawn(1 + 2 * n)
    return [(start, order), *zip(others[::2], others[1::2], strict=True)], shared

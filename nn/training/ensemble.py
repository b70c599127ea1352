"""Ensembles: networks trained on one task from different initial weights.

Each network has its own initial weights and its own order of the samples; they are trained one
after another. Averaging their outputs removes much of the variance of a single network [1]_. A
single network is an ensemble of one.

References
----------
.. [1] Hansen, L. K., and Salamon, P. 1990, IEEE Transactions on Pattern Analysis and Machine
   Intelligence 12, 993, doi:10.1109/34.58871
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
from galfeat.nn.training.loop import History, TrainingPlan, train
from galfeat.nn.training.objective import Objective
from galfeat.nn.training.solvers import FullBatchSolver, train_full_batch

__all__ = [
    "EnsembleMember",
    "TrainingTask",
    "ValidationFactory",
    "ValidationRun",
    "spawn_generators",
]

ValidationFactory: TypeAlias = Callable[[Network], Validation]
"""Creates the validation of a network in training."""


@dataclass(frozen=True, kw_only=True)
class TrainingTask:
    """Samples, loss, penalties and training plan, shared by all members of an ensemble.

    Parameters
    ----------
    samples : Samples
    loss : Loss
    plan : TrainingPlan
    solver : "newton", "lbfgs" or None
        Full-batch solver; None: the plan's optimizer, on mini-batches.
    l2, l1 : float
        Strength of the penalties.
    """

    samples: Samples
    loss: Loss
    plan: TrainingPlan
    solver: FullBatchSolver | None = None
    l2: float = 0.0
    l1: float = 0.0

    def with_fixed_epochs(self, epochs: int) -> "TrainingTask":
        """Return the task with exactly `epochs` epochs and no convergence criterion."""
        return replace(self, plan=replace(self.plan, max_iter=epochs, tol=None))


@dataclass(frozen=True)
class EnsembleMember:
    """One network of an ensemble and its training record; training returns a new member.

    Parameters
    ----------
    network : Network
    rng : numpy.random.Generator
        Draws the order of the samples and the dropout masks.
    state : State or None
        Optimizer state to continue from.
    losses : tuple of float
        Objective of each epoch.
    scores : tuple of float or None
        Validation score after each epoch of the last validation run.
    epochs, seen : int
        Number of epochs, and of samples seen in them.
    """

    network: Network
    rng: np.random.Generator
    state: State | None = None
    losses: tuple[float, ...] = ()
    scores: tuple[float, ...] | None = None
    epochs: int = 0
    seen: int = 0

    def trained(
        self, task: TrainingTask, make_validation: ValidationFactory | None = None
    ) -> tuple["EnsembleMember", History]:
        """Train a copy of the network.

        Parameters
        ----------
        task : TrainingTask
        make_validation : callable, optional
            Creates the validation that decides when to stop.

        Returns
        -------
        member : EnsembleMember
            After training.
        history : History

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
        validate = None if make_validation is None else make_validation(network)
        if task.solver is None:
            history = train(objective, task.samples, task.plan, rng, state=state, validate=validate)
        else:
            history = train_full_batch(
                task.solver, objective, task.samples, task.plan, validate=validate
            )
        if not np.isfinite(network.params).all():
            raise UsageError(
                "training diverged: the weights are no longer finite; standardize the features if "
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

    def validation_run(
        self,
        task: TrainingTask,
        make_validation: ValidationFactory | None,
        rng: np.random.Generator,
    ) -> "ValidationRun":
        """Train a copy on the training part of a validation split.

        Parameters
        ----------
        task : TrainingTask
            Its samples are the training part only.
        make_validation : callable or None
            Creates the early stopping; None: the task's own convergence criterion.
        rng : numpy.random.Generator
            Replaces the member's own generator.
        """
        created: list[Validation] = []

        def remember(network: Network) -> Validation:
            created.extend([make_validation(network)] if make_validation is not None else [])
            return created[0]

        member = replace(self, rng=rng)
        network = member.trained(task, None if make_validation is None else remember)[0].network
        if not created:
            return ValidationRun(network)
        validation = created[0]
        return ValidationRun(
            network if validation.params is None else network.with_params(validation.params),
            validation.chosen,
            tuple(validation.scores),
        )


@dataclass(frozen=True)
class ValidationRun:
    """The result of training without the held-out samples.

    Parameters
    ----------
    network : Network
        After the chosen epoch, or after the last one without early stopping.
    epochs : int or None
        Number of epochs chosen by early stopping.
    scores : tuple of float or None
        Validation score after each epoch.
    """

    network: Network
    epochs: int | None = None
    scores: tuple[float, ...] | None = None


def spawn_generators(
    rng: np.random.Generator, n: int
) -> tuple[list[tuple[np.random.Generator, np.random.Generator]], np.random.Generator]:
    """Spawn independent random generators for an ensemble of n members.

    Returns
    -------
    members : list of (Generator, Generator)
        For the initial weights and for the order of the samples. The members of a small ensemble
        are the first of a larger one.
    shared : Generator
        For the validation split, which all members share.
    """
    start, order, shared, *others = rng.spawn(1 + 2 * n)
    return [(start, order), *zip(others[::2], others[1::2], strict=True)], shared

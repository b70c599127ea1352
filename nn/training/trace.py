"""Training as it went, step by step, for drawing and for looking inside."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galfeat import UsageError
from galfeat.nn.network import Network
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.loop import Plan, train
from galfeat.nn.training.objective import Objective
from galfeat.nn.types import Floats

__all__ = ["Trace", "record"]


@dataclass(frozen=True, eq=False)
class Trace:
    """What a network was like along its training.

    Parameters
    ----------
    network : Network
        The network at the end.
    updates : array of int, shape (steps,)
        Number of updates before each recorded step; the first is 0.
    params : array, shape (steps, size)
        All weights and biases at each step; `weights` gives them by layer.
    losses : array, shape (steps,)
        Objective over all samples at each step.
    gradients : array, shape (steps, size)
        Its gradient with respect to the parameters at each step.
    """

    network: Network
    updates: np.ndarray
    params: Floats
    losses: Floats
    gradients: Floats

    def __len__(self) -> int:
        return len(self.updates)

    def at(self, step: int) -> Network:
        """Return the network as it was at a recorded step; -1 is the last."""
        return self.network.with_params(self.params[step].copy())

    def weights(self, step: int) -> list[Floats]:
        """Return the weights (inputs, outputs) of each layer at a step, as views."""
        return self.network.layout.weights(self.params[step])

    def biases(self, step: int) -> list[Floats]:
        """Return the biases (outputs,) of each layer at a step, as views."""
        return self.network.layout.biases(self.params[step])

    def activations(self, step: int, X: Floats) -> list[Floats]:
        """Return the activations (n, units) of each layer for some samples at a step."""
        network = self.at(step)
        room = network.room(len(X))
        network.forward(X, room)
        return room.a

    def gradient_sizes(self) -> Floats:
        """Return the length of each layer's weight gradient at each step, shape (steps, layers).

        Where learning is stuck.
        """
        return np.array(
            [
                [float(np.linalg.norm(part)) for part in self.network.layout.weights(row)]
                for row in self.gradients
            ]
        )


def record(
    objective: Objective, samples: Samples, plan: Plan, rng: np.random.Generator, *, every: int = 1
) -> Trace:
    """Train a network and keep what it was like on the way.

    Parameters
    ----------
    objective : Objective
        Its network is trained in place.
    samples : Samples
    plan : Plan
    rng : numpy.random.Generator
        Draws the order of the samples.
    every : int
        Updates from one recorded step to the next; the state at the end is always recorded.

    Returns
    -------
    Trace

    Raises
    ------
    UsageError
        If `every` is not a whole number of at least 1, or training diverges.

    Examples
    --------
    >>> from galfeat.nn.losses import get_loss
    >>> from galfeat.nn.optimizers import GradientDescent
    >>> objective = Objective(Network((1, 1)), get_loss("half_squared_error"))
    >>> samples = Samples(np.array([[1.0]]), np.array([[1.0]]))
    >>> plan = Plan(optimizer=GradientDescent(learning_rate=0.25), max_iter=2)
    >>> record(objective, samples, plan, np.random.default_rng(0)).losses.tolist()
    [0.5, 0.125, 0.03125]
    """
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise UsageError(f"every must be a whole number of at least 1; got {every!r}")
    network = objective.network
    updates, params = [0], [network.params.copy()]

    def watch(count: int, _loss: float) -> None:
        if count % every == 0:
            updates.append(count)
            params.append(network.params.copy())

    done = train(objective, samples, plan, rng, watch=watch).updates
    if updates[-1] != done:
        updates.append(done)
        params.append(network.params.copy())
    losses, gradients = _looked_back(objective, samples, params)
    return Trace(network, np.array(updates), np.array(params), losses, gradients)


def _looked_back(
    objective: Objective, samples: Samples, params: Sequence[Floats]
) -> tuple[Floats, Floats]:
    """Return the objective and its gradient over all samples at each of the recorded parameters."""
    losses = np.empty(len(params))
    gradients = np.empty((len(params), params[0].size))
    for step, each in enumerate(params):
        there = Objective(
            objective.network.with_params(each), objective.loss, objective.l2, objective.l1
        )
        losses[step], gradients[step] = there.value_and_gradient(samples)
    return losses, gradients

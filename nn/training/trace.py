"""Recorded training: parameters, losses and gradients at regular steps, for figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galfeat import UsageError
from galfeat.nn.network import Network
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.loop import TrainingPlan, train
from galfeat.nn.training.objective import Objective
from galfeat.nn.types import Floats

__all__ = ["Trace", "record"]


@dataclass(frozen=True, eq=False)
class Trace:
    """A record of a network's training.

    Parameters
    ----------
    network : Network
        The network at the end of training.
    updates : array of int, shape (steps,)
        Number of updates before each recorded step; the first is 0.
    params : array, shape (steps, size)
        All weights and biases at each step; `weights` and `biases` return them by layer.
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
        """Return the network at a recorded step; -1 is the last."""
        return self.network.with_params(self.params[step].copy())

    def weights(self, step: int) -> list[Floats]:
        """Return the weights (inputs, outputs) of each layer at a step, as views."""
        return self.network.layout.weights(self.params[step])

    def biases(self, step: int) -> list[Floats]:
        """Return the biases (outputs,) of each layer at a step, as views."""
        return self.network.layout.biases(self.params[step])

    def activations(self, step: int, X: Floats) -> list[Floats]:
        """Return the activations (n, units) of each layer for the samples X at a step."""
        network = self.at(step)
        buffers = network.new_buffers(len(X))
        network.forward(X, buffers)
        return buffers.a

    def gradient_norms(self) -> Floats:
        """Return the norm of each layer's weight gradient at each step, shape (steps, layers).

        It shows vanishing and exploding gradients.
        """
        return np.array(
            [
                [float(np.linalg.norm(part)) for part in self.network.layout.weights(row)]
                for row in self.gradients
            ]
        )


def record(
    objective: Objective,
    samples: Samples,
    plan: TrainingPlan,
    rng: np.random.Generator,
    *,
    every: int = 1,
) -> Trace:
    """Train a network and record its parameters, losses and gradients on the way.

    Parameters
    ----------
    objective : Objective
        Its network is trained in place.
    samples : Samples
    plan : TrainingPlan
    rng : numpy.random.Generator
        Draws the order of the samples.
    every : int
        Updates between recorded steps; the end of training is always recorded.

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
    >>> plan = TrainingPlan(optimizer=GradientDescent(learning_rate=0.25), max_iter=2)
    >>> record(objective, samples, plan, np.random.default_rng(0)).losses.tolist()
    [0.5, 0.125, 0.03125]
    """
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise UsageError(f"every must be a whole number of at least 1; got {every!r}")
    network = objective.network
    updates, params = [0], [network.params.copy()]

    def remember(count: int, _loss: float) -> None:
        if count % every == 0:
            updates.append(count)
            params.append(network.params.copy())

    done = train(objective, samples, plan, rng, callback=remember).updates
    if updates[-1] != done:
        updates.append(done)
        params.append(network.params.copy())
    losses, gradients = _losses_and_gradients(objective, samples, params)
    return Trace(network, np.array(updates), np.array(params), losses, gradients)


def _losses_and_gradients(
    objective: Objective, samples: Samples, params: Sequence[Floats]
) -> tuple[Floats, Floats]:
    """Evaluate the objective and its gradient over all samples at each recorded step."""
    losses = np.empty(len(params))
    gradients = np.empty((len(params), params[0].size))
    for step, recorded in enumerate(params):
        losses[step], gradients[step] = objective.at(recorded).value_and_gradient(samples)
    return losses, gradients

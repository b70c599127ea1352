"""What the classifier and the regressor have in common: settings to network, training, prediction."""

import warnings
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from galfeat import UsageError
from galfeat.nn.activations import Activation
from galfeat.nn.blocks import outputs
from galfeat.nn.losses import Loss
from galfeat.nn.network import Network, initialized
from galfeat.nn.objective import Objective
from galfeat.nn.optimizers import Optimizer, State, get_optimizer
from galfeat.nn.randomness import RandomState, as_generator
from galfeat.nn.samples import Samples
from galfeat.nn.schedules import Schedule, get_schedule
from galfeat.nn.settings import check_settings, hidden_sizes
from galfeat.nn.splitting import split
from galfeat.nn.training import History, Plan, train
from galfeat.nn.types import Floats

__all__ = ["BaseMLP"]

_LEAST_UPDATES = 10  # updates without progress before early stopping ends, in units of n_iter_no_change


class BaseMLP(BaseEstimator):
    """A multilayer perceptron that scikit-learn can use; subclasses say what the targets are.

    Attributes
    ----------
    network_ : Network
    coefs_, intercepts_ : list of array
        Weights (inputs, outputs) and biases of each layer: views of ``network_.params``.
    loss_curve_ : list of float
        Objective of each epoch.
    validation_loss_curve_ : list of float
        Loss on the samples set aside, with early stopping.
    n_iter_, t_ : int
        Epochs, and samples seen.
    """

    _default_loss: ClassVar[str]

    hidden_layer_sizes: Any
    activation: str | Activation
    loss: str | Loss
    solver: str | Optimizer
    alpha: float
    batch_size: int | Literal["auto"]
    learning_rate: str | Schedule
    learning_rate_init: float
    max_iter: int
    shuffle: bool
    random_state: RandomState
    tol: float | None
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    initializer: str
    dtype: Literal["float32", "float64"]

    network_: Network
    loss_curve_: list[float]
    validation_loss_curve_: list[float]
    n_iter_: int
    t_: int
    _rng: np.random.Generator
    _state: State | None

    @property
    def coefs_(self) -> list[Floats]:
        """Weights of each layer, shape (inputs, outputs): views of the network's flat parameters."""
        return self.network_.weights

    @property
    def intercepts_(self) -> list[Floats]:
        """Biases of each layer, shape (outputs,): views of the network's flat parameters."""
        return self.network_.biases

    @property
    def n_layers_(self) -> int:
        """Number of layers, inputs and outputs counted."""
        return len(self.network_.layout.sizes)

    @property
    def n_outputs_(self) -> int:
        """Number of outputs."""
        return self.network_.layout.sizes[-1]

    @property
    def loss_(self) -> float:
        """Objective of the last epoch."""
        return self.loss_curve_[-1]

    @property
    def best_loss_(self) -> float:
        """Smallest objective of an epoch."""
        return min(self.loss_curve_)

    def _fit_samples(self, samples: Samples, groups: NDArray[np.intp], mean_weight: float) -> None:
        """Train from the start, or with `warm_start` from where the last fit ended."""
        self._begin(samples, anew=not (self.warm_start and hasattr(self, "network_")))
        held_out: Samples | None = None
        if self.early_stopping:
            training, validation = split(groups, self.validation_fraction, self._rng)
            samples, held_out = samples.rows(training), samples.rows(validation)
        history = self._train(samples, self._plan(len(samples), self.max_iter), mean_weight, held_out)
        self.validation_loss_curve_ = history.validation_losses
        if not (history.converged or self.early_stopping or self.tol is None):
            warnings.warn(
                f"the loss was still falling after max_iter={self.max_iter} epochs; "
                "raise max_iter, or say tol=None if it is meant to end there",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _fit_more(self, samples: Samples, mean_weight: float) -> None:
        """Train for one epoch, going on from the last."""
        if self.early_stopping:
            raise UsageError("partial_fit does not go with early_stopping=True, as no samples are set aside")
        self._begin(samples, anew=not hasattr(self, "network_"))
        self._train(samples, self._plan(len(samples), 1), mean_weight, None)

    def _begin(self, samples: Samples, anew: bool) -> None:
        """Make a new network, or check that the present one fits the samples."""
        sizes = (samples.X.shape[1], *hidden_sizes(self.hidden_layer_sizes), samples.target.shape[1])
        if not anew:
            if sizes != self.network_.layout.sizes:
                raise UsageError(
                    f"the network trained so far has layers {self.network_.layout.sizes}, these samples and settings need {sizes}"
                )
            return
        rng = as_generator(self.random_state)
        self.network_ = initialized(
            sizes, self.activation, self._output_activation(), rng, initializer=self.initializer, dtype=np.dtype(self.dtype)
        )
        self._resume([], 0)
        self._rng = rng

    def _train(self, samples: Samples, plan: Plan, mean_weight: float, held_out: Samples | None) -> History:
        """Train a copy of the network and put it in place only when that has gone well."""
        network = self.network_.with_params(self.network_.params.copy())
        objective = Objective(network, self._loss(), l2=self.alpha / mean_weight)
        history = train(objective, samples, plan, self._rng, state=self._state, validation=held_out)
        self.network_, self._state = network, history.state
        self.loss_curve_ = self.loss_curve_ + history.losses
        self.n_iter_ += len(history.losses)
        self.t_ += len(history.losses) * len(samples)
        return history

    def _plan(self, n: int, epochs: int) -> Plan:
        return Plan(
            optimizer=get_optimizer(self.solver, self.learning_rate_init),
            schedule=get_schedule(self.learning_rate),
            batch_size=min(200, n) if self.batch_size == "auto" else int(self.batch_size),
            max_iter=epochs,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            updates_no_change=_LEAST_UPDATES * self.n_iter_no_change if self.early_stopping else 0,
            shuffle=self.shuffle,
        )

    def _resume(self, loss_curve: list[float], n_iter: int) -> None:
        """Take up a history of training that was saved; the optimizer starts anew."""
        self._rng = as_generator(self.random_state)
        self._state = None
        self.loss_curve_ = loss_curve
        self.validation_loss_curve_ = []
        self.n_iter_, self.t_ = n_iter, 0

    def _outputs(self, X: Any, finish: Callable[[Floats], Floats] | None = None) -> Floats:
        """Return what the network puts out for each row."""
        check_is_fitted(self, "network_")
        X = validate_data(self, X, reset=False, dtype=self.network_.params.dtype, order="C")
        return outputs(self.network_, X, finish)

    def _loss(self) -> Loss:
        raise NotImplementedError

    def _output_activation(self) -> str:
        raise NotImplementedError

    def _check_settings(self) -> None:
        check_settings(self.get_params(deep=False))


def normalized_weights(weights: Floats) -> tuple[Floats | None, float]:
    """Return the weights brought to mean 1, shape (n, 1) (None where they are all alike), and their mean before."""
    mean = float(weights.mean())
    if np.all(weights == weights[0]):
        return None, mean
    return (weights / mean).reshape(-1, 1).astype(weights.dtype), mean

"""What the classifier and the regressor have in common: settings to network, training, prediction."""

import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
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
from galfeat.nn.validation import Validation

__all__ = ["BaseMLP"]

_LEAST_UPDATES = 20  # updates without progress before early stopping ends, in units of n_iter_no_change


class BaseMLP(BaseEstimator):
    """A multilayer perceptron that scikit-learn can use; subclasses say what the targets are.

    Attributes
    ----------
    network_ : Network
    coefs_, intercepts_ : list of array
        Weights (inputs, outputs) and biases of each layer: views of ``network_.params``.
    loss_curve_ : list of float
        Objective of each epoch.
    validation_scores_ : list of float or None
        With early stopping, score of the samples set aside after each epoch of the trial.
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
    validation_scores_: list[float] | None
    n_iter_: int
    t_: int
    _order: np.random.Generator
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
    def best_validation_score_(self) -> float | None:
        """Best score of the samples set aside, with early stopping."""
        return None if self.validation_scores_ is None else max(self.validation_scores_)

    @property
    def best_loss_(self) -> float:
        """Smallest objective of an epoch."""
        return min(self.loss_curve_)

    def _fit_samples(self, samples: Samples, groups: NDArray[np.intp], mean_weight: float) -> None:
        """Train from the start, or with `warm_start` from where the last fit ended."""
        self._begin(samples, anew=not (self.warm_start and hasattr(self, "network_")))
        if self.early_stopping:
            epochs = self._epochs(samples, groups, mean_weight)
            self._train(samples, replace(self._plan(len(samples)), max_iter=epochs, tol=None), mean_weight)
            return
        history = self._train(samples, self._plan(len(samples)), mean_weight)
        if not history.converged and self.tol is not None:
            warnings.warn(
                f"the loss was still falling after max_iter={self.max_iter} epochs; "
                "raise max_iter, or say tol=None if it is meant to end there",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _epochs(self, samples: Samples, groups: NDArray[np.intp], mean_weight: float) -> int:
        """Train a trial network without the samples set aside, and return the number of epochs that they speak for."""
        rng, order = self._rng.spawn(2)
        training, aside = split(groups, self.validation_fraction, rng)
        objective = self._objective(mean_weight)
        validation = self._validation(objective.network, samples.rows(aside))
        plan = replace(self._plan(len(training)), updates_no_change=_LEAST_UPDATES * self.n_iter_no_change)
        train(objective, samples.rows(training), plan, order, state=self._copied_state(), judge=validation)
        self.validation_scores_ = validation.scores
        return validation.chosen

    def _fit_more(self, samples: Samples, mean_weight: float) -> None:
        """Train for one epoch, going on from the last."""
        if self.early_stopping:
            raise UsageError("partial_fit does not go with early_stopping=True, as no samples are set aside")
        self._begin(samples, anew=not hasattr(self, "network_"))
        self._train(samples, replace(self._plan(len(samples)), max_iter=1), mean_weight)

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
        output, dtype = self._output_activation(), np.dtype(self.dtype)
        self._resume(initialized(sizes, self.activation, output, rng.spawn(1)[0], initializer=self.initializer, dtype=dtype), rng)

    def _resume(self, network: Network, rng: np.random.Generator | None = None) -> None:
        """Take up a network with no history; the optimizer starts anew."""
        self._order, self._rng = (as_generator(self.random_state) if rng is None else rng).spawn(2)
        self.network_, self._state = network, None
        self.loss_curve_, self.validation_scores_ = [], None
        self.n_iter_ = self.t_ = 0

    def _train(self, samples: Samples, plan: Plan, mean_weight: float) -> History:
        """Train a copy of the network and put it in place only when that has gone well."""
        objective = self._objective(mean_weight)
        history = train(objective, samples, plan, self._order, state=self._copied_state())
        self.network_, self._state = objective.network, history.state
        self.loss_curve_ = self.loss_curve_ + history.losses
        self.n_iter_ += len(history.losses)
        self.t_ += len(history.losses) * len(samples)
        return history

    def _objective(self, mean_weight: float) -> Objective:
        """Return the objective over a copy of the network."""
        return Objective(self.network_.with_params(self.network_.params.copy()), self._loss(), l2=self.alpha / mean_weight)

    def _copied_state(self) -> State | None:
        return None if self._state is None else deepcopy(self._state)

    def _plan(self, n: int) -> Plan:
        return Plan(
            optimizer=get_optimizer(self.solver, self.learning_rate_init),
            schedule=get_schedule(self.learning_rate),
            batch_size=min(200, n) if self.batch_size == "auto" else int(self.batch_size),
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            shuffle=self.shuffle,
        )

    def _outputs(self, X: Any, finish: Callable[[Floats], Floats] | None = None) -> Floats:
        """Return what the network puts out for each row."""
        check_is_fitted(self, "network_")
        X = validate_data(self, X, reset=False, dtype=self.network_.params.dtype, order="C")
        return outputs(self.network_, X, finish)

    def _validation(self, network: Network, aside: Samples) -> Validation:
        raise NotImplementedError

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

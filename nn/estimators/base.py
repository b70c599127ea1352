"""What the classifier and the regressor have in common.

Settings to networks, training, prediction, files.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from galfeat import UsageError
from galfeat.nn.activations import Activation
from galfeat.nn.dropout import Dropout
from galfeat.nn.estimators.predict import outputs
from galfeat.nn.estimators.random_state import RandomState, as_generator
from galfeat.nn.estimators.settings import check_settings, hidden_sizes
from galfeat.nn.losses import Loss, get_loss
from galfeat.nn.network import Network, initialized
from galfeat.nn.optimizers import Adam, Optimizer, get_optimizer
from galfeat.nn.saving.archive import read_file, write_file
from galfeat.nn.saving.state import Learned, Read, State, describe, read_state
from galfeat.nn.schedules import Schedule, get_schedule
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.early_stopping import Validation, split
from galfeat.nn.training.ensemble import Member, Task, Trial, seeds
from galfeat.nn.training.loop import Plan
from galfeat.nn.training.solvers import METHODS
from galfeat.nn.types import Floats

__all__ = ["BaseMLP", "can_go_on", "counted_samples"]

# updates without progress before early stopping ends, in units of n_iter_no_change
_LEAST_UPDATES = 20


class Fitted:
    """The networks of an estimator and how their training went.

    Attributes
    ----------
    networks_ : list of Network
        `network_` is the first of them, and all attributes that are not lists of many are those of
        the first.
    coefs_, intercepts_ : list of array
        Weights (inputs, outputs) and biases of each layer: views of ``network_.params``.
    loss_curve_ : list of float
        Objective of each epoch.
    validation_scores_ : list of float or None
        With early stopping, score of the samples set aside after each epoch of the trial.
    n_iter_, t_ : int
        Epochs of the network that took the most, and samples seen in them.
    """

    _members: list[Member]

    @property
    def networks_(self) -> list[Network]:
        """The networks whose outputs are averaged."""
        return [member.network for member in self._members]

    @property
    def network_(self) -> Network:
        """The first network."""
        return self._members[0].network

    @property
    def coefs_(self) -> list[Floats]:
        """Weights of each layer, shape (inputs, outputs): views of the network's flat
        parameters.
        """
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
    def n_iter_(self) -> int:
        """Epochs of the network that took the most."""
        return max(member.epochs for member in self._members)

    @property
    def t_(self) -> int:
        """Samples seen by the network that saw the most, repetitions counted."""
        return max(member.seen for member in self._members)

    @property
    def loss_curve_(self) -> list[float]:
        """Objective of each epoch."""
        return list(self._members[0].losses)

    @property
    def loss_(self) -> float:
        """Objective of the last epoch."""
        return self.loss_curve_[-1]

    @property
    def best_loss_(self) -> float:
        """Smallest objective of an epoch."""
        return min(self.loss_curve_)

    @property
    def validation_scores_(self) -> list[float] | None:
        """With early stopping, score of the samples set aside after each epoch of the trial."""
        scores = self._members[0].scores
        return None if scores is None else list(scores)

    @property
    def best_validation_score_(self) -> float | None:
        """Best score of the samples set aside, with early stopping."""
        return None if self.validation_scores_ is None else max(self.validation_scores_)

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether there are networks yet."""
        return hasattr(self, "_members")


class BaseMLP(Fitted, BaseEstimator):
    """A committee of multilayer perceptrons that scikit-learn can use.

    Subclasses say what the targets are.
    """

    # names of what a subclass knows of its targets and a file must hold
    _targets: ClassVar[set[str]]

    hidden_layer_sizes: Any
    activation: str | Activation
    loss: str | Loss
    solver: str | Optimizer
    alpha: float
    l1: float
    dropout: float
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
    n_networks: int
    initializer: str
    dtype: Literal["float32", "float64"]

    n_features_in_: int
    _shared: np.random.Generator

    def get_state(self) -> dict[str, Any]:
        """Return all that `from_state` needs, as plain settings that JSON can hold and NumPy
        arrays; no pickle is involved.
        """
        if not self.__sklearn_is_fitted__():
            raise UsageError("there is nothing to save yet: train the network with fit first")
        networks = [
            Learned(member.network.params, member.losses, member.epochs, member.seen)
            for member in self._members
        ]
        names = getattr(self, "feature_names_in_", None)
        settings = self.get_params(deep=False)
        return describe(
            type(self).__name__,
            settings,
            self.network_.layout.sizes,
            names,
            networks,
            self._targets_state(),
        )

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Return the estimator that `get_state` described; its optimizer starts anew.

        Raises
        ------
        UsageError
            If an entry is missing or does not fit; the message says which.
        """
        read = read_state(cls.__name__, set(signature(cls).parameters), cls._targets, state)
        model = cls(**read.settings)
        model._check_settings()
        model._restore_targets(read.targets, read.layers[-1])
        model._restore_networks(read)
        return model

    def save(self, path: str | Path) -> None:
        """Write the trained estimator to one file of JSON and arrays; an existing file is replaced.

        Raises
        ------
        UsageError
            If there is nothing to save yet, a setting cannot be written down, or the file cannot be
            written.
        """
        write_file(path, self.get_state())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return the estimator that `save` wrote. Loading runs nothing that the file brings along.

        Raises
        ------
        UsageError
            If the file is missing, damaged, changed, or of another kind or version; the message
            says what is wrong.
        """
        state = read_file(path)
        try:
            return cls.from_state(state)
        except UsageError as error:
            raise UsageError(f"{path} cannot be used: {error}") from error

    def _fit_samples(
        self, samples: Samples, groups: NDArray[np.intp], mean_weight: float, *, going_on: bool
    ) -> None:
        """Train from the start, or from where the last fit ended."""
        members, shared = self._begun(samples, anew=not going_on)
        task = self._task(samples, mean_weight)
        trials, aside = (
            self._trials(members, shared, task, groups) if self._needs_trial() else ([], samples)
        )
        epochs = [trial.epochs for trial in trials] or [None] * len(members)
        done = [
            member.trained(task if n is None else task.planned(n))
            for member, n in zip(members, epochs, strict=True)
        ]
        if self.tol is not None and not all(
            history.converged or n is not None for (_, history), n in zip(done, epochs, strict=True)
        ):
            warnings.warn(
                f"the loss was still falling after max_iter={self.max_iter} epochs; "
                "raise max_iter, or say tol=None if it is meant to end there",
                ConvergenceWarning,
                stacklevel=3,
            )
        scores = [trial.scores for trial in trials] or [None] * len(members)
        self._members = [
            replace(member, scores=each) for (member, _), each in zip(done, scores, strict=True)
        ]
        self._shared = shared
        self._judge_trials(trials, aside)

    def _trials(
        self,
        members: Sequence[Member],
        shared: np.random.Generator,
        task: Task,
        groups: NDArray[np.intp],
    ) -> tuple[list[Trial], Samples]:
        """Train trial networks without the samples set aside.

        Return what they have shown, and those samples.
        """
        rng, *orders = shared.spawn(1 + len(members))
        training, validating = split(groups, self.validation_fraction, rng)
        aside = task.samples.rows(validating)
        plan = replace(
            self._plan(len(training)),
            updates_no_change=_LEAST_UPDATES * self.n_iter_no_change if self.early_stopping else 0,
        )
        part = replace(task, samples=task.samples.rows(training), plan=plan)
        judging = (
            (lambda network: self._validation(network, aside)) if self.early_stopping else None
        )
        return [
            member.tried(part, judging, order)
            for member, order in zip(members, orders, strict=True)
        ], aside

    def _fit_more(self, samples: Samples, mean_weight: float) -> None:
        """Train for one epoch, going on from the last."""
        members, shared = self._begun(samples, anew=not self.__sklearn_is_fitted__())
        task = self._task(samples, mean_weight)
        task = replace(task, plan=replace(task.plan, max_iter=1))
        self._members = [member.trained(task)[0] for member in members]
        self._shared = shared

    def _going_on(self) -> bool:
        """Return whether `fit` goes on from the last one.

        If not, what the last one has learned is forgotten.
        """
        self._check_settings()
        if self.warm_start and self.__sklearn_is_fitted__():
            return True
        if self.__sklearn_is_fitted__():
            del self._members
        return False

    def _begun(self, samples: Samples, anew: bool) -> tuple[list[Member], np.random.Generator]:
        """Make new networks, or check that the present ones fit the samples."""
        sizes = (
            samples.X.shape[1],
            *hidden_sizes(self.hidden_layer_sizes),
            samples.target.shape[1],
        )
        if anew:
            own, shared = self._seeds()
            dtype = np.dtype(self.dtype)
            members = []
            for start, order in own:
                network = initialized(
                    sizes,
                    self.activation,
                    "identity",
                    start,
                    initializer=self.initializer,
                    dtype=dtype,
                )
                members.append(Member(network, order))
            return members, shared
        wanted = (int(self.n_networks), sizes, samples.X.dtype)
        if (len(self._members), self.network_.layout.sizes, self.network_.params.dtype) != wanted:
            raise UsageError(
                f"what was trained so far is {len(self._members)} network(s) of "
                f"{self.network_.params.dtype} and layers "
                f"{self.network_.layout.sizes}; these samples and settings need {wanted[0]} of "
                f"{wanted[2]} and layers {sizes}"
            )
        return self._members, self._shared

    def _seeds(
        self,
    ) -> tuple[list[tuple[np.random.Generator, np.random.Generator]], np.random.Generator]:
        return seeds(as_generator(self.random_state), int(self.n_networks))

    def _restore_networks(self, read: Read) -> None:
        sizes, dtype = (
            (*hidden_sizes(self.hidden_layer_sizes), read.layers[-1]),
            np.dtype(self.dtype),
        )
        if read.layers[1:] != sizes:
            raise UsageError(
                f"the saved layers {read.layers} do not go with the saved hidden_layer_sizes"
            )
        if len(read.networks) != self.n_networks or any(
            each.params.dtype != dtype for each in read.networks
        ):
            raise UsageError(
                f"the saved settings speak of {self.n_networks} network(s) of {dtype}; other "
                "networks were saved"
            )
        self.n_features_in_ = read.layers[0]
        if read.features is not None:
            self.feature_names_in_ = np.array(read.features, dtype=object)
        own, self._shared = self._seeds()
        self._members = []
        for each, (_, order) in zip(read.networks, own, strict=True):
            network = Network(read.layers, self.activation, "identity", each.params)
            self._members.append(
                Member(
                    network, order, losses=tuple(each.losses), epochs=each.epochs, seen=each.seen
                )
            )

    def _task(self, samples: Samples, mean_weight: float) -> Task:
        method = self.solver if isinstance(self.solver, str) and self.solver in METHODS else None
        return Task(
            samples=samples,
            loss=get_loss(self.loss),
            plan=self._plan(len(samples)),
            method=method,  # type: ignore[arg-type]  # its names are the keys of METHODS
            l2=self.alpha / mean_weight,
            l1=self.l1 / mean_weight,
        )

    def _plan(self, n: int) -> Plan:
        return Plan(
            optimizer=get_optimizer(self.solver, self.learning_rate_init)
            if self._takes_batches()
            else Adam(),
            schedule=get_schedule(self.learning_rate),
            batch_size=min(200, n) if self.batch_size == "auto" else int(self.batch_size),
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            shuffle=self.shuffle,
            dropout=Dropout(self.dropout),
        )

    def _outputs(self, X: ArrayLike, finish: Callable[[list[Floats]], Floats]) -> Floats:
        """Return what is made of the networks' outputs for each row."""
        check_is_fitted(self)
        features: Floats = validate_data(
            self,
            X,
            reset=False,
            dtype=self.network_.params.dtype,
            order="C",
            ensure_all_finite=False,
        )
        result = outputs(self.networks_, features, finish)
        if not np.isfinite(result).all():
            row = int(np.flatnonzero(~np.isfinite(result).all(axis=1))[0])
            raise UsageError(
                f"the network's output for row {row} is not finite: its features are too large "
                f"for {self.dtype}"
            )
        return result

    def _takes_batches(self) -> bool:
        """Return whether the solver goes batch by batch.

        Newton's method and L-BFGS look at all samples at once.
        """
        return not (isinstance(self.solver, str) and self.solver in METHODS)

    def _needs_trial(self) -> bool:
        return self.early_stopping

    def _judge_trials(self, trials: Sequence[Trial], aside: Samples) -> None:
        """Learn more from the trial networks and the samples that they have not seen."""

    def _validation(self, network: Network, aside: Samples) -> Validation:
        raise NotImplementedError

    def _targets_state(self) -> dict[str, Any]:
        raise NotImplementedError

    def _restore_targets(self, targets: Mapping[str, Any], outputs: int) -> None:
        raise NotImplementedError

    def _check_settings(self) -> None:
        check_settings(self.get_params(deep=False))


def can_go_on(model: BaseMLP) -> bool:
    """Return whether there is a `partial_fit`.

    Raises
    ------
    AttributeError
        If not, with the reason.
    """
    if not model._takes_batches():
        raise AttributeError(
            f"solver={model.solver!r} looks at all samples at once and has no partial_fit; choose "
            "another solver"
        )
    if model._needs_trial():
        raise AttributeError(
            "partial_fit sets no samples aside, so it goes with neither early_stopping=True nor "
            "calibration=True"
        )
    return True


def counted_samples(
    features: Floats, target: Floats, weights: Floats
) -> tuple[Samples, NDArray[np.intp], float]:
    """Return the samples whose weight is not zero, which rows they are, and their mean weight.

    Raises
    ------
    UsageError
        If no sample is left.
    """
    rows = np.flatnonzero(weights > 0)
    if not len(rows):
        raise UsageError(
            "sample_weight and class_weight make all weights zero; at least one sample needs a "
            "weight above zero"
        )
    if len(rows) < len(weights):
        features, target, weights = features[rows], target[rows], weights[rows]
    mean = float(weights.mean())
    weight = (
        None
        if np.all(weights == weights[0])
        else (weights / mean).reshape(-1, 1).astype(weights.dtype)
    )
    return Samples(features, target, weight), rows, mean

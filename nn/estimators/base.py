"""Training and prediction shared by the classifier and the regressor."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from galfeat import UsageError
from galfeat.nn.dropout import Dropout
from galfeat.nn.estimators.checks import without_mask
from galfeat.nn.estimators.fitted import SavableMLP
from galfeat.nn.estimators.predict import predict_in_blocks
from galfeat.nn.estimators.settings import hidden_sizes
from galfeat.nn.losses import Loss, get_loss
from galfeat.nn.network import Network, initialized
from galfeat.nn.optimizers import Adam, Optimizer, get_optimizer
from galfeat.nn.schedules import Schedule, get_schedule
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.early_stopping import Validation, split
from galfeat.nn.training.ensemble import EnsembleMember, TrainingTask, ValidationRun
from galfeat.nn.training.loop import TrainingPlan
from galfeat.nn.training.solvers import FULL_BATCH_SOLVERS
from galfeat.nn.types import Floats

__all__ = ["BaseMLP", "supports_partial_fit", "weighted_samples"]

# updates without progress before early stopping ends, in units of n_iter_no_change
_MIN_UPDATES = 20


class BaseMLP(SavableMLP):
    """An ensemble of multilayer perceptrons as a scikit-learn estimator.

    Subclasses define the targets.
    """

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
    tol: float | None
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    initializer: str

    def _fit_samples(
        self, samples: Samples, groups: NDArray[np.intp], mean_weight: float, *, continued: bool
    ) -> None:
        """Train from new initial weights, or continue from the last fit (warm start)."""
        members, shared = self._initial_members(samples, new=not continued)
        task = self._task(samples, mean_weight)
        runs, held_out = (
            self._validation_runs(members, shared, task, groups)
            if self._needs_validation()
            else ([], samples)
        )
        epochs = [run.epochs for run in runs] or [None] * len(members)
        trained = [
            member.trained(task if n is None else task.with_fixed_epochs(n))
            for member, n in zip(members, epochs, strict=True)
        ]
        if self.tol is not None and not all(
            history.converged or n is not None
            for (_, history), n in zip(trained, epochs, strict=True)
        ):
            warnings.warn(
                f"the loss was still falling after max_iter={self.max_iter} epochs; "
                "raise max_iter, or set tol=None if it is meant to end there",
                ConvergenceWarning,
                stacklevel=3,
            )
        scores = [run.scores for run in runs] or [None] * len(members)
        self._members = [
            replace(member, scores=each) for (member, _), each in zip(trained, scores, strict=True)
        ]
        self._shared = shared
        self._after_training(runs, held_out)

    def _validation_runs(
        self,
        members: Sequence[EnsembleMember],
        shared: np.random.Generator,
        task: TrainingTask,
        groups: NDArray[np.intp],
    ) -> tuple[list[ValidationRun], Samples]:
        """Train each member without the validation split.

        Returns
        -------
        runs : list of ValidationRun
        held_out : Samples
        """
        rng, *orders = shared.spawn(1 + len(members))
        training, validation = split(groups, self.validation_fraction, rng)
        held_out = task.samples.rows(validation)
        plan = replace(
            self._plan(len(training)),
            updates_no_change=_MIN_UPDATES * self.n_iter_no_change if self.early_stopping else 0,
        )
        training_task = replace(task, samples=task.samples.rows(training), plan=plan)
        make_validation = (
            (lambda network: self._validation(network, held_out)) if self.early_stopping else None
        )
        return [
            member.validation_run(training_task, make_validation, order)
            for member, order in zip(members, orders, strict=True)
        ], held_out

    def _fit_one_epoch(self, samples: Samples, mean_weight: float) -> None:
        """Train for one epoch, continuing from the present networks if there are any."""
        members, shared = self._initial_members(samples, new=not self.__sklearn_is_fitted__())
        task = self._task(samples, mean_weight)
        task = replace(task, plan=replace(task.plan, max_iter=1))
        self._members = [member.trained(task)[0] for member in members]
        self._shared = shared

    def _continues_last_fit(self) -> bool:
        """Return whether `fit` is a warm start; if not, discard the present networks."""
        self._check_settings()
        if self.warm_start and self.__sklearn_is_fitted__():
            return True
        if self.__sklearn_is_fitted__():
            del self._members
        return False

    def _initial_members(
        self, samples: Samples, new: bool
    ) -> tuple[list[EnsembleMember], np.random.Generator]:
        """Create new members, or check that the present ones match samples and settings."""
        sizes = (
            samples.X.shape[1],
            *hidden_sizes(self.hidden_layer_sizes),
            samples.target.shape[1],
        )
        if new:
            generators, shared = self._spawn_generators()
            members = []
            for start, order in generators:
                network = initialized(
                    sizes,
                    self.activation,
                    "identity",
                    start,
                    initializer=self.initializer,
                    dtype=np.dtype(self.dtype),
                )
                members.append(EnsembleMember(network, order))
            return members, shared
        wanted = (int(self.n_networks), sizes, samples.X.dtype)
        if (len(self._members), self.network_.layout.sizes, self.network_.params.dtype) != wanted:
            raise UsageError(
                f"the training so far is of {len(self._members)} network(s) of "
                f"{self.network_.params.dtype} and layers "
                f"{self.network_.layout.sizes}; these samples and settings need {wanted[0]} of "
                f"{wanted[2]} and layers {sizes}"
            )
        return self._members, self._shared

    def _task(self, samples: Samples, mean_weight: float) -> TrainingTask:
        solver = None if self._uses_mini_batches() else self.solver
        return TrainingTask(
            samples=samples,
            loss=get_loss(self.loss),
            plan=self._plan(len(samples)),
            solver=solver,  # type: ignore[arg-type]  # a key of FULL_BATCH_SOLVERS
            l2=self.alpha / mean_weight,
            l1=self.l1 / mean_weight,
        )

    def _plan(self, n: int) -> TrainingPlan:
        return TrainingPlan(
            optimizer=get_optimizer(self.solver, self.learning_rate_init)
            if self._uses_mini_batches()
            else Adam(),  # not used by full-batch solvers
            schedule=get_schedule(self.learning_rate),
            batch_size=min(200, n) if self.batch_size == "auto" else int(self.batch_size),
            max_iter=self.max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            shuffle=self.shuffle,
            dropout=Dropout(self.dropout),
        )

    def _predict(self, X: ArrayLike, combine: Callable[[list[Floats]], Floats]) -> Floats:
        """Check the features and combine the networks' outputs for each row."""
        check_is_fitted(self)
        features: Floats = validate_data(
            self,
            without_mask(X),
            reset=False,
            dtype=self.network_.params.dtype,
            order="C",
            ensure_all_finite=False,
        )
        result = predict_in_blocks(self.networks_, features, combine)
        if not np.isfinite(result).all():
            row = int(np.flatnonzero(~np.isfinite(result).all(axis=1))[0])
            raise UsageError(
                f"the network's output for row {row} is not finite: its features are too large "
                f"for {self.dtype}"
            )
        return result

    def _uses_mini_batches(self) -> bool:
        """Return whether the solver is an optimizer rather than a full-batch solver."""
        return not (isinstance(self.solver, str) and self.solver in FULL_BATCH_SOLVERS)

    def _needs_validation(self) -> bool:
        """Return whether `fit` needs a validation split."""
        return self.early_stopping

    def _after_training(self, runs: Sequence[ValidationRun], held_out: Samples) -> None:
        """Set further attributes, such as the temperature, from the validation runs."""

    def _validation(self, network: Network, held_out: Samples) -> Validation:
        raise NotImplementedError


def supports_partial_fit(model: BaseMLP) -> bool:
    """Return True if the settings allow `partial_fit`.

    Raises
    ------
    AttributeError
        If not, with the reason; this is what `sklearn.utils.metaestimators.available_if` expects.
    """
    if not model._uses_mini_batches():
        raise AttributeError(
            f"solver={model.solver!r} uses all samples at once and has no partial_fit; choose "
            "another solver"
        )
    if model._needs_validation():
        raise AttributeError(
            "partial_fit sets no samples aside, so it cannot be combined with "
            "early_stopping=True or calibration=True"
        )
    return True


def weighted_samples(
    features: Floats, target: Floats, weights: Floats
) -> tuple[Samples, NDArray[np.intp], float]:
    """Remove samples of weight 0 and normalize the weights to mean 1.

    Returns
    -------
    samples : Samples
    rows : array of int
        Row numbers of the samples that are left.
    mean_weight : float
        Their mean weight before normalization.

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

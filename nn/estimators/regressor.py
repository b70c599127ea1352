"""Multilayer-perceptron regressor with scikit-learn's interface."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from galfeat import UsageError
from galfeat.nn.activations import Activation
from galfeat.nn.estimators.base import BaseMLP, supports_partial_fit, weighted_samples
from galfeat.nn.estimators.checks import without_mask
from galfeat.nn.estimators.probabilities import softmax
from galfeat.nn.estimators.random_state import RandomState
from galfeat.nn.losses import BinaryCrossEntropy, CrossEntropy, Hinge, Loss, get_loss
from galfeat.nn.network import Network
from galfeat.nn.optimizers import Optimizer
from galfeat.nn.saving.state import short_repr
from galfeat.nn.schedules import Schedule
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.early_stopping import MeanLoss, Validation
from galfeat.nn.types import Floats

__all__ = ["MLPRegressor"]

_SUM_TOLERANCE = 1e-4  # of the sum of a sample's shares: catalogs round theirs


class MLPRegressor(RegressorMixin, BaseMLP):
    """Multilayer-perceptron regressor with one or several outputs.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Number of units in each hidden layer; empty for linear regression.
    activation : str or Activation
        Activation of the hidden layers; see `galfeat.nn.activations`.
    loss : str or Loss
        ``"half_squared_error"`` or ``"mean_squared_error"`` for any real targets;
        ``"binary_cross_entropy"`` for independent targets in [0, 1], such as vote fractions of
        yes-or-no questions; ``"cross_entropy"`` for fractions that sum to 1 in each sample. With
        the last two, predictions are in [0, 1] too.
    solver : str or Optimizer
        ``"adam"`` or another name of `galfeat.nn.optimizers`, with the learning rate
        `learning_rate_init`; or an `Optimizer` with a learning rate of its own. ``"newton"`` and
        ``"lbfgs"`` use all samples at each step, take at most `max_iter` steps, and converge at a
        gradient norm of `tol`; `batch_size`, `learning_rate`, `learning_rate_init` and `shuffle`
        have no effect on them.
    alpha : float
        Strength of the L2 penalty ``alpha / (2 n) |W|^2``, with n the number of samples in a batch.
    l1 : float
        Strength of the L1 penalty ``l1 / n |W|_1``.
    dropout : float
        Dropout rate of the hidden units, in [0, 1).
    batch_size : int or "auto"
        Samples per update: 1 is stochastic, n or more full-batch; ``"auto"`` is min(200, n).
    learning_rate : str or Schedule
        Learning-rate schedule; see `galfeat.nn.schedules`.
    learning_rate_init : float
        Initial learning rate.
    max_iter : int
        Maximum number of epochs.
    shuffle : bool
        Draw a new order of the samples in each epoch.
    random_state : int, numpy.random.Generator, RandomState or None
        An int makes fits reproducible, bit for bit, on one machine.
    tol : float or None
        An epoch that improves the loss by less counts as no progress. None always trains for
        `max_iter` epochs, without a ConvergenceWarning.
    warm_start : bool
        Continue from the networks of the last fit.
    early_stopping : bool
        Choose the number of epochs on a validation split: train without the held-out samples and
        choose the last epoch whose loss on them is within one standard error of the lowest. Then
        train on all samples for that many epochs.
    validation_fraction : float
        Share of the samples held out.
    n_iter_no_change : int
        Number of epochs without progress before training stops; with early stopping, twenty times
        as many *updates* are required too.
    n_networks : int
        Size of the ensemble: networks trained from different initial weights, whose predictions are
        averaged.
    initializer : str
        See `galfeat.nn.initializers`; ``"auto"`` chooses by the activation.
    dtype : "float64" or "float32"
        Precision of the network; float32 is about twice as fast.

    Attributes
    ----------
    n_features_in_ : int
    n_iter_, t_ : int
        Number of epochs, and of samples seen in them, of the network that took the most.
    networks_ : list of Network
        `network_` is the first, with the flat parameters ``network_.params``; `coefs_` and
        `intercepts_` are views of them. The attributes below are those of this network.
    loss_curve_ : list of float
        Objective of each epoch.
    validation_scores_ : list of float or None
        With early stopping, negative loss of the held-out samples after each epoch.

    Notes
    -----
    Neither features nor targets are standardized. The default loss is half the squared error,
    summed over the outputs, whose gradient scikit-learn's estimator of the same name follows too.
    For differences from it see the notes of `MLPClassifier`.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = MLPRegressor(
    ...     (8,), "tanh", solver="lbfgs", alpha=0.0, tol=1e-3, max_iter=500, random_state=0
    ... ).fit(X, np.abs(X[:, 0]))
    >>> bool(abs(model.predict([[-0.5]])[0] - 0.5) < 0.05)
    True
    """

    _target_names: ClassVar[set[str]] = {"flat"}
    flat_targets_: bool

    def __init__(  # noqa: PLR0913 - scikit-learn keeps all settings in __init__
        self,
        hidden_layer_sizes: Any = (64,),
        activation: str | Activation = "relu",
        *,
        loss: str | Loss = "half_squared_error",
        solver: str | Optimizer = "adam",
        alpha: float = 1e-4,
        l1: float = 0.0,
        dropout: float = 0.0,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: str | Schedule = "constant",
        learning_rate_init: float = 1e-3,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float | None = 1e-4,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        n_networks: int = 1,
        initializer: str = "auto",
        dtype: Literal["float32", "float64"] = "float64",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.solver = solver
        self.alpha = alpha
        self.l1 = l1
        self.dropout = dropout
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_networks = n_networks
        self.initializer = initializer
        self.dtype = dtype

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array, shape (n, features)
            Finite; they are not standardized.
        y : array, shape (n,) or (n, outputs)
            Finite; standardize them if they are far from 1.
        sample_weight : array, shape (n,), optional
            None: equal weights. Samples of weight 0 are ignored.

        Raises
        ------
        ValueError
            If features or targets are not finite, lengths differ, targets do not suit the loss, or
            training diverges.
        """
        continued = self._continues_last_fit()
        samples, mean_weight = self._samples(X, y, sample_weight, reset=not continued)
        self._fit_samples(
            samples, np.zeros(len(samples), dtype=np.intp), mean_weight, continued=continued
        )
        return self

    @available_if(supports_partial_fit)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch on these samples, continuing from the present networks.

        Parameters and exceptions are those of `fit`.
        """
        self._check_settings()
        samples, mean_weight = self._samples(
            X, y, sample_weight, reset=not self.__sklearn_is_fitted__()
        )
        self._fit_one_epoch(samples, mean_weight)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Return the predictions in the shape of the targets: (n,) or (n, outputs).

        Each row of the result is bitwise independent of the other rows of X.
        """
        check_is_fitted(self)
        predictions = self._predict(X, self._combine)
        return predictions[:, 0] if self.flat_targets_ else predictions

    def _combine(self, outputs: list[Floats]) -> Floats:
        loss = get_loss(self.loss)
        link = (
            softmax
            if isinstance(loss, CrossEntropy)
            else expit
            if isinstance(loss, BinaryCrossEntropy)
            else None
        )
        predictions = outputs if link is None else [link(output) for output in outputs]
        return predictions[0] if len(predictions) == 1 else np.mean(predictions, axis=0)

    def _samples(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool
    ) -> tuple[Samples, float]:
        dtype = np.dtype(self.dtype)
        features, target = validate_data(
            self,
            without_mask(X),
            y,
            dtype=dtype,
            order="C",
            multi_output=True,
            y_numeric=True,
            reset=reset,
        )
        with np.errstate(over="ignore"):
            target = np.asarray(target, dtype=dtype)
        if not np.isfinite(target).all():
            raise UsageError(f"the targets hold numbers that are too large for {dtype}")
        weights = _check_sample_weight(
            sample_weight, features, dtype=dtype, ensure_non_negative=True
        )
        flat = target.ndim == 1
        target = target.reshape(len(target), -1)
        _check_targets(target, get_loss(self.loss))
        if not reset and flat != self.flat_targets_:
            raise UsageError(
                "targets must be of the shape they had in the first call, one number or one row a "
                "sample"
            )
        self.flat_targets_ = flat
        samples, _, mean_weight = weighted_samples(features, np.ascontiguousarray(target), weights)
        return samples, mean_weight

    def _validation(self, network: Network, held_out: Samples) -> Validation:
        return MeanLoss(network, held_out, loss=get_loss(self.loss))

    def _targets_state(self) -> dict[str, Any]:
        return {"flat": self.flat_targets_}

    def _restore_targets(self, targets: Mapping[str, Any], outputs: int) -> None:
        flat = targets["flat"]
        if not isinstance(flat, bool) or (flat and outputs != 1):
            raise UsageError(
                f"the saved targets cannot be flat={short_repr(flat)} with {outputs} outputs"
            )
        self.flat_targets_ = flat

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _check_targets(target: Floats, loss: Loss) -> None:
    """Check that the targets are in the range that the loss requires."""
    if isinstance(loss, Hinge):
        raise UsageError(
            "the hinge loss is for classes; choose half_squared_error, mean_squared_error or a "
            "cross-entropy"
        )
    if isinstance(loss, BinaryCrossEntropy | CrossEntropy) and not (
        np.all(target >= 0) and np.all(target <= 1)
    ):
        raise UsageError("with a cross-entropy loss, targets must be in [0, 1]")
    if isinstance(loss, CrossEntropy) and np.any(np.abs(target.sum(axis=1) - 1) > _SUM_TOLERANCE):
        raise UsageError(
            "with loss='cross_entropy', the targets of each sample must add up to 1; otherwise "
            "use binary_cross_entropy"
        )

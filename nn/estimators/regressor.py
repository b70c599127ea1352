"""The shallow network as a scikit-learn regressor."""

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
from galfeat.nn.estimators.base import BaseMLP, can_go_on, counted_samples
from galfeat.nn.estimators.probabilities import softmax
from galfeat.nn.estimators.random_state import RandomState
from galfeat.nn.losses import BinaryCrossEntropy, CrossEntropy, Hinge, Loss, get_loss
from galfeat.nn.network import Network
from galfeat.nn.optimizers import Optimizer
from galfeat.nn.saving.state import shown
from galfeat.nn.schedules import Schedule
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.early_stopping import MeanLoss, Validation
from galfeat.nn.types import Floats

__all__ = ["MLPRegressor"]

_SUM_ERROR = 1e-4  # by which the shares of a sample may miss 1: catalogues round theirs


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multilayer perceptron that tells numbers: one or several a sample.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Units of each hidden layer; empty for linear regression.
    activation : str or Activation
        Of the hidden layers; see `galfeat.nn.activations`.
    loss : str or Loss
        ``"half_squared_error"`` or ``"mean_squared_error"`` for any numbers;
        ``"binary_cross_entropy"`` for numbers in [0, 1], each by itself, as shares of votes for a
        yes-or-no question; ``"cross_entropy"`` for shares that add up to 1 in each sample. With the
        last two, predictions are in [0, 1] too.
    solver : str or Optimizer
        ``"adam"`` or another of `galfeat.nn.optimizers`. A name takes its rate from
        `learning_rate_init`; an object brings its own. ``"newton"`` and ``"lbfgs"`` look at all
        samples at each step, of which there are at most `max_iter`, and end where the gradient is
        no longer than `tol`; batches, rate and schedule mean nothing to them.
    alpha : float
        Strength of the L2 penalty ``alpha / (2 n) |W|^2``, n being the samples of a batch.
    l1 : float
        Strength of the L1 penalty ``l1 / n |W|_1``.
    dropout : float
        Share of the hidden units that are left out at random in each training step.
    batch_size : int or "auto"
        Samples an update; 1 is stochastic, n or more is full batch; ``"auto"`` is min(200, n).
    learning_rate : str or Schedule
        How the rate falls from epoch to epoch; see `galfeat.nn.schedules`.
    learning_rate_init : float
        The rate at the start.
    max_iter : int
        Epochs at most.
    shuffle : bool
        Go through the samples in a new order each epoch.
    random_state : int, numpy.random.Generator, RandomState or None
        A number makes two fits give the same network, bit for bit, on one machine.
    tol : float or None
        An epoch that betters the loss by less is one without progress. None trains for `max_iter`
        epochs and says nothing at their end.
    warm_start : bool
        Let `fit` go on from the last fit's networks.
    early_stopping : bool
        Find the number of epochs first, by a trial network that is trained without some samples:
        the last epoch whose loss on them is not clearly above the least. Then train on all samples
        for that many epochs.
    validation_fraction : float
        Share of the samples set aside.
    n_iter_no_change : int
        Epochs without progress before training ends; with early stopping twenty times as many
        *updates* must have gone by too.
    n_networks : int
        Networks trained from different starts, whose predictions are averaged.
    initializer : str
        See `galfeat.nn.initializers`; ``"auto"`` takes the one that suits the activation.
    dtype : "float64" or "float32"
        In what the network computes; float32 is twice as fast.

    Attributes
    ----------
    n_features_in_, n_iter_, t_ : int
        Inputs; epochs, and samples seen, of the network that took the most.
    networks_ : list of Network
        `network_` is the first, with the flat parameters ``network_.params``; `coefs_` and
        `intercepts_` are views of them, and the attributes below are of this network.
    loss_curve_ : list of float
        One an epoch.
    validation_scores_ : list of float or None
        With early stopping, minus the loss of the samples set aside after each epoch of the trial.

    Notes
    -----
    Neither features nor targets are standardised. The loss is scikit-learn's (half the squared
    error, summed over the outputs) but for what `MLPClassifier` says under Notes.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = MLPRegressor(
    ...     (8,), "tanh", solver="lbfgs", alpha=0.0, tol=1e-3, max_iter=500, random_state=0
    ... ).fit(X, np.abs(X[:, 0]))
    >>> bool(abs(model.predict([[-0.5]])[0] - 0.5) < 0.05)
    True
    """

    _targets: ClassVar[set[str]] = {"flat"}
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
            Finite numbers; the network does not standardise them.
        y : array, shape (n,) or (n, outputs)
            Finite numbers; standardise them if they are far from 1.
        sample_weight : array, shape (n,), optional
            None weighs all samples alike. A sample of weight 0 is as good as absent.

        Raises
        ------
        ValueError
            If features or targets are not finite, lengths differ, targets do not suit the loss, or
            training diverges.
        """
        going_on = self._going_on()
        samples, mean_weight = self._samples(X, y, sample_weight, reset=not going_on)
        self._fit_samples(
            samples, np.zeros(len(samples), dtype=np.intp), mean_weight, going_on=going_on
        )
        return self

    @available_if(can_go_on)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch on these samples, going on from what has been learned.

        Parameters and errors as for `fit`.
        """
        self._check_settings()
        samples, mean_weight = self._samples(
            X, y, sample_weight, reset=not self.__sklearn_is_fitted__()
        )
        self._fit_more(samples, mean_weight)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Return the predicted numbers, shaped as the targets were: (n,) or (n, outputs).

        The bits of a row depend on that row alone, not on how many rows come with it.
        """
        check_is_fitted(self)
        made = self._outputs(X, self._predicted)
        return made[:, 0] if self.flat_targets_ else made

    def _predicted(self, made: list[Floats]) -> Floats:
        loss = get_loss(self.loss)
        link = (
            softmax
            if isinstance(loss, CrossEntropy)
            else expit
            if isinstance(loss, BinaryCrossEntropy)
            else None
        )
        finished = made if link is None else [link(output) for output in made]
        return finished[0] if len(finished) == 1 else np.mean(finished, axis=0)

    def _samples(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool
    ) -> tuple[Samples, float]:
        dtype = np.dtype(self.dtype)
        features, target = validate_data(
            self, X, y, dtype=dtype, order="C", multi_output=True, y_numeric=True, reset=reset
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
        samples, _, mean_weight = counted_samples(features, np.ascontiguousarray(target), weights)
        return samples, mean_weight

    def _validation(self, network: Network, aside: Samples) -> Validation:
        return MeanLoss(network, aside, loss=get_loss(self.loss))

    def _targets_state(self) -> dict[str, Any]:
        return {"flat": self.flat_targets_}

    def _restore_targets(self, targets: Mapping[str, Any], outputs: int) -> None:
        flat = targets["flat"]
        if not isinstance(flat, bool) or (flat and outputs != 1):
            raise UsageError(
                f"the saved targets cannot be flat={shown(flat)} with {outputs} outputs"
            )
        self.flat_targets_ = flat

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _check_targets(target: Floats, loss: Loss) -> None:
    """Look whether the targets suit the loss."""
    if isinstance(loss, Hinge):
        raise UsageError(
            "the hinge loss is for classes; choose half_squared_error, mean_squared_error or a "
            "cross-entropy"
        )
    if isinstance(loss, BinaryCrossEntropy | CrossEntropy) and not (
        np.all(target >= 0) and np.all(target <= 1)
    ):
        raise UsageError("with a cross-entropy loss, targets must be in [0, 1]")
    if isinstance(loss, CrossEntropy) and np.any(np.abs(target.sum(axis=1) - 1) > _SUM_ERROR):
        raise UsageError(
            "with loss='cross_entropy', the targets of each sample must add up to 1; otherwise "
            "use binary_cross_entropy"
        )

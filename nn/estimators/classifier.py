"""Multilayer-perceptron classifier with scikit-learn's interface."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from galfeat import UsageError
from galfeat.nn.activations import Activation
from galfeat.nn.estimators.base import supports_partial_fit, weighted_samples
from galfeat.nn.estimators.calibration import fit_temperature
from galfeat.nn.estimators.checks import check_labels, without_mask
from galfeat.nn.estimators.class_predictions import ClassPredictions
from galfeat.nn.estimators.labels import (
    ClassWeight,
    check_known_labels,
    class_sample_weights,
    listed,
    one_hot,
)
from galfeat.nn.estimators.predict import predict_in_blocks
from galfeat.nn.estimators.probabilities import ensemble_scores
from galfeat.nn.estimators.random_state import RandomState
from galfeat.nn.losses import Loss, get_loss
from galfeat.nn.network import Network
from galfeat.nn.optimizers import Optimizer
from galfeat.nn.saving.state import plain_classes, read_classes, short_repr
from galfeat.nn.schedules import Schedule
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.early_stopping import Accuracy, Validation
from galfeat.nn.training.ensemble import ValidationRun
from galfeat.nn.types import Floats

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, ClassPredictions):
    """Multilayer-perceptron classifier.

    By default: dense ReLU layers, softmax, cross-entropy and mini-batch Adam.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Number of units in each hidden layer; empty for a linear classifier (softmax regression).
    activation : str or Activation
        Activation of the hidden layers; see `galfeat.nn.activations`.
    loss : str or Loss
        ``"cross_entropy"``, ``"binary_cross_entropy"`` (one versus the rest for each class),
        ``"hinge"``, ``"half_squared_error"`` or ``"mean_squared_error"``; see `galfeat.nn.losses`.
        The last three give scores, and probabilities only after calibration.
    solver : str or Optimizer
        ``"adam"`` or another name of `galfeat.nn.optimizers`, with the learning rate
        `learning_rate_init`; or an `Optimizer` with a learning rate of its own. ``"newton"`` and
        ``"lbfgs"`` use all samples at each step, take at most `max_iter` steps, and converge at a
        gradient norm of `tol`; `batch_size`, `learning_rate`, `learning_rate_init` and `shuffle`
        have no effect on them.
    alpha : float
        Strength of the L2 penalty ``alpha / (2 n) |W|^2``, with n the number of samples in a batch.
    l1 : float
        Strength of the L1 penalty ``l1 / n |W|_1``, which drives irrelevant weights to zero.
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
        Choose the number of epochs on a stratified validation split: train without the held-out
        samples, stop when their accuracy no longer rises, and choose the last epoch within one
        standard error of the best. Then train on all samples for that many epochs.
    validation_fraction : float
        Share of the samples held out for early stopping and calibration.
    n_iter_no_change : int
        Number of epochs without progress before training stops; with early stopping, twenty times
        as many *updates* are required too, since on few samples an epoch is a single update.
    n_networks : int
        Size of the ensemble: networks trained from different initial weights, whose probabilities
        (or scores) are averaged. The networks of a small ensemble are the first of a larger one
        with the same `random_state`.
    calibration : bool
        Temperature scaling on the held-out samples, weighted as in training: the temperature is
        fitted on networks trained without them, as for early stopping; the final networks are then
        trained on all samples. With fewer than a hundred held-out samples, a network that was well
        calibrated may become slightly worse. See `calibrate` for separate calibration samples.
    class_weight : None, "balanced" or dict
        Weight of each class in the loss; ``"balanced"`` gives all classes the same total weight.
    initializer : str
        See `galfeat.nn.initializers`; ``"auto"`` chooses by the activation.
    dtype : "float64" or "float32"
        Precision of the network; float32 is about twice as fast.

    Attributes
    ----------
    classes_ : array, shape (k,)
    n_features_in_ : int
    n_iter_, t_ : int
        Number of epochs, and of samples seen in them, of the network that took the most.
    networks_ : list of Network
        `network_` is the first, with the flat parameters ``network_.params``; `coefs_` and
        `intercepts_` are views of them. The attributes below are those of this network.
    temperature_ : float or None
        Divisor of the log-probabilities (or scores); None where there are neither probabilities nor
        calibration.
    loss_curve_ : list of float
        Objective of each epoch.
    validation_scores_ : list of float or None
        With early stopping, accuracy on the held-out samples after each epoch;
        `best_validation_score_` is the highest.

    Notes
    -----
    Differences from scikit-learn's estimator of the same name: two classes have two outputs;
    `class_weight` exists; biases are initialized to zero; after early stopping, the networks are
    trained on all samples including the held-out ones, and there is no ConvergenceWarning; the
    probabilities of a sample are bitwise independent of the other samples. The loss is divided by
    the *expected* weight of a batch rather than by the weight of the present batch, so that the
    mean gradient of the batches is the gradient of the whole.

    Examples
    --------
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> y = np.array(["same", "other", "other", "same"])
    >>> model = MLPClassifier((16,), learning_rate_init=0.05, tol=None, random_state=0).fit(X, y)
    >>> model.predict(X).tolist()
    ['same', 'other', 'other', 'same']
    """

    _target_names: ClassVar[set[str]] = {"classes", "temperature"}

    class_weight: ClassWeight

    def __init__(  # noqa: PLR0913 - scikit-learn keeps all settings in __init__
        self,
        hidden_layer_sizes: Any = (64,),
        activation: str | Activation = "relu",
        *,
        loss: str | Loss = "cross_entropy",
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
        calibration: bool = False,
        class_weight: ClassWeight = None,
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
        self.calibration = calibration
        self.class_weight = class_weight
        self.initializer = initializer
        self.dtype = dtype

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array, shape (n, features)
            Finite; they are not standardized.
        y : array, shape (n,)
            Class of each sample.
        sample_weight : array, shape (n,), optional
            None: equal weights. Samples of weight 0 are ignored.

        Raises
        ------
        ValueError
            If features are not finite, lengths differ, there is only one class, or training
            diverges.
        """
        continued = self._continues_last_fit()
        features, labels, weights = self._check(X, y, sample_weight, reset=not continued)
        classes = np.unique(labels)
        if continued and not np.array_equal(classes, self.classes_):
            raise UsageError(
                f"warm_start needs the classes of the first fit, {listed(self.classes_)}; got "
                f"{listed(classes)}"
            )
        self.classes_ = classes
        samples, codes, mean_weight = self._samples(features, labels, weights)
        self._fit_samples(samples, codes, mean_weight, continued=continued)
        return self

    @available_if(supports_partial_fit)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on these samples, continuing from the present networks.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array, shape (k,)
            All classes of the later calls too; required at the first call only.

        Raises
        ------
        ValueError
            As for `fit`, and if a label is not among the classes.
        """
        self._check_settings()
        first = not self.__sklearn_is_fitted__()
        if first and classes is None:
            raise UsageError(
                "the first call of partial_fit needs classes, the list of all classes that later "
                "calls may contain"
            )
        features, labels, weights = self._check(X, y, sample_weight, reset=first)
        known = self.classes_ if classes is None else np.unique(np.asarray(classes))
        if not first and not np.array_equal(known, self.classes_):
            raise UsageError(
                f"classes must be those of the first call, {listed(self.classes_)}; got "
                f"{listed(known)}"
            )
        check_known_labels(labels, known)
        self.classes_ = known
        samples, _, mean_weight = self._samples(features, labels, weights)
        self._fit_one_epoch(samples, mean_weight)
        if first:
            self.temperature_ = self._default_temperature()
        return self

    def calibrate(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the temperature on samples that the networks were not trained on.

        Log-probabilities are divided by one number: no predicted class changes, only its
        probability. An earlier calibration is replaced; the next `fit` discards it.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`. A hundred samples or more are advisable; `class_weight` is not applied.

        Raises
        ------
        ValueError
            As for `fit`, and if a label is not among the classes.

        References
        ----------
        Guo, C., et al. 2017, arXiv:1706.04599
        """
        check_is_fitted(self)
        features, labels, weights = self._check(X, y, sample_weight, reset=False)
        check_known_labels(labels, self.classes_)
        target = np.eye(len(self.classes_))[np.searchsorted(self.classes_, labels)]
        self.temperature_ = fit_temperature(self._scores(features), target, weights.reshape(-1, 1))
        return self

    def _check(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool
    ) -> tuple[Floats, NDArray[Any], Floats]:
        check_labels(y)
        features, labels = validate_data(
            self, without_mask(X), y, dtype=np.dtype(self.dtype), order="C", reset=reset
        )
        check_classification_targets(labels)
        weights = _check_sample_weight(
            sample_weight, features, dtype=features.dtype, ensure_non_negative=True
        )
        return features, labels, weights

    def _samples(
        self, features: Floats, labels: NDArray[Any], weights: Floats
    ) -> tuple[Samples, NDArray[np.intp], float]:
        """Return samples with one-hot targets, their class indices, and the mean weight."""
        if len(self.classes_) < 2:
            raise UsageError(
                "a classifier needs at least two classes; all samples are of one class, "
                f"{listed(self.classes_)}"
            )
        codes = np.searchsorted(self.classes_, labels)
        if self.class_weight is not None:
            by_class = class_sample_weights(self.class_weight, self.classes_, labels, codes)
            weights = weights * by_class.astype(features.dtype)
        target = one_hot(codes, len(self.classes_), get_loss(self.loss), features.dtype)
        samples, rows, mean_weight = weighted_samples(features, target, weights)
        return samples, codes[rows], mean_weight

    def _needs_validation(self) -> bool:
        return self.early_stopping or self.calibration

    def _after_training(self, runs: Sequence[ValidationRun], held_out: Samples) -> None:
        """Fit the temperature to the predictions of the held-out samples."""
        self.temperature_ = self._default_temperature()
        if self.calibration:
            link = self._link()
            scores = predict_in_blocks(
                [run.network for run in runs],
                held_out.X,
                lambda outputs: ensemble_scores(outputs, link),
            )
            one_hot_target = np.maximum(held_out.target, 0)  # the hinge loss has -1 for 0
            self.temperature_ = fit_temperature(scores, one_hot_target, held_out.weight)

    def _validation(self, network: Network, held_out: Samples) -> Validation:
        return Accuracy(network, held_out)

    def _targets_state(self) -> dict[str, Any]:
        return {"classes": plain_classes(self.classes_), "temperature": self.temperature_}

    def _restore_targets(self, targets: Mapping[str, Any], outputs: int) -> None:
        classes, temperature = read_classes(targets["classes"]), targets["temperature"]
        if len(classes) != outputs:
            raise UsageError(
                f"the saved layers have {outputs} outputs, but there are {len(classes)} saved "
                "classes"
            )
        if not (isinstance(temperature, float) and 0 < temperature < np.inf) and (
            temperature is not None or self._link() is not None
        ):
            raise UsageError(
                f"the saved temperature must be a number above 0; got {short_repr(temperature)}"
            )
        self.classes_, self.temperature_ = classes, temperature

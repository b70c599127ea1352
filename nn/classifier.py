"""The shallow network as a scikit-learn classifier."""

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from galfeat import UsageError
from galfeat.nn.activations import ACTIVATIONS, Activation
from galfeat.nn.estimator import BaseMLP, normalized_weights
from galfeat.nn.losses import LOSSES, Loss
from galfeat.nn.network import Network
from galfeat.nn.optimizers import Optimizer
from galfeat.nn.randomness import RandomState
from galfeat.nn.samples import Samples
from galfeat.nn.schedules import Schedule
from galfeat.nn.state import State, classifier_state, restore_classifier
from galfeat.nn.types import Floats
from galfeat.nn.validation import Accuracy, Validation

__all__ = ["MLPClassifier"]


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multilayer perceptron that tells classes apart: dense layers, softmax, cross-entropy, mini-batch Adam.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Units of each hidden layer; empty for a linear (softmax regression) classifier.
    activation : str or Activation
        Of the hidden layers; see `galfeat.nn.activations`.
    solver : str or Optimizer
        ``"adam"`` or another of `galfeat.nn.optimizers`. A name takes its rate from `learning_rate_init`; an object brings its own.
    alpha : float
        Strength of the L2 penalty ``alpha / (2 n) |W|^2``, n being the samples of a batch.
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
        An epoch that betters the loss by less is one without progress. None trains for `max_iter` epochs and says nothing at their end.
    warm_start : bool
        Let `fit` go on from the last fit's network.
    early_stopping : bool
        Find the number of epochs first: train a trial network without some samples (as many of each class as its share), stop when
        their accuracy no longer rises, and take the last epoch that is not clearly below the best. Then train on all samples for
        that many epochs.
    validation_fraction : float
        Share of the samples set aside.
    n_iter_no_change : int
        Epochs without progress before training ends; with early stopping twenty times as many *updates* must have gone by too, since
        on few samples an epoch is a single update.
    class_weight : None, "balanced" or dict
        Weight of each class in the loss; ``"balanced"`` makes all classes count alike.
    initializer : str
        See `galfeat.nn.initializers`; ``"auto"`` takes the one that suits the activation.
    dtype : "float64" or "float32"
        In what the network computes; float32 is twice as fast.

    Attributes
    ----------
    classes_ : array, shape (k,)
    n_features_in_, n_iter_, t_ : int
        Inputs, epochs, samples seen.
    network_ : Network
        Its flat parameters are ``network_.params``; `coefs_` and `intercepts_` are views of them.
    loss_curve_ : list of float
        One an epoch.
    validation_scores_ : list of float or None
        With early stopping, accuracy on the samples set aside after each epoch of the trial; `best_validation_score_` is the largest.

    Notes
    -----
    Like scikit-learn's estimator of that name, but: two classes take two outputs; `class_weight` exists; biases begin at zero; early
    stopping uses the samples that it set aside for training too, and never warns; the probabilities of a sample have the same bits
    whatever the other samples are. The loss is divided by the *expected* weight of a batch rather than by that of the batch at hand,
    so that the mean step is the step of the whole.

    Examples
    --------
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> y = np.array(["same", "other", "other", "same"])
    >>> model = MLPClassifier((16,), learning_rate_init=0.05, tol=None, random_state=0).fit(X, y)
    >>> model.predict(X).tolist()
    ['same', 'other', 'other', 'same']
    """

    _default_loss = "cross_entropy"
    classes_: NDArray[Any]

    def __init__(  # noqa: PLR0913 - scikit-learn keeps all settings in __init__
        self,
        hidden_layer_sizes: Any = (64,),
        activation: str | Activation = "relu",
        *,
        solver: str | Optimizer = "adam",
        alpha: float = 1e-4,
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
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        initializer: str = "auto",
        dtype: Literal["float32", "float64"] = "float64",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
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
        self.class_weight = class_weight
        self.initializer = initializer
        self.dtype = dtype

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array, shape (n, features)
            Finite numbers; the network does not standardise them.
        y : array, shape (n,)
            Class of each sample.
        sample_weight : array, shape (n,), optional
            None weighs all samples alike. A sample of weight 0 is as good as absent.

        Raises
        ------
        ValueError
            If features are not finite, lengths differ, there is only one class, or training diverges.
        """
        going_on = self.warm_start and hasattr(self, "network_")
        features, labels, weights = self._check(X, y, sample_weight, reset=not going_on)
        classes = np.unique(labels)
        if going_on and not np.array_equal(classes, self.classes_):
            raise UsageError(f"warm_start needs the classes of the first fit, {_listed(self.classes_)}; got {_listed(classes)}")
        self.classes_ = classes
        samples, codes, mean_weight = self._samples(features, labels, weights)
        self._fit_samples(samples, codes, mean_weight)
        return self

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch on these samples, going on from what has been learned.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array, shape (k,)
            All classes that will ever come; needed at the first call only.

        Raises
        ------
        ValueError
            As for `fit`, and if a label is not among the classes.
        """
        first = not hasattr(self, "network_")
        if first and classes is None:
            raise UsageError("the first call of partial_fit needs classes, the list of all classes that will ever come")
        features, labels, weights = self._check(X, y, sample_weight, reset=first)
        known = self.classes_ if classes is None else np.unique(np.asarray(classes))
        if not first and not np.array_equal(known, self.classes_):
            raise UsageError(f"classes must be those of the first call, {_listed(self.classes_)}; got {_listed(known)}")
        unseen = np.setdiff1d(labels, known)
        if len(unseen):
            raise UsageError(f"label {_listed(unseen)} is not among the classes {_listed(known)}")
        self.classes_ = known
        samples, _, mean_weight = self._samples(features, labels, weights)
        self._fit_more(samples, mean_weight)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each sample, shape (n,)."""
        best = np.argmax(self._outputs(X), axis=1)
        predicted: NDArray[Any] = self.classes_[best]
        return predicted

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probability of each class, shape (n, k), in the order of `classes_`.

        The bits of a row depend on that row alone, not on how many rows come with it.
        """
        return self._outputs(X, ACTIVATIONS["softmax"].value)

    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """Return the logarithm of the probability of each class, shape (n, k); finite also where the probability rounds to 0."""
        return self._outputs(X, _log_softmax)

    def get_state(self) -> dict[str, Any]:
        """Return all that `from_state` needs, as plain settings that JSON can hold and NumPy arrays; no pickle is involved."""
        return classifier_state(self)

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Return the classifier that `get_state` described.

        Raises
        ------
        UsageError
            If an entry is missing or does not fit; the message says which.
        """
        return restore_classifier(cls, state)

    def _check(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool) -> tuple[Floats, NDArray[Any], Floats]:
        self._check_settings()
        features, labels = validate_data(self, X, y, dtype=np.dtype(self.dtype), order="C", reset=reset)
        check_classification_targets(labels)
        weights = _check_sample_weight(sample_weight, features, dtype=features.dtype, ensure_non_negative=True)
        return features, labels, weights

    def _samples(self, features: Floats, labels: NDArray[Any], weights: Floats) -> tuple[Samples, NDArray[np.intp], float]:
        """Return samples with one-hot targets, the class numbers, and the mean weight."""
        if len(self.classes_) < 2:
            raise UsageError(f"a classifier needs at least two classes; all samples are of one class, {_listed(self.classes_)}")
        codes = np.searchsorted(self.classes_, labels)
        if self.class_weight is not None:
            weights = weights * compute_sample_weight(self.class_weight, labels).astype(features.dtype)
        counted = weights > 0
        if not counted.any():
            raise UsageError("class_weight makes all sample weights zero; no sample of any class is left")
        if not counted.all():
            features, codes, weights = features[counted], codes[counted], weights[counted]
        weight, mean_weight = normalized_weights(weights)
        target = np.zeros((len(features), len(self.classes_)), dtype=features.dtype)
        target[np.arange(len(codes)), codes] = 1
        return Samples(features, target, weight), codes, mean_weight

    def _validation(self, network: Network, aside: Samples) -> Validation:
        return Accuracy(network, aside)

    def _loss(self) -> Loss:
        return LOSSES["cross_entropy"]

    def _output_activation(self) -> str:
        return "identity"


def _log_softmax(scores: Floats) -> Floats:
    shifted: Floats = scores - scores.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def _listed(values: NDArray[Any]) -> str:
    return ", ".join(repr(value) for value in values.tolist())

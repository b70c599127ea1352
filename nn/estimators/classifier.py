"""The shallow network as a scikit-learn classifier."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from galfeat import UsageError
from galfeat.nn.activations import Activation
from galfeat.nn.estimators.base import BaseMLP, can_go_on, counted_samples
from galfeat.nn.estimators.calibration import fit_temperature, tempered, tempered_log
from galfeat.nn.estimators.predict import outputs
from galfeat.nn.estimators.probabilities import Link, link_of, log_softmax, scores, softmax
from galfeat.nn.estimators.random_state import RandomState
from galfeat.nn.losses import Hinge, Loss, get_loss
from galfeat.nn.network import Network
from galfeat.nn.optimizers import Optimizer
from galfeat.nn.saving.state import plain_classes, read_classes, shown
from galfeat.nn.schedules import Schedule
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.early_stopping import Accuracy, Validation
from galfeat.nn.training.ensemble import Trial
from galfeat.nn.types import Floats

__all__ = ["MLPClassifier"]


def _has_probabilities(model: "MLPClassifier") -> bool:
    if (
        link_of(get_loss(model.loss)) is None
        and not model.calibration
        and getattr(model, "temperature_", None) is None
    ):
        raise AttributeError(
            f"a network trained with loss={model.loss!r} gives scores and no probabilities; use "
            "calibration=True"
        )
    return True


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multilayer perceptron that tells classes apart.

    Dense layers, softmax, cross-entropy, mini-batch Adam, and their alternatives.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Units of each hidden layer; empty for a linear (softmax regression) classifier.
    activation : str or Activation
        Of the hidden layers; see `galfeat.nn.activations`.
    loss : str or Loss
        ``"cross_entropy"``, ``"binary_cross_entropy"`` (a yes-or-no question a class), ``"hinge"``,
        ``"half_squared_error"`` or ``"mean_squared_error"``; see `galfeat.nn.losses`. The last
        three give scores; probabilities only once they are calibrated.
    solver : str or Optimizer
        ``"adam"`` or another of `galfeat.nn.optimizers`. A name takes its rate from
        `learning_rate_init`; an object brings its own. ``"newton"`` and ``"lbfgs"`` look at all
        samples at each step, of which there are at most `max_iter`, and end where the gradient is
        no longer than `tol`; batches, rate and schedule mean nothing to them.
    alpha : float
        Strength of the L2 penalty ``alpha / (2 n) |W|^2``, n being the samples of a batch.
    l1 : float
        Strength of the L1 penalty ``l1 / n |W|_1``, which drives weights that do not help to zero.
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
        Let `fit` go on from the last fit's network.
    early_stopping : bool
        Find the number of epochs first: train a trial network without some samples (as many of each
        class as its share), stop when their accuracy no longer rises, and take the last epoch that
        is not clearly below the best. Then train on all samples for that many epochs.
    validation_fraction : float
        Share of the samples set aside for early stopping and calibration.
    n_iter_no_change : int
        Epochs without progress before training ends; with early stopping twenty times as many
        *updates* must have gone by too, since on few samples an epoch is a single update.
    n_networks : int
        Networks trained from different starts, whose probabilities (scores, where there are none)
        are averaged. The first ones are those of a smaller committee with the same `random_state`.
    calibration : bool
        Fit a temperature to the samples set aside, weighted as in training: trial networks are
        trained without them, as for early stopping, and the networks are then trained on all
        samples. With fewer than a hundred samples set aside, a network that was right about itself
        may come out a little worse. See `calibrate` for samples of your own.
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
        Inputs; epochs, and samples seen, of the network that took the most.
    networks_ : list of Network
        `network_` is the first, with the flat parameters ``network_.params``; `coefs_` and
        `intercepts_` are views of them, and the attributes below are of this network.
    temperature_ : float or None
        By which log-probabilities (scores, where there are none) are divided; None where there are
        neither probabilities nor calibration.
    loss_curve_ : list of float
        One an epoch.
    validation_scores_ : list of float or None
        With early stopping, accuracy on the samples set aside after each epoch of the trial;
        `best_validation_score_` is the largest.

    Notes
    -----
    Like scikit-learn's estimator of that name, but: two classes take two outputs; `class_weight`
    exists; biases begin at zero; early stopping uses the samples that it set aside for training
    too, and never warns; the probabilities of a sample have the same bits whatever the other
    samples are. The loss is divided by the *expected* weight of a batch rather than by that of the
    batch at hand, so that the mean step is the step of the whole.

    Examples
    --------
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> y = np.array(["same", "other", "other", "same"])
    >>> model = MLPClassifier((16,), learning_rate_init=0.05, tol=None, random_state=0).fit(X, y)
    >>> model.predict(X).tolist()
    ['same', 'other', 'other', 'same']
    """

    _targets: ClassVar[set[str]] = {"classes", "temperature"}

    class_weight: Mapping[Any, float] | Literal["balanced"] | None
    calibration: bool
    classes_: NDArray[Any]
    temperature_: float | None

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
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
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
            Finite numbers; the network does not standardise them.
        y : array, shape (n,)
            Class of each sample.
        sample_weight : array, shape (n,), optional
            None weighs all samples alike. A sample of weight 0 is as good as absent.

        Raises
        ------
        ValueError
            If features are not finite, lengths differ, there is only one class, or training
            diverges.
        """
        going_on = self._going_on()
        features, labels, weights = self._check(X, y, sample_weight, reset=not going_on)
        classes = np.unique(labels)
        if going_on and not np.array_equal(classes, self.classes_):
            raise UsageError(
                f"warm_start needs the classes of the first fit, {_listed(self.classes_)}; got "
                f"{_listed(classes)}"
            )
        self.classes_ = classes
        samples, codes, mean_weight = self._samples(features, labels, weights)
        self._fit_samples(samples, codes, mean_weight, going_on=going_on)
        return self

    @available_if(can_go_on)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
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
        self._check_settings()
        first = not self.__sklearn_is_fitted__()
        if first and classes is None:
            raise UsageError(
                "the first call of partial_fit needs classes, the list of all classes that will "
                "ever come"
            )
        features, labels, weights = self._check(X, y, sample_weight, reset=first)
        known = self.classes_ if classes is None else np.unique(np.asarray(classes))
        if not first and not np.array_equal(known, self.classes_):
            raise UsageError(
                f"classes must be those of the first call, {_listed(self.classes_)}; got "
                f"{_listed(known)}"
            )
        self._refuse_unseen(labels, known)
        self.classes_ = known
        samples, _, mean_weight = self._samples(features, labels, weights)
        self._fit_more(samples, mean_weight)
        if first:
            self.temperature_ = self._untempered()
        return self

    def calibrate(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the temperature to samples that the networks were not trained on.

        Log-probabilities are divided by one number, so no prediction changes, only how sure it is.
        What an earlier calibration found is replaced; the next `fit` forgets it.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`. A hundred samples or more; `class_weight` plays no part.

        Raises
        ------
        ValueError
            As for `fit`, and if a label is not among the classes.

        References
        ----------
        Guo et al. 2017, arXiv:1706.04599
        """
        check_is_fitted(self)
        features, labels, weights = self._check(X, y, sample_weight, reset=False)
        self._refuse_unseen(labels, self.classes_)
        target = np.eye(len(self.classes_))[np.searchsorted(self.classes_, labels)]
        self.temperature_ = fit_temperature(self._scores(features), target, weights.reshape(-1, 1))
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each sample, shape (n,)."""
        check_is_fitted(self)
        # of one network, the outputs are in the order of the probabilities
        link = None if len(self._members) == 1 else self._link()
        best = np.argmax(self._outputs(X, lambda made: scores(made, link)), axis=1)
        predicted: NDArray[Any] = self.classes_[best]
        return predicted

    def decision_function(self, X: ArrayLike) -> Floats:
        """Return scores that order the classes.

        Log-probabilities, or the networks' outputs where the loss gives none.

        Shape (n, k); with two classes shape (n,), the score of the second less that of the first.
        """
        found = self._scores(X)
        return found if len(self.classes_) > 2 else found[:, 1] - found[:, 0]

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return the probability of each class, shape (n, k), in the order of `classes_`.

        The bits of a row depend on that row alone, not on how many rows come with it.
        """
        check_is_fitted(self)
        link, temperature = self._link(), self.temperature_ or 1.0
        if link is log_softmax and temperature == 1:
            if len(self._members) == 1:
                return self._outputs(X, lambda made: softmax(made[0]))
            return self._outputs(
                X, lambda made: np.mean([softmax(output) for output in made], axis=0)
            )
        return self._outputs(X, lambda made: tempered(scores(made, link), temperature))

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: ArrayLike) -> Floats:
        """Return the logarithm of the probability of each class, shape (n, k).

        Finite also where the probability rounds to 0.
        """
        check_is_fitted(self)
        link, temperature = self._link(), self.temperature_ or 1.0
        return self._outputs(X, lambda made: tempered_log(scores(made, link), temperature))

    def _scores(self, X: ArrayLike) -> Floats:
        check_is_fitted(self)
        link = self._link()
        return self._outputs(X, lambda made: scores(made, link))

    def _link(self) -> Link | None:
        return link_of(get_loss(self.loss))

    def _untempered(self) -> float | None:
        return None if self._link() is None else 1.0

    def _check(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool
    ) -> tuple[Floats, NDArray[Any], Floats]:
        features, labels = validate_data(
            self, X, y, dtype=np.dtype(self.dtype), order="C", reset=reset
        )
        check_classification_targets(labels)
        weights = _check_sample_weight(
            sample_weight, features, dtype=features.dtype, ensure_non_negative=True
        )
        return features, labels, weights

    def _samples(
        self, features: Floats, labels: NDArray[Any], weights: Floats
    ) -> tuple[Samples, NDArray[np.intp], float]:
        """Return samples with one-hot targets, the class numbers, and the mean weight."""
        if len(self.classes_) < 2:
            raise UsageError(
                "a classifier needs at least two classes; all samples are of one class, "
                f"{_listed(self.classes_)}"
            )
        codes = np.searchsorted(self.classes_, labels)
        if self.class_weight is not None:
            weights = weights * self._class_weights(labels, codes).astype(features.dtype)
        target = np.full(
            (len(features), len(self.classes_)),
            -1.0 if isinstance(get_loss(self.loss), Hinge) else 0.0,
            dtype=features.dtype,
        )
        target[np.arange(len(codes)), codes] = 1
        samples, rows, mean_weight = counted_samples(features, target, weights)
        return samples, codes[rows], mean_weight

    def _class_weights(self, labels: NDArray[Any], codes: NDArray[np.intp]) -> Floats:
        """Return the weight of each sample's class."""
        given, names = self.class_weight, self.classes_.tolist()
        # by number: scikit-learn would take the class "1" for the number 1
        if isinstance(given, Mapping) and set(given) <= set(names):
            by_number = {names.index(name): weight for name, weight in given.items()}
            return np.asarray(compute_sample_weight(by_number, codes))
        return np.asarray(compute_sample_weight(given, labels))

    @staticmethod
    def _refuse_unseen(labels: NDArray[Any], known: NDArray[Any]) -> None:
        unseen = np.setdiff1d(labels, known)
        if len(unseen):
            raise UsageError(f"label {_listed(unseen)} is not among the classes {_listed(known)}")

    def _needs_trial(self) -> bool:
        return self.early_stopping or self.calibration

    def _judge_trials(self, trials: Sequence[Trial], aside: Samples) -> None:
        """Fit the temperature to what the trial networks say of the samples that they have not
        seen.
        """
        self.temperature_ = self._untempered()
        if self.calibration:
            link = self._link()
            found = outputs(
                [trial.network for trial in trials], aside.X, lambda made: scores(made, link)
            )
            self.temperature_ = fit_temperature(found, np.maximum(aside.target, 0), aside.weight)

    def _validation(self, network: Network, aside: Samples) -> Validation:
        return Accuracy(network, aside)

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
                f"the saved temperature must be a number above 0; got {shown(temperature)}"
            )
        self.classes_, self.temperature_ = classes, temperature


def _listed(values: NDArray[Any]) -> str:
    return ", ".join(repr(value) for value in values.tolist())

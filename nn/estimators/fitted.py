"""Fitted attributes of an estimator, and their state for saving and loading."""

from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator

from galfeat import UsageError
from galfeat.nn.activations import Activation
from galfeat.nn.estimators.random_state import RandomState, as_generator
from galfeat.nn.estimators.settings import check_settings, hidden_sizes
from galfeat.nn.network import Network
from galfeat.nn.saving.archive import read_file, write_file
from galfeat.nn.saving.state import (
    CheckedState,
    NetworkState,
    SavedState,
    build_state,
    parse_state,
)
from galfeat.nn.training.ensemble import EnsembleMember, spawn_generators
from galfeat.nn.types import Floats

__all__ = ["FittedAttributes", "SavableMLP"]


class FittedAttributes:
    """The networks of a fitted estimator and their training record.

    Attributes
    ----------
    networks_ : list of Network
        `network_` is the first of them; all attributes that are not lists over networks are those
        of the first.
    coefs_, intercepts_ : list of array
        Weights (inputs, outputs) and biases of each layer: views of ``network_.params``.
    loss_curve_ : list of float
        Objective of each epoch.
    validation_scores_ : list of float or None
        With early stopping, the validation score after each epoch.
    n_iter_, t_ : int
        Number of epochs, and of samples seen in them, of the network that took the most.
    """

    _members: list[EnsembleMember]

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
        """Weights of each layer, shape (inputs, outputs): views of the flat parameters."""
        return self.network_.weights

    @property
    def intercepts_(self) -> list[Floats]:
        """Biases of each layer, shape (outputs,): views of the flat parameters."""
        return self.network_.biases

    @property
    def n_layers_(self) -> int:
        """Number of layers, including inputs and outputs."""
        return len(self.network_.layout.sizes)

    @property
    def n_outputs_(self) -> int:
        """Number of outputs."""
        return self.network_.layout.sizes[-1]

    @property
    def n_iter_(self) -> int:
        """Number of epochs; the largest over the networks."""
        return max(member.epochs for member in self._members)

    @property
    def t_(self) -> int:
        """Number of samples processed, summed over epochs; the largest over the networks."""
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
        """Lowest objective of all epochs."""
        return min(self.loss_curve_)

    @property
    def validation_scores_(self) -> list[float] | None:
        """Validation score after each epoch of early stopping."""
        scores = self._members[0].scores
        return None if scores is None else list(scores)

    @property
    def best_validation_score_(self) -> float | None:
        """Best validation score of early stopping."""
        return None if self.validation_scores_ is None else max(self.validation_scores_)

    def __sklearn_is_fitted__(self) -> bool:
        """Return whether the estimator has been fitted."""
        return hasattr(self, "_members")


class SavableMLP(FittedAttributes, BaseEstimator):
    """A multilayer perceptron that can be saved and loaded.

    Subclasses define which attributes describe their targets.
    """

    # names of the target attributes that a saved state must contain
    _target_names: ClassVar[set[str]]

    hidden_layer_sizes: Any
    activation: str | Activation
    random_state: RandomState
    n_networks: int
    dtype: Literal["float32", "float64"]

    n_features_in_: int
    _shared: np.random.Generator

    def get_state(self) -> dict[str, Any]:
        """Return everything that `from_state` needs, as JSON values and NumPy arrays.

        Raises
        ------
        UsageError
            If the estimator is not fitted, or a setting cannot be represented.
        """
        if not self.__sklearn_is_fitted__():
            raise UsageError("there is nothing to save yet: train the network with fit first")
        networks = [
            NetworkState(member.network.params, member.losses, member.epochs, member.seen)
            for member in self._members
        ]
        names = getattr(self, "feature_names_in_", None)
        settings = self.get_params(deep=False)
        return build_state(
            type(self).__name__,
            settings,
            self.network_.layout.sizes,
            names,
            networks,
            self._targets_state(),
        )

    @classmethod
    def from_state(cls, state: SavedState) -> Self:
        """Create the estimator from the result of `get_state`; the optimizer state is not kept.

        Raises
        ------
        UsageError
            If an entry is missing or inconsistent; the message names it.
        """
        checked = parse_state(
            cls.__name__, set(signature(cls).parameters), cls._target_names, state
        )
        model = cls(**checked.settings)
        model._check_settings()
        model._restore_targets(checked.targets, checked.layers[-1])
        model._restore_networks(checked)
        return model

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to one file of JSON and arrays, replacing an existing file.

        Raises
        ------
        UsageError
            If the estimator is not fitted, a setting cannot be represented, or the file cannot be
            written.
        """
        write_file(path, self.get_state())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read an estimator that `save` wrote; no code from the file is executed.

        Raises
        ------
        UsageError
            If the file is missing, damaged, modified, or of another kind or version; the message
            says which.
        """
        state = read_file(path)
        try:
            return cls.from_state(state)
        except UsageError as error:
            raise UsageError(f"{path} cannot be used: {error}") from error

    def _spawn_generators(
        self,
    ) -> tuple[list[tuple[np.random.Generator, np.random.Generator]], np.random.Generator]:
        return spawn_generators(as_generator(self.random_state), int(self.n_networks))

    def _restore_networks(self, checked: CheckedState) -> None:
        sizes, dtype = (
            (*hidden_sizes(self.hidden_layer_sizes), checked.layers[-1]),
            np.dtype(self.dtype),
        )
        if checked.layers[1:] != sizes:
            raise UsageError(
                f"the saved layers {checked.layers} do not match the saved hidden_layer_sizes"
            )
        if len(checked.networks) != self.n_networks or any(
            each.params.dtype != dtype for each in checked.networks
        ):
            raise UsageError(
                f"the saved settings are for {self.n_networks} network(s) of {dtype}; other "
                "networks were saved"
            )
        self.n_features_in_ = checked.layers[0]
        if checked.features is not None:
            self.feature_names_in_ = np.array(checked.features, dtype=object)
        generators, self._shared = self._spawn_generators()
        self._members = []
        for each, (_, order) in zip(checked.networks, generators, strict=True):
            network = Network(checked.layers, self.activation, "identity", each.params)
            self._members.append(
                EnsembleMember(
                    network, order, losses=tuple(each.losses), epochs=each.epochs, seen=each.seen
                )
            )

    def _check_settings(self) -> None:
        check_settings(self.get_params(deep=False))

    def _targets_state(self) -> dict[str, Any]:
        raise NotImplementedError

    def _restore_targets(self, targets: Mapping[str, Any], outputs: int) -> None:
        raise NotImplementedError

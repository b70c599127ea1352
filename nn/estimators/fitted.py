"""What can be asked of a trained estimator."""

from galfeat.nn.network import Network
from galfeat.nn.training.ensemble import Member
from galfeat.nn.types import Floats

__all__ = ["Fitted"]


class Fitted:
    """The networks of an estimator and how their training went.

    Attributes
    ----------
    networks_ : list of Network
        `network_` is the first of them, and all attributes that are not lists of many are those of the first.
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

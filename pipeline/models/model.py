"""Model: recipe, encoder and network, all it takes from a cutout to class probabilities."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features.registry import LOCAL_DESCRIPTORS
from galfeat.nn import MLPClassifier
from galfeat.pipeline.extraction.measure import Block, take_rows
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.archive import read_archive, write_archive
from galfeat.pipeline.models.inputs import Encoder, Input
from galfeat.pipeline.models.state_checks import checked_whole, refuse_arrays

__all__ = ["Model", "make_network"]

_PREDICTION_ROWS = 256  # rows of a padded batch, see `padded`
_FORMAT = 1  # of model files
# what a tree raises whose parts are of other kinds than they should be
_MISFITS = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
_MAX_REASON = 400  # characters of a reason, which may quote the file
_BATCH_SIZE, _EPOCHS, _MIN_UPDATES = 200, 60, 480  # of the training


def make_network(
    n: int,
    hidden: tuple[int, ...] = (64,),
    seed: int = 0,
    *,
    alpha: float = 1.0,
    rate: float = 1e-3,
    n_networks: int = 1,
    effort: float = 1.0,
    class_weight: Mapping[str, float] | Literal["balanced"] = "balanced",
) -> MLPClassifier:
    """Return an untrained network with the default hyperparameters.

    Parameters
    ----------
    n : int
        Number of training galaxies. Few galaxies make few updates per epoch, and get more epochs.
    hidden : tuple of int
        Units of the hidden layers.
    seed : int
    alpha : float
        L2 penalty.
    rate : float
        Learning rate.
    n_networks : int
        Size of the ensemble.
    effort : float
        Factor on the number of epochs.
    class_weight : mapping or "balanced"
    """
    batches = math.ceil(n / _BATCH_SIZE)
    return MLPClassifier(
        hidden_layer_sizes=hidden,
        alpha=alpha,
        batch_size=min(_BATCH_SIZE, n),
        learning_rate_init=rate,
        max_iter=max(1, round(effort * max(_EPOCHS, math.ceil(_MIN_UPDATES / batches)))),
        tol=None,
        n_networks=n_networks,
        class_weight=class_weight,
        dtype="float32",
        random_state=seed,
    )


class Model:
    """Classifier of galaxies: recipe, input encoder and network.

    Parameters
    ----------
    recipe : Recipe
        Settings of the features; `classify` measures with the same ones.
    input : Input
        The features that the network uses.
    hidden : tuple of int
        Units of the hidden layers.
    seed : int
    """

    def __init__(
        self,
        recipe: Recipe,
        input: Input,  # noqa: A002
        hidden: tuple[int, ...] = (64,),
        seed: int = 0,
    ) -> None:
        self.recipe = recipe
        self.input = input
        self.hidden = hidden
        self.seed = seed

    def fit(self, blocks: Mapping[str, Block], labels: NDArray[np.str_]) -> "Model":
        """Fit the encoder and the network.

        Parameters
        ----------
        blocks : mapping of str to array (n, k) or list of n arrays
            Features of the training galaxies, by extractor.
        labels : array of str, shape (n,)
        """
        size = self.recipe.preparation.size
        self.encoder_ = Encoder(
            self.input.parts, (len(self.recipe.bands), size, size), self.seed
        ).fit(blocks)
        self.network_ = make_network(len(labels), self.hidden, self.seed).fit(
            self.encoder_.transform(blocks), labels
        )
        return self

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in the order of the probabilities."""
        return [str(name) for name in self.network_.classes_]

    def predict_proba(self, blocks: Mapping[str, Block]) -> NDArray[np.float64]:
        """Return class probabilities, shape (n, classes); a row does not depend on the others."""
        return padded(blocks, self._probabilities)

    def save(self, path: str | Path) -> None:
        """Write the model file: JSON and arrays, no pickle."""
        tree = {
            "format": _FORMAT,
            "recipe": self.recipe.settings(),
            "input": {"name": self.input.name, "about": self.input.about},
            "hidden": list(self.hidden),
            "seed": self.seed,
            "encoder": self.encoder_.get_state(),
            "network": self.network_.get_state(),
        }
        write_archive(Path(path), tree)

    @classmethod
    def load(cls, path: str | Path) -> "Model":
        """Read a model file.

        Raises
        ------
        UsageError
            If the file is missing, damaged, not a model, or of another format.
        """
        tree = read_archive(Path(path))
        found = tree.get("format")
        if not isinstance(found, int) or found != _FORMAT:
            raise UsageError(
                f"{path} is a model of another version of galfeat (format {found!r:.40}); "
                "train it again"
            )
        try:
            model = cls._from_tree(tree)
        except UsageError as error:
            reason = " ".join(str(error).split())[:_MAX_REASON]
            raise UsageError(f"the model {path} is damaged: {reason}") from error
        except _MISFITS as error:
            raise UsageError(
                f"the model {path} is damaged: its settings and arrays do not match"
            ) from error
        return model

    @classmethod
    def _from_tree(cls, tree: Mapping[str, Any]) -> "Model":
        """Return the model of a file's tree; every entry is checked before it is used."""
        refuse_arrays(tree["recipe"])
        recipe = Recipe.from_settings(tree["recipe"])
        columns = dict.fromkeys(LOCAL_DESCRIPTORS & set(recipe.extractors), 0)
        columns |= {name: len(names) for name, names in recipe.columns.items()}
        encoder = Encoder.from_state(tree["encoder"], columns)
        size = recipe.preparation.size
        if encoder.shape != (len(recipe.bands), size, size):
            raise UsageError("the saved shape is not that of its prepared cutouts")
        about = [tree["input"][entry] for entry in ("name", "about")]
        if not all(isinstance(text, str) for text in about):
            raise UsageError("the saved name of its input must be text")
        hidden = tuple(checked_whole("hidden", units) for units in tree["hidden"])
        seed = checked_whole("seed", tree["seed"], least=0)
        model = cls(recipe, Input(about[0], encoder.parts, about[1]), hidden, seed)
        model.encoder_ = encoder
        model.network_ = MLPClassifier.from_state(tree["network"])
        if model.network_.n_features_in_ != encoder.width_:
            raise UsageError(
                f"its network takes {model.network_.n_features_in_} numbers, and its encoder "
                f"gives {encoder.width_}"
            )
        return model

    def _probabilities(self, blocks: Mapping[str, Block]) -> NDArray[np.float64]:
        found = np.asarray(
            self.network_.predict_proba(self.encoder_.transform(blocks)), dtype=np.float64
        )
        if not np.isfinite(found).all():
            raise UsageError("the model gives no probabilities: its numbers are too large")
        return found


def padded(blocks: Mapping[str, Block], predict: Any) -> NDArray[np.float64]:
    """Predict in batches of a fixed number of rows, the last one padded with its first row.

    Matrix products round differently for different shapes; with a fixed shape, the result of a row
    depends on that row alone.

    Parameters
    ----------
    blocks : mapping of str to array (n, k) or list of n arrays
    predict : callable
        From such blocks to an array of shape (rows, classes).

    Returns
    -------
    array of shape (n, classes)
    """
    n = len(next(iter(blocks.values())))
    parts: list[NDArray[np.float64]] = []
    for start in range(0, n, _PREDICTION_ROWS):
        rows = np.arange(start, min(start + _PREDICTION_ROWS, n))
        full = np.concatenate([rows, np.full(_PREDICTION_ROWS - len(rows), start)])
        taken = {name: take_rows(block, full) for name, block in blocks.items()}
        parts.append(predict(taken)[: len(rows)])
    return np.concatenate(parts)

"""A trained classifier with all it needs to go from a cutout to probabilities.

The recipe, the encoder, the network.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.nn import MLPClassifier
from galfeat.pipeline.extraction.measure import Block, take_rows
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.archive import read_archive, write_archive
from galfeat.pipeline.models.inputs import Encoder, Input

__all__ = ["Model", "make_network"]

# predictions are made in padded batches of this many rows, so the batch size changes no bit
_ROWS = 256
_FORMAT = 1
_BATCH, _EPOCHS, _UPDATES = 200, 60, 480


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
    """Return the untrained network that every input gets, for `n` training galaxies.

    The number of epochs is fixed, but few galaxies make few updates an epoch and then get more
    epochs. `effort` multiplies it.
    """
    batches = math.ceil(n / _BATCH)
    return MLPClassifier(
        hidden_layer_sizes=hidden,
        alpha=alpha,
        batch_size=min(_BATCH, n),
        learning_rate_init=rate,
        max_iter=max(1, round(effort * max(_EPOCHS, math.ceil(_UPDATES / batches)))),
        tol=None,
        n_networks=n_networks,
        class_weight=class_weight,
        dtype="float32",
        random_state=seed,
    )


class Model:
    """An input, an encoder and a network.

    Parameters
    ----------
    recipe : Recipe
        How the cutouts were measured; `classify` measures the same way.
    input : Input
        What the network is fed.
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
        """Learn what describes local descriptors, scales, components and the network from these
        galaxies.
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
        """Return the probability of each class, shape (n, classes).

        A galaxy's row does not depend on the others.
        """
        return padded(blocks, self._probabilities)

    def save(self, path: str | Path) -> None:
        """Write the model: JSON and arrays, nothing that could run."""
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
        """Read a model.

        Raises
        ------
        UsageError
            If the file is missing, damaged, no model, or of another version.
        """
        tree = read_archive(Path(path))
        if tree.get("format") != _FORMAT:
            raise UsageError(
                f"{path} is a model of another version of galfeat (format {tree.get('format')}); "
                "train it again"
            )
        try:
            encoder = Encoder.from_state(tree["encoder"])
            input_ = Input(tree["input"]["name"], encoder.parts, tree["input"]["about"])
            model = cls(
                Recipe.from_settings(tree["recipe"]), input_, tuple(tree["hidden"]), tree["seed"]
            )
            model.encoder_ = encoder
            model.network_ = MLPClassifier.from_state(tree["network"])
        except UsageError as error:
            raise UsageError(f"the model {path} is damaged: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise UsageError(
                f"the model {path} is damaged: its settings and arrays do not fit together"
            ) from error
        return model

    def _probabilities(self, blocks: Mapping[str, Block]) -> NDArray[np.float64]:
        return np.asarray(
            self.network_.predict_proba(self.encoder_.transform(blocks)), dtype=np.float64
        )


def padded(blocks: Mapping[str, Block], predict: Any) -> NDArray[np.float64]:
    """Predict in batches of one fixed number of rows, the last one filled up by repeating its first
    row.

    Matrix products round differently for different shapes; with one shape, a row's result depends
    on that row alone.
    """
    n = len(next(iter(blocks.values())))
    parts: list[NDArray[np.float64]] = []
    for start in range(0, n, _ROWS):
        rows = np.arange(start, min(start + _ROWS, n))
        full = np.concatenate([rows, np.full(_ROWS - len(rows), start)])
        taken = {name: take_rows(block, full) for name, block in blocks.items()}
        parts.append(predict(taken)[: len(rows)])
    return np.concatenate(parts)

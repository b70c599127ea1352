"""What a classifier is fed: one block of vectors, or several brought to one scale.

Everything learned is learned in `fit`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features import BagOfWords, BlockScaler, FisherVector
from galfeat.features.registry import PIXELS, REGISTRY
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.models.sklearn_state import restore, state_of

__all__ = ["COMPONENTS", "INPUTS", "Encoder", "Input", "Part", "extractor_part", "named_input"]

COMPONENTS = 48  # principal components kept of a block that is wider
# root mean square length of a block's rows: what the network's step size and penalty are made for
_LENGTH = 3.0
# what describes local descriptors, by view
_WORDS: dict[str, type[BagOfWords | FisherVector]] = {"": BagOfWords, "fisher": FisherVector}
_SMALL = 4  # the downsampled grid has a fourth of the pixels a side


@dataclass(frozen=True)
class Part:
    """One block of an input.

    Parameters
    ----------
    column : str
        The block, by the name of its extractor.
    view : {"", "linear", "small", "fisher"}
        Of pixels: as they are, without the asinh stretch, or area-averaged over 4 x 4 pixels. Of
        local descriptors: visual words, or a Fisher vector.
    components : int or None
        Principal components kept; None keeps every column.
    """

    column: str
    view: str = ""
    components: int | None = COMPONENTS


def extractor_part(column: str) -> Part:
    """Return the block of an extractor as it serves best.

    SIFT's local descriptors as a Fisher vector, the others as they are.

    Examples
    --------
    >>> extractor_part("sift")
    Part(column='sift', view='fisher', components=48)
    """
    return Part(column, REGISTRY[column].encoding if column in REGISTRY else "")


@dataclass(frozen=True)
class Input:
    """A named input of a classifier.

    Parameters
    ----------
    name : str
    parts : tuple of Part
    about : str
        One sentence for the report.
    """

    name: str
    parts: tuple[Part, ...]
    about: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The extractors that it needs."""
        return tuple(dict.fromkeys(part.column for part in self.parts))


_HAND = tuple(each.name for each in REGISTRY.values() if each.handcrafted)
INPUTS: dict[str, Input] = {
    each.name: each
    for each in (
        Input(
            "pixels",
            (Part(PIXELS.name, components=None),),
            "every pixel of the prepared grid, each standardised",
        ),
        Input(
            "pixels_linear",
            (Part(PIXELS.name, "linear", None),),
            "the same without the asinh stretch",
        ),
        Input(
            "pixels_small",
            (Part(PIXELS.name, "small", None),),
            "the grid averaged over 4 x 4 pixels",
        ),
        Input(
            "pixels_pca", (Part(PIXELS.name),), f"{COMPONENTS} principal components of the pixels"
        ),
        *(Input(name, (extractor_part(name),), REGISTRY[name].about) for name in _HAND),
        Input(
            "features",
            tuple(extractor_part(name) for name in _HAND),
            "colour, texture, HOG and SIFT together",
        ),
        Input(
            "features+pixels",
            tuple(extractor_part(name) for name in (*_HAND, PIXELS.name)),
            "the four features and the pixels together",
        ),
    )
}


def named_input(names: Sequence[str]) -> Input:
    """Return an input by its name, or the one made of several extractors.

    Raises
    ------
    UsageError
        If a name is neither an input nor, among several, an extractor.
    """
    if len(names) == 1 and names[0] in INPUTS:
        return INPUTS[names[0]]
    columns = (*_HAND, PIXELS.name)
    if not names:
        raise UsageError(
            f"name an input: {', '.join(INPUTS)}, or several of {', '.join(columns)} joined by "
            "commas"
        )
    for name in names:
        if name not in columns:
            raise UsageError(
                f"unknown input '{name}'; choose one of {', '.join(INPUTS)}, or join several of "
                f"{', '.join(columns)} by commas"
            )
    if len(set(names)) < len(names):
        raise UsageError(f"an extractor stands twice in the inputs {','.join(names)}")
    return Input("+".join(names), tuple(extractor_part(name) for name in names))


class Encoder:
    """Blocks of vectors to one matrix.

    Each part is turned into vectors (local descriptors too), standardised, reduced to its principal
    components, and brought to one scale, so that a block of 5,000 numbers does not drown one of 50.

    Parameters
    ----------
    parts : sequence of Part
    shape : tuple of int
        Bands, rows and columns of the prepared cutouts; the views of pixels need it.
    random_state : int
    """

    def __init__(
        self, parts: Sequence[Part], shape: tuple[int, int, int], random_state: int = 0
    ) -> None:
        self.parts = tuple(parts)
        self.shape = shape
        self.random_state = random_state

    def fit(self, blocks: Mapping[str, Block]) -> "Encoder":
        """Learn visual words or mixtures, means, scales and components from the rows of `blocks`,
        and from nothing else.
        """
        self.words_: dict[str, BagOfWords | FisherVector] = {}
        self.scalers_: list[BlockScaler] = []
        for part in self.parts:
            block = blocks[part.column]
            if isinstance(block, list):
                self.words_[part.column] = _WORDS[part.view](random_state=self.random_state).fit(
                    block
                )
            scaler = BlockScaler(n_components=part.components, random_state=self.random_state)
            self.scalers_.append(scaler.fit(self._vectors(part, block)))
        return self

    def transform(self, blocks: Mapping[str, Block]) -> NDArray[np.float32]:
        """Return the matrix, shape (n, columns)."""
        parts = [
            scaler.transform(self._vectors(part, blocks[part.column]))
            for part, scaler in zip(self.parts, self.scalers_, strict=True)
        ]
        return np.ascontiguousarray(_LENGTH * np.hstack(parts), dtype=np.float32)

    def get_state(self) -> dict[str, Any]:
        """Return all that was learned, as JSON values and arrays."""
        return {
            "shape": list(self.shape),
            "random_state": self.random_state,
            "parts": [
                {"column": part.column, "view": part.view, "components": part.components}
                for part in self.parts
            ],
            "words": {column: state_of(words) for column, words in self.words_.items()},
            "scalers": [state_of(scaler) for scaler in self.scalers_],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Encoder":
        """Return the encoder that `get_state` described."""
        bands, ny, nx = state["shape"]
        encoder = cls(
            [Part(**part) for part in state["parts"]], (bands, ny, nx), state["random_state"]
        )
        views = {part.column: part.view for part in encoder.parts}
        encoder.words_ = {
            column: restore(_WORDS[views[column]], words)
            for column, words in state["words"].items()
        }
        encoder.scalers_ = [restore(BlockScaler, scaler) for scaler in state["scalers"]]
        return encoder

    def _vectors(self, part: Part, block: Block) -> NDArray[np.float32]:
        if isinstance(block, list):
            vectors: NDArray[np.float32] = self.words_[part.column].transform(block)
            return vectors
        if part.view == "linear":
            return np.sinh(block)
        if part.view == "small":
            return _averaged(block, self.shape)
        return block


def _averaged(block: NDArray[np.float32], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    bands, ny, nx = shape
    rows, columns = ny // _SMALL, nx // _SMALL
    grid = block.reshape(-1, bands, ny, nx)[:, :, : rows * _SMALL, : columns * _SMALL]
    means: NDArray[np.float32] = grid.reshape(-1, bands, rows, _SMALL, columns, _SMALL).mean(
        axis=(3, 5)
    )
    return means.reshape(len(block), -1)

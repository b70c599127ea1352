"""Inputs of classifiers: one block of features, or several standardized to one scale.

Scales, principal components, visual words and mixtures are learned in `Encoder.fit` only.
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
from galfeat.pipeline.models.sklearn_state import estimator_state, restore_estimator
from galfeat.pipeline.models.state_checks import (
    check_scaler,
    check_words,
    checked_whole,
    words_width,
)

__all__ = [
    "COMPONENTS",
    "INPUTS",
    "Encoder",
    "Input",
    "InputBlock",
    "extractor_part",
    "named_input",
]

COMPONENTS = 48
"""Principal components kept of a block with more columns."""
# RMS norm of a block's rows; learning rate and penalty of the network are tuned for it
_ROW_NORM = 3.0
# encoders of local descriptors, by view
_DESCRIPTOR_ENCODERS: dict[str, type[BagOfWords | FisherVector]] = {
    "": BagOfWords,
    "fisher": FisherVector,
}
_DOWNSAMPLING = 4  # pixels per side of a block of the downsampled grid


@dataclass(frozen=True)
class InputBlock:
    """Block of features in an input.

    Parameters
    ----------
    column : str
        Name of the extractor.
    view : {"", "linear", "small", "fisher"}
        Transformation of the block. Pixels: unchanged, without the asinh stretch, or averaged over
        4 x 4 pixels. Local descriptors: visual words or a Fisher vector.
    components : int or None
        Number of principal components kept; None keeps every column.
    """

    column: str
    view: str = ""
    components: int | None = COMPONENTS


def extractor_part(column: str) -> InputBlock:
    """Return the default block of an extractor: Fisher vectors of SIFT, others unchanged.

    Examples
    --------
    >>> extractor_part("sift")
    InputBlock(column='sift', view='fisher', components=48)
    """
    return InputBlock(column, REGISTRY[column].encoding if column in REGISTRY else "")


@dataclass(frozen=True)
class Input:
    """Input of a classifier: named blocks of features.

    Parameters
    ----------
    name : str
    parts : tuple of InputBlock
    about : str
        One sentence for the report.
    """

    name: str
    parts: tuple[InputBlock, ...]
    about: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the extractors that it needs."""
        return tuple(dict.fromkeys(part.column for part in self.parts))


_HAND = tuple(each.name for each in REGISTRY.values() if each.handcrafted)
INPUTS: dict[str, Input] = {
    each.name: each
    for each in (
        Input(
            "pixels",
            (InputBlock(PIXELS.name, components=None),),
            "every pixel of the prepared grid, each standardized",
        ),
        Input(
            "pixels_linear",
            (InputBlock(PIXELS.name, "linear", None),),
            "the same without the asinh stretch",
        ),
        Input(
            "pixels_small",
            (InputBlock(PIXELS.name, "small", None),),
            "the grid averaged over 4 x 4 pixels",
        ),
        Input(
            "pixels_pca",
            (InputBlock(PIXELS.name),),
            f"{COMPONENTS} principal components of the pixels",
        ),
        *(Input(name, (extractor_part(name),), REGISTRY[name].about) for name in _HAND),
        Input(
            "features",
            tuple(extractor_part(name) for name in _HAND),
            "color, texture, HOG and SIFT together",
        ),
        Input(
            "features+pixels",
            tuple(extractor_part(name) for name in (*_HAND, PIXELS.name)),
            "the four features and the pixels together",
        ),
    )
}


def named_input(names: Sequence[str]) -> Input:
    """Return an input by its name, or the combination of several extractors.

    Parameters
    ----------
    names : sequence of str
        One name of `INPUTS`, or several extractors.

    Raises
    ------
    UsageError
        If a name is unknown or an extractor is repeated.
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
        raise UsageError(f"an extractor appears twice in the inputs {','.join(names)}")
    return Input("+".join(names), tuple(extractor_part(name) for name in names))


class Encoder:
    """Transformer from blocks of features to one matrix.

    Each block is encoded as vectors (local descriptors too), standardized, reduced to its principal
    components, and scaled to the same RMS norm, so that a block of 5,000 columns does not dominate
    one of 50.

    Parameters
    ----------
    parts : sequence of InputBlock
    shape : tuple of int
        Shape (bands, ny, nx) of the prepared cutouts, for the views of pixels.
    random_state : int
    """

    def __init__(
        self, parts: Sequence[InputBlock], shape: tuple[int, int, int], random_state: int = 0
    ) -> None:
        self.parts = tuple(parts)
        self.shape = shape
        self.width_: int
        self.random_state = random_state

    def fit(self, blocks: Mapping[str, Block]) -> "Encoder":
        """Learn descriptor encoders, means, scales and components from the training rows.

        Parameters
        ----------
        blocks : mapping of str to array (n, k) or list of n arrays
            Features of the training galaxies, by extractor.
        """
        self.words_: dict[str, BagOfWords | FisherVector] = {}
        self.scalers_: list[BlockScaler] = []
        for part in self.parts:
            block = blocks[part.column]
            if isinstance(block, list):
                self.words_[part.column] = _DESCRIPTOR_ENCODERS[part.view](
                    random_state=self.random_state
                ).fit(block)
            scaler = BlockScaler(n_components=part.components, random_state=self.random_state)
            self.scalers_.append(scaler.fit(self._vectors(part, block)))
        return self

    def transform(self, blocks: Mapping[str, Block]) -> NDArray[np.float32]:
        """Return the input matrix, shape (n, columns), float32."""
        parts = [
            scaler.transform(self._vectors(part, blocks[part.column]))
            for part, scaler in zip(self.parts, self.scalers_, strict=True)
        ]
        return np.ascontiguousarray(_ROW_NORM * np.hstack(parts), dtype=np.float32)

    def get_state(self) -> dict[str, Any]:
        """Return settings and learned values, as JSON values and arrays."""
        return {
            "shape": list(self.shape),
            "random_state": self.random_state,
            "parts": [
                {"column": part.column, "view": part.view, "components": part.components}
                for part in self.parts
            ],
            "words": {column: estimator_state(words) for column, words in self.words_.items()},
            "scalers": [estimator_state(scaler) for scaler in self.scalers_],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], columns: Mapping[str, int]) -> "Encoder":
        """Return the encoder of a state that `get_state` returned.

        Parameters
        ----------
        state : mapping
        columns : mapping of str to int
            Width of the block of each extractor; 0 for local descriptors.

        Raises
        ------
        UsageError
            If it is no such state, or does not go with the extractors.
        KeyError, TypeError, ValueError
            Likewise.
        """
        bands, ny, nx = (checked_whole("shape", length) for length in state["shape"])
        parts = [_part(part, columns) for part in state["parts"]]
        seed = checked_whole("random_state", state["random_state"], least=0)
        encoder = cls(parts, (bands, ny, nx), seed)
        local = {part.column: part.view for part in parts if not columns[part.column]}
        if len(local) < sum(part.column in local for part in parts) or set(state["words"]) != set(
            local
        ):
            raise UsageError("the saved encoders are not those of its local descriptors")
        encoder.words_ = {}
        widths = dict(columns)
        for column, view in local.items():
            words = state["words"][column]
            check_words(words, view)
            widths[column] = words_width(words, view)
            encoder.words_[column] = restore_estimator(_DESCRIPTOR_ENCODERS[view], words)
        encoder.width_ = 0
        encoder.scalers_ = []
        for part, scaler in zip(parts, state["scalers"], strict=True):
            width = widths[part.column]
            if part.view == "small":
                width = bands * (ny // _DOWNSAMPLING) * (nx // _DOWNSAMPLING)
            encoder.width_ += check_scaler(scaler, width, part.components)
            encoder.scalers_.append(restore_estimator(BlockScaler, scaler))
        return encoder

    def _vectors(self, part: InputBlock, block: Block) -> NDArray[np.float32]:
        if isinstance(block, list):
            vectors: NDArray[np.float32] = self.words_[part.column].transform(block)
            return vectors
        if part.view == "linear":
            return np.sinh(block)
        if part.view == "small":
            return _downsample(block, self.shape)
        return block


def _part(saved: Mapping[str, Any], columns: Mapping[str, int]) -> InputBlock:
    """Return a saved part of an input."""
    part = InputBlock(**saved)
    if part.column not in columns:
        raise UsageError(f"the saved recipe has no extractor {str(part.column)[:40]!r}")
    views = ("", "linear", "small") if part.column == PIXELS.name else ("",)
    if part.view not in (views if columns[part.column] else _DESCRIPTOR_ENCODERS):
        raise UsageError(f"the saved view of {part.column} is none that it has")
    if part.components is not None:
        checked_whole("components", part.components)
    return part


def _downsample(block: NDArray[np.float32], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Average pixels over squares of `_DOWNSAMPLING` pixels per side."""
    bands, ny, nx = shape
    rows, columns = ny // _DOWNSAMPLING, nx // _DOWNSAMPLING
    grid = block.reshape(-1, bands, ny, nx)[:, :, : rows * _DOWNSAMPLING, : columns * _DOWNSAMPLING]
    means: NDArray[np.float32] = grid.reshape(
        -1, bands, rows, _DOWNSAMPLING, columns, _DOWNSAMPLING
    ).mean(axis=(3, 5))
    return means.reshape(len(block), -1)

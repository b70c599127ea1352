"""Inputs of classifiers: one block of features, or several standardized to one scale.

Scales, principal components, visual words and mixtures are learned in `Encoder.fit` only.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features import BagOfWords, BlockScaler, FisherVector
from galfeat.features.outside import installed_names
from galfeat.features.registry import PHOTOMETRY, PIXELS, REGISTRY
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.sklearn_state import estimator_state, restore_estimator
from galfeat.pipeline.models.state_checks import (
    check_scaler,
    check_words,
    checked_whole,
    words_width,
)
from galfeat.pipeline.recipes import CLASSIC, DEFAULT, RECIPES, NamedRecipe, named_recipe

__all__ = [
    "COMPONENTS",
    "INPUTS",
    "Encoder",
    "Input",
    "InputBlock",
    "extractor_part",
    "named_input",
    "recipe_parts",
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
    """Return the block of an extractor in the default recipe: Fisher vectors of SIFT, others as is.

    Examples
    --------
    >>> extractor_part("sift")
    InputBlock(column='sift', view='fisher', components=48)
    """
    return InputBlock(column, DEFAULT.encoders.get(column, ""))


@dataclass(frozen=True)
class Input:
    """Input of a classifier: named blocks of features.

    Parameters
    ----------
    name : str
    parts : tuple of InputBlock
    about : str
        One sentence for the report.
    recipe : str
        The named recipe whose settings it means; any if empty.
    """

    name: str
    parts: tuple[InputBlock, ...]
    about: str = ""
    recipe: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the extractors that it needs."""
        return tuple(dict.fromkeys(part.column for part in self.parts))

    def check(self, recipe: Recipe, table: str | Path) -> None:
        """Check that features were measured as the input means them.

        Parameters
        ----------
        recipe : Recipe
            Of the features.
        table : path
            For the message.

        Raises
        ------
        UsageError
            If they are of another named recipe.
        """
        if not self.recipe or self.recipe == recipe.name:
            return
        wanted, found = named_recipe(self.recipe), named_recipe(recipe.name)
        raise UsageError(
            f"the input '{self.name}' means the features of the recipe '{wanted.name}', and "
            f"{table} was measured with '{found.name}': train on its input '{found.input}', or "
            f"extract with --recipe {wanted.name}"
        )


_HAND = DEFAULT.handcrafted


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def recipe_parts(recipe: NamedRecipe) -> tuple[InputBlock, ...]:
    """Return the blocks of all hand-crafted extractors of a recipe."""
    return tuple(InputBlock(name, recipe.encoders.get(name, "")) for name in recipe.handcrafted)


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
            CLASSIC.input,
            recipe_parts(CLASSIC),
            f"{_listed(CLASSIC.handcrafted)} together, with the settings of their papers",
            CLASSIC.name,
        ),
        Input(
            DEFAULT.input,
            recipe_parts(DEFAULT),
            f"{_listed(DEFAULT.handcrafted)} together",
            DEFAULT.name,
        ),
        Input(
            f"{DEFAULT.input}+pixels",
            (*recipe_parts(DEFAULT), extractor_part(PIXELS.name)),
            "the same, and principal components of the pixels",
            DEFAULT.name,
        ),
    )
}


def named_input(names: Sequence[str], outside: Sequence[str] = ()) -> Input:
    """Return an input by its name, or the combination of several.

    Parameters
    ----------
    names : sequence of str
        One name of `INPUTS`, or several extractors; "features" or "classic" may be among them.
    outside : sequence of str
        Names of extractors of other packages, besides the installed ones.

    Raises
    ------
    UsageError
        If a name is unknown or an extractor is repeated.
    """
    if len(names) == 1 and names[0] in INPUTS:
        return INPUTS[names[0]]
    whole = [recipe.input for recipe in RECIPES.values()]
    columns = tuple(dict.fromkeys((*_HAND, PIXELS.name, *installed_names(), *outside)))
    if not names:
        raise UsageError(
            f"name an input: {', '.join(INPUTS)}, or several of {', '.join(columns)} joined by "
            "commas"
        )
    if PHOTOMETRY in names:
        raise UsageError(
            f"{PHOTOMETRY} is no input of a classifier: its colors depend on the calibration of "
            "each file; leave it out, shape and color measure the prepared pixels"
        )
    for name in names:
        if name not in columns and name not in whole:
            raise UsageError(
                f"unknown input '{name}'; choose one of {', '.join(INPUTS)}, or join several of "
                f"{', '.join(columns)} by commas"
            )
    parts = [
        part
        for name in names
        for part in (INPUTS[name].parts if name in whole else (extractor_part(name),))
    ]
    if len({part.column for part in parts}) < len(parts):
        raise UsageError(f"an extractor stands twice in the inputs {','.join(names)}")
    recipes = [INPUTS[name].recipe for name in names if name in whole]
    return Input("+".join(names), tuple(parts), recipe=recipes[0] if recipes else "")


class Encoder:
    """Transformer from blocks of features to one matrix.

    Each block is encoded as vectors (local descriptors too), gaps are filled with the training
    galaxies' medians, and it is standardized, reduced to its principal
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

    width_: int
    """Columns of the matrix, of an encoder that was read from a file."""

    def fit(self, blocks: Mapping[str, Block]) -> "Encoder":
        """Learn descriptor encoders, means, scales and components from the training rows.

        Parameters
        ----------
        blocks : mapping of str to array (n, k) or list of n arrays
            Features of the training galaxies, by extractor.
        """
        self.words_: dict[str, BagOfWords | FisherVector] = {}
        self.scalers_: list[BlockScaler] = []
        self.fills_: list[NDArray[np.float32] | None] = []
        for part in self.parts:
            block = blocks[part.column]
            if isinstance(block, list):
                self.words_[part.column] = _DESCRIPTOR_ENCODERS[part.view](
                    random_state=self.random_state
                ).fit(block)
            scaler = BlockScaler(n_components=part.components, random_state=self.random_state)
            vectors = self._vectors(part, block)
            fill = _medians(vectors)
            self.fills_.append(fill)
            self.scalers_.append(scaler.fit(_filled(vectors, fill)))
        return self

    def transform(self, blocks: Mapping[str, Block]) -> NDArray[np.float32]:
        """Return the input matrix, shape (n, columns), float32."""
        parts = [
            scaler.transform(
                _filled(
                    self._vectors(part, blocks[part.column]),
                    # no training galaxy had a gap
                    scaler.mean_.astype(np.float32) if fill is None else fill,
                )
            )
            for part, scaler, fill in zip(self.parts, self.scalers_, self.fills_, strict=True)
        ]
        return np.ascontiguousarray(_ROW_NORM * np.hstack(parts), dtype=np.float32)

    def with_columns(self, count: int) -> "Encoder":
        """Return the fitted encoder of one part, with its leading principal components only."""
        (part,), (scaler,) = self.parts, self.scalers_
        if scaler.components_ is None or len(scaler.components_) <= count:
            return self
        encoder = Encoder([replace(part, components=count)], self.shape, self.random_state)
        kept = copy(scaler)
        kept.n_components, kept.components_ = count, scaler.components_[:count]
        encoder.words_, encoder.scalers_, encoder.fills_ = self.words_, [kept], self.fills_
        return encoder

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
            "fills": self.fills_,
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
        encoder.scalers_, encoder.fills_ = [], []
        for part, scaler, fill in zip(parts, state["scalers"], state["fills"], strict=True):
            width = widths[part.column]
            if part.view == "small":
                width = bands * (ny // _DOWNSAMPLING) * (nx // _DOWNSAMPLING)
            encoder.width_ += check_scaler(scaler, width, part.components)
            encoder.scalers_.append(restore_estimator(BlockScaler, scaler))
            encoder.fills_.append(_checked_fill(fill, width))
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


def _checked_fill(fill: Any, width: int) -> NDArray[np.float32] | None:
    """Return what fills the gaps of a saved part."""
    if fill is None:
        return None
    values = np.asarray(fill)
    if values.dtype.kind != "f" or values.shape != (width,) or not np.isfinite(values).all():
        raise UsageError(f"what fills the gaps of a part must be {width} finite numbers")
    return values.astype(np.float32)


def _medians(vectors: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return the median of each column where it was measured, 0 where it never was.

    None if there are no gaps.
    """
    gaps = np.isnan(vectors)
    if not gaps.any():
        return None
    some = ~gaps.all(axis=0)
    medians = np.zeros(vectors.shape[1], dtype=np.float32)
    medians[some] = np.nanmedian(vectors[:, some], axis=0)
    return medians


def _filled(vectors: NDArray[np.float32], fill: NDArray[np.float32] | None) -> NDArray[np.float32]:
    gaps = np.isnan(vectors)
    if fill is None or not gaps.any():
        return vectors
    return np.where(gaps, fill, vectors)


def _downsample(block: NDArray[np.float32], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Average pixels over squares of `_DOWNSAMPLING` pixels per side."""
    bands, ny, nx = shape
    rows, columns = ny // _DOWNSAMPLING, nx // _DOWNSAMPLING
    grid = block.reshape(-1, bands, ny, nx)[:, :, : rows * _DOWNSAMPLING, : columns * _DOWNSAMPLING]
    means: NDArray[np.float32] = grid.reshape(
        -1, bands, rows, _DOWNSAMPLING, columns, _DOWNSAMPLING
    ).mean(axis=(3, 5))
    return means.reshape(len(block), -1)

"""Inputs of the comparison: pixels in several forms, extractors, combinations, and controls."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galfeat.features.registry import PIXELS, REGISTRY
from galfeat.pipeline.comparison.loading.measured_galaxies import ALIGNED, NUISANCE
from galfeat.pipeline.comparison.results import Group, InputDescription
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.models.inputs import INPUTS, InputBlock, extractor_part
from galfeat.pipeline.recipes import CLASSIC, DEFAULT

__all__ = [
    "RANDOM",
    "ComparisonInput",
    "comparison_inputs",
    "feature_parts",
    "outside_parts",
    "random_block",
]

RANDOM = "random"
"""Prefix of the names of blocks of random numbers."""
_ABOUT = {name: each.about for name, each in REGISTRY.items()}
_MAX_RANDOM = 256  # columns of a random block


@dataclass(frozen=True)
class ComparisonInput:
    """Input of the comparison, with the options of its training.

    Parameters
    ----------
    name : str
    parts : tuple of InputBlock
    group : {"pixels", "features", "both", "control"}
    about : str
        One phrase for the report.
    augmented : bool
        Whether shifted, rotated and mirrored copies are added to the training galaxies.
    shuffled : bool
        Whether the training labels are permuted, which leaves a score of chance.
    """

    name: str
    parts: tuple[InputBlock, ...]
    group: Group
    about: str
    augmented: bool = False
    shuffled: bool = False

    @property
    def description(self) -> InputDescription:
        """Name, description and group for the report."""
        return InputDescription(self.name, self.about, self.group)

    def without(self, part: InputBlock) -> "ComparisonInput":
        """Return the input without one of its parts."""
        return ComparisonInput(
            f"{self.name}-{part.column}",
            tuple(each for each in self.parts if each != part),
            self.group,
            self.about,
        )


def feature_parts(extractors: Sequence[str]) -> tuple[InputBlock, ...]:
    """Return the parts of the input ``features``, in the order of the extractors."""
    return tuple(extractor_part(name) for name in extractors if name in DEFAULT.handcrafted)


def outside_parts(extractors: Sequence[str]) -> tuple[InputBlock, ...]:
    """Return the parts of the extractors of other packages, in their order."""
    return tuple(InputBlock(name) for name in extractors if name not in DEFAULT.extractors)


def comparison_inputs(
    extractors: Sequence[str], classic: Sequence[InputBlock] = ()
) -> tuple[ComparisonInput, ...]:
    """Return all inputs of the comparison, in the order of the report.

    Parameters
    ----------
    extractors : sequence of str
        The extractors that were measured, ``pixels`` among them.
    classic : sequence of InputBlock
        Those of the lecture; see `classic_parts`.
    """
    parts = feature_parts(extractors)
    outside = outside_parts(extractors)
    return (
        *_pixel_inputs(),
        *_feature_inputs(parts, tuple(classic), outside),
        *_controls(parts),
    )


def _pixel_inputs() -> tuple[ComparisonInput, ...]:
    raw = (InputBlock(PIXELS.name, "", None),)
    return (
        ComparisonInput("pixels", raw, "pixels", "the whole prepared grid"),
        ComparisonInput(
            "pixels_linear",
            (InputBlock(PIXELS.name, "linear", None),),
            "pixels",
            "the whole grid without the asinh stretch",
        ),
        ComparisonInput(
            "pixels_small",
            (InputBlock(PIXELS.name, "small", None),),
            "pixels",
            "the grid averaged over 4 x 4 pixels",
        ),
        ComparisonInput(
            "pixels_augmented",
            raw,
            "pixels",
            "the whole grid, augmented: shifted, rotated, mirrored copies in training",
            augmented=True,
        ),
        ComparisonInput(
            "pixels_pca", (InputBlock(PIXELS.name),), "pixels", "principal components of the pixels"
        ),
        ComparisonInput(
            "pixels_aligned",
            (InputBlock(ALIGNED),),
            "pixels",
            "principal components of centered, turned and scaled galaxies",
        ),
    )


def _feature_inputs(
    parts: tuple[InputBlock, ...], classic: tuple[InputBlock, ...], outside: tuple[InputBlock, ...]
) -> tuple[ComparisonInput, ...]:
    names = [part.column for part in parts]
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return (
        *(
            ComparisonInput(part.column, (part,), "features", _ABOUT.get(part.column, part.column))
            for part in (*parts, *outside)
        ),
        *(
            (ComparisonInput(CLASSIC.input, classic, "features", INPUTS[CLASSIC.input].about),)
            if classic
            else ()
        ),
        ComparisonInput(DEFAULT.input, parts, "features", f"{listed} together"),
        *(
            ComparisonInput(
                f"{DEFAULT.input}+{part.column}",
                (*parts, part),
                "features",
                f"the same, and {part.column}",
            )
            for part in outside
        ),
        ComparisonInput(
            f"{DEFAULT.input}+pixels",
            (*parts, InputBlock(PIXELS.name)),
            "both",
            "the same, and principal components of the pixels",
        ),
    )


def _controls(parts: tuple[InputBlock, ...]) -> tuple[ComparisonInput, ...]:
    return (
        ComparisonInput(
            "shuffled",
            parts,
            "control",
            "all features, with the training labels shuffled",
            shuffled=True,
        ),
        ComparisonInput(
            "random",
            tuple(InputBlock(f"{RANDOM} {part.column}") for part in parts),
            "control",
            "random numbers in place of the features",
        ),
        ComparisonInput(
            "nuisance",
            (InputBlock(NUISANCE, "", None),),
            "control",
            "total flux, size, sky and noise alone",
        ),
    )


def random_block(block: Block, seed: int) -> NDArray[np.float32]:
    """Return a block of standard normal numbers in the shape of another block.

    It has 256 columns at most, and 256 for local descriptors.
    """
    width = _MAX_RANDOM if isinstance(block, list) else min(_MAX_RANDOM, block.shape[1])
    return np.random.default_rng(seed).normal(size=(len(block), width)).astype(np.float32)

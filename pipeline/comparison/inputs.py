"""Who takes part in the comparison.

Pixels in several guises, extractors alone and together, and controls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.registry import PIXELS, REGISTRY
from galfeat.pipeline.comparison.dataset import ALIGNED, NUISANCE
from galfeat.pipeline.comparison.morphology_statistics import SHAPE
from galfeat.pipeline.comparison.results import Candidate, Group
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.models.inputs import Part, extractor_part

__all__ = ["FEATURE_SETTINGS", "RANDOM", "Contender", "contenders", "hand_parts", "random_block"]

RANDOM = "random"  # a block of numbers that mean nothing
FEATURE_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    name: each.comparison for name, each in REGISTRY.items() if each.comparison
}
"""How extractors are set in the comparison where it is not their default: galaxies have no up."""

_ABOUT = {
    **{name: each.comparison_about or each.about for name, each in REGISTRY.items()},
    SHAPE: "concentration, asymmetry, Gini, M20 and their like",
}
_WIDEST = 256  # numbers of a random block


@dataclass(frozen=True)
class Contender:
    """An input of the comparison, with what is special about its training.

    Parameters
    ----------
    name : str
    parts : tuple of Part
    group : {"pixels", "features", "both", "control"}
    about : str
        One phrase for the report.
    augmented : bool
        Whether shifted, turned and mirrored copies are trained on too.
    shuffled : bool
        Whether the training labels are dealt out at random: what is left is chance.
    """

    name: str
    parts: tuple[Part, ...]
    group: Group
    about: str
    augmented: bool = False
    shuffled: bool = False

    @property
    def candidate(self) -> Candidate:
        """What the report needs to know of it."""
        return Candidate(self.name, self.about, self.group)

    def without(self, part: Part) -> "Contender":
        """Return the same without one of its parts."""
        return Contender(
            f"{self.name}-{part.column}",
            tuple(each for each in self.parts if each != part),
            self.group,
            self.about,
        )


def hand_parts(extractors: Sequence[str]) -> tuple[Part, ...]:
    """Return the parts of all hand-crafted features, in the order of the extractors."""
    return tuple(extractor_part(name) for name in extractors if name != PIXELS.name)


def contenders(extractors: Sequence[str]) -> tuple[Contender, ...]:
    """Return all inputs of the comparison, in the order of the report.

    Parameters
    ----------
    extractors : sequence of str
        The extractors that were measured, ``pixels`` among them.
    """
    hand, raw = hand_parts(extractors), (Part(PIXELS.name, "", None),)
    named = " and ".join(
        [", ".join(part.column for part in hand[:-1]), hand[-1].column]
        if len(hand) > 1
        else [hand[0].column]
    )
    return (
        Contender("pixels", raw, "pixels", "the whole prepared grid"),
        Contender(
            "pixels_linear",
            (Part(PIXELS.name, "linear", None),),
            "pixels",
            "the whole grid without the asinh stretch",
        ),
        Contender(
            "pixels_small",
            (Part(PIXELS.name, "small", None),),
            "pixels",
            "the grid averaged over 4 x 4 pixels",
        ),
        Contender(
            "pixels_augmented",
            raw,
            "pixels",
            "the whole grid; copies moved, turned, mirrored in training",
            True,
        ),
        Contender(
            "pixels_pca", (Part(PIXELS.name),), "pixels", "principal components of the pixels"
        ),
        Contender(
            "pixels_aligned",
            (Part(ALIGNED),),
            "pixels",
            "principal components of centred, turned and scaled galaxies",
        ),
        *(
            Contender(part.column, (part,), "features", _ABOUT.get(part.column, part.column))
            for part in hand
        ),
        Contender("features", hand, "features", f"{named} together"),
        Contender(
            "features+pixels",
            (*hand, Part(PIXELS.name)),
            "both",
            "the same, and principal components of the pixels",
        ),
        Contender(
            "shuffled",
            hand,
            "control",
            "all features, with the training labels dealt out at random",
            shuffled=True,
        ),
        Contender(
            "random",
            tuple(Part(f"{RANDOM} {part.column}") for part in hand),
            "control",
            "random numbers in place of the features",
        ),
        Contender(
            "nuisance",
            (Part(NUISANCE, "", None),),
            "control",
            "total flux, size, sky and noise alone",
        ),
    )


def random_block(block: Block, seed: int) -> NDArray[np.float32]:
    """Return as many rows of random numbers as the block has, as wide as it (256 at most; of local
    descriptors 256).
    """
    width = _WIDEST if isinstance(block, list) else min(_WIDEST, block.shape[1])
    return np.random.default_rng(seed).normal(size=(len(block), width)).astype(np.float32)

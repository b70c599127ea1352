"""What inputs cost: numbers, parameters, bytes and seconds.

And what a fully connected layer on whole images would.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from galfeat.data import Cutout, align
from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.dataset import ALIGNED, NUISANCE
from galfeat.pipeline.comparison.inputs import RANDOM, Contender
from galfeat.pipeline.comparison.morphology_statistics import SHAPE, shape_numbers
from galfeat.pipeline.comparison.protocol import Outcome
from galfeat.pipeline.comparison.results import Cost, Layer
from galfeat.pipeline.extraction.measure import Block, measure
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.inputs import Part

__all__ = ["costs", "layers", "measuring_seconds"]

_SIZES = (64, 128, 256, 512)
_HIDDEN = 64
_TIMED = 24  # galaxies


def measuring_seconds(cutouts: Sequence[Cutout], recipe: Recipe) -> dict[str, float]:
    """Return the seconds a galaxy that each extractor takes on one thread, preparation included.

    And alignment; empty without cutouts.

    Parameters
    ----------
    cutouts : sequence of Cutout
        Before preparation; a few dozen are enough.
    recipe : Recipe
    """
    some = list(cutouts)[:_TIMED]
    if not some:
        return {}
    seconds = {}
    pixels = measure(some, recipe.subset([PIXELS.name]))[1].get(PIXELS.name)
    if pixels is None:
        return {}
    images = np.asarray(pixels).reshape(
        -1, len(recipe.bands), recipe.preparation.size, recipe.preparation.size
    )
    for name in recipe.extractors:
        alone = recipe.subset([name])
        start = time.thread_time()
        measure(some, alone)
        seconds[name] = (time.thread_time() - start) / len(some)
    for name, work in ((ALIGNED, align), (SHAPE, shape_numbers)):
        start = time.thread_time()
        work(images)
        seconds[name] = seconds[PIXELS.name] + (time.thread_time() - start) / len(some)
    return seconds


def costs(
    inputs: Sequence[Contender],
    blocks: Mapping[str, Block],
    outcome: Outcome,
    seconds: Mapping[str, float],
) -> tuple[Cost, ...]:
    """Return what each input costs, the controls left out.

    Parameters
    ----------
    inputs : sequence of Contender
    blocks : mapping of str to array or list
    outcome : Outcome
    seconds : mapping of str to float
        Of each extractor, from `measuring_seconds`.
    """
    # what preparation alone takes at most: it is done once, however many extractors follow
    least = min(seconds.values(), default=0.0)
    found = []
    for each in inputs:
        if each.group == "control":
            continue
        rows = [row for row in outcome.rows if row.stage == "main" and row.input == each.name]
        sizes = [_size(part, blocks[part.column]) for part in each.parts]
        columns = dict.fromkeys(part.column for part in each.parts)
        times = outcome.seconds[each.name]
        found.append(
            Cost(
                input=each.name,
                n_features=round(float(np.mean([row.n_features for row in rows]))),
                n_measured=sum(numbers for numbers, _ in sizes),
                n_parameters=round(float(np.mean([row.n_parameters for row in rows]))),
                bytes_per_galaxy=sum(size for _, size in sizes),
                extract_seconds=least
                + sum(max(0.0, seconds.get(column, 0.0) - least) for column in columns),
                fit_seconds=times["fit"],
                predict_seconds=times["predict"],
                search_seconds=times["search"],
            )
        )
    return tuple(found)


def layers(n_bands: int, features: int) -> tuple[Layer, ...]:
    """Return the parameters of fully connected layers on images of 64 to 512 pixels a side.

    Parameters
    ----------
    n_bands : int
    features : int
        Parameters of the network on all hand-crafted features.

    Examples
    --------
    >>> layers(3, 13000)[3].parameters
    68719738880
    """
    found = []
    for size in _SIZES:
        pixels = size * size
        shallow = _HIDDEN * (n_bands * pixels + 1)
        found.append(
            Layer(size, n_bands, n_bands * pixels, pixels * pixels + pixels, shallow, features)
        )
    return tuple(found)


def _size(part: Part, block: Block) -> tuple[int, int]:
    """Return numbers and bytes a galaxy as they lie in a feature table."""
    if part.column == NUISANCE or part.column.startswith(RANDOM):
        return 0, 0
    if isinstance(block, list):
        mean = float(np.mean([each.size for each in block]))
        return round(mean), round(mean)
    return block.shape[1], 4 * block.shape[1]

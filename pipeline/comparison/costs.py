"""Costs of the inputs: feature counts, parameters, bytes and seconds.

Also the parameters that a fully connected layer on whole images would have.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from galfeat.data import Cutout, align
from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.inputs import RANDOM, ComparisonInput
from galfeat.pipeline.comparison.loading.classic import with_classic
from galfeat.pipeline.comparison.loading.measured_galaxies import ALIGNED, NUISANCE
from galfeat.pipeline.comparison.protocol import ProtocolResult
from galfeat.pipeline.comparison.results import Cost, LayerSize
from galfeat.pipeline.extraction.measure import Block, measure
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.inputs import InputBlock

__all__ = ["costs", "extraction_seconds", "layer_sizes"]

_SIZES = (64, 128, 256, 512)
_HIDDEN = 64
_TIMED = 24  # galaxies


def extraction_seconds(cutouts: Sequence[Cutout], recipe: Recipe) -> dict[str, float]:
    """Return the seconds per galaxy of each extractor and of alignment, on one thread.

    Preparation is included. Without cutouts the result is empty.

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
    recipe = with_classic(recipe)
    for name in recipe.extractors:
        single = recipe.subset([name])
        start = time.thread_time()
        measure(some, single)
        seconds[name] = (time.thread_time() - start) / len(some)
    start = time.thread_time()
    align(images)
    seconds[ALIGNED] = seconds[PIXELS.name] + (time.thread_time() - start) / len(some)
    return seconds


def costs(
    inputs: Sequence[ComparisonInput],
    blocks: Mapping[str, Block],
    result: ProtocolResult,
    seconds: Mapping[str, float],
) -> tuple[Cost, ...]:
    """Return the cost of each input, controls excepted.

    Parameters
    ----------
    inputs : sequence of ComparisonInput
    blocks : mapping of str to array or list
    result : ProtocolResult
    seconds : mapping of str to float
        Of each extractor, from `extraction_seconds`.
    """
    # an upper bound of the preparation alone, which is run once for all extractors together
    preparation = min(seconds.values(), default=0.0)
    found = []
    for each in inputs:
        if each.group == "control":
            continue
        rows = [row for row in result.rows if row.stage == "main" and row.input == each.name]
        sizes = [_size(part, blocks[part.column]) for part in each.parts]
        columns = dict.fromkeys(part.column for part in each.parts)
        times = result.seconds[each.name]
        found.append(
            Cost(
                input=each.name,
                n_features=round(float(np.mean([row.n_features for row in rows]))),
                n_measured=sum(numbers for numbers, _ in sizes),
                n_parameters=round(float(np.mean([row.n_parameters for row in rows]))),
                bytes_per_galaxy=sum(size for _, size in sizes),
                extract_seconds=preparation
                + sum(max(0.0, seconds.get(column, 0.0) - preparation) for column in columns),
                fit_seconds=times["fit"],
                predict_seconds=times["predict"],
                search_seconds=times["search"],
            )
        )
    return tuple(found)


def layer_sizes(n_bands: int, features: int) -> tuple[LayerSize, ...]:
    """Return the parameters of fully connected layers on images of 64 to 512 pixels a side.

    Parameters
    ----------
    n_bands : int
    features : int
        Parameters of the network on all hand-crafted features.

    Examples
    --------
    >>> layer_sizes(3, 13000)[3].parameters
    68719738880
    """
    found = []
    for size in _SIZES:
        pixels = size * size
        shallow = _HIDDEN * (n_bands * pixels + 1)
        found.append(
            LayerSize(size, n_bands, n_bands * pixels, pixels * pixels + pixels, shallow, features)
        )
    return tuple(found)


def _size(part: InputBlock, block: Block) -> tuple[int, int]:
    """Return numbers and bytes per galaxy as they are stored in a feature table."""
    if part.column == NUISANCE or part.column.startswith(RANDOM):
        return 0, 0
    if isinstance(block, list):
        mean = float(np.mean([each.size for each in block]))
        return round(mean), round(mean)
    return block.shape[1], 4 * block.shape[1]

"""The lecture's extractors in a comparison: measured beside those of the recipe."""

from dataclasses import replace

from galfeat.features import EXTRACTORS, Extractor
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.inputs import InputBlock
from galfeat.pipeline.recipes import CLASSIC

__all__ = ["classic_extractors", "classic_parts", "with_classic"]


def classic_extractors(recipe: Recipe) -> dict[str, Extractor]:
    """Return the lecture's extractors, by the names of their blocks in the comparison.

    One that the recipe measures with the settings of its paper anyway is the recipe's.
    """
    found = {}
    for name in CLASSIC.handcrafted:
        plain = EXTRACTORS[name](**CLASSIC.settings.get(name, {}))
        used = recipe.extractors.get(name)
        same = used is not None and used.get_params() == plain.get_params()
        found[name if same else f"{CLASSIC.name} {name}"] = plain
    return found


def classic_parts(recipe: Recipe) -> tuple[InputBlock, ...]:
    """Return the parts of the input ``classic``."""
    return tuple(
        InputBlock(block, CLASSIC.encoders.get(each.key, ""))
        for block, each in classic_extractors(recipe).items()
    )


def with_classic(recipe: Recipe) -> Recipe:
    """Return a recipe that also measures the lecture's extractors."""
    return replace(recipe, extractors={**recipe.extractors, **classic_extractors(recipe)})

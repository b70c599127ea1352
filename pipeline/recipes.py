"""Recipes by name: extractors with their settings, encoders, ensemble and calibration.

``extract``, ``train``, ``classify``, ``compare``, ``show`` and ``audit`` take all of these from
here, so that a name of an input means the same in each of them. The settings of ``default`` are
those that the comparison found best for galaxies; ``classic`` has the lecture's extractors as their
papers define them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from galfeat import UsageError
from galfeat.features.registry import REGISTRY

__all__ = [
    "CLASSIC",
    "DEFAULT",
    "FEATURES",
    "RECIPES",
    "TRAINING",
    "NamedRecipe",
    "TrainingSettings",
    "named_recipe",
    "settings_of",
]


@dataclass(frozen=True)
class TrainingSettings:
    """How a classifier is trained on the galaxies' features.

    Parameters
    ----------
    draws : int
        Hyperparameters that are tried on an inner split of the training galaxies.
    n_networks : int
        Size of the ensemble: the best of them train a network each on all training galaxies.
    calibration : bool
        Whether the temperature of the ensemble is fitted on the inner validation galaxies.
    """

    draws: int = 8
    n_networks: int = 5
    calibration: bool = True


TRAINING = TrainingSettings()
"""The training of every recipe: recipes differ in the features, not in the classifier."""


@dataclass(frozen=True)
class NamedRecipe:
    """Extractors, their settings and their encoders, under a name.

    Parameters
    ----------
    name : str
    about : str
        One phrase, for help and reports.
    input : str
        The input of a classifier that has all of its hand-crafted extractors.
    extractors : tuple of str
        In the order of the columns of a feature table.
    settings : mapping of str to mapping
        Settings of extractors, where they differ from the defaults of their classes.
    encoders : mapping of str to str
        How local descriptors become vectors, by extractor: "" as a bag of words, "fisher" as a
        Fisher vector.
    training : TrainingSettings
    """

    name: str
    about: str
    input: str
    extractors: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    encoders: Mapping[str, str] = field(default_factory=dict)
    training: TrainingSettings = TRAINING

    @property
    def handcrafted(self) -> tuple[str, ...]:
        """Its extractors except the pixels themselves."""
        return tuple(name for name in self.extractors if REGISTRY[name].handcrafted)


DEFAULT = NamedRecipe(
    "default",
    "the extractors and settings that the comparison found best",
    "features",
    tuple(REGISTRY),
    {name: each.settings for name, each in REGISTRY.items() if each.settings},
    {name: each.encoding for name, each in REGISTRY.items() if each.descriptor_length},
)
CLASSIC = NamedRecipe(
    "classic",
    "the lecture's five extractors with the settings of their papers",
    "classic",
    tuple(name for name, each in REGISTRY.items() if each.classic),
    {},
    {name: "" for name, each in REGISTRY.items() if each.descriptor_length},
)
RECIPES: Mapping[str, NamedRecipe] = {each.name: each for each in (DEFAULT, CLASSIC)}
"""The recipes by name."""

FEATURES = DEFAULT.extractors
"""Names of the extractors that are measured by default."""


def named_recipe(name: str) -> NamedRecipe:
    """Return a recipe by its name.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in RECIPES:
        raise UsageError(f"there is no recipe '{name}'; there are {', '.join(RECIPES)}")
    return RECIPES[name]


def settings_of(
    recipe: NamedRecipe, given: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, dict[str, Any]]:
    """Return the settings of a recipe with those that a user gives, which win.

    Parameters
    ----------
    recipe : NamedRecipe
    given : mapping of str to mapping, optional
        By extractor.
    """
    chosen = given or {}
    names: Sequence[str] = tuple(dict.fromkeys((*recipe.settings, *chosen)))
    return {name: {**recipe.settings.get(name, {}), **chosen.get(name, {})} for name in names}

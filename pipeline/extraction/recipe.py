"""Recipe: bands, preparation and extractors, with all settings that decide the features."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from galfeat import UsageError, __version__
from galfeat.data import Preparation
from galfeat.features import Extractor, make_extractors
from galfeat.features.outside import by_key, extractor_class
from galfeat.features.registry import LOCAL_DESCRIPTORS, SHAPE, SIFT
from galfeat.pipeline.extraction.scalar_columns import measures_scalars, scalar_names
from galfeat.pipeline.recipes import DEFAULT, named_recipe, settings_of

__all__ = ["FEATURE_VERSION", "Recipe"]

FEATURE_VERSION = 2
"""Version of the feature values.

Incremented with every change after which the same cutout and settings give another value, even in
the last digit, whether in reading, preparation or an extractor; not with changes of speed or
clarity. Unfinished runs and tables of another version are not resumed."""


_STRETCHES = {"asinh": "asinh", "none": "linear"}  # of extractors, by that of the preparation
_UNDO_STRETCH = (SIFT.name, SHAPE.name)  # extractors that need the light


@dataclass(frozen=True)
class Recipe:
    """Settings that turn cutouts into features.

    Parameters
    ----------
    bands : tuple of str
        The bands to measure, in this order.
    preparation : Preparation
        Sky subtraction, resampling and stretch before the measurement.
    extractors : mapping of str to Extractor
        Column name to extractor.
    name : str
        The named recipe (`galfeat.pipeline.recipes`) that it was made from; it decides no number.
    """

    bands: tuple[str, ...]
    preparation: Preparation
    extractors: Mapping[str, Extractor]
    name: str = DEFAULT.name

    @classmethod
    def of(
        cls,
        features: Sequence[str | Extractor] | None,
        bands: Sequence[str],
        preparation: Preparation,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        name: str = DEFAULT.name,
    ) -> "Recipe":
        """Return a recipe by the names of its extractors.

        Parameters
        ----------
        features : sequence of str or Extractor, or None
            Names of extractors, of this package or installed, or extractors themselves; None for
            all of the named recipe.
        bands : sequence of str
        preparation : Preparation
        settings : mapping, optional
            Settings by extractor that differ from those of the named recipe.
        name : str
            The named recipe whose settings are used: one of `galfeat.pipeline.recipes.RECIPES`.

        Raises
        ------
        UsageError
            If an extractor or the recipe is unknown, or the shape is to be measured on pixels
            with another stretch than the prepared ones.
        """
        named = named_recipe(name)
        extractors = make_extractors(named.extractors if features is None else features)
        chosen = _with_stretch(settings_of(named, settings), preparation)
        own = {each for each in features or () if not isinstance(each, str)}
        made = {
            key: each if each in own else type(each)(**chosen.get(key, {}))
            for key, each in extractors.items()
        }
        _check_stretch(made, preparation)
        return cls(tuple(bands), preparation, made, name)

    @property
    def columns(self) -> dict[str, list[str]]:
        """Feature names of each extractor, except the one of local descriptors."""
        size = self.preparation.size
        for name, each in self.extractors.items():
            if name not in LOCAL_DESCRIPTORS:
                each.check_shape((size, size))
        return {
            name: list(each.feature_names(self.bands, (size, size)))
            for name, each in self.extractors.items()
            if name not in LOCAL_DESCRIPTORS
        }

    @property
    def scalars(self) -> dict[str, list[str]]:
        """Columns of each extractor that measures named quantities."""
        return {
            name: list(scalar_names(name, each, self.bands))
            for name, each in self.extractors.items()
            if measures_scalars(each)
        }

    def settings(self) -> dict[str, Any]:
        """Return all settings that decide the features, as JSON values; see `from_settings`."""
        return {
            "version": __version__,
            "feature_version": FEATURE_VERSION,
            "bands": list(self.bands),
            "preparation": self.preparation.as_dict(),
            "extractors": {
                name: _plain(each.get_params()) for name, each in self.extractors.items()
            },
        }

    def provenance(self) -> dict[str, Any]:
        """Return the settings with the name of the recipe, as tables and models store them."""
        return {"recipe": self.name, **self.settings()}

    def settings_without_version(self) -> dict[str, Any]:
        """Return the settings except the version of the package, which decides no number."""
        return {name: value for name, value in self.settings().items() if name != "version"}

    @property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the settings."""
        text = json.dumps(self.settings(), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @classmethod
    def from_settings(
        cls, settings: Mapping[str, Any], extractors: Sequence[Extractor] = ()
    ) -> "Recipe":
        """Return the recipe with these `settings`.

        Parameters
        ----------
        settings : mapping
        extractors : sequence of Extractor
            Those of other packages that are not installed; their settings do not matter.

        Raises
        ------
        UsageError
            If an entry is missing or unknown, an extractor is not installed, or the features are
            of another version.
        """
        found = settings.get("feature_version") if isinstance(settings, Mapping) else None
        if found is not None and found != FEATURE_VERSION:
            raise UsageError(
                f"the features are of version {found}, and this galfeat has version "
                f"{FEATURE_VERSION} (see CHANGELOG.md): measure the cutouts again with 'galfeat "
                "extract'"
            )
        given = by_key(extractors)
        try:
            made = {
                name: extractor_class(name, given)(**_tuples(params))
                for name, params in settings["extractors"].items()
            }
            return cls(
                tuple(settings["bands"]),
                Preparation.from_dict(settings["preparation"]),
                made,
                settings.get("recipe", DEFAULT.name),
            )
        except UsageError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            writer = settings.get("version") if isinstance(settings, Mapping) else None
            raise UsageError(
                f"the settings cannot be read by galfeat {__version__}; they were written "
                f"by version {writer}"
            ) from error

    def subset(self, names: Sequence[str]) -> "Recipe":
        """Return the recipe restricted to these extractors."""
        chosen = {name: self.extractors[name] for name in names}
        return Recipe(self.bands, self.preparation, chosen, self.name)


def _with_stretch(
    settings: Mapping[str, Mapping[str, Any]], preparation: Preparation
) -> dict[str, Mapping[str, Any]]:
    """Return the settings with the stretch that extractors have to undo, unless it is given."""
    stretch = _STRETCHES[preparation.stretch]
    told = {name: {"stretch": stretch, **settings.get(name, {})} for name in _UNDO_STRETCH}
    return {**settings, **told}


def _check_stretch(extractors: Mapping[str, Extractor], preparation: Preparation) -> None:
    needed = _STRETCHES[preparation.stretch]
    for name, each in extractors.items():
        given = each.get_params()["stretch"] if each.undoes_stretch else needed
        if given != needed:
            raise UsageError(
                f"the {name}'s stretch is '{given}', and the preparation's "
                f"'{preparation.stretch}': the light would be wrong; leave the {name}'s out, or "
                f"make it '{needed}'"
            )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value


def _tuples(params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in params.items()
    }

"""Recipe: bands, preparation and extractors, with all settings that decide the features."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from galfeat import UsageError, __version__
from galfeat.data import Preparation
from galfeat.features import EXTRACTORS, Extractor, make_extractors
from galfeat.features.registry import LOCAL_DESCRIPTORS

__all__ = ["FEATURE_VERSION", "Recipe"]

FEATURE_VERSION = 1
"""Version of the feature values.

Incremented with every change after which the same cutout and settings give another value, even in
the last digit, whether in reading, preparation or an extractor; not with changes of speed or
clarity. Unfinished runs and tables of another version are not resumed."""


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
    """

    bands: tuple[str, ...]
    preparation: Preparation
    extractors: Mapping[str, Extractor]

    @classmethod
    def of(
        cls,
        features: Sequence[str],
        bands: Sequence[str],
        preparation: Preparation,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> "Recipe":
        """Return a recipe by the names of its extractors.

        Parameters
        ----------
        features : sequence of str
            Names in `galfeat.features.EXTRACTORS`.
        bands : sequence of str
        preparation : Preparation
        settings : mapping, optional
            Non-default settings by extractor.

        Raises
        ------
        UsageError
            If an extractor is unknown.
        """
        extractors = make_extractors(features)
        for name, given in (settings or {}).items():
            if name in extractors:
                extractors[name].set_params(**given)
        return cls(tuple(bands), preparation, extractors)

    @property
    def columns(self) -> dict[str, list[str]]:
        """Feature names of each extractor, except the one of local descriptors."""
        size = self.preparation.size
        return {
            name: list(each.feature_names(self.bands, (size, size)))
            for name, each in self.extractors.items()
            if name not in LOCAL_DESCRIPTORS
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

    def settings_without_version(self) -> dict[str, Any]:
        """Return the settings except the version of the package, which decides no number."""
        return {name: value for name, value in self.settings().items() if name != "version"}

    @property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the settings."""
        text = json.dumps(self.settings(), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Recipe":
        """Return the recipe with these `settings`.

        Raises
        ------
        UsageError
            If an entry is missing or unknown.
        """
        try:
            extractors = {
                name: EXTRACTORS[name](**_tuples(params))
                for name, params in settings["extractors"].items()
            }
            return cls(
                tuple(settings["bands"]), Preparation.from_dict(settings["preparation"]), extractors
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            made = settings.get("version") if isinstance(settings, Mapping) else None
            raise UsageError(
                f"the settings cannot be read by galfeat {__version__}; they were written "
                f"by version {made}"
            ) from error

    def subset(self, names: Sequence[str]) -> "Recipe":
        """Return the recipe restricted to these extractors."""
        return Recipe(self.bands, self.preparation, {name: self.extractors[name] for name in names})


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

"""Recipe: bands, preparation and extractors, with all settings that decide the features."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from galfeat import UsageError, __version__
from galfeat.data import Preparation
from galfeat.features import Extractor, Photometry, make_extractors
from galfeat.features.outside import by_key, extractor_class
from galfeat.features.registry import LOCAL_DESCRIPTORS, PHOTOMETRY, SHAPE, SIFT
from galfeat.features.scalars import Scalar
from galfeat.pipeline.extraction.photometry import photometry_scalars
from galfeat.pipeline.extraction.scalar_columns import measures_scalars, scalar_fields
from galfeat.pipeline.extraction.sky_columns import SKY, sky_scalars
from galfeat.pipeline.recipes import DEFAULT, named_recipe, settings_of

__all__ = ["FEATURE_VERSION", "Recipe"]

FEATURE_VERSION = 3
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
    photometry : Photometry, optional
        What measures fluxes on the linear pixels, if that is asked for.
    units : tuple of str
        Unit of the pixels of each band, for the columns of noise and fluxes; empty where none is
        stated or galaxies have different ones.
    errors : bool
        Whether the columns of named quantities have errors by repeated exposures. Fluxes and what
        is made of them have errors in any case.
    """

    bands: tuple[str, ...]
    preparation: Preparation
    extractors: Mapping[str, Extractor]
    name: str = DEFAULT.name
    photometry: Photometry | None = None
    units: tuple[str, ...] = ()
    errors: bool = False

    @classmethod
    def of(
        cls,
        features: Sequence[str | Extractor | Photometry] | None,
        bands: Sequence[str],
        preparation: Preparation,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        name: str = DEFAULT.name,
        errors: bool = False,
    ) -> "Recipe":
        """Return a recipe by the names of its extractors.

        Parameters
        ----------
        features : sequence of str, Extractor or Photometry, or None
            Names of extractors, of this package or installed, or extractors themselves; None for
            all of the named recipe. Photometry, or its name, may be among them.
        bands : sequence of str
        preparation : Preparation
        settings : mapping, optional
            Settings by extractor that differ from those of the named recipe.
        name : str
            The named recipe whose settings are used: one of `galfeat.pipeline.recipes.RECIPES`.
        errors : bool
            Whether errors are measured.

        Raises
        ------
        UsageError
            If an extractor or the recipe is unknown, the shape is to be measured on pixels with
            another stretch than the prepared ones, or there is nothing that has errors.
        """
        named = named_recipe(name)
        chosen = _with_stretch(settings_of(named, settings), preparation)
        features, photometry = _without_photometry(features, chosen.get(PHOTOMETRY, {}))
        extractors = (
            {}
            if photometry is not None and not features
            else make_extractors(named.extractors if features is None else features)
        )
        own = {each for each in features or () if not isinstance(each, str)}
        made = {
            key: each if each in own else type(each)(**chosen.get(key, {}))
            for key, each in extractors.items()
        }
        _check_stretch(made, preparation)
        recipe = cls(tuple(bands), preparation, made, name, photometry=photometry, errors=errors)
        if errors and not any(recipe.has_errors(each) for each in made) and photometry is None:
            raise UsageError(
                f"errors are those of {SHAPE.name} and {PHOTOMETRY}, and neither is measured: name "
                "one of them among the features, or leave the errors out"
            )
        return recipe

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
        """Columns of named quantities, by what measures them; see `scalar_fields`."""
        return {
            name: [field.name for field in fields] for name, fields in self.scalar_fields.items()
        }

    @property
    def scalar_fields(self) -> dict[str, list[pa.Field]]:
        """Fields of the columns of named quantities, by what measures them.

        These are extractors, the preparation, which measures the sky, and photometry.
        """
        found: dict[str, tuple[Scalar, ...]] = {
            name: each.scalars(self.bands)  # type: ignore[attr-defined]
            for name, each in self.extractors.items()
            if measures_scalars(each)
        }
        if self.extractors:
            found[SKY] = sky_scalars(self.bands, self.units)
        if self.measured_photometry is not None:
            found[PHOTOMETRY] = photometry_scalars(self.measured_photometry, self.bands, self.units)
        return {
            name: scalar_fields(name, scalars, errors=self.has_errors(name))
            for name, scalars in found.items()
        }

    @property
    def measured_photometry(self) -> Photometry | None:
        """The photometry that is measured: without errors, with no repeated exposures."""
        if self.photometry is None or self.errors:
            return self.photometry
        return Photometry(**{**self.photometry.get_params(), "draws": 0})

    def has_errors(self, name: str) -> bool:
        """Return whether an extractor's columns of named quantities have errors."""
        return name == PHOTOMETRY or (self.errors and name == SHAPE.name)

    def settings(self) -> dict[str, Any]:
        """Return all settings that decide the features, as JSON values; see `from_settings`."""
        found: dict[str, Any] = {
            "version": __version__,
            "feature_version": FEATURE_VERSION,
            "bands": list(self.bands),
            "preparation": self.preparation.as_dict(),
            "extractors": {
                name: _plain(each.get_params()) for name, each in self.extractors.items()
            },
        }
        if self.photometry is not None:
            found[PHOTOMETRY] = {
                "units": list(self.units),
                "settings": _plain(self.photometry.get_params()),
            }
        return found | ({"errors": True} if self.errors else {})

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
                "extract', and train models anew"
            )
        given = by_key(extractors)
        try:
            made = {
                name: extractor_class(name, given)(**_tuples(params))
                for name, params in settings["extractors"].items()
            }
            fluxes = settings.get(PHOTOMETRY)
            return cls(
                tuple(settings["bands"]),
                Preparation.from_dict(settings["preparation"]),
                made,
                settings.get("recipe", DEFAULT.name),
                Photometry(**_tuples(fluxes["settings"])) if fluxes else None,
                tuple(fluxes["units"]) if fluxes else (),
                bool(settings.get("errors", False)),
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
        """Return the recipe restricted to these extractors; photometry may be among them."""
        chosen = {name: self.extractors[name] for name in names if name != PHOTOMETRY}
        photometry = self.photometry if PHOTOMETRY in names else None
        return replace(
            self,
            extractors=chosen,
            photometry=photometry,
            units=() if photometry is None else self.units,
            errors=self.errors and any(map(self.has_errors, names)),
        )


def _without_photometry(
    features: Sequence[str | Extractor | Photometry] | None, settings: Mapping[str, Any]
) -> tuple[list[str | Extractor] | None, Photometry | None]:
    """Return the extractors among features, and photometry if it is there.

    Raises
    ------
    UsageError
        If it is there twice, or a setting makes no sense.
    """
    if features is None or isinstance(features, str):
        return features, None  # type: ignore[return-value]
    extractors: list[str | Extractor] = []
    found: list[Photometry] = []
    for each in features:
        if isinstance(each, Photometry):
            found.append(each)
        elif each == PHOTOMETRY:
            found.append(Photometry(**settings))
        else:
            extractors.append(each)
    if len(found) > 1:
        raise UsageError(f"each extractor may be named once; {PHOTOMETRY} is there twice")
    for photometry in found:
        photometry.fit([])  # checks the settings
    return extractors, found[0] if found else None


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

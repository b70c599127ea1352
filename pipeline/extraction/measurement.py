"""Measurement of features, for a batch run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from galfeat.data import Cutout, Failure
from galfeat.data.preparation.steps import working_bytes
from galfeat.features.noise import WORKING_BYTES
from galfeat.pipeline.extraction.feature_table import (
    KEY,
    RUN_KEY,
    as_json,
    table_schema,
    to_arrow,
    versions,
)
from galfeat.pipeline.extraction.measure import catalog_rows, measure_columns
from galfeat.pipeline.extraction.recipe import Recipe

__all__ = ["FeatureMeasurement"]

# what extractors take, by the stretch: the unit of all their columns, in words
_LIGHT = {
    "asinh": "asinh(flux / sky_BAND_sigma) of each pixel and band",
    "none": "flux / sky_BAND_sigma of each pixel and band",
}


@dataclass(frozen=True)
class FeatureMeasurement:
    """Features of cutouts as rows of a feature table.

    A `galfeat.pipeline.batch.work.Measurement`.

    Parameters
    ----------
    recipe : Recipe
    units : tuple of str
        Unit of each band, where the files state them; for the metadata.
    """

    recipe: Recipe
    units: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, int]:
        """Bands and pixels per side of a prepared cutout."""
        return len(self.recipe.bands), self.recipe.preparation.size

    def working_bytes(self, cutout: Cutout) -> int:
        """Return the memory that measuring a large cutout takes beside its pixels."""
        prepared = working_bytes(cutout, self.recipe.preparation) if self.recipe.extractors else 0
        linear = WORKING_BYTES * cutout.pixels.size if self.recipe.photometry is not None else 0
        return max(prepared, linear)

    def settings(self) -> dict[str, Any]:
        """Return the settings of the recipe and the version of the features."""
        return {"what": "features", **self.recipe.settings_without_version()}

    def schema(self, catalog: pa.Table | None) -> pa.Schema:
        """Return the catalog's columns and those of the extractors."""
        return table_schema(catalog, self.recipe)

    def rows(
        self, catalog: pa.Table | None, cutouts: Sequence[Cutout]
    ) -> tuple[pa.Table, list[Failure]]:
        """Measure cutouts; return their table rows, and the failures."""
        measured, columns, failures = measure_columns(cutouts, self.recipe)
        return to_arrow(catalog_rows(catalog, measured), columns, self.recipe), failures

    def metadata(
        self, run_record: Mapping[str, Any], *, measured: int, failed: int
    ) -> dict[bytes, bytes]:
        """Return the schema metadata of a finished feature table: its provenance."""
        provenance = self.recipe.provenance() | {
            "columns": self.recipe.columns,
            "fingerprint": self.recipe.fingerprint,
            "versions": versions(),
            "counts": {"entries": run_record["entries"], "measured": measured, "failed": failed},
        }
        if self.recipe.extractors:
            provenance["light"] = _LIGHT[self.recipe.preparation.stretch]
        if any(self.units):
            provenance["units"] = list(self.units)
        return {KEY: as_json(provenance), RUN_KEY: as_json(run_record)}

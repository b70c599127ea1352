"""Classification of cutouts, for a batch run."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from galfeat.data import Cutout, Failure
from galfeat.data.preparation.steps import working_bytes
from galfeat.nn.saving.archive import pack
from galfeat.pipeline.extraction.feature_table import RUN_KEY, as_json
from galfeat.pipeline.extraction.measure import measure
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.model import Model
from galfeat.pipeline.models.priors import ESTIMATED
from galfeat.pipeline.transfer.domain_summary import DISTANCE, FURTHEST

__all__ = ["ClassMeasurement"]


@dataclass(frozen=True)
class ClassMeasurement:
    """Classes and probabilities of cutouts as rows of a table.

    A `galfeat.pipeline.batch.work.Measurement`.

    Parameters
    ----------
    model : Model
    estimating : bool
        Whether the class priors are estimated from the finished rows, which hold probabilities
        under the priors of `model` until then.
    """

    model: Model
    estimating: bool = False

    @cached_property
    def recipe(self) -> Recipe:
        """The part of the model's recipe that its input needs."""
        return self.model.recipe.subset(self.model.input.columns)

    @property
    def image_shape(self) -> tuple[int, int]:
        """Bands and pixels per side of a prepared cutout."""
        return len(self.recipe.bands), self.recipe.preparation.size

    def working_bytes(self, cutout: Cutout) -> int:
        """Return the memory that preparing a large cutout takes beside its pixels."""
        return working_bytes(cutout, self.recipe.preparation)

    def settings(self) -> dict[str, Any]:
        """Return the settings of the recipe and a digest of the model."""
        learned = pack(self.model.learned_state())
        return {
            "what": "classes",
            "model": hashlib.sha256(learned).hexdigest()[:16],
            **({"priors": ESTIMATED} if self.estimating else {}),
            **self.recipe.settings_without_version(),
        }

    def schema(self, catalog: pa.Table | None = None) -> pa.Schema:  # noqa: ARG002 - of the model
        """Return ``id``, ``class``, probabilities, and the distance from the training domain."""
        columns = [
            ("id", pa.string()),
            ("class", pa.string()),
            *((f"p_{name}", pa.float64()) for name in self.model.classes),
            (DISTANCE, pa.float64()),
            (FURTHEST, pa.string()),
        ]
        return pa.schema([pa.field(name, kind) for name, kind in columns])

    def rows(
        self,
        catalog: pa.Table | None,  # noqa: ARG002 - its columns are not repeated
        cutouts: Sequence[Cutout],
    ) -> tuple[pa.Table, list[Failure]]:
        """Measure and classify cutouts; return their table rows, and the failures."""
        kept, blocks, failures = measure(cutouts, self.recipe, strict_bands=True, sky=True)
        if not kept:
            return self.schema().empty_table(), failures
        probabilities, distances, furthest = self.model.assess(blocks)
        best = [self.model.classes[i] for i in probabilities.argmax(axis=1)]
        arrays = [
            *(pa.array(column) for column in ([cutout.id for cutout in kept], best)),
            *(pa.array(column) for column in probabilities.T),
            pa.array(distances, from_pandas=True),  # NaN: the model describes no domain
            pa.array(furthest, pa.string()),
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema()), failures

    def metadata(
        self, run_record: Mapping[str, Any], *, measured: int, failed: int
    ) -> dict[bytes, bytes]:
        """Return the schema metadata of a finished table of classes."""
        counts = {"classified": measured, "failed": failed, "priors": dict(self.model.priors_)}
        # no rows can be kept when failures are measured again: the priors are those of all of them
        record = {} if self.estimating else run_record
        return {RUN_KEY: as_json({**record, **counts})}

"""Writing of a table of classes: the rows of all shards, and what only all of them together tell.

That is how far they are from the training domain, and how common the classes are among them.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.pipeline.batch.merge import large_groups, write_csv, write_parquet
from galfeat.pipeline.extraction.feature_table import RUN_KEY, as_json
from galfeat.pipeline.models.model import Model
from galfeat.pipeline.models.priors import estimated_priors, with_priors
from galfeat.pipeline.transfer.domain_summary import DISTANCE, FURTHEST, DomainSummary

__all__ = ["ClassTableWriter"]

_FAR = 0.75  # share of training galaxies that are nearer to the domain than one that is named


class ClassTableWriter:
    """Writer of the shards of a classification as one table.

    A `galfeat.pipeline.batch.merge.TableWriter`.

    Parameters
    ----------
    model : Model
        That classified them; with equal priors if they are to be estimated.
    out : Path
    estimating : bool
        Whether to estimate the class priors from all rows, and to apply them.
    strict : bool
        Whether to refuse cutouts of another domain.

    Attributes
    ----------
    domain : DomainSummary
    priors : dict of str to float
        Those of the written probabilities.
    """

    def __init__(self, model: Model, out: Path, *, estimating: bool, strict: bool) -> None:
        self._model, self._out, self._estimating, self._strict = model, out, estimating, strict
        self.domain = DomainSummary(0)
        self.priors = dict(model.priors_)

    def __call__(self, file: BinaryIO, shards: Sequence[Path], schema: pa.Schema) -> None:
        """Write the table.

        Raises
        ------
        UsageError
            If the cutouts are refused.
        """
        self._look_at(shards)
        if self._strict and self.domain.is_another:
            raise UsageError(
                f"--strict refuses to classify: {self.domain.sentence}; train on galaxies like "
                "these, or leave --strict out: what is measured is kept"
            )
        groups = large_groups(shards)
        if self._estimating:
            groups = (self._with_priors(table) for table in groups)
            record = json.loads(schema.metadata[RUN_KEY])
            schema = schema.with_metadata(
                {**schema.metadata, RUN_KEY: as_json({**record, "priors": self.priors})}
            )
        write = write_parquet if self._out.suffix.lower() == ".parquet" else write_csv
        write(file, groups, schema)

    def _look_at(self, shards: Sequence[Path]) -> None:
        """Count the rows outside of the domain, and estimate the priors."""
        domain = self._model.domain_
        count, outside, ranks, furthest = 0, 0, 0.0, Counter[str]()
        found: list[NDArray[np.float64]] = []
        for table in large_groups(shards):
            if domain is not None:
                distances = table.column(DISTANCE).to_numpy()
                share = domain.ranks(distances)
                count, ranks = count + len(distances), ranks + float(share.sum())
                outside += int((distances > 1).sum())
                names = np.array(table.column(FURTHEST).to_pylist(), dtype=object)
                furthest.update(names[share > _FAR].tolist())
            if self._estimating:
                found.append(self._probabilities(table))
        if domain is not None:
            further = ranks / max(count, 1)
            self.domain = DomainSummary(count, outside, further, furthest, domain.expected)
        if found:
            self.priors = estimated_priors(np.concatenate(found), self._model.classes)

    def _probabilities(self, table: pa.Table) -> NDArray[np.float64]:
        return np.stack([table.column(f"p_{name}").to_numpy() for name in self._model.classes], 1)

    def _with_priors(self, table: pa.Table) -> pa.Table:
        """Return the rows with the probabilities and classes that the priors make."""
        classes = self._model.classes
        changed = with_priors(self._probabilities(table), self.priors, classes)
        best = [classes[place] for place in changed.argmax(axis=1)]
        columns = {"class": pa.array(best)}
        columns |= {
            f"p_{name}": pa.array(column) for name, column in zip(classes, changed.T, strict=True)
        }
        for name, column in columns.items():
            table = table.set_column(table.column_names.index(name), name, column)
        return table

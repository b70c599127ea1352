"""Batch extraction: a folder of cutouts to one Parquet feature table and one list of failures."""

import csv
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.data import Failure, Preparation, Source, open_source
from galfeat.pipeline.atomic import check_target, replacing
from galfeat.pipeline.measuring import Measured, measure_shard
from galfeat.pipeline.recipe import Recipe
from galfeat.pipeline.table import to_arrow

__all__ = ["FEATURES", "Progress", "Summary", "extract", "failures_path", "measured_shards", "write_failures"]

FEATURES = ("pixels", "color", "texture", "hog", "sift")
Progress = Callable[[int, int, int], None]  # entries done, entries in all, failures so far


@dataclass(frozen=True)
class Summary:
    """What a batch run did.

    Parameters
    ----------
    path : Path
        The file that was written.
    done, failed : int
        Number of galaxies measured, and of those that could not be.
    failures : Path
        The list of failures.
    commonest : str
        The most frequent reason of a failure; empty if there is none.
    """

    path: Path
    done: int
    failed: int
    failures: Path
    commonest: str = ""

    def ends(self, verb: str) -> str:
        """Return the last line of a run: how many were done, how many failed, why, and where the result is."""
        failed = f", {self.failed:,} failed (most often: {self.commonest}; see {self.failures})" if self.failed else ""
        where = f": {self.path}" if self.done else "; nothing was written"
        return f"{self.done:,} cutouts {verb}{failed}{where}"


def extract(
    source: Source | str | Path,
    out: str | Path,
    *,
    features: Sequence[str] = FEATURES,
    preparation: Preparation | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    inputs: Sequence[str | Path | None] = (),
) -> Summary:
    """Measure every cutout of a source and write the feature table.

    Parameters
    ----------
    source : Source or path
        Anything that `galfeat.data.open_source` takes or returns.
    out : path
        The file to write, ending in ``.parquet``; an existing one is replaced when the run is through, and never before. The
        failures go beside it, into ``F.failures.csv`` for ``F.parquet``.
    features : sequence of str
        Names in `galfeat.features.EXTRACTORS`.
    preparation : Preparation, optional
        The default prepares to 64 x 64 pixels with the asinh stretch.
    settings : mapping, optional
        Settings of extractors that differ from their defaults, such as ``{"hog": {"orientations": 8}}``.
    workers : int, optional
        Number of threads; by default the number of processors. The table does not depend on it.
    progress : callable, optional
        Called with the entries done, the entries there are, and the failures so far.
    inputs : sequence of path or None
        Files that the output may not replace, beside `source`.

    Returns
    -------
    Summary

    Raises
    ------
    UsageError
        If the source, an extractor or the output cannot be used.
    """
    out = Path(out)
    check_target(out, [source if isinstance(source, str | Path) else None, *inputs], [".parquet"])
    source = open_source(source) if isinstance(source, str | Path) else source
    recipe = Recipe.of(features, source.bands, preparation or Preparation(), settings)
    with replacing(out) as part:
        done, failures = _write_table(source, recipe, part, workers, progress)
        write_failures(failures_path(out), failures)
    return Summary(out, done, len(failures), failures_path(out), commonest_reason(failures))


def failures_path(out: Path) -> Path:
    """Return where the failures of ``F.parquet`` are listed: ``F.failures.csv``."""
    return out.with_name(out.stem + ".failures.csv")


def write_failures(path: Path, failures: Sequence[Failure]) -> None:
    """Write the list of failures: ``id,file,stage,reason``; the file appears whole or not at all."""
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["id", "file", "stage", "reason"])
        writer.writerows([each.id, each.file, each.stage, each.reason] for each in failures)


def commonest_reason(failures: Sequence[Failure]) -> str:
    """Return the most frequent reason, or an empty text."""
    counts = Counter(each.reason for each in failures)
    return counts.most_common(1)[0][0] if counts else ""


def measured_shards(source: Source, recipe: Recipe, workers: int | None = None, *, strict_bands: bool = False) -> Iterator[Measured]:
    """Measure a source shard by shard, in order, in threads, with a bounded number of shards in memory.

    The result does not depend on the number of workers.
    """
    if workers is not None and workers < 1:
        raise UsageError(f"the number of workers must be at least 1; {workers} was asked for")
    workers = workers or os.cpu_count() or 1
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        shards = iter(source.shards())
        waiting: deque[Future[Measured]] = deque()
        try:
            for shard in islice(shards, workers + 1):
                waiting.append(pool.submit(measure_shard, source, shard, recipe, strict_bands=strict_bands))
            while waiting:
                measured = waiting.popleft().result()
                for shard in islice(shards, 1):
                    waiting.append(pool.submit(measure_shard, source, shard, recipe, strict_bands=strict_bands))
                yield measured
        finally:
            for future in waiting:
                future.cancel()


def _write_table(source: Source, recipe: Recipe, part: Path, workers: int | None, progress: Progress | None) -> tuple[int, list[Failure]]:
    done, failures = 0, list[Failure]()
    writer: pq.ParquetWriter | None = None
    try:
        for shard, measured in zip(source.shards(), measured_shards(source, recipe, workers), strict=True):
            failures += measured.failures
            if measured.blocks:
                rows = to_arrow(measured, recipe)
                writer = writer or _writer(part, rows.schema)
                writer.write_table(rows)
                done += rows.num_rows
            if progress:
                progress(shard.stop, len(source), len(failures))
    finally:
        if writer:
            writer.close()
    return done, failures


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    words = [field.name for field in schema if pa.types.is_string(field.type)]  # vectors of floats repeat nothing
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=words, write_statistics=words)

"""Data pages of vectors: pyarrow against `galfeat.pipeline.batch.parquet`, in one interleaved run.

Three questions: how many nanoseconds per float each takes to write fixed-size-list float32 columns
to memory; how long a whole extraction takes per float; and so which share of a run pyarrow's pages
would add. ``--n`` simulated galaxies are extracted with and without the batch engine.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from machine import described

from galfeat.data import Preparation, Shard, SimulatedSurvey, open_source, write_survey
from galfeat.pipeline import extract
from galfeat.pipeline.batch.work_folder.shard_files import _write_group
from galfeat.pipeline.extraction.measure import measure_columns
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.recipes import FEATURES

ROWS = 256  # of a shard with all five extractors at 64 pixels
CHUNK = 32  # cutouts measured at a time, about what the engine does
WIDTHS = {"pixels": 12288, "color": 240, "texture": 336, "hog": 5292}
"""Columns of the measured table."""


def table() -> pa.Table:
    """Return a shard of vectors of noise."""
    rng = np.random.default_rng(0)
    columns = {
        name: pa.FixedSizeListArray.from_arrays(
            pa.array(rng.standard_normal(ROWS * width).astype(np.float32)), width
        )
        for name, width in WIDTHS.items()
    }
    return pa.table({"id": [f"sim{row:06d}" for row in range(ROWS)], **columns})


def by_pyarrow(shard: pa.Table) -> None:
    """Write a shard to memory by pyarrow: data page 2.0, plain, no dictionary, no statistics."""
    pq.write_table(
        shard,
        io.BytesIO(),
        compression="none",
        use_dictionary=False,
        write_statistics=False,
        data_page_version="2.0",
        row_group_size=ROWS,
    )


def by_hand(shard: pa.Table) -> None:
    """Write a shard to memory as shard files are written, vectors by hand."""
    _write_group(io.BytesIO(), shard)


def without_engine(survey: Path, features: list[str]) -> None:
    """Read and measure all cutouts in a plain loop: no shards, no files, no threads."""
    source = open_source(survey)
    recipe = Recipe.of(features, source.bands, Preparation())
    for start in range(0, len(source), CHUNK):
        reading = source.read(Shard(start, min(start + CHUNK, len(source))))
        measure_columns(reading.cutouts, recipe)


def seconds(function: Callable[[], object]) -> float:
    """Return the processor seconds of a call, of all threads."""
    before = time.process_time()
    function()
    return time.process_time() - before


def main() -> None:
    """Print the figures as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--n", type=int, default=512)
    parser.add_argument("--features", default=",".join(FEATURES))
    arguments = parser.parse_args()
    features = arguments.features.split(",")
    load = os.getloadavg()
    shard = table()
    floats = ROWS * sum(WIDTHS.values())
    writers = {"pyarrow": by_pyarrow, "by hand": by_hand}
    taken: dict[str, list[float]] = {name: [] for name in writers}
    runs: dict[str, list[float]] = {"whole run": [], "the same without engine and files": []}
    with tempfile.TemporaryDirectory() as folder:
        survey = Path(folder) / "survey"
        write_survey(SimulatedSurvey(arguments.n, size=64), survey)
        extract(
            survey, Path(folder) / "warm.parquet", features=features, workers=1
        )  # compiles kernels
        for number in range(arguments.rounds):  # interleaved: a slow minute falls on all alike
            for name, writer in writers.items():
                taken[name].append(seconds(partial(writer, shard)) / floats * 1e9)
            if number % 4 == 0:
                out = Path(folder) / f"{number}.parquet"
                whole = partial(extract, survey, out, features=features, workers=1)
                bare = partial(without_engine, survey, features)
                for name, function in zip(runs, (whole, bare), strict=True):
                    runs[name].append(seconds(function))
        columns = pq.read_schema(out)
        width = sum(f.type.list_size for f in columns if pa.types.is_fixed_size_list(f.type))
    per_float = arguments.n * width / 1e9
    rows = {f"pages, {name}": values for name, values in taken.items()}
    rows |= {name: [each / per_float for each in values] for name, values in runs.items()}
    added = statistics.median(taken["pyarrow"]) - statistics.median(taken["by hand"])
    run, bare = (statistics.median(rows[name]) for name in runs)
    lines = [
        described(["galfeat", "pyarrow", "numpy"], load),
        "",
        f"| ns of processor time per float ({width:,} floats per galaxy) | median | min | max |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, values in rows.items():
        middle = statistics.median(values)
        lines.append(f"| {name} | {middle:.2f} | {min(values):.2f} | {max(values):.2f} |")
    lines += [
        "",
        f"Share of a run that pyarrow's pages would add: {100 * added / run:.1f} %. "
        f"Share of engine and files: {100 * (run - bare) / run:.1f} %.",
    ]
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()

"""Data pages of vectors: pyarrow alone against `galfeat.pipeline.batch.parquet`, interleaved.

Three questions: how many nanoseconds per float each takes to write fixed-size-list float32 columns
to memory; how long a whole extraction takes per float with our pages; and so which share of a run
pyarrow's pages would add. ``--n`` galaxies are simulated and extracted with all extractors.
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

from galfeat.data import SimulatedSurvey, write_survey
from galfeat.pipeline import extract
from galfeat.pipeline.batch.shard_files import _write_group

ROWS = 256  # of a shard with all five extractors at 64 pixels
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
    arguments = parser.parse_args()
    load = os.getloadavg()
    shard = table()
    floats = ROWS * sum(WIDTHS.values())
    writers = {"pyarrow": by_pyarrow, "by hand": by_hand}
    taken: dict[str, list[float]] = {name: [] for name in writers}
    runs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        survey = Path(folder) / "survey"
        write_survey(SimulatedSurvey(arguments.n, size=64), survey)
        extract(survey, Path(folder) / "warm.parquet", workers=1)  # compiles kernels
        for number in range(arguments.rounds):  # interleaved: a slow minute falls on all alike
            for name, writer in writers.items():
                taken[name].append(seconds(partial(writer, shard)) / floats * 1e9)
            if number % 5 == 0:
                out = Path(folder) / f"{number}.parquet"
                runs.append(seconds(partial(extract, survey, out, workers=1)))
        columns = pq.read_schema(out)
        width = sum(f.type.list_size for f in columns if pa.types.is_fixed_size_list(f.type))
    alone, ours = (statistics.median(taken[name]) for name in writers)
    run = statistics.median(runs) / (arguments.n * width) * 1e9
    print(f"{described(['galfeat', 'pyarrow', 'numpy'], load)}\n")  # noqa: T201
    print("| ns of processor time per float | median | min | max |\n| --- | --- | --- | --- |")  # noqa: T201
    for name, values in taken.items():
        middle = statistics.median(values)
        print(f"| pages, {name} | {middle:.2f} | {min(values):.2f} | {max(values):.2f} |")  # noqa: T201
    print(f"| whole run, {width:,} floats per galaxy | {run:.1f} | | |")  # noqa: T201
    print(f"\nShare of a run that pyarrow's pages would add: {100 * (alone - ours) / run:.1f} %")  # noqa: T201


if __name__ == "__main__":
    main()

"""Time and memory from files on disk to a feature table, against a script of peer libraries.

`galfeat.pipeline.extract` against a script of astropy, scikit-image, mahotas and OpenCV.

Run from the folder of the project, with ``pip install -e '.[bench]'``::

    # 2,000 cutouts, three rounds, to the standard output
    python benchmarks/pipeline.py
    # and into docs/benchmarks.md: six minutes, 5 GB of a disk
    python benchmarks/pipeline.py --n 20000 --write
    # on a busy machine: processor time instead of the wall clock
    python benchmarks/pipeline.py --cpu
    # most memory of runs over 20,000 and over 200,000: four minutes, 35 GB
    python benchmarks/pipeline.py --memory
    python benchmarks/pipeline.py --memory 500 5000          # the same for others
    # with shape, which the script takes from statmorph (pip install -e '.[bench,statmorph]')
    python benchmarks/pipeline.py --shape --n 400 --script 6 --cpu

The cutouts are 64 x 64 pixels in three bands, a FITS cube each: 256 simulated galaxies, written
again and again to files of their own. The script measures one after the other, as its users do,
each band where ours measures each band; it takes too long for all of them and is given the first
`--script`, half of them before ours and half after it. Both sides write Parquet. A round times the
script, ours on one processor and ours on two; ratios are taken within a round.

Where memory is measured, a catalog names the same 256 files again and again under other names, so
that no 200,000 files are needed; the tables are written in full. Each run has a process of its own,
with as many threads as processors.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import mahotas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.stats import mad_std
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import hog, local_binary_pattern
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))  # the files beside this one, wherever it is run from
from machine import described, write_between

from galfeat.data import SimulatedSurvey, write_survey
from galfeat.pipeline import extract

PACKAGES = (
    "galfeat",
    "numpy",
    "astropy",
    "scikit-image",
    "mahotas",
    "opencv-python-headless",
    "pyarrow",
)
ALL = ("pixels", "color", "texture", "hog", "sift")
DISTINCT = 256
_DISK = 175_000  # bytes for a cutout's row, twice, with all five extractors
REQUIRED = {"all five": 6.0, "without SIFT": 25.0, "all five and shape": 300.0}
Clock = Callable[[], float]
_STATMORPH = (
    *("rpetro_circ", "rpetro_ellip", "rhalf_circ", "rhalf_ellip", "r20", "r50", "r80"),
    *("concentration", "asymmetry", "outer_asymmetry", "shape_asymmetry", "smoothness"),
    *("gini", "m20", "multimode", "intensity", "deviation", "sersic_n", "sersic_rhalf"),
)


class Script:
    """Script of peer libraries as an astronomer would write it, with the time of each step."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.took: dict[str, float] = defaultdict(float)
        self.sift = cv2.SIFT_create()  # type: ignore[attr-defined]

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add what the block takes to a step."""
        start = self.clock()
        yield
        self.took[step] += self.clock() - start

    def run(self, files: Sequence[Path], out: Path, features: Sequence[str]) -> float:
        """Measure files one after the other, and write a table; return the seconds."""
        start = self.clock()
        rows = [self.measure(file, features) for file in files]
        with self.timed("writing"):
            pq.write_table(pa.Table.from_pylist(rows), out, compression="zstd")
        return self.clock() - start

    def measure(self, file: Path, features: Sequence[str]) -> dict[str, Any]:
        """Return the vectors of a galaxy."""
        with self.timed("reading"):
            cube = fits.getdata(file).astype(np.float32)
        with self.timed("sky and stretch"):
            bands = np.stack([self.prepared(band) for band in cube])
        row: dict[str, Any] = {"id": file.stem, "pixels": bands.ravel()}
        with self.timed("histograms"):
            row["color"] = np.concatenate([np.histogram(band, 32, (-2, 8))[0] for band in bands])
        with self.timed("HOG"):
            row["hog"] = np.concatenate([hog(band, 9, (8, 8), (2, 2)) for band in bands])
        with self.timed("Haralick"):
            row["haralick"] = np.concatenate([self.haralick(band) for band in bands])
        with self.timed("LBP"):
            row["lbp"] = np.concatenate([self.patterns(band) for band in bands])
        if "sift" in features:
            with self.timed("SIFT"):
                descriptors = self.sift.detectAndCompute(eight_bits(bands.mean(axis=0)), None)[1]
                row["sift"] = (
                    np.zeros(0, np.uint8)
                    if descriptors is None
                    else descriptors.astype(np.uint8).ravel()
                )
        if "shape" in features:
            with self.timed("statmorph"):
                row["shape"] = self.shapes(np.sinh(bands.astype(float)))
        return row

    def shapes(self, light: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return statmorph's numbers of the mean of the bands and of each band."""
        import statmorph

        planes = [light.sum(axis=0) / len(light) ** 0.5, *light]
        smooth = ndimage.gaussian_filter(planes[0], 1.5)
        regions, _ = ndimage.label(
            smooth > np.median(smooth) + 3 * mad_std(smooth), np.ones((3, 3))
        )
        middle = tuple(side // 2 for side in smooth.shape)
        source = np.asarray(regions == regions[middle]) & (regions > 0)
        if not source.any():
            return np.full((len(planes), len(_STATMORPH)), np.nan).ravel()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = [
                statmorph.SourceMorphology(
                    plane,
                    source.astype(int),
                    label=1,
                    mask=(regions > 0) & ~source,
                    weightmap=np.ones(plane.shape),
                )
                for plane in planes
            ]
        return np.array([[float(each[name]) for name in _STATMORPH] for each in found]).ravel()

    def prepared(self, band: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a band less its sky, over its noise, stretched."""
        frame = np.concatenate(
            [band[:6].ravel(), band[-6:].ravel(), band[6:-6, :6].ravel(), band[6:-6, -6:].ravel()]
        )
        return np.asarray(np.arcsinh((band - np.median(frame)) / mad_std(frame)), dtype=np.float32)

    def haralick(self, band: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the statistics of co-occurring levels at three distances."""
        levels = np.clip((band + 2) * 3.2, 0, 31).astype(np.uint8)
        return np.concatenate(
            [mahotas.features.haralick(levels, distance=d, return_mean=True) for d in (1, 2, 4)]
        )

    def patterns(self, band: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the frequencies of the local binary patterns at three radii."""
        codes = (
            (8 * radius, local_binary_pattern(band, 8 * radius, radius, "uniform"))
            for radius in (1, 2, 3)
        )
        return np.concatenate(
            [np.bincount(code.astype(int).ravel(), minlength=points + 2) for points, code in codes]
        )


def eight_bits(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return an image in the form that OpenCV's SIFT takes."""
    return np.clip((image + 2) * 25.5, 0, 255).astype(np.uint8)


def ours(folder: Path, out: Path, features: Sequence[str], processors: int, clock: Clock) -> float:
    """Return the seconds that extraction takes, on a number of processors."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:processors])
    try:
        start = clock()
        extract(folder, out, features=features, recipe="classic", workers=processors)
        return clock() - start
    finally:
        os.sched_setaffinity(0, before)


def make_files(folder: Path, n: int) -> list[Path]:
    """Write a catalog and so many files of simulated galaxies, repeated as needed."""
    write_survey(SimulatedSurvey(DISTINCT, size=64, seed=1), folder)
    originals = [path.read_bytes() for path in sorted(folder.glob("*.fits"))]
    for path in folder.iterdir():
        path.unlink()
    files = [folder / f"g{number:07d}.fits" for number in range(n)]
    for number, file in enumerate(files):
        file.write_bytes(originals[number % DISTINCT])
    lines = "".join(f"{file.stem},{file.name}\n" for file in files)
    (folder / "catalog.csv").write_text("id,file\n" + lines)
    return files


def speed(n: int, some: int, rounds: int, clock: Clock, cases: dict[str, tuple[str, ...]]) -> str:
    """Time both sides on each set of features, and return the table."""
    two = len(os.sched_getaffinity(0)) > 1
    lines = [
        (
            "| | script, cutouts/s | ours, one processor | ratio | required | ours, two "
            "processors | "
            "over one | required |"
        )
    ]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    steps: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place, threadpool_limits(1):
        cv2.setNumThreads(1)
        out = Path(place) / "F.parquet"
        files = make_files(Path(place) / "cutouts", n)
        # compiled, and the files in the system's memory
        ours(files[0].parent, out, next(iter(cases.values())), 1, clock)
        for name, features in cases.items():
            found: dict[str, list[float]] = defaultdict(list)
            for _ in range(rounds):
                script, half = Script(clock), some // 2
                theirs = script.run(files[:half], Path(place) / "S.parquet", features)
                one = ours(files[0].parent, out, features, 1, clock) / n
                theirs = (
                    theirs + script.run(files[half:some], Path(place) / "T.parquet", features)
                ) / some
                alone = (
                    ours(files[0].parent, out, features, 1, time.perf_counter) / n
                    if clock is not time.perf_counter
                    else one
                )
                found["theirs"].append(1 / theirs)
                found["one"].append(1 / one)
                found["ratio"].append(theirs / one)
                if two:
                    both = ours(files[0].parent, out, features, 2, time.perf_counter) / n
                    found["both"].append(1 / both)
                    found["gain"].append(alone / both)
                steps = steps or {step: took / some for step, took in script.took.items()}
            median = {key: statistics.median(values) for key, values in found.items()}
            spread = f"{min(found['ratio']):.3g} to {max(found['ratio']):.3g}"
            more = f"{median['both']:,.0f} | **{median['gain']:.2f}** | 1.7" if two else "| |"
            ratio = f"**{median['ratio']:.3g}** ({spread}) | {REQUIRED[name]:.0f}"
            theirs = median["theirs"]
            rate = f"{theirs:,.0f}" if theirs > 9 else f"{theirs:.2f}"
            lines.append(f"| {name} | {rate} | {median['one']:,.0f} | {ratio} | {more} |")
        lines.append("")
        lines.append(
            f"Ours: {n:,} cutouts; the script: the first {some:,} of them; medians of {rounds} "
            "rounds."
        )
        lines.append(
            "The script's milliseconds a cutout: "
            + ", ".join(f"{step} {1e3 * took:.2f}" for step, took in steps.items())
            + "."
        )
    return "\n".join(lines)


def memory(counts: Sequence[int], features: str) -> str:
    """Return a table of the peak memory of runs over so many cutouts, a process each."""
    lines = [f"| cutouts ({features}) | most memory, MiB |", "| ---: | ---: |"]
    found: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        needed, free = max(counts) * _DISK, shutil.disk_usage(place).free
        if needed > free:
            raise SystemExit(
                f"{place} has {free / 1e9:.0f} GB left and needs {needed / 1e9:.0f}: set TMPDIR "
                "to a folder on a larger disk"
            )
        folder, out = Path(place) / "cutouts", Path(place) / "F.parquet"
        files = make_files(folder, DISTINCT)
        for count in counts:
            rows = "".join(
                f"g{number},{files[number % DISTINCT].name}\n" for number in range(count)
            )
            (folder / "catalog.csv").write_text("id,file\n" + rows)
            command = [sys.executable, __file__, "--one-run", str(folder), str(out), features]
            found.append(
                int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                / 1024
            )
            lines.append(f"| {count:,} | {found[-1]:,.0f} |")
            out.unlink()
    lines += [
        "",
        (
            f"The last over the first: **{found[-1] / found[0]:.2f}**; at most 1.10 is required, "
            "and "
            "less than 1,024 MiB."
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    """Run what is asked for."""
    # scikit-image's, that patterns of floats may differ by their last digits
    warnings.simplefilter("ignore", UserWarning)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--script", type=int, default=1000, help="cutouts that the script is given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--shape", action="store_true", help="with shape, against statmorph")
    parser.add_argument("--memory", type=int, nargs="*", metavar="N")
    parser.add_argument(
        "--features", default=",".join(ALL), help="of the runs whose memory is measured"
    )
    parser.add_argument(
        "--one-run", nargs=3, metavar=("SOURCE", "OUT", "FEATURES"), help=argparse.SUPPRESS
    )
    chosen = parser.parse_args()
    if chosen.one_run:
        source, out, named = chosen.one_run
        extract(source, out, features=named.split(","), recipe="classic")
        sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\n")
        return
    load = os.getloadavg()
    if chosen.memory is not None:
        name, table = "pipeline-memory", memory(chosen.memory or (20_000, 200_000), chosen.features)
    else:
        clock = time.process_time if chosen.cpu else time.perf_counter
        plain = {"all five": ALL, "without SIFT": ALL[:-1]}
        cases = {"all five and shape": (*ALL, "shape")} if chosen.shape else plain
        name, table = (
            "pipeline-shape" if chosen.shape else "pipeline",
            speed(chosen.n, min(chosen.script, chosen.n), chosen.rounds, clock, cases),
        )
    section = f"{described(PACKAGES, load)}\n\n{table}"
    sys.stdout.write(section + "\n")
    if chosen.write:
        write_between(name, section)


if __name__ == "__main__":
    main()

"""Rate and peak memory of `galfeat extract` over a folder of many small files, or one large file.

Run from the folder of the project::

    python benchmarks/many_files.py                   # 100,000 files
    python benchmarks/many_files.py --files 2000      # a look
    python benchmarks/many_files.py --large           # one file of 200 MB instead

The files are hard links to a few simulated galaxies of 32 x 32 pixels in one band, so that the disk
hardly counts: what is measured is listing, looking at times, reading headers and bookkeeping. Two
runs, of a tenth of the files and of all, tell what grows with their number. The large file holds
one image of 7,100 x 7,100 pixels in single precision: noise and a galaxy in the middle.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.io import fits

from galfeat.data import SimulatedSurvey, write_survey

_GALAXIES = 50
_LINKS = 20_000  # to one file; file systems have limits
_SIDE = 7100  # pixels of the large file


def write_links(folder: Path, files: int) -> Path:
    """Return a folder of many names of a few galaxies."""
    source = folder / f"cutouts{files}"
    source.mkdir()
    galaxies = sorted((folder / "survey").glob("*.fits"))
    count = max(_GALAXIES, -(-files // _LINKS))
    for number in range(files):
        os.link(galaxies[number % min(count, len(galaxies))], source / f"g{number:07d}.fits")
    return source


def write_large(folder: Path) -> Path:
    """Return a file of one large image.

    It is written in strips: a child's peak memory counts that of its parent when it was started.
    """
    rng = np.random.default_rng(0)
    profile = np.exp(-np.abs(np.arange(_SIDE) - (_SIDE - 1) / 2) / 300)
    header = fits.Header(
        {"SIMPLE": True, "BITPIX": -32, "NAXIS": 2, "NAXIS1": _SIDE, "NAXIS2": _SIDE}
    )
    with fits.StreamingHDU(folder / "large.fits", header) as stream:
        for strip in np.array_split(100 * profile, 100):
            noise = rng.standard_normal((len(strip), _SIDE), np.float32)
            stream.write((noise + strip[:, None] * profile).astype(np.float32))
    return folder / "large.fits"


def measure(source: Path, out: Path) -> tuple[float, float]:
    """Return the seconds that a run takes, and its peak memory in MiB."""
    command = [sys.executable, "-m", "galfeat.scripts.main", "extract", str(source)]
    options = ["--out", str(out), "--features", "color", "--size", "32", "--quiet"]
    begun = time.monotonic()
    process = subprocess.Popen([*command, *options])
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the command ended with status {process.returncode}")
    # of the command and of the child that it waited for, in KiB on Linux
    return seconds, used.ru_maxrss / 1024


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, and print Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument(
        "--folder", type=Path, help="where the files are made; temporary by default"
    )
    parser.add_argument("--large", action="store_true", help="measure one large file instead")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="galfeat-", dir=given.folder) as name:
        folder = Path(name)
        survey = SimulatedSurvey(_GALAXIES, size=32, bands=("F814W",), depth="deep", seed=5)
        write_survey(survey, folder / "survey")
        measure(write_links(folder, _GALAXIES), folder / "F.parquet")  # compiles
        if given.large:
            seconds, memory = measure(write_large(folder), folder / "large.parquet")
            _say(f"{_SIDE:,} x {_SIDE:,} pixels: {seconds:.1f} s, peak memory {memory:.0f} MiB")
            return
        _say("| files | seconds | files a second | peak memory, MiB |")
        _say("| ---: | ---: | ---: | ---: |")
        for files in (given.files // 10, given.files):
            source = write_links(folder, files)
            seconds, memory = measure(source, folder / f"F{files}.parquet")
            _say(f"| {files:,} | {seconds:.1f} | {files / seconds:,.0f} | {memory:.0f} |")


if __name__ == "__main__":
    main()

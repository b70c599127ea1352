"""Rate and peak memory of `galfeat extract` over a folder of many small files.

Run from the folder of the project::

    python benchmarks/many_files.py                   # 100,000 files
    python benchmarks/many_files.py --files 2000      # a look

The files are hard links to a few simulated galaxies of 32 x 32 pixels in one band, so that the disk
hardly counts: what is measured is listing, looking at times, reading headers and bookkeeping. Two
runs, of a tenth of the files and of all, tell what grows with their number.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from galfeat.data import SimulatedSurvey, write_survey

_GALAXIES = 50
_LINKS = 20_000  # to one file; file systems have limits


def measure(folder: Path, files: int) -> tuple[float, float]:
    """Return the seconds that a run takes, and its peak memory in MiB."""
    source, out = folder / f"cutouts{files}", folder / f"F{files}.parquet"
    source.mkdir()
    galaxies = sorted((folder / "survey").glob("*.fits"))
    count = max(_GALAXIES, -(-files // _LINKS))
    for number in range(files):
        os.link(galaxies[number % min(count, len(galaxies))], source / f"g{number:07d}.fits")
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
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="galfeat-", dir=given.folder) as name:
        folder = Path(name)
        survey = SimulatedSurvey(_GALAXIES, size=32, bands=("F814W",), depth="deep", seed=5)
        write_survey(survey, folder / "survey")
        measure(folder, _GALAXIES)  # compiles
        _say("| files | seconds | files a second | peak memory, MiB |")
        _say("| ---: | ---: | ---: | ---: |")
        for files in (given.files // 10, given.files):
            seconds, memory = measure(folder, files)
            _say(f"| {files:,} | {seconds:.1f} | {files / seconds:,.0f} | {memory:.0f} |")


if __name__ == "__main__":
    main()

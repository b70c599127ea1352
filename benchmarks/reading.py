"""Reading against astropy and fitsio.

Folders of small files, one file of many extensions, positions in a mosaic.

Run from the folder of the project, with ``pip install -e .``; fitsio (GPL) is compared with where
it is installed, and is no dependency::

    # 10,000 galaxies, five rounds, to the standard output
    python benchmarks/reading.py
    # and into docs/benchmarks.md
    python benchmarks/reading.py --write
    # on a busy machine: processor time instead of the wall clock
    python benchmarks/reading.py --cpu
    python benchmarks/reading.py --only mosaic --n 1000 --rounds 3

Files are written to a temporary folder and read once by every side before the first round, so that
the system holds them in memory. A round measures all sides one after the other; ratios are taken
within a round. Every side ends with the same native float32 pixels, which is checked, holds one
galaxy (or one shard) at a time, and begins with nothing opened. What the files hold is noise.
"""

import argparse
import gc
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import Cutout2D
from astropy.wcs import WCS
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))  # the files beside this one, wherever it is run from
from machine import described, write_between

from galfeat.data import open_source
from galfeat.data.sources.open import CatalogedSource

try:
    import fitsio
except ImportError:
    fitsio = None

PACKAGES = ("galfeat", "numpy", "astropy", "fitsio")
SIZE = 64
POSITIONS = 1000
Images = Iterator[NDArray[np.float32]]


@dataclass(frozen=True)
class ReadingCase:
    """Read operation by galfeat and by peer libraries.

    Parameters
    ----------
    name : str
    count : int
        Galaxies.
    ours : callable
    theirs : dict of str to (callable, float)
        Each peer, and how many times as quick we must be.
    ratios : dict of str to list of float
        One a round.
    took : list of float
        Our microseconds a galaxy.
    """

    name: str
    count: int
    ours: Callable[[], Images]
    theirs: dict[str, tuple[Callable[[], Images], float]]
    ratios: dict[str, list[float]] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)

    def measure(self, rounds: int, clock: Callable[[], float]) -> None:
        """Check that all sides read the same, then measure."""
        for read, _ in self.theirs.values():
            same = all(
                np.array_equal(one[0], other, equal_nan=True)
                for one, other in zip(self.ours(), read(), strict=True)
            )
            if not same:
                raise RuntimeError(f"{self.name}: not the same pixels")
        for _ in range(rounds):
            before = _seconds(self.ours, clock)
            peers = {name: _seconds(read, clock) for name, (read, _) in self.theirs.items()}
            own = (before + _seconds(self.ours, clock)) / 2
            self.took.append(own / self.count * 1e6)
            for name, seconds in peers.items():
                self.ratios.setdefault(name, []).append(seconds / own)

    def rows(self) -> list[str]:
        """Return rows of the table."""
        return [
            f"| {self.name} | {name} | {np.median(self.took) * np.median(self.ratios[name]):.3g} "
            f"| {np.median(self.took):.3g} "
            f"| **{np.median(self.ratios[name]):.3g}** ({np.min(self.ratios[name]):.3g} to "
            f"{np.max(self.ratios[name]):.3g}) | {least:g} |"
            for name, (_, least) in self.theirs.items()
        ]


def small_files(folder: Path, count: int) -> ReadingCase:
    """Write a folder of plain images, and return the case of reading it."""
    folder.mkdir()
    paths = [folder / f"galaxy{number:05d}.fits" for number in range(count)]
    for path, pixels in zip(paths, _noise(count), strict=True):
        fits.PrimaryHDU(pixels).writeto(path)

    def by_astropy() -> Images:
        return (fits.getdata(path).astype(np.float32) for path in paths)

    def by_fitsio() -> Images:
        return (fitsio.read(str(path)).astype(np.float32) for path in paths)

    theirs = {"`astropy.io.fits.getdata`": (by_astropy, 20.0)}
    if fitsio is not None:
        theirs["`fitsio.read`"] = (by_fitsio, 1.5)
    return ReadingCase(f"{count:,} files", count, lambda: _of(open_source(folder)), theirs)


def extensions(path: Path, count: int) -> ReadingCase:
    """Write one file with one extension per galaxy, and return the case of reading it."""
    with path.open("wb") as file:
        file.write(fits.PrimaryHDU().header.tostring().encode())
        for number, pixels in enumerate(_noise(count)):
            header = fits.ImageHDU(pixels, name=f"GALAXY{number:05d}").header.tostring().encode()
            stored = pixels.astype(">f4").tobytes()
            file.write(header + stored + bytes(-len(stored) % 2880))

    def by_astropy() -> Images:
        with fits.open(path) as file:
            for hdu in file:
                if hdu.data is not None:
                    yield hdu.data.astype(np.float32)
                    del hdu.data

    return ReadingCase(
        f"{count:,} extensions of one file",
        count,
        lambda: _of(open_source(path)),
        {"`fits.open`, `.data`": (by_astropy, 50.0)},
    )


def mosaic(folder: Path, side: int) -> ReadingCase:
    """Write a mosaic and a catalog of positions in it, and return the case of reading cutouts."""
    folder.mkdir()
    path, positions = folder / "mosaic.fits", folder / "positions.csv"
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = (
        (150.1, 2.2),
        (side / 2, side / 2),
        (-0.06 / 3600, 0.06 / 3600),
    )
    rng = np.random.default_rng(0)
    fits.PrimaryHDU(rng.normal(size=(side, side)).astype(np.float32), wcs.to_header()).writeto(path)
    sky = wcs.all_pix2world(rng.uniform(SIZE, side - SIZE, (POSITIONS, 2)), 0)
    np.savetxt(positions, sky, delimiter=",", header="ra,dec", comments="", fmt="%.12f")

    def by_astropy() -> Images:
        with fits.open(path) as file:
            own, places = WCS(file[0].header), SkyCoord(sky, unit="deg")
            for place in places:
                cut = Cutout2D(
                    file[0].data, place, SIZE, wcs=own, mode="partial", fill_value=np.nan
                )
                yield cut.data.astype(np.float32)

    name = f"{POSITIONS:,} positions in {side:,} x {side:,} pixels"
    ours = lambda: _of(open_source(path, positions=positions, size_pixels=SIZE))  # noqa: E731 - as the others are given
    return ReadingCase(name, POSITIONS, ours, {"`Cutout2D` over `.data`": (by_astropy, 5.0)})


def peak_memory(case: ReadingCase) -> float:
    """Return the most memory that our side has at a time, in MB."""
    tracemalloc.start()
    for _ in case.ours():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _of(source: CatalogedSource) -> Images:
    return (cutout.pixels for shard in source.shards() for cutout in source.read(shard).cutouts)


def _noise(count: int) -> Iterator[NDArray[np.float32]]:
    rng = np.random.default_rng(1)
    return (rng.normal(size=(SIZE, SIZE)).astype(np.float32) for _ in range(count))


def _seconds(read: Callable[[], Images], clock: Callable[[], float]) -> float:
    gc.collect()  # what one side leaves behind is not the other's to clear away
    start = clock()
    for _ in read():
        pass
    return clock() - start


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Reading against astropy and fitsio.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--n", type=int, default=10_000, help="files and extensions")
    parser.add_argument("--side", type=int, default=6000, help="pixels a side of the mosaic")
    parser.add_argument(
        "--only",
        default="files,extensions,mosaic",
        metavar="A,B,...",
        help="out of files, extensions, mosaic",
    )
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="count processor time, for machines that are busy with other work",
    )
    parser.add_argument(
        "--write", action="store_true", help="put the result into docs/benchmarks.md"
    )
    return parser.parse_args()


def main() -> None:
    """Measure, print and perhaps write."""
    chosen = _arguments()
    load = os.getloadavg()
    lines = [
        "| what | against | theirs, µs a galaxy | ours, µs a galaxy | ratio | required |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    notes = ""
    with tempfile.TemporaryDirectory() as place, threadpool_limits(1):
        here = Path(place)
        makers = {
            "files": lambda: small_files(here / "files", chosen.n),
            "extensions": lambda: extensions(here / "many.fits", chosen.n),
            "mosaic": lambda: mosaic(here / "mosaic", chosen.side),
        }
        for name in chosen.only.split(","):
            case = makers[name]()
            case.measure(chosen.rounds, time.process_time if chosen.cpu else time.perf_counter)
            lines += case.rows()
            if name == "mosaic":
                half = mosaic(here / "half", chosen.side // 2)
                notes = (
                    f"\n\nMost memory at a time for the positions: {peak_memory(case):.1f} MB; "
                    f"{peak_memory(half):.1f} MB in a mosaic "
                    "of a quarter of the pixels."
                )
    section = f"{described(PACKAGES, load)}\n\n" + "\n".join(lines) + notes
    sys.stdout.write(section + "\n")
    if chosen.write:
        write_between("reading", section)


if __name__ == "__main__":
    main()

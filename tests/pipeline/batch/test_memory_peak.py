"""Memory of a whole run over folders of files that unpack to far more than there is."""

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

_MEASURED = """
import re, sys
from pathlib import Path
from galfeat.pipeline import extract
from galfeat.data import open_source
summary = extract(open_source(sys.argv[1]), sys.argv[2], features=["pixels"], workers=3)
# ru_maxrss begins with that of the process that started this one
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(summary.done, summary.failed, int(peak) >> 10)
"""
_PIECE = 1 << 26
_LIMIT = 1536  # MiB


def _zeros(size: int) -> bytes:
    """Return gzip members of zeros: quickly made, and as small as one."""
    pieces, rest = divmod(size, _PIECE)
    return gzip.compress(bytes(_PIECE), 6) * pieces + gzip.compress(bytes(rest), 6)


def _image(side: int) -> bytes:
    cards = [("SIMPLE", True), ("BITPIX", -32), ("NAXIS", 2), ("NAXIS1", side), ("NAXIS2", side)]
    header: bytes = fits.Header(cards).tostring().encode()
    return header


def _packed(folder: Path) -> None:
    for number, side in enumerate((32000, 14000, 9000)):
        size = side * side * 4
        content = gzip.compress(_image(side)) + _zeros(size + -size % 2880)
        (folder / f"{number}.fits.gz").write_bytes(content)
    first, other = (hdu.header.tostring().encode() for hdu in (fits.PrimaryHDU(), fits.ImageHDU()))
    content = gzip.compress(first) + gzip.compress(other * 2000, 6) * 90
    (folder / "headers.fits.gz").write_bytes(content)
    with (folder / "sparse.fits").open("wb") as file:
        file.write(_image(32000))
        file.truncate(2880 * (1 + -(-32000 * 32000 * 4 // 2880)))


def _tiles(folder: Path) -> None:
    """Write images whose table names one tile again and again."""
    for method, side in {
        "RICE_1": 32000,
        "GZIP_2": 9000,
        "HCOMPRESS_1": 5000,
        "PLIO_1": 7000,
    }.items():
        small = fits.CompImageHDU(
            np.zeros((4, side), np.int32), compression_type=method, tile_shape=(4, side)
        )
        path = folder / f"{method}.fits"
        fits.HDUList([fits.PrimaryHDU(), small]).writeto(path)
        with fits.open(path, disable_image_compression=True) as opened:
            header, start = opened[1].header.copy(), opened[1].fileinfo()["datLoc"]
        data = path.read_bytes()[start:]
        width, heap = header["NAXIS1"], header["PCOUNT"]
        header["NAXIS2"], header["ZNAXIS2"] = side // 4, side
        table = data[:width] * (side // 4) + data[width : width + heap]
        primary = fits.PrimaryHDU().header.tostring().encode()
        table += bytes(-len(table) % 2880)
        path.write_bytes(primary + header.tostring().encode() + table)


def _good(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for name in "xyz":
        fits.writeto(folder / f"{name}.fits", rng.normal(size=(64, 64)).astype(np.float32))


def _folder(make: Callable[[Path], None]) -> Callable[[Path], tuple[Path, int]]:
    def write(folder: Path) -> tuple[Path, int]:
        make(folder)
        _good(folder)
        return folder, 3

    return write


def _parquet(folder: Path) -> tuple[Path, int]:
    picture = b"\x89PNG" + bytes(150 << 20)
    column = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(40, np.int32)), pa.array([picture], pa.binary())
    )
    path = folder / "a.parquet"
    pq.write_table(
        pa.table({"image": column}), path, compression="zstd", dictionary_pagesize_limit=1 << 30
    )
    return path, 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(
    "make", [_folder(_packed), _folder(_tiles), _parquet], ids=["packed", "tiles", "parquet"]
)
def test_no_folder_takes_more_than_a_gibibyte_and_a_half(
    make: Callable[[Path], tuple[Path, int]], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    source, good = make(folder)
    ended = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(source), str(tmp_path / "f.parquet")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    done, failed, peak = map(int, ended.stdout.split())
    reasons = (tmp_path / "f.failures.csv").read_text(encoding="utf-8")
    assert done >= good, reasons
    assert failed
    assert "may be used" in reasons
    assert peak < _LIMIT

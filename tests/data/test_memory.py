"""The budget of memory: what is counted, who waits, and what each reader refuses."""

import gzip
import io
import struct
import threading
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from galfeat import CutoutError, UsageError
from galfeat.data import Preparation, memory, open_source, prepare_each, read_cutouts
from galfeat.data.fits import streams
from galfeat.data.memory import MemoryBudget, TooMuchAtOnce, parse_memory
from galfeat.data.sources.base import Shard

MB = 1 << 20
LIMIT = "16M"  # of the tests' readers
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("given", "size"),
    [("16M", 16 * MB), ("1.5 GiB", 1536 * MB), (20 * MB, 20 * MB), ("32mb", 32 * MB)],
)
def test_amounts_of_memory(given: int | str, size: int) -> None:
    assert parse_memory(given) == size


@pytest.mark.parametrize("given", ["much", "", "-1G", "1e9", True, "15M", 0])
def test_amounts_that_are_none(given: Any) -> None:
    with pytest.raises(UsageError, match="memory must be"):
        parse_memory(given)


def test_the_default_is_a_quarter_of_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for limits, expected in (([8 << 30], 1 << 30), ([8 << 30, 1 << 30], 1 << 28), ([1], 16 * MB)):
        monkeypatch.setattr(memory, "_memory_limits", lambda limits=limits: iter(limits))
        memory.default_memory.cache_clear()
        assert parse_memory(None) == expected
    monkeypatch.undo()
    memory.default_memory.cache_clear()


def test_the_limit_of_a_control_group_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "memory.max").write_text("max\n")
    (tmp_path / "memory.max").write_text(f"{1 << 30}\n")
    real = Path.read_text

    def read(path: Path, **how: Any) -> str:
        return "0::/job\n" if str(path) == "/proc/self/cgroup" else real(path, **how)

    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    monkeypatch.setattr(Path, "read_text", read)
    assert 1 << 30 in list(memory._memory_limits())


def test_what_does_not_fit_is_refused_with_both_numbers() -> None:
    budget = MemoryBudget()
    with (
        budget.limited(20 * MB),
        pytest.raises(CutoutError, match="needs 21 MiB of memory, and 20 MiB may be used"),
        budget.reserve(21 * MB),
    ):
        pass
    assert budget.taken == 0


def test_nested_reservations_add_up_and_are_given_back() -> None:
    budget = MemoryBudget()
    with budget.limited(20 * MB), budget.reserve(12 * MB):
        with budget.reserve(5 * MB):
            assert budget.taken == 17 * MB
        with pytest.raises(CutoutError, match="needs 21 MiB"), budget.reserve(9 * MB):
            pass
    assert budget.taken == 0


def _in_thread(function: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def test_a_thread_waits_for_what_others_hold() -> None:
    budget = MemoryBudget()
    order: list[str] = []

    def second() -> None:
        with budget.limited(20 * MB), budget.reserve(12 * MB):
            order.append("second")

    with budget.limited(20 * MB), budget.reserve(12 * MB):
        thread = _in_thread(second)
        time.sleep(0.05)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert budget.taken == 0


def test_who_holds_memory_does_not_wait_but_begins_anew() -> None:
    budget = MemoryBudget()
    both_hold, calls = threading.Barrier(2), []

    def read() -> int:
        calls.append(1)
        with budget.reserve(9 * MB):
            if len(calls) <= 2:
                both_hold.wait(5)
            with budget.reserve(9 * MB):
                assert budget.taken <= 20 * MB
        return len(calls)

    def work() -> None:
        with budget.limited(20 * MB):
            budget.run(read)

    threads = [_in_thread(work) for _ in range(2)]
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert len(calls) > 2  # one of them at least had to read once more
    assert budget.taken == 0


def test_a_chunk_holds_what_was_read_in_it() -> None:
    budget = MemoryBudget()
    with budget.chunk(20 * MB):
        budget.keep(12 * MB)
        assert budget.taken == 12 * MB
        with pytest.raises(TooMuchAtOnce):
            budget.keep(12 * MB)
        budget.clear()
        budget.prepay(18 * MB)
        assert budget.taken == 18 * MB
    assert budget.taken == 0
    budget.keep(1 << 60)  # without a chunk nothing is held


def test_many_threads_never_take_more_than_there_is() -> None:
    budget, most = MemoryBudget(), [0]

    def work(seed: int) -> None:
        sizes = np.random.default_rng(seed).integers(1, 9, (20, 2)) * MB
        for first, second in sizes.tolist():

            def read(first: int = first, second: int = second) -> None:
                with budget.reserve(first), budget.reserve(second):
                    most[0] = max(most[0], budget.taken)

            with budget.limited(20 * MB):
                budget.run(read)

    threads = [_in_thread(partial(work, seed)) for seed in range(8)]
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert 10 * MB < most[0] <= 20 * MB
    assert budget.taken == 0


# What each reader refuses: files that are small and unpack to 40 MB or more.


def _zeros(size: int) -> bytes:
    packed: bytes = gzip.compress(bytes(size), 9)
    return packed


def _image(side: int, bitpix: int = -32) -> bytes:
    cards = [
        *(("SIMPLE", True), ("BITPIX", bitpix)),
        *(("NAXIS", 2), ("NAXIS1", side), ("NAXIS2", side)),
    ]
    header: str = fits.Header(cards).tostring()
    return header.encode()


def _gz(path: Path) -> Path:
    path = path / "a.fits.gz"
    path.write_bytes(gzip.compress(_image(3200)) + _zeros(3200 * 3200 * 4 + 1280))
    return path


def _tiles(path: Path, method: str) -> Path:
    path = path / "a.fits"
    hdu = fits.CompImageHDU(
        np.zeros((3200, 3200), np.int16), compression_type=method, tile_shape=(16, 3200)
    )
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path


def _sparse(path: Path) -> Path:
    path = path / "a.fits"
    with path.open("wb") as file:
        file.write(_image(3200))
        file.truncate(2880 * (1 + -(-3200 * 3200 * 4 // 2880)))
    return path


def _headers(path: Path) -> Path:
    path = path / "a.fits.gz"
    first, other = (hdu.header.tostring().encode() for hdu in (fits.PrimaryHDU(), fits.ImageHDU()))
    path.write_bytes(gzip.compress(first) + gzip.compress(other * 4200, 9))
    return path


def _png(path: Path) -> Path:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    path = path / "a.png"
    size = struct.pack(">IIBBBBB", 3000, 3000, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size)
        + chunk(b"IDAT", zlib.compress(bytes(3000 * 9001)))
        + chunk(b"IEND", b"")
    )
    return path


def _jpeg(path: Path) -> Path:
    from PIL import Image

    path = path / "a.jpg"
    Image.new("RGB", (3000, 3000)).save(path)
    return path


def _parquet(path: Path, *, repeated: bool) -> Path:
    path = path / "a.parquet"
    picture = b"\x89PNG" + bytes(12 * MB)
    pq.write_table(
        pa.table({"image": pa.array([picture] * (9 if repeated else 1), pa.binary())}),
        path,
        compression="zstd",
        use_dictionary=repeated,
        dictionary_pagesize_limit=1 << 30,
    )
    return path


def _hdf5(path: Path) -> Path:
    h5py = pytest.importorskip("h5py")
    path = path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "images", shape=(2, 3200, 3200), dtype="f4", chunks=(1, 3200, 3200), compression="gzip"
        )[0] = np.zeros((3200, 3200), "f4")
    return path


BOMBS: dict[str, Callable[[Path], Path]] = {
    "gz": _gz,
    "sparse": _sparse,
    "headers": _headers,
    "png": _png,
    "jpeg": _jpeg,
    "hdf5": _hdf5,
    "parquet page": lambda path: _parquet(path, repeated=False),
    "parquet dictionary": lambda path: _parquet(path, repeated=True),
    **{
        method: partial(_tiles, method=method)
        for method in ("RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1")
    },
}


@pytest.mark.parametrize("name", BOMBS)
def test_each_reader_refuses_what_does_not_fit(name: str, tmp_path: Path) -> None:
    path = BOMBS[name](tmp_path)
    assert name == "sparse" or path.stat().st_size < 2 * MB
    source = open_source(path, memory=LIMIT)
    reading = source.read(Shard(0, len(source)))
    assert not reading.cutouts
    assert reading.failures
    for failure in reading.failures:
        assert "may be used" in failure.reason, failure.reason
        assert "--memory" in failure.reason


@pytest.mark.parametrize("name", ["gz", "RICE_1", "png", "hdf5"])
def test_the_limit_can_be_raised(name: str, tmp_path: Path) -> None:
    source = open_source(BOMBS[name](tmp_path), memory="1G")
    reading = source.read(Shard(0, 1))
    assert not reading.failures
    assert reading.cutouts[0].pixels.shape[1:] in ((3200, 3200), (3000, 3000))


def test_a_chunk_that_unpacks_to_more_than_its_shape_is_refused(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        images = file.create_dataset(
            "images", shape=(3, 64, 64), dtype="f4", chunks=(1, 64, 64), compression="gzip"
        )
        images[0] = images[2] = RNG.normal(size=(64, 64))
        images.id.write_direct_chunk((1, 0, 0), zlib.compress(bytes(300 * MB), 9))
    reading = open_source(tmp_path / "a.h5").read(Shard(0, 3))
    assert [cutout.row for cutout in reading.cutouts] == [0, 2]
    assert "a chunk unpacks to more than its 16,384 bytes" in reading.failures[0].reason


def test_preparing_is_counted_too() -> None:
    cutouts = read_large()
    with memory.BUDGET.limited(16 * MB):
        pixels, reasons = prepare_each(cutouts, cutouts[0].bands, Preparation(size=32))
    assert list(reasons) == [0]
    assert "may be used" in reasons[0]
    assert np.isfinite(pixels[1]).all()


def read_large() -> list[Any]:
    from galfeat.data import Cutout

    return [
        Cutout("a", RNG.normal(size=(1, side, side)).astype(np.float32), ("r",))
        for side in (1500, 64)
    ]


def test_small_ones_beside_a_large_one_are_read(tmp_path: Path) -> None:
    _gz(tmp_path)
    for name in "bc":
        fits.writeto(tmp_path / f"{name}.fits", RNG.normal(size=(64, 64)).astype(np.float32))
    reading = open_source(tmp_path, memory=LIMIT).read(Shard(0, 3))
    assert [cutout.id for cutout in reading.cutouts] == ["b", "c"]
    with pytest.raises(CutoutError, match="may be used"):
        read_cutouts(tmp_path, memory=LIMIT)


def test_a_packed_file_is_unpacked_once_to_open_it_and_once_to_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.fits.gz"
    fits.writeto(path, RNG.normal(size=(30, 40)).astype(np.float32))
    unpack = Mock(wraps=streams._unpack)
    monkeypatch.setattr(streams, "_unpack", unpack)
    source = open_source(path)
    assert unpack.call_count == 1
    assert source.read(Shard(0, 1)).cutouts[0].pixels.shape == (1, 30, 40)
    assert unpack.call_count == 2


def test_large_gzip_files_are_read_as_small_ones(tmp_path: Path) -> None:
    image = RNG.normal(size=(1400, 1400)).astype(np.float32)
    file = io.BytesIO()
    fits.PrimaryHDU(image).writeto(file)
    data = file.getvalue()
    whole, members = tmp_path / "whole.fits.gz", tmp_path / "members.fits.gz"
    whole.write_bytes(gzip.compress(data, 1))
    members.write_bytes(
        gzip.compress(data[: 5 * MB], 1) + gzip.compress(data[5 * MB :], 1) + b"\0" * 99 + b"rest"
    )
    for path in (whole, members):
        [cutout] = open_source(path).read(Shard(0, 1)).cutouts
        assert np.array_equal(cutout.pixels[0], image)
    whole.write_bytes(whole.read_bytes()[:-9])
    assert "truncated" in open_source(whole).read(Shard(0, 1)).failures[0].reason

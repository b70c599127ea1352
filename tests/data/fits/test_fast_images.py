"""The fast path to read plain images says what the slow path says, or nothing."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galfeat import CutoutError
from galfeat.data import open_source
from galfeat.data.fits import fast_images, headers
from galfeat.data.fits.fast_images import LAYOUT_KEYWORDS, FastImageReader
from galfeat.data.fits.file import PixelPlanes, open_fits
from galfeat.data.fits.layouts import Layout
from galfeat.data.sources.base import Shard

pytestmark = pytest.mark.skipif(
    not hasattr(os, "readv"), reason="this system reads the slow path only"
)


def write(path: Path, pixels: Any, **cards: Any) -> str:
    hdu = fits.PrimaryHDU(pixels, do_not_scale_image_data=True)
    hdu.header.update(cards)
    hdu.writeto(path)
    return path.name


def slow_path(path: Path, layout: Layout = "auto") -> PixelPlanes:
    with open_fits(path) as file:
        [galaxy] = file.galaxies(layout)
        return file.load(galaxy)


def same(one: PixelPlanes, other: PixelPlanes) -> bool:
    return (
        np.array_equal(one.pixels, other.pixels, equal_nan=True)
        and one[1:] == other[1:]
        and one.pixels.dtype == other.pixels.dtype
    )


@pytest.fixture
def corpus(tmp_path: Path) -> list[str]:
    """Plain files of many kinds, and of each kind several."""
    rng = np.random.default_rng(0)
    files: list[str] = []
    for dtype in ("u1", "i2", "i4", "i8", "f4", "f8"):
        for shape in ((5, 7), (3, 4, 6), (1, 5, 7), (1, 1, 9, 2)):
            for name in ("F606W", "F814W"):
                pixels = rng.integers(0, 100, shape).astype(dtype)
                files.append(
                    write(
                        tmp_path / f"{dtype}_{len(shape)}{shape[0]}_{name}.fits",
                        pixels,
                        FILTER=name,
                        OBJECT=f"galaxy {len(files)}",
                    )
                )
    long = {f"KEY{i}": i for i in range(60)}
    files += [
        write(tmp_path / f"long{i}.fits", np.full((4, 4), float(i)), **long, EXPTIME=i)
        for i in range(3)
    ]
    files.append(write(tmp_path / "other.fits", np.ones((4, 4)), **long, EXPTIMES=1))
    files.append(write(tmp_path / "named.fits", np.ones((2, 4, 4)), BAND1="g", BAND2="r"))
    values = np.array([[np.nan, np.inf, 1e300, -1e-300]])
    files.append(write(tmp_path / "extreme.fits", values))
    return files


def test_one_reader_reads_them_all_as_the_slow_path_does(corpus: list[str], tmp_path: Path) -> None:
    reader = FastImageReader(tmp_path, "auto")
    order = np.random.default_rng(1).permutation(np.tile(corpus, 3))
    for file in order:
        found = reader.read(str(file))
        assert found is not None
        assert same(found, slow_path(tmp_path / file)), file
        assert found.pixels.flags.owndata, "not a view of the buffer that the next file overwrites"
        assert found.pixels.dtype.isnative


@pytest.mark.parametrize("layout", ["cube", "bands", "galaxies"])
def test_the_fast_path_agrees_in_every_layout(
    corpus: list[str], tmp_path: Path, layout: Layout
) -> None:
    reader = FastImageReader(tmp_path, layout)
    for file in corpus:
        try:
            expected = slow_path(tmp_path / file, layout)
        except CutoutError:
            assert reader.read(file) is None
        else:
            found = reader.read(file)
            assert found is not None
            assert same(found, expected)


def test_the_fast_path_is_taken(
    corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = FastImageReader(tmp_path, "auto")
    before = [reader.read(file) for file in corpus]
    monkeypatch.setattr(fast_images, "FitsFile", None)  # learning would fail
    after = [reader.read(file) for file in corpus]
    assert all(one and other and same(one, other) for one, other in zip(before, after, strict=True))


def test_the_same_keywords_with_another_filter(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{name}.fits", np.ones((4, 4)), FILTER=name) for name in "grg"[:2]]
    reader = FastImageReader(tmp_path, "auto")
    assert [found.bands for file in (*files, files[0]) if (found := reader.read(file))] == [
        ("g",),
        ("r",),
        ("g",),
    ]


def test_files_that_are_not_plain_take_the_slow_path(tmp_path: Path) -> None:
    pixels = np.arange(16, dtype="i2").reshape(4, 4)
    odd = {
        "scaled": write(tmp_path / "scaled.fits", pixels, BSCALE=2.0),
        "moved": write(tmp_path / "moved.fits", pixels, BZERO=32768),
        "blank": write(tmp_path / "blank.fits", pixels, BLANK=3),
        "row of galaxies": write(tmp_path / "four.fits", np.ones((3, 2, 4, 4))),
        "missing": "missing.fits",
        "outside": "../outside.fits",
        "absolute": str(tmp_path / "scaled.fits"),
        "folder": "folder.fits",
        "empty": "empty.fits",
        "text": "text.fits",
    }
    (tmp_path / "folder.fits").mkdir()
    (tmp_path / "empty.fits").write_bytes(b"")
    (tmp_path / "text.fits").write_bytes(b"x" * 5760)
    fits.HDUList([fits.PrimaryHDU(np.ones((4, 4))), fits.ImageHDU(np.ones((4, 4)))]).writeto(
        tmp_path / "two.fits"
    )
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.ones((40, 40), dtype="f4"))]).writeto(
        tmp_path / "tiles.fits"
    )
    good = (tmp_path / write(tmp_path / "good.fits", pixels)).read_bytes()
    (tmp_path / "short.fits").write_bytes(good[:-1])
    (tmp_path / "long.fits").write_bytes(good + b"\0" * 2880)
    (tmp_path / "pixels.fits").write_bytes(good[:2880])
    reader = FastImageReader(tmp_path, "auto")
    assert reader.read("good.fits") is not None
    for file in (
        *odd.values(),
        "two.fits",
        "tiles.fits",
        "short.fits",
        "long.fits",
        "pixels.fits",
        "good.fits\0",
        "",
    ):
        assert reader.read(file) is None, file


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.fits")
    assert FastImageReader(tmp_path, "auto").read("pipe.fits") is None


def test_large_files_take_the_slow_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.fits", np.ones((90, 90)))
    size = (tmp_path / "a.fits").stat().st_size
    monkeypatch.setattr(fast_images, "_MAX_BYTES", size + 1)
    assert FastImageReader(tmp_path, "auto").read("a.fits") is not None
    monkeypatch.setattr(fast_images, "_MAX_BYTES", size)
    assert FastImageReader(tmp_path, "auto").read("a.fits") is None, "there may be more behind it"


def test_few_layouts_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_images, "_MAX_LAYOUTS", 2)
    files = [write(tmp_path / f"{n}.fits", np.full((n, 5), 1.0 * n)) for n in (3, 4, 6)]
    reader = FastImageReader(tmp_path, "auto")
    assert [reader.read(file) is None for file in files + files] == [False, False, True] * 2


class Asked(dict[str, str]):
    """Cards that remember which of them were asked for."""

    names: set[str]

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return super().__contains__(key)


def test_every_keyword_that_is_asked_for_matters(
    corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two headers that agree in what the slow path asks for cannot be read differently: so all of
    that must be compared.
    """
    asked: set[str] = set()
    original = headers.Header.__init__

    def listening(self: headers.Header, cards: dict[str, str]) -> None:
        heard = Asked(cards)
        heard.names = asked
        original(self, heard)

    monkeypatch.setattr(headers.Header, "__init__", listening)
    for file in corpus:
        slow_path(tmp_path / file)
    assert {"BITPIX", "NAXIS", "FILTER", "EXTNAME"} <= asked
    left = {
        name
        for name in asked
        if not LAYOUT_KEYWORDS.fullmatch(name.encode())
        and not fast_images.SLOW_PATH_KEYWORDS.fullmatch(name.encode())
    }
    assert left == set()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("seen")
    name = write(
        folder / "good.fits",
        np.arange(30, dtype="f4").reshape(2, 3, 5),
        FILTER="r",
        EXTNAME="SCI",
        BAND1="g",
        BAND2="r",
        X=3,
    )
    return folder, (folder / name).read_bytes()


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 2879), byte=st.integers(0, 255), card=st.booleans())
def test_a_damaged_header_is_never_read_otherwise(
    seen: tuple[Path, bytes], at: int, byte: int, card: bool
) -> None:
    folder, good = seen
    damaged = bytearray(good)
    damaged[at % 1200 if card else at] = byte
    (folder / "damaged.fits").write_bytes(damaged)
    reader = FastImageReader(folder, "auto")
    assert reader.read("good.fits") is not None
    found = reader.read("damaged.fits")
    if found is not None:
        assert same(found, slow_path(folder / "damaged.fits"))


def test_a_source_takes_the_fast_path(
    corpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del corpus
    source = open_source(tmp_path)
    quick = source.read(Shard(0, len(source)))
    monkeypatch.setattr(FastImageReader, "read", lambda *_, **__: None)
    slow = source.read(Shard(0, len(source)))
    assert not quick.failures
    assert not slow.failures
    for one, other in zip(quick.cutouts, slow.cutouts, strict=True):
        assert (one.id, one.bands, one.named, one.row, one.file) == (
            other.id,
            other.bands,
            other.named,
            other.row,
            other.file,
        )
        assert np.array_equal(one.pixels, other.pixels, equal_nan=True)


def test_header_layouts_are_learned_once_for_all_shards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        fits.PrimaryHDU(np.full((4, 5), number, "f4")).writeto(tmp_path / f"{number}.fits")
    learned: list[str] = []
    carefully = FastImageReader._learn

    def counted(self: FastImageReader, name: str, count: int) -> object:
        learned.append(name)
        return carefully(self, name, count)

    monkeypatch.setattr(FastImageReader, "_learn", counted)
    source = open_source(tmp_path)
    found = [
        cutout.pixels[0, 0, 0]
        for shard in source.shards(2)
        for cutout in source.read(shard).cutouts
    ]
    assert found == list(range(9))
    assert learned == ["0.fits"]
    with ThreadPoolExecutor(1) as pool:  # another thread has a buffer of its own
        assert pool.submit(lambda: len(source.read(Shard(3, 6)).cutouts)).result() == 3
    assert learned == ["0.fits", "3.fits"]

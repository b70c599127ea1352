"""One file of many extensions: the fast path says what the slow path says, or nothing."""

import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galfeat import CutoutError
from galfeat.data import Reading, open_source
from galfeat.data.fits import fast_extensions
from galfeat.data.fits.fast_extensions import find_uniform_extensions
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.headers import HduReader, Header, read_hdus
from galfeat.data.fits.layouts import Layout
from galfeat.data.fits.streams import FileBytes, open_bytes
from galfeat.data.sources.files import FileSource
from galfeat.data.sources.open import CatalogedSource

COUNT = 20


def write(path: Path, pixels: Any, names: Any = None, primary: Any = None, **cards: Any) -> Path:
    hdus = [fits.ImageHDU(each, do_not_scale_image_data=True) for each in pixels]
    for number, hdu in enumerate(hdus):
        hdu.header["EXTNAME"] = f"NGC{number}" if names is None else names[number]
        hdu.header["RA"] = 0.25 * number
        hdu.header.update(cards)
    fits.HDUList([fits.PrimaryHDU(primary), *hdus]).writeto(path, overwrite=True)
    return path


def ramp(
    shape: tuple[int, ...], dtype: str = "f4", count: int = COUNT
) -> list[np.ndarray[Any, Any]]:
    return [
        (np.arange(np.prod(shape)).reshape(shape) % 7 + number).astype(dtype)
        for number in range(count)
    ]


def opened(path: Path, **options: Any) -> FileSource:
    source = open_source(path, **options)
    assert isinstance(source, FileSource)
    return source


def everything(source: CatalogedSource, size: int = 7) -> Reading:
    parts = [source.read(shard) for shard in source.shards(size)]
    return Reading(
        [each for part in parts for each in part.cutouts],
        [each for part in parts for each in part.failures],
    )


def carefully(source: CatalogedSource, monkeypatch: pytest.MonkeyPatch) -> Reading:
    with monkeypatch.context() as patch:
        patch.setattr(FileSource, "_read_extensions", lambda *_: None)
        return everything(source)


def same(one: Reading, other: Reading) -> bool:
    facts = [
        [
            (c.id, c.bands, c.named, c.file, c.row, c.pixels.shape, c.pixels.dtype)
            for c in reading.cutouts
        ]
        for reading in (one, other)
    ]
    equal = all(
        np.array_equal(p.pixels, q.pixels, equal_nan=True)
        for p, q in zip(one.cutouts, other.cutouts, strict=False)
    )
    return facts[0] == facts[1] and equal and one.failures == other.failures


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "f4", "f8"])
@pytest.mark.parametrize("shape", [(5, 7), (3, 4, 6), (1, 1, 9, 2), (40, 60)])
def test_every_kind_is_read_as_the_slow_path_and_astropy_do(
    tmp_path: Path, dtype: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.fits", ramp(shape, dtype), FILTER="r")
    source = opened(path)
    assert source.extensions is not None
    found = everything(source)
    assert same(found, carefully(source, monkeypatch))
    for number, cutout in enumerate(found.cutouts):
        assert np.array_equal(
            cutout.pixels, fits.getdata(path, number + 1).reshape(cutout.pixels.shape).astype("f4")
        )
    assert [cutout.id for cutout in found.cutouts] == [f"a[{number}]" for number in range(COUNT)]


@pytest.mark.parametrize("part", [1, 3000, 30000, 1 << 19])
@pytest.mark.parametrize("gap", [0, 8])
def test_chunks_of_any_size_give_the_same_pixels(
    tmp_path: Path, part: int, gap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.fits", ramp((6, 5)))
    monkeypatch.setattr(fast_extensions, "_CHUNK_BYTES", part)
    monkeypatch.setattr(fast_extensions, "_MAX_GAP", gap)
    row = find_uniform_extensions(path, "auto", HeaderCache())
    assert row is not None
    for start, stop in ((0, COUNT), (3, 4), (5, 19)):
        found = row.read(start, stop)
        assert found is not None
        assert np.array_equal(np.concatenate(found)[:, 0], ramp((6, 5))[start:stop])


def test_long_headers_and_a_shared_filter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(
        tmp_path / "a.fits", ramp((6, 5)), **{f"KEY{number}": number for number in range(60)}
    )
    with fits.open(path, "update") as file:
        file[0].header["FILTER"] = "F814W"
    source = opened(path)
    assert source.extensions is not None
    assert source.bands == ("F814W",)
    assert same(everything(source), carefully(source, monkeypatch))


def odd_files(folder: Path) -> Iterator[tuple[str, Path]]:
    plain = ramp((6, 5))
    yield (
        "bands",
        write(
            folder / "bands.fits",
            ramp((6, 5), count=16),
            [f"F{number}W" for number in range(100, 116)],
        ),
    )
    yield (
        "companion",
        write(
            folder / "companion.fits",
            plain,
            [*[f"N{number}" for number in range(COUNT - 1)], "ERR"],
        ),
    )
    yield "science and error", write(folder / "pairs.fits", plain, ["SCI", "ERR"] * (COUNT // 2))
    yield "another size", write(folder / "size.fits", [*plain[1:], ramp((5, 6))[0]])
    yield "another type", write(folder / "type.fits", [*plain[1:], plain[0].astype("f8")])
    yield "an image in front", write(folder / "front.fits", plain, primary=plain[0])
    yield "scaled", write(folder / "scaled.fits", ramp((6, 5), "i2"), BSCALE=2.0)
    yield "blank", write(folder / "blank.fits", ramp((6, 5), "i2"), BLANK=3)
    yield "four axes", write(folder / "four.fits", ramp((2, 2, 6, 5)))
    yield "few", write(folder / "few.fits", plain[:3])
    long = write(folder / "long.fits", plain)
    long.write_bytes(long.read_bytes() + b"\0" * 2880)
    yield "something behind", long
    short = write(folder / "short.fits", plain)
    short.write_bytes(short.read_bytes()[:-2880])
    yield "truncated", short
    filters = write(folder / "filters.fits", plain)
    with fits.open(filters, "update") as file:
        for number, hdu in enumerate(file[1:]):
            hdu.header["FILTER"] = "gr"[number % 2]
    yield "filters that change", filters


def test_extensions_that_differ_take_the_slow_path(tmp_path: Path) -> None:
    for what, path in odd_files(tmp_path):
        assert find_uniform_extensions(path, "auto", HeaderCache()) is None, what
    assert find_uniform_extensions(tmp_path / "bands.fits", "galaxies", HeaderCache()) is not None
    good = write(tmp_path / "good.fits", ramp((6, 5)))
    layouts: tuple[Layout, ...] = ("auto", "galaxies", "cube", "bands")
    assert [
        find_uniform_extensions(good, layout, HeaderCache()) is not None for layout in layouts
    ] == [
        True,
        True,
        False,
        False,
    ]
    assert find_uniform_extensions(tmp_path / "missing.fits", "auto", HeaderCache()) is None


def test_bands_that_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cubes = write(tmp_path / "a.fits", ramp((2, 6, 5)), BAND1="g", BAND2="r")
    nameless = write(tmp_path / "b.fits", ramp((2, 6, 5)))
    for path, bands in (
        (cubes, ["r", "g"]),
        (cubes, ["r"]),
        (nameless, ["u", "v"]),
        (nameless, ["band2"]),
        (cubes, ["z"]),
    ):
        source = opened(path, bands=bands)
        assert source.extensions is not None
        assert same(everything(source), carefully(source, monkeypatch))


def test_a_catalog_of_the_file_gives_its_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", ramp((6, 5)))
    (tmp_path / "c.csv").write_text(
        "id,label\n" + "".join(f"x{number},agn\n" for number in range(COUNT))
    )
    source = opened(path, catalog=tmp_path / "c.csv")
    assert source.extensions is not None
    assert [cutout.id for cutout in everything(source).cutouts] == [
        f"x{number}" for number in range(COUNT)
    ]
    (tmp_path / "d.csv").write_text("id,hdu\nx,3\ny,1\n")
    assert [
        float(cutout.pixels[0, 0, 0])
        for cutout in everything(opened(path, catalog=tmp_path / "d.csv")).cutouts
    ] == [2, 0]


def test_a_file_that_changed_is_read_as_it_is_now(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", ramp((6, 5)))
    source = opened(path)
    write(path, [each + 100 for each in ramp((6, 5), count=18)])
    found = everything(source)
    assert [float(cutout.pixels[0, 0, 0]) for cutout in found.cutouts] == [
        100 + number for number in range(18)
    ]
    assert {failure.reason for failure in found.failures} == {
        f"its file holds 18 galaxies now, and this is number {number}, counted from 0"
        for number in (18, 19)
    }
    path.unlink()
    assert {failure.reason for failure in everything(source).failures} == {"there is no such file"}


def test_headers_are_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.fits", ramp((6, 5)), ["SCI", "ERR"] * (COUNT // 2))
    scans = []

    def counted(source: FileBytes) -> Any:
        scans.append(source.size)
        return read_hdus(source)

    monkeypatch.setattr("galfeat.data.fits.file.read_hdus", counted)
    # it looks whether a small file holds one galaxy
    monkeypatch.setattr("galfeat.data.sources.files.FastImageReader.read", lambda *_, **__: None)
    source = opened(path)
    assert len(everything(source, 1).cutouts) == COUNT // 2
    assert len(scans) == 1
    sent = pickle.loads(pickle.dumps(source))
    assert same(everything(sent), everything(source))
    assert len(scans) == 2
    write(path, ramp((6, 5)), ["SCI", "ERR"] * (COUNT // 2), RA2=1)
    everything(source)
    assert len(scans) == 3


def test_few_files_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("galfeat.data.fits.header_cache._MAX_FILES", 2)
    known = HeaderCache()
    for number in range(5):
        with known.open(write(tmp_path / f"{number}.fits", ramp((6, 5)))) as file:
            assert len(file.hdus) == COUNT + 1
    assert len(known._contents) <= 2


def test_the_source_can_be_pickled(tmp_path: Path) -> None:
    source = opened(write(tmp_path / "a.fits", ramp((6, 5))))
    sent = pickle.loads(pickle.dumps(source))
    assert sent.extensions == source.extensions
    assert same(everything(sent), everything(source))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    folder = tmp_path_factory.mktemp("seen")
    path = write(folder / "good.fits", ramp((2, 3, 5), count=17), FILTER="r", BAND1="g", BAND2="r")
    with open_bytes(path) as source:
        step = read_hdus(source)[0][2].offset - read_hdus(source)[0][1].offset
    return path, step


@pytest.mark.slow
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    number=st.integers(0, 17),
    at=st.integers(0, 2879),
    byte=st.integers(0, 255),
    early=st.booleans(),
)
def test_a_damaged_header_is_never_read_otherwise(
    seen: tuple[Path, int],
    number: int,
    at: int,
    byte: int,
    early: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, step = seen
    damaged = bytearray(path.read_bytes())
    damaged[max(0, 2880 + (number - 1) * step) + (at % 1400 if early else at)] = byte
    path = path.with_name("damaged.fits")
    path.write_bytes(damaged)
    source = opened(path)
    with monkeypatch.context() as patch:
        patch.setattr("galfeat.data.sources.open.find_uniform_extensions", lambda *_: None)
        by_slow_path = opened(path)
    assert source.catalog == by_slow_path.catalog
    assert same(everything(source), everything(by_slow_path))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2879), st.integers(0, 255))
def test_a_header_of_a_known_form_is_that_of_a_header_read_alone(
    seen: tuple[Path, int], at: int, byte: int
) -> None:
    """The form of the second extension comes from the first; card by card it must say the same."""
    path, step = seen
    damaged = bytearray(path.read_bytes()[: 2880 + 2 * step])
    damaged[2880 + step + at] = byte
    source = FileBytes(bytes(damaged))
    reader = HduReader(source)
    reader.read(2880, 1)
    try:
        expected = HduReader(source).read(2880 + step, 2)
    except CutoutError as error:
        with pytest.raises(CutoutError, match=re.escape(str(error))):
            reader.read(2880 + step, 2)
    else:
        found = reader.read(2880 + step, 2)
        assert found._replace(header=expected.header) == expected
        assert dict(found.header.cards) == dict(expected.header.cards)


def test_cards_are_cut_out_when_they_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", ramp((6, 5)), OBJECT="it's")
    with open_bytes(path) as source:
        hdus, _ = read_hdus(source)
    names = [hdu.header.text("EXTNAME") for hdu in hdus[1:]]
    assert names == [f"NGC{number}" for number in range(COUNT)]
    assert [hdu.header.number("RA", 0) for hdu in hdus[1:4]] == [0, 0.25, 0.5]
    cards = hdus[2].header.cards
    assert ("OBJECT" in cards, "NOTHING" in cards, len(cards) == len(list(cards))) == (
        True,
        False,
        True,
    )
    assert Header(dict(cards)).text("OBJECT") == hdus[2].header.text("OBJECT") == "it's"

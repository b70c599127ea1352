"""A corpus of FITS files made for it: every one is read as astropy reads it, cast to float32, with
BLANK as NaN.
"""

import contextlib
import io
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data import Shard, open_source
from galfeat.data.fits.file import FitsFile
from galfeat.data.fits.streams import FileBytes

BITPIX = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
SHAPES = [(5, 7), (2, 4, 6), (1, 6, 3), (2, 3, 4, 5), (1, 2, 5, 4), (1, 1, 7, 2)]
SCALES: list[dict[str, Any]] = [
    {},
    {"BSCALE": 1.0, "BZERO": 0.0},
    {"BSCALE": 0.25},
    {"BZERO": -3.5},
    {"BSCALE": -2.0, "BZERO": 100},
    {"BZERO": 32768},
    {"BZERO": 2147483648},
    {"BZERO": 9223372036854775808},
    {"BZERO": -128},
    {"BSCALE": 1e-3, "BZERO": 1e5},
]
BEFORE = [
    "COMMENT one",
    "OBJECT  = 'NGC 1300'",
    "HISTORY made up",
    "",
    "EXPTIME =               1200.5 / seconds",
    "HIERARCH ESO DET DIT = 2.0",
]


def card(keyword: str, value: object) -> str:
    text = (
        ("T" if value else "F")
        if isinstance(value, bool)
        else f"'{value}'"
        if isinstance(value, str)
        else repr(value).upper()
    )
    return f"{keyword:<8}= {text:>20}"


def file_of(cards: list[str], stored: NDArray[Any]) -> bytes:
    text = "".join(each.ljust(80)[:80] for each in [*cards, "END"])
    data = stored.tobytes()
    return (
        text.ljust(-(-len(text) // 2880) * 2880).encode("ascii") + data + bytes(-len(data) % 2880)
    )


def image(
    bitpix: int, shape: tuple[int, ...], extra: dict[str, Any], rng: np.random.Generator
) -> tuple[bytes, NDArray[Any]]:
    """Return a file with the extra cards and others strewn among those that must be, and its stored
    numbers.
    """
    count = int(np.prod(shape))
    if bitpix > 0:
        bits = np.iinfo(BITPIX[bitpix])
        stored = rng.integers(
            bits.min, bits.max, count, dtype=BITPIX[bitpix][1:], endpoint=True
        ).astype(BITPIX[bitpix])
        stored[:3] = bits.min, bits.max, 0
    else:
        stored = (rng.normal(size=count) * 10.0 ** rng.integers(-30, 30, count)).astype(
            BITPIX[bitpix]
        )
        stored[:3] = np.nan, np.inf, 0
    must = [card("SIMPLE", True), card("BITPIX", bitpix), card("NAXIS", len(shape))]
    must += [card(f"NAXIS{axis}", length) for axis, length in enumerate(shape[::-1], start=1)]
    others = [card(*each) for each in extra.items()] + [
        BEFORE[at] for at in rng.integers(len(BEFORE), size=rng.integers(6))
    ]
    rng.shuffle(others)
    return file_of(must + others, stored.reshape(shape)), stored.reshape(shape)


def by_astropy(content: bytes, number: int = 0) -> NDArray[Any]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(content)) as file:
            return np.asarray(file[number].data).astype(np.float32)


def by_us(content: bytes) -> NDArray[np.float32]:
    """Return all galaxies of a file, one after the other."""
    file = FitsFile(FileBytes(content))
    return np.stack([file.load(galaxy).pixels for galaxy in file.galaxies()])


def same(
    content: bytes, stored: NDArray[Any] | None = None, blank: int | None = None, number: int = 0
) -> bool:
    expected = by_astropy(content, number)
    if stored is not None and blank is not None:
        expected = np.where(stored == blank, np.float32(np.nan), expected)
    return bool(np.array_equal(by_us(content).reshape(expected.shape), expected, equal_nan=True))


@pytest.mark.parametrize("bitpix", BITPIX)
@pytest.mark.parametrize("shape", SHAPES)
def test_numbers_and_scales(bitpix: int, shape: tuple[int, ...]) -> None:
    for seed, scale in enumerate(SCALES):
        assert same(image(bitpix, shape, scale, np.random.default_rng(seed))[0]), scale


@pytest.mark.parametrize("bitpix", [8, 16, 32, 64])
def test_blank_is_nan(bitpix: int) -> None:
    for seed, (scale, place) in enumerate(product(SCALES, range(3))):
        without, stored = image(bitpix, (5, 7), scale, np.random.default_rng(seed))
        blank = int(stored.reshape(-1)[place])
        content, stored = image(
            bitpix, (5, 7), {**scale, "BLANK": blank}, np.random.default_rng(seed)
        )
        expected = np.where(stored == blank, np.float32(np.nan), by_astropy(without))
        assert np.isnan(expected).any()
        assert np.array_equal(by_us(content)[0, 0], expected, equal_nan=True), (scale, blank)
        with contextlib.suppress(ValueError):  # astropy refuses to put NaN into unsigned numbers
            assert same(content, stored, blank)


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i2", "<u2", "<i4", ">i4", "<f4", ">f4", "<f8"])
@pytest.mark.parametrize("shape", [(40, 33), (3, 17, 20)])
def test_compressions(codec: str, dtype: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    pixels = np.clip(rng.normal(100, 20, shape), 0, 250).astype(dtype)
    pixels[..., 3:5, 4] = 0
    options: dict[str, Any] = {"compression_type": codec}
    if codec == "HCOMPRESS_1":
        options["tile_shape"] = (16, 11) if len(shape) == 2 else (1, 17, 5)
    if codec == "PLIO_1" and dtype in ("<u2", "<f4", ">f4", "<f8"):
        pytest.skip("astropy writes no such PLIO")
    for more in (
        ({}, {"quantize_method": 1, "dither_seed": 7}, {"quantize_method": 2, "dither_seed": 7})
        if "f" in dtype
        else ({},)
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = io.BytesIO()
            fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels, **options, **more)]).writeto(
                file
            )
        assert same(file.getvalue(), number=1), more


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0, 1, 4, 30])
def test_lossy_hcompress(scale: int) -> None:
    for seed, shape in enumerate([(16, 16), (37, 50), (4, 64)]):
        pixels = (np.random.default_rng(seed).normal(0, 300, shape)).astype("i4")
        file = io.BytesIO()
        hdu = fits.CompImageHDU(
            pixels, compression_type="HCOMPRESS_1", tile_shape=shape, hcomp_scale=scale
        )
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
        assert same(file.getvalue(), number=1)


def test_smoothed_hcompress_is_refused() -> None:
    file = io.BytesIO()
    hdu = fits.CompImageHDU(
        np.ones((16, 16), "i4"), compression_type="HCOMPRESS_1", tile_shape=(16, 16), hcomp_smooth=1
    )
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
    with pytest.raises(CutoutError, match="to be smoothed when unpacked, which is not supported"):
        by_us(file.getvalue())


def test_pixel_lists_of_every_instruction() -> None:
    rng = np.random.default_rng(2)
    runs = np.repeat(rng.integers(0, 70000, 40), rng.integers(1, 60, 40)).astype("i4")
    rows = [
        runs,
        np.roll(runs, 7),
        runs * 0,
        (runs > 9000) * 5,
        np.arange(len(runs)) % 3,
        np.full(len(runs), 1 << 23),
    ]
    pixels = np.stack(rows).astype("i4")
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels, compression_type="PLIO_1")]).writeto(
        file
    )
    assert same(file.getvalue(), number=1)
    assert np.array_equal(by_us(file.getvalue())[0, 0], pixels.astype("f4"))


@pytest.mark.parametrize("bitpix", BITPIX)
def test_a_folder_of_these_files_is_read_as_single_files_are(tmp_path: Path, bitpix: int) -> None:
    """The fast path for many files gives what the slow path gives."""
    contents = {}
    for seed, (scale, shape) in enumerate(product(SCALES, [(5, 7), (2, 4, 6)])):
        content, _ = image(bitpix, shape, scale, np.random.default_rng(seed))
        contents[f"{seed:03}.fits"] = content
        (tmp_path / f"{seed:03}.fits").write_bytes(content)
    source = open_source(tmp_path)
    found = source.read(Shard(0, len(source)))
    assert [cutout.file for cutout in found.cutouts] == sorted(contents)
    for cutout in found.cutouts:
        expected = by_astropy(contents[cutout.file]).reshape(cutout.pixels.shape)
        assert np.array_equal(cutout.pixels, expected, equal_nan=True), cutout.file


KEYWORDS = [
    "BSCALE",
    "BZERO",
    "BLANK",
    "EXTEND",
    "OBJECT",
    "BUNIT",
    "FILTER",
    "EXTNAME",
    "EXTVER",
    "COMMENT",
    "BAND1",
    "NAXIS3",
    "GROUPS",
]
VALUES = st.one_of(
    st.integers(-(2**33), 2**33).map(str),
    st.floats(width=32).map(lambda value: repr(float(value)).upper()),
    st.sampled_from(
        [
            "T",
            "F",
            "'g'",
            "'it''s'",
            "''",
            "",
            "1D3",
            "1.5D-2",
            "NaN",
            "'unended",
            "/ nothing",
            "(1.0, 2.0)",
            "0x10",
        ]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
)


@pytest.mark.slow
@given(
    st.sampled_from(sorted(BITPIX)),
    st.lists(st.tuples(st.sampled_from(KEYWORDS), VALUES), max_size=6),
    st.permutations(range(6)),
    st.booleans(),
)
@settings(max_examples=120, deadline=None)
def test_made_up_headers_are_read_as_astropy_reads_them_or_refused(
    bitpix: int, extra: list[tuple[str, str]], order: list[int], spaced: bool
) -> None:
    content, stored = image(bitpix, (4, 3), {}, np.random.default_rng(0))
    must = [
        card("SIMPLE", True),
        card("BITPIX", bitpix),
        card("NAXIS", 2),
        card("NAXIS1", 3),
        card("NAXIS2", 4),
    ]
    others = [
        f"{keyword:<8}= {value:>20}" if spaced else f"{keyword:<8}={value}"
        for keyword, value in extra
    ]
    others = [each for _, each in sorted(zip(order, others, strict=False))]
    content = file_of(must + others, stored)
    try:
        ours = by_us(content)
    except CutoutError as error:
        reason = str(error)
    else:
        reason = ""
    if reason:
        assert len(reason) < 300
        assert any(
            words in reason for words in ("its header is damaged", "holds no image", "its image")
        )
        return
    theirs = None
    with contextlib.suppress(Exception):  # where astropy gives up, nothing can be compared
        theirs = by_astropy(content)
    if theirs is not None and theirs.dtype == np.float32 and theirs.shape == (4, 3):
        blanks = [value for keyword, value in extra if keyword == "BLANK"]
        certain = np.ones((4, 3), bool) if not blanks else ~np.isnan(ours[0, 0])
        assert np.array_equal(ours[0, 0][certain], theirs[certain], equal_nan=True)

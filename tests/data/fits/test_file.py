"""One FITS file to galaxies: the pixels are astropy's, the bands are the header's."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.file import PixelPlanes, open_fits
from galfeat.data.fits.headers import Header
from galfeat.data.fits.image_info import filter_of
from galfeat.data.fits.layouts import Layout

DTYPES = ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]


def read(path: Path, layout: Layout = "auto", hdu: int | None = None) -> list[PixelPlanes]:
    with open_fits(path) as file:
        return [file.load(galaxy) for galaxy in file.galaxies(layout, hdu)]


def write(path: Path, *hdus: Any) -> Path:
    fits.HDUList(list(hdus)).writeto(path)
    return path


def image(dtype: str, shape: tuple[int, ...] = (21, 17)) -> NDArray[Any]:
    """Return pixels over the whole range of their type, the ends included."""
    rng = np.random.default_rng(len(shape))
    if dtype[0] == "f":
        return (rng.normal(size=shape) * 10.0 ** rng.integers(-30, 30, shape)).astype(dtype)
    ends = np.iinfo(dtype)
    values = rng.integers(ends.min, ends.max, shape, dtype=dtype, endpoint=True)
    values.flat[:2] = ends.min, ends.max
    return values


def as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(21, 17), (1, 1), (3, 9, 11)])
def test_every_kind_of_number_is_read_as_it_was_written(
    tmp_path: Path, dtype: str, shape: tuple[int, ...]
) -> None:
    pixels = image(dtype, shape)
    [found] = read(write(tmp_path / "a.fits", fits.PrimaryHDU(pixels)))
    assert found.pixels.dtype == np.float32
    assert found.pixels.dtype.isnative
    assert np.array_equal(found.pixels, as_float32(pixels).reshape(-1, *shape[-2:]))


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "f4", "f8"])
@pytest.mark.parametrize(
    ("scale", "zero"),
    [(0.1, 0.0), (1.0, 7.5), (-3.25, 1e5), (1e-30, 0.0), (1e300, 1.0), (1, -128), (2, 32768)],
)
def test_scaled_numbers_are_those_of_astropy(
    tmp_path: Path, dtype: str, scale: float, zero: float
) -> None:
    hdu = fits.PrimaryHDU(image(dtype), do_not_scale_image_data=True)
    hdu.header["BSCALE"], hdu.header["BZERO"] = scale, zero
    path = write(tmp_path / "a.fits", hdu)
    with np.errstate(all="ignore"):
        expected = as_float32(fits.getdata(path))
    assert np.array_equal(read(path)[0].pixels[0], expected, equal_nan=True)


def test_unsigned_numbers_are_rounded_once(tmp_path: Path) -> None:
    """By way of float64 it would be 2**63: there it is a tie, and ties go to even."""
    [found] = read(
        write(tmp_path / "a.fits", fits.PrimaryHDU(np.array([[2**63 + 2**39 + 1]], dtype="u8")))
    )
    assert found.pixels[0, 0, 0] == 2**63 + 2**40


@pytest.mark.parametrize("blank", [-5, 0])
@pytest.mark.parametrize("cards", [{}, {"BSCALE": 0.5}, {"BZERO": 32768}])
def test_blank_pixels_are_nan(tmp_path: Path, blank: int, cards: dict[str, float]) -> None:
    hdu = fits.PrimaryHDU(
        np.array([[blank, 1], [2, blank]], dtype="i2"), do_not_scale_image_data=True
    )
    hdu.header["BLANK"] = blank
    hdu.header.update(cards)
    [found] = read(write(tmp_path / "a.fits", hdu))
    assert np.isnan(found.pixels[0]).tolist() == [[True, False], [False, True]]
    assert found.pixels[0, 0, 1] == cards.get("BZERO", 0) + cards.get("BSCALE", 1)


def test_values_beyond_float32_are_infinite(tmp_path: Path) -> None:
    [found] = read(
        write(tmp_path / "a.fits", fits.PrimaryHDU(np.array([[1e300, -1e39], [np.nan, 1.0]])))
    )
    assert np.array_equal(found.pixels[0], [[np.inf, -np.inf], [np.nan, 1]], equal_nan=True)


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1", "GZIP_2"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
def test_compressed_images_are_those_of_astropy(tmp_path: Path, codec: str, dtype: str) -> None:
    pixels = (
        np.random.default_rng(0)
        .normal(1000, 50, (40, 33))
        .clip(0, 255 if dtype == "u1" else None)
        .astype(dtype)
    )
    path = write(
        tmp_path / "a.fits.fz",
        fits.PrimaryHDU(),
        fits.CompImageHDU(pixels, compression_type=codec, tile_shape=(7, 33)),
    )
    [found] = read(path)
    assert np.array_equal(found.pixels[0], as_float32(fits.getdata(path)))


@pytest.mark.parametrize("dither", [0, 1, 2])
def test_dithered_and_blank_compressed_pixels_are_those_of_astropy(
    tmp_path: Path, dither: int
) -> None:
    pixels = np.random.default_rng(1).normal(0, 1, (40, 33)).astype("f4")
    pixels[3, 4] = np.nan
    method = {0: -1, 1: 1, 2: 2}[dither]
    hdu = fits.CompImageHDU(pixels, quantize_method=method, dither_seed=17)
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(), hdu)
    expected = fits.getdata(path)
    assert np.isnan(expected[3, 4])
    assert np.array_equal(read(path)[0].pixels[0], expected, equal_nan=True)


def test_scaled_compressed_integers_are_scaled_and_blanked(tmp_path: Path) -> None:
    hdu = fits.CompImageHDU(
        np.arange(400, dtype="i2").reshape(20, 20), do_not_scale_image_data=True
    )
    hdu.header["BSCALE"], hdu.header["BZERO"], hdu.header["BLANK"] = 0.5, 10.0, 7
    [found] = read(write(tmp_path / "a.fits", fits.PrimaryHDU(), hdu))
    assert np.isnan(found.pixels[0, 0, 7])
    assert found.pixels[0, 0, 6] == 13
    assert found.pixels[0, 19, 19] == 209.5


def test_gzipped_files_are_read_even_if_they_are_several_in_one(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.fits", fits.PrimaryHDU(image("f4"))).read_bytes()
    whole = tmp_path / "a.fits.gz"
    whole.write_bytes(gzip.compress(plain[:3000]) + gzip.compress(plain[3000:]) + b"\0" * 100)
    assert np.array_equal(read(whole)[0].pixels[0], image("f4"))


@pytest.mark.parametrize("rest", [b"\0" * 100, b"some archive's remark", b"\0" * 2880 * 3])
def test_a_short_last_block_and_trailing_bytes_are_read_as_by_astropy(
    tmp_path: Path, rest: bytes
) -> None:
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(image("f4")))
    whole = path.read_bytes()
    path.write_bytes(whole[: 2880 + 21 * 17 * 4])
    assert np.array_equal(read(path)[0].pixels[0], image("f4"))
    path.write_bytes(whole + rest)
    assert np.array_equal(read(path)[0].pixels[0], image("f4"))


def test_tables_empty_primaries_and_spectra_are_skipped(tmp_path: Path) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[1, 2, 3])])
    path = write(
        tmp_path / "a.fits",
        fits.PrimaryHDU(),
        table,
        fits.ImageHDU(np.zeros(5)),
        fits.ImageHDU(image("f4")),
    )
    assert len(read(path)) == 1


def test_large_files_are_read_in_parts(tmp_path: Path) -> None:
    wide = np.arange(1200 * 1000, dtype="f4").reshape(1200, 1000)
    path = write(
        tmp_path / "a.fits", fits.PrimaryHDU(wide), fits.ImageHDU(wide + 1), fits.ImageHDU(wide + 2)
    )
    assert path.stat().st_size > 3 * 4 << 20
    found = read(path)
    assert [float(each.pixels[0, 0, 0]) for each in found] == [0, 1, 2]
    assert all(np.array_equal(each.pixels[0] - number, wide) for number, each in enumerate(found))


def test_leading_axes_of_length_one_are_dropped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", fits.PrimaryHDU(image("f4", (1, 1, 5, 4))))
    assert read(path)[0].pixels.shape == (1, 5, 4)
    path = write(tmp_path / "b.fits", fits.PrimaryHDU(image("f4", (3, 1, 5, 4))))
    assert [found.pixels.shape for found in read(path)] == [(1, 5, 4)] * 3


def test_four_axes_are_galaxies_with_bands_in_order(tmp_path: Path) -> None:
    cube = image("i2", (4, 3, 5, 6))
    for hdu in (fits.ImageHDU(cube), fits.CompImageHDU(cube, tile_shape=(1, 1, 5, 6))):
        path = write(tmp_path / f"{type(hdu).__name__}.fits", fits.PrimaryHDU(), hdu)
        assert np.array_equal(np.stack([found.pixels for found in read(path)]), cube)


def test_bands_of_extensions_stack_in_order(tmp_path: Path) -> None:
    planes = [fits.ImageHDU(image("f4") + number) for number in range(3)]
    for plane, name in zip(planes, "gri", strict=True):
        # as it stands; the argument `name` would write it in capitals
        plane.header["EXTNAME"] = name
    [found] = read(write(tmp_path / "a.fits", fits.PrimaryHDU(), *planes))
    assert (found.bands, found.named) == (("g", "r", "i"), True)
    assert np.array_equal(found.pixels[2], (image("f4") + 2).astype("f4"))


def test_one_extension_can_be_chosen_even_an_ancillary_one(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.fits",
        fits.PrimaryHDU(),
        fits.ImageHDU(image("f4"), name="SCI"),
        fits.ImageHDU(image("f4") * 2, name="ERR"),
    )
    assert len(read(path)) == 1
    assert np.array_equal(read(path, hdu=2)[0].pixels[0], image("f4") * 2)
    with pytest.raises(CutoutError, match="no extension 3: it has numbers 0 to 2"):
        read(path, hdu=3)
    with pytest.raises(CutoutError, match="extension 0 is not an image"):
        read(path, hdu=0)


@pytest.mark.parametrize(
    ("cards", "name"),
    [
        ({"FILTER": "F105W"}, "F105W"),
        ({"FILTER1": "CLEAR1L", "FILTER2": "F814W"}, "F814W"),
        ({"FILTER1": "F606W", "FILTER2": "CLEAR2L"}, "F606W"),
        ({"FILTNAM1": "F450W"}, "F450W"),
        ({"BAND": "r'"}, "r'"),
        ({"FILTER": "  "}, ""),
        ({"EXTNAME": "g"}, ""),
    ],
)
def test_the_header_names_the_filter(tmp_path: Path, cards: dict[str, str], name: str) -> None:
    hdu = fits.PrimaryHDU(image("f4"))
    hdu.header.update(cards)
    [found] = read(write(tmp_path / "a.fits", hdu))
    assert (found.bands, found.named) == ((name or "band1",), bool(name))


def test_the_filter_of_an_empty_primary_applies_to_its_extensions(tmp_path: Path) -> None:
    first = fits.PrimaryHDU()
    first.header["FILTER"] = "F814W"
    path = write(
        tmp_path / "a.fits",
        first,
        fits.ImageHDU(image("f4"), name="SCI"),
        fits.ImageHDU(image("f4"), name="WHT"),
    )
    assert read(path)[0].bands == ("F814W",)
    own = fits.PrimaryHDU(image("f4"))
    own.header["FILTER"] = "F606W"
    path = write(tmp_path / "b.fits", own, fits.ImageHDU(image("f4")))
    assert [(found.bands, found.named) for found in read(path)] == [
        (("F606W",), True),
        (("band1",), False),
    ]


@pytest.mark.parametrize(
    ("cards", "bands"),
    [
        ({"BAND1": "g", "BAND2": "r"}, ("g", "r")),
        ({"BAND0": "g", "BAND1": "r"}, ("g", "r")),
        ({"FILTER1": "F606W", "FILTER2": "F814W"}, ("F606W", "F814W")),
        ({"FILTER1": "F606W", "FILTER2": "CLEAR2L"}, ()),
        ({"BAND1": "g"}, ()),
        ({"BAND1": "g", "BAND2": "g"}, ()),
    ],
)
def test_the_header_names_the_planes_of_a_cube(
    tmp_path: Path, cards: dict[str, str], bands: tuple[str, ...]
) -> None:
    hdu = fits.PrimaryHDU(image("f4", (2, 5, 6)))
    hdu.header.update(cards)
    [found] = read(write(tmp_path / "a.fits", hdu))
    assert (found.bands, found.named) == (bands or ("band1", "band2"), bool(bands))


def test_of_a_duplicate_keyword_the_first_counts_as_in_astropy(tmp_path: Path) -> None:
    hdu = fits.PrimaryHDU(image("i2"))
    hdu.header.extend([("BZERO", 10.0), ("BZERO", 20.0), ("FILTER", "g"), ("FILTER", "r")])
    path = write(tmp_path / "a.fits", hdu)
    [found] = read(path)
    assert np.array_equal(found.pixels[0], fits.getdata(path))
    assert found.bands == ("g",)


def test_images_behind_random_groups_are_found(tmp_path: Path) -> None:
    groups = fits.GroupData(
        np.zeros((700, 1, 1, 2, 3), "f4"),
        parnames=["u", "v"],
        pardata=[np.zeros(700)] * 2,
        bitpix=-32,
    )
    path = write(tmp_path / "a.fits", fits.GroupsHDU(groups), fits.ImageHDU(image("f4")))
    assert path.stat().st_size > 4 * 2880
    with open_fits(path) as file:
        assert [hdu.kind for hdu in file.hdus] == ["other", "image"]
    assert len(read(path)) == 1


def test_values_of_a_header_are_read_by_the_standard() -> None:
    header = Header(
        {
            "A": " 'it''s / here ' / remark",
            "B": "  -1.5D3 / remark",
            "C": " 12",
            "D": " T",
            "E": " / nothing",
            "F": " 'open",
        }
    )
    assert header.text("A") == "it's / here"
    assert header.number("B", 0) == -1500
    assert header.integer("C") == 12
    assert (header.true("D"), header.true("C"), header.true("Z")) == (True, False, False)
    assert (
        header.integer("E", 3),
        header.number("Z", 2.5),
        header.text("F"),
        header.text("C"),
    ) == (3, 2.5, "", "")
    for keyword in ("A", "B", "Z"):
        with pytest.raises(CutoutError, match=keyword):
            header.integer(keyword)
    with pytest.raises(CutoutError, match="C1 is 1_0"):
        Header({"C1": "1_0"}).number("C1", 0)
    assert filter_of(header) == ""

"""Cutouts around positions: the pixels of Cutout2D, read without the rest of the mosaic."""

import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import Cutout2D
from astropy.wcs import WCS
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data import Reading, open_source, read_cutouts
from galfeat.data.sources.open import CatalogedSource

SHAPE = (120, 150)


def wcs_of(shape: tuple[int, ...] = SHAPE, scale: float = 0.2, turn: float = 30.0) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.crval = 150.1, 2.2
    wcs.wcs.crpix = shape[1] / 2, shape[0] / 2
    wcs.wcs.cdelt = -scale / 3600, scale / 3600
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    wcs.wcs.pc = [[cosine, -sine], [sine, cosine]]
    return wcs


def ramp(shape: tuple[int, ...] = SHAPE, dtype: str = "f4") -> NDArray[Any]:
    return np.random.default_rng(len(shape)).normal(1000, 100, shape).astype(dtype)


def mosaic(path: Path, pixels: NDArray[Any], wcs: WCS | None = None, **cards: Any) -> Path:
    hdu = fits.PrimaryHDU(pixels, (wcs_of() if wcs is None else wcs).to_header())
    hdu.header.update(cards)
    hdu.writeto(path)
    return path


def listed(path: Path, pixels: Any, wcs: WCS | None = None, **columns: Any) -> Path:
    """Write a catalog of the sky positions of (x, y) pixels, counted from 0."""
    sky = (wcs or wcs_of()).all_pix2world(np.array(pixels, float), 0)
    names = ["ra", "dec", *columns]
    rows = [
        [repr(float(ra)), repr(float(dec)), *(str(values[row]) for values in columns.values())]
        for row, (ra, dec) in enumerate(sky)
    ]
    path.write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    return path


def everything(source: CatalogedSource) -> Reading:
    parts = [source.read(shard) for shard in source.shards(3)]
    return Reading(
        [each for part in parts for each in part.cutouts],
        [each for part in parts for each in part.failures],
    )


# no two pixels are equally near to any of these, for sizes even or odd
PLACES = [
    (69.7, 60.2),
    (10.2, 110.7),
    (148.8, 0.1),
    (0.4, 0.6),
    (-4.1, 60.3),
    (75.4, 119.3),
    (33.3, 44.4),
]


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 8, 15])
@pytest.mark.parametrize(
    "kind", ["f4", "f8", "i2", "scaled", "blank", "tiles", "tiles of integers", "extension"]
)
def test_the_pixels_are_those_of_cutout2d(tmp_path: Path, kind: str, size: int) -> None:
    path = tmp_path / "mosaic.fits"
    dtype = (
        kind
        if kind in ("f4", "f8", "i2")
        else "i2"
        if kind in ("scaled", "blank", "tiles of integers")
        else "f4"
    )
    pixels = ramp(dtype=dtype)
    if kind.startswith("tiles"):
        fits.HDUList(
            [
                fits.PrimaryHDU(),
                fits.CompImageHDU(pixels, wcs_of().to_header(), tile_shape=(20, 30)),
            ]
        ).writeto(path)
    elif kind == "extension":
        hdus = [
            fits.ImageHDU(pixels, wcs_of().to_header(), name="SCI"),
            fits.ImageHDU(pixels, name="WHT"),
        ]
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    else:
        mosaic(
            path,
            pixels,
            **(
                {"BSCALE": 0.5, "BZERO": 3.0}
                if kind == "scaled"
                else {"BLANK": 1000}
                if kind == "blank"
                else {}
            ),
        )
    positions = listed(tmp_path / "c.csv", PLACES)
    source = open_source(path, positions=positions, size_pixels=size)
    hdu = 1 if kind.startswith("tiles") or kind == "extension" else 0
    data, wcs = fits.getdata(path, hdu).astype("f4"), WCS(fits.getheader(path, hdu))
    found = {cutout.row: cutout for cutout in everything(source).cutouts}
    failed = {failure.row for failure in everything(source).failures}
    for row, (x, y) in enumerate(PLACES):
        place = SkyCoord(*wcs.all_pix2world([[x, y]], 0)[0], unit="deg")
        try:
            expected = Cutout2D(data, place, size, wcs=wcs, mode="partial", fill_value=np.nan).data
        except ValueError:  # no overlap
            assert row in failed
            continue
        assert np.array_equal(found[row].pixels[0], expected, equal_nan=True), row
    assert source.bands == ("band1",)


def test_edges_are_nan_and_flagged_and_outside_is_a_failure(tmp_path: Path) -> None:
    path = mosaic(tmp_path / "m.fits", np.ones(SHAPE, "f4"))
    positions = listed(
        tmp_path / "c.csv",
        [(70, 60), (0, 60), (149, 119), (-30, 60), (4, 4), (3, 4)],
        id=list("abcdef"),
        mag=[20.5] * 6,
    )
    source = open_source(path, positions=positions, size_pixels=8)
    assert source.catalog.column("edge").to_pylist() == [False, True, True, True, False, True]
    assert source.catalog.column("mag").to_pylist() == [20.5] * 6
    reading = everything(source)
    assert {cutout.id: int(np.isnan(cutout.pixels).sum()) for cutout in reading.cutouts} == {
        "a": 0,
        "b": 32,
        "c": 39,
        "e": 0,
        "f": 8,
    }
    [failure] = reading.failures
    assert (failure.id, failure.file, failure.row) == ("d", "m.fits", 3)
    assert failure.reason == "lies outside the mosaic m.fits, which has 120 x 150 pixels"


def test_the_other_side_of_the_sky_and_no_position_are_failures(tmp_path: Path) -> None:
    path = mosaic(tmp_path / "m.fits", ramp())
    (tmp_path / "c.csv").write_text(
        "id,RA,DEC\nhere,150.1,2.2\nthere,330.1,-2.2\nnowhere,,\npole,10,90\n"
    )
    reading = everything(open_source(path, positions=tmp_path / "c.csv", size_pixels=8))
    assert [cutout.id for cutout in reading.cutouts] == ["here"]
    assert [failure.id for failure in reading.failures] == ["there", "nowhere", "pole"]


def test_the_size_in_arcseconds(tmp_path: Path) -> None:
    path = mosaic(tmp_path / "m.fits", ramp())
    positions = listed(tmp_path / "c.csv", [(70, 60)])
    assert everything(open_source(path, positions=positions, size_arcsec=3.2)).cutouts[
        0
    ].pixels.shape == (1, 16, 16)
    for arcsec, pixels in ((None, None), (2.0, 3)):
        with pytest.raises(UsageError, match="in arcseconds or in pixels"):
            open_source(path, positions=positions, size_arcsec=arcsec, size_pixels=pixels)
    for wrong in (0, -3, 100000):
        with pytest.raises(UsageError, match="1 to 4096 pixels a side"):
            open_source(path, positions=positions, size_pixels=wrong)
    with pytest.raises(UsageError, match="1 to 4096 pixels a side"):
        open_source(path, positions=positions, size_arcsec=0.01)


def shifted(pixels: int) -> WCS:
    wcs = wcs_of()
    wcs.wcs.crpix = wcs.wcs.crpix + pixels
    return wcs


@pytest.mark.parametrize(
    "how", ["folder", "list", "names of files", "columns", "extensions", "cube"]
)
def test_bands_of_several_mosaics(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "mosaics"
    folder.mkdir()
    one, two = ramp(), ramp() + 1000
    columns: dict[str, Any] = {}
    if how in ("extensions", "cube"):
        path: Any = folder / "m.fits"
        if how == "cube":
            mosaic(path, np.stack([one, two]), BAND1="g", BAND2="r")
        else:
            hdus = [fits.ImageHDU(each, wcs_of().to_header()) for each in (one, two)]
            for hdu, band in zip(hdus, "gr", strict=True):
                hdu.header["FILTER"] = band
            fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
        second, shift = two, 0
    else:
        cards = (
            [{}, {}] if how in ("names of files", "columns") else [{"FILTER": "g"}, {"FILTER": "r"}]
        )
        names = (
            ["a.fits", "b.fits"]
            if how in ("columns", "folder", "list")
            else ["field_g.fits", "field_r.fits"]
        )
        mosaic(folder / names[0], one, **cards[0])
        mosaic(folder / names[1], two, shifted(5), **cards[1])
        path = [folder / name for name in names] if how == "list" else folder
        second, shift = two, 5
        columns = {"file_g": ["a.fits"] * 2, "file_r": ["b.fits"] * 2} if how == "columns" else {}
    positions = listed(tmp_path / "c.csv", [(70, 60), (40, 30)], **columns)
    source = open_source(path, positions=positions, size_pixels=8)
    assert source.bands == ("g", "r")
    cutouts = everything(source).cutouts
    for cutout, (x, y) in zip(cutouts, [(70, 60), (40, 30)], strict=True):
        assert np.array_equal(cutout.pixels[0], one[y - 4 : y + 4, x - 4 : x + 4])
        assert np.array_equal(
            cutout.pixels[1], second[y - 4 + shift : y + 4 + shift, x - 4 + shift : x + 4 + shift]
        )
    swapped = everything(
        open_source(path, positions=positions, size_pixels=8, bands=["r", "g"])
    ).cutouts
    assert np.array_equal(swapped[1].pixels, cutouts[1].pixels[::-1])
    with pytest.raises(UsageError, match="the mosaics have no band z; their bands are g, r"):
        open_source(path, positions=positions, size_pixels=8, bands=["z"])


def test_a_column_says_which_mosaic_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    folder.mkdir()
    for number in range(2):
        mosaic(folder / f"{number}.fits", np.full(SHAPE, number, "f4"))
    source = open_source(
        folder,
        positions=listed(tmp_path / "c.csv", [(70, 60)] * 3, file=["1.fits", "0.fits", "1.fits"]),
        size_pixels=4,
    )
    assert [float(cutout.pixels[0, 0, 0]) for cutout in everything(source).cutouts] == [1, 0, 1]
    assert [cutout.file for cutout in everything(source).cutouts] == ["1.fits", "0.fits", "1.fits"]
    with pytest.raises(UsageError, match="must lie in this folder"):
        open_source(
            folder,
            positions=listed(tmp_path / "d.csv", [(70, 60)], file=["../c.csv"]),
            size_pixels=4,
        )


def test_one_batch_with_the_edge_column_and_elsewhere(tmp_path: Path) -> None:
    path = mosaic(tmp_path / "m.fits", ramp())
    positions = listed(tmp_path / "c.csv", [(70, 60), (1, 60)], label=["agn", "spiral"])
    batch = read_cutouts(path, positions=positions, size_pixels=6)
    assert batch.labels.tolist() == ["agn", "spiral"]
    assert batch.column("edge").tolist() == ["False", "True"]
    source = open_source(path, positions=positions, size_pixels=6)
    sent = pickle.loads(pickle.dumps(source))
    assert np.array_equal(everything(sent).cutouts[0].pixels, everything(source).cutouts[0].pixels)


def test_memory_does_not_grow_with_the_mosaic(tmp_path: Path) -> None:
    shape = (2200, 2000)
    path = mosaic(tmp_path / "m.fits", np.ones(shape, "f4"), wcs_of(shape))
    positions = listed(tmp_path / "c.csv", [(70, 60), (1900, 2100)], wcs_of(shape))
    everything(open_source(path, positions=positions, size_pixels=16))
    source = open_source(path, positions=positions, size_pixels=16)
    tracemalloc.start()
    assert len(everything(source).cutouts) == 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000 < path.stat().st_size


def test_a_mosaic_that_changed_fails(tmp_path: Path) -> None:
    path = mosaic(tmp_path / "m.fits", ramp())
    source = open_source(path, positions=listed(tmp_path / "c.csv", [(70, 60)]), size_pixels=6)
    path.write_bytes(path.read_bytes()[:9000])
    assert [failure.reason for failure in everything(source).failures] == [
        "the mosaic m.fits has changed since it was opened"
    ]
    path.unlink()
    assert "cannot be read: No such file" in everything(source).failures[0].reason


def test_invalid_requests_are_refused_in_one_sentence(tmp_path: Path) -> None:
    good = mosaic(tmp_path / "m.fits", ramp())
    positions = listed(tmp_path / "c.csv", [(70, 60)])
    fits.PrimaryHDU(ramp()).writeto(tmp_path / "blind.fits")
    with pytest.raises(UsageError, match="has no celestial coordinates"):
        open_source(tmp_path / "blind.fits", positions=positions, size_pixels=6)
    packed = mosaic(tmp_path / "p.fits.gz", ramp())
    with pytest.raises(UsageError, match=r"is packed.*unpack it first"):
        open_source(packed, positions=positions, size_pixels=6)
    (tmp_path / "both").mkdir()
    mosaic(tmp_path / "both/m.fits", ramp())
    mosaic(tmp_path / "both/fine.fits", ramp(), wcs_of(scale=0.1))
    (tmp_path / "b.csv").write_text("ra,dec,file\n150,2,m.fits\n150,2,fine.fits\n")
    with pytest.raises(
        UsageError,
        match=r"pixels of different sizes \(fine\.fits has 0\.1 arcsec, m\.fits has 0\.2 arcsec\)",
    ):
        open_source(tmp_path / "both", positions=tmp_path / "b.csv", size_pixels=6)
    (tmp_path / "d.csv").write_text("id,x\na,1\n")
    with pytest.raises(
        UsageError,
        match=r"needs the columns 'ra' and 'dec' in degrees, or 'x' and 'y' .*; "
        r"its columns are id, x",
    ):
        open_source(good, positions=tmp_path / "d.csv", size_pixels=6)
    (tmp_path / "e.csv").write_text("ra,dec\nhere,1\n")
    with pytest.raises(UsageError, match="the column 'ra' must hold degrees, as numbers"):
        open_source(good, positions=tmp_path / "e.csv", size_pixels=6)
    (tmp_path / "f.csv").write_text("ra,dec\n1,-999\n1,95\n")
    with pytest.raises(
        UsageError,
        match=(
            r"no row has a position .*; in row 1: declinations go from -90 to 90 degrees; this one "
            r"is -999"
        ),
    ):
        open_source(good, positions=tmp_path / "f.csv", size_pixels=6)
    with pytest.raises(UsageError, match="there is no such file or folder"):
        open_source([good, tmp_path / "none.fits"], positions=positions, size_pixels=6)
    with pytest.raises(UsageError, match="a size is only for positions"):
        open_source(good, size_pixels=6)
    with pytest.raises(UsageError, match="several files are read as mosaics"):
        open_source([good, good])


def test_a_row_without_a_position_costs_no_other(tmp_path: Path) -> None:
    path = mosaic(tmp_path / "m.fits", ramp())
    here = "150.1,2.2"
    rows = {
        "first": here,
        "sentinel": "-999,-999",
        "south": "150,-90.5",
        "turned": "-999,2",
        "empty": ",2.2",
        "nan": "150,nan",
        "last": here,
    }
    none = "there is no position in its row: it needs a number in 'ra' and in 'dec'"
    expected = {
        "sentinel": "right ascensions go from 0 to 360 degrees; this one is -999",
        "south": "declinations go from -90 to 90 degrees; this one is -90.5",
        "turned": "right ascensions go from 0 to 360 degrees; this one is -999",
        "empty": none,
        "nan": none,
    }
    for words in ({}, {"text": "no data,2.2", "dash": "150.1,-"}):
        lines = "".join(f"{name},{place}\n" for name, place in (rows | words).items())
        (tmp_path / "c.csv").write_text(f"id,ra,dec\n{lines}")
        for missing in ("fail", "mask"):
            source = open_source(
                path, positions=tmp_path / "c.csv", size_pixels=8, missing_bands=missing
            )
            reading = everything(source)
            assert [cutout.id for cutout in reading.cutouts] == ["first", "last"]
            said = {failure.id: failure.reason for failure in reading.failures}
            more = (
                {"text": "'ra' is not a number: 'no data'", "dash": "'dec' is not a number: '-'"}
                if words
                else {}
            )
            assert said == expected | more
            assert {failure.file for failure in reading.failures} == {"m.fits"}
    assert len(everything(pickle.loads(pickle.dumps(source))).failures) == 7


@pytest.mark.parametrize("text", ["ra,dec\n,2\n3,\n", "ra,dec\nnan,nan\n", "x,y\n1,\n,1\n"])
def test_a_catalog_without_any_position_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(
        UsageError,
        match=(
            r"c\.csv: no row has a position that can be used; in row 1: there is no position in "
            r"its row"
        ),
    ):
        open_source(
            mosaic(tmp_path / "m.fits", ramp()), positions=tmp_path / "c.csv", size_pixels=6
        )


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ({"CRVAL1": "150.1"}, "CRVAL1 must be a number; it is '150.1'"),
        ({"CRPIX2": "center"}, "CRPIX2 must be a number; it is 'center'"),
        ({"CDELT1": "5e-5"}, "CDELT1 must be a number; it is '5e-5'"),
        ({"PC1_2": "0"}, "PC1_2 must be a number; it is '0'"),
        ({"CD2_1": "0"}, "CD2_1 must be a number; it is '0'"),
        ({"CRVAL2": True}, "CRVAL2 must be a number; it is 'True'"),
        ({"CRVAL2": None}, "CRVAL2 must be a number; it is missing"),
        (
            {"CTYPE2": "DEC--SIN"},
            "Inconsistent projection types (expected RA---TAN, got DEC--SIN in CTYPE2)",
        ),
        ({"CDELT1": 0.0}, "PCi_ja matrix is singular"),
        ({"CRVAL2": 95.0}, "No valid solution for latp for these values of phip, phi0, and theta0"),
    ],
)
def test_coordinates_that_make_no_sense_are_refused_with_what_is_wrong(
    tmp_path: Path, cards: dict[str, Any], said: str
) -> None:
    path = mosaic(tmp_path / "m.fits", ramp(), **cards)
    with pytest.raises(UsageError) as caught:
        open_source(path, positions=listed(tmp_path / "c.csv", [(70, 60)]), size_pixels=6)
    assert (
        str(caught.value).replace("DEC--TAN", "RA---TAN")
        == f"{path}: its celestial coordinates are invalid: {said}"
    )


def test_a_number_that_cannot_be_read_is_refused_only_where_it_counts(tmp_path: Path) -> None:
    path, positions = (
        mosaic(tmp_path / "m.fits", ramp(), AIRMASS=1.0),
        listed(tmp_path / "c.csv", [(70, 60)]),
    )
    content = path.read_bytes()
    assert content.count(b"AIRMASS =                  1.0") == 1
    path.write_bytes(
        content.replace(b"AIRMASS =                  1.0", b"AIRMASS =              1.0,0.0")
    )
    assert len(open_source(path, positions=positions, size_pixels=6)) == 1
    crval = next(
        content[at : at + 30]
        for at in range(0, len(content), 80)
        if content[at:].startswith(b"CRVAL1")
    )
    path.write_bytes(content.replace(crval, b"CRVAL1  =            150,1 deg"))
    with pytest.raises(
        UsageError, match=r"celestial coordinates are invalid: .*(CRVAL1|150,1 deg)"
    ):
        open_source(path, positions=positions, size_pixels=6)


def test_text_in_unrelated_wcs_keywords_is_ignored(tmp_path: Path) -> None:
    path = mosaic(
        tmp_path / "m.fits", ramp(), CRVAL3="none", CD3_3="none", CRVAL1A="none", CROTA2=None
    )
    assert (
        len(
            everything(
                open_source(path, positions=listed(tmp_path / "c.csv", [(70, 60)]), size_pixels=6)
            ).cutouts
        )
        == 1
    )


def test_a_size_is_asked_for_as_programs_and_command_lines_say_it(tmp_path: Path) -> None:
    path, positions = mosaic(tmp_path / "m.fits", ramp()), listed(tmp_path / "c.csv", [(70, 60)])
    with pytest.raises(
        UsageError, match=r"either size_arcsec \(--size-arcsec\) or size_pixels \(--size-pixels\)"
    ):
        open_source(path, positions=positions)


def test_bands_without_names_and_other_numbers_of_them(tmp_path: Path) -> None:
    path, positions = mosaic(tmp_path / "m.fits", ramp()), listed(tmp_path / "c.csv", [(70, 60)])
    with pytest.raises(
        UsageError, match="the mosaics' band has no name, and 2 are asked for: g, r"
    ):
        open_source(path, positions=positions, size_pixels=6, bands=["g", "r"])
    assert open_source(path, positions=positions, size_pixels=6, bands=["g"]).bands == ("g",)


def test_headers_that_astropy_refuses_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "m.fits"
    images = [fits.ImageHDU(ramp().astype("u2"), name=name) for name in "gr"]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(path)
    raw = path.read_bytes()
    at = raw.rindex(b"BZERO   =")
    path.write_bytes(raw[:at] + b"BZERO   =                  INF".ljust(80) + raw[at + 80 :])
    (tmp_path / "c.csv").write_text("x,y\n20,20\n")
    with pytest.raises(
        UsageError, match=r"m\.fits: .* are invalid: astropy finds no such extension"
    ):
        open_source(path, positions=tmp_path / "c.csv", size_pixels=6)


def test_fewer_extensions_for_astropy_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mosaic(tmp_path / "m.fits", ramp())
    (tmp_path / "c.csv").write_text("x,y\n20,20\n")
    for error in (IndexError("list index out of range"), OverflowError("cannot convert")):

        def missing(*_: Any, error: Exception = error) -> Any:
            raise error

        monkeypatch.setattr(fits.HDUList, "__getitem__", missing)
        with pytest.raises(UsageError, match=r"m\.fits: its celestial coordinates are invalid"):
            open_source(path, positions=tmp_path / "c.csv", size_pixels=6)

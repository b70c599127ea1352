"""Noise maps, masks, flags and segments that come along: in the file, beside it, or by the
catalog.
"""

import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from numpy.typing import NDArray
from PIL import Image
from tests.data.sources.source_files import catalog, flat, read, reasons, save, values

from galfeat import CutoutError, UsageError
from galfeat.data import Cutout, Cutouts, open_source, read_cutout, read_cutouts
from galfeat.data.sources.catalogs.catalog import Catalog

SIZE = (8, 6)


def marked(value: float, *places: tuple[int, int], kind: str = "i4") -> NDArray[Any]:
    """Return zeros with a value at some pixels."""
    image = np.zeros(SIZE, kind)
    for place in places:
        image[place] = value
    return image


def file_of(
    path: Path, *hdus: tuple[str, NDArray[Any]], first: dict[str, Any] | None = None, **cards: Any
) -> Path:
    """Write extensions with these names; more keywords for those of a name."""
    primary = fits.PrimaryHDU()
    primary.header.update(first or {})
    made = [fits.ImageHDU(pixels, name=name) for name, pixels in hdus]
    for hdu in made:
        hdu.header.update(cards.get(hdu.name, {}))
    fits.HDUList([primary, *made]).writeto(path)
    return path


def one(path: Path, **options: Any) -> Cutout:
    found = read(open_source(path, **options))
    assert not found.failures, found.failures
    [cutout] = found.cutouts
    return cutout


def bad(cutout: Cutout) -> list[list[int]]:
    return np.argwhere(np.isnan(cutout.pixels)).tolist()


# In the file


@pytest.mark.parametrize(
    ("name", "value"),
    [("ERR", 2.0), ("VAR", 4.0), ("VARIANCE", 4.0), ("IVAR", 0.25), ("INVVAR", 0.25), ("RMS", 2.0)],
)
def test_noise_in_the_file_is_a_standard_deviation(tmp_path: Path, name: str, value: float) -> None:
    cutout = one(file_of(tmp_path / "a.fits", ("SCI", flat(7)), (name, flat(value))))
    assert cutout.noise is not None
    assert np.array_equal(cutout.noise, np.full((1, *SIZE), 2, np.float32))
    assert cutout.noise.dtype == np.float32
    assert bad(cutout) == []


@pytest.mark.parametrize("name", ["ERR", "VAR", "IVAR"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_a_pixel_without_positive_noise_is_bad(tmp_path: Path, name: str, value: float) -> None:
    noise = flat(1)
    noise[3, 4] = value
    cutout = one(file_of(tmp_path / "a.fits", ("SCI", flat(7)), (name, noise)))
    assert cutout.noise is not None
    assert bad(cutout) == [[0, 3, 4]] == np.argwhere(np.isnan(cutout.noise)).tolist()


@pytest.mark.parametrize(
    "name", ["WHT", "WEIGHT", "EXP", "COV", "CTX", "PSF", "VAR_POISSON", "BKG", "OBJMASK"]
)
def test_weights_times_and_parts_of_the_noise_are_not_taken_for_noise(
    tmp_path: Path, name: str
) -> None:
    cutout = one(file_of(tmp_path / "a.fits", ("SCI", flat(7)), (name, flat(0))))
    assert (cutout.noise, cutout.segmentation, bad(cutout)) == (None, None, [])


def test_the_noise_that_a_file_calls_so_comes_before_its_variance(tmp_path: Path) -> None:
    cutout = one(
        file_of(
            tmp_path / "a.fits",
            ("SCI", flat(7)),
            ("VAR", flat(100)),
            ("ERR", flat(3)),
            ("VAR_RNOISE", flat(1)),
        )
    )
    assert cutout.noise is not None
    assert cutout.noise[0, 0, 0] == 3


def test_uncertainties_of_ccddata_go_by_their_kind(tmp_path: Path) -> None:
    path = file_of(
        tmp_path / "a.fits",
        ("SCI", flat(7)),
        ("UNCERT", flat(4)),
        UNCERT={"UTYPE": "VarianceUncertainty"},
    )
    assert one(path).noise[0, 0, 0] == 2  # type: ignore[index]


@pytest.mark.parametrize(
    ("first", "cards", "expected"),
    [
        ({}, {}, [1, 2, 4, 5]),
        ({"TELESCOP": "HST"}, {}, [1, 2, 4, 5]),
        ({"TELESCOP": "JWST"}, {}, [1, 5]),
        ({}, {"MP_BAD": 0, "HIERARCH MP_DETECTED": 1, "HIERARCH MP_NO_DATA": 2}, [1, 4, 5]),
    ],
)
def test_flags_are_bad_by_the_custom_of_the_telescope(
    tmp_path: Path, first: dict[str, str], cards: dict[str, int], expected: list[int]
) -> None:
    flags = marked(0)
    flags[0, 1:] = [1, 2, 0, 4, 5]
    path = file_of(tmp_path / "a.fits", ("SCI", flat(7)), ("DQ", flags), first=first, DQ=cards)
    assert [column for _, _, column in bad(one(path))] == expected


def test_the_bits_that_are_bad_can_be_chosen(tmp_path: Path) -> None:
    flags = marked(0)
    flags[0, 1:] = [1, 2, 0, 4, 5]
    path = file_of(tmp_path / "a.fits", ("SCI", flat(7)), ("DQ", flags))
    assert [column for _, _, column in bad(one(path, bad_bits=6))] == [2, 4, 5]
    assert bad(one(path, bad_bits=0)) == []
    assert bad(one(path, companions=False)) == []
    with pytest.raises(UsageError, match="bad_bits must be a whole number from 0 on"):
        open_source(path, bad_bits=-1)


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "u4", "i8", "u8", "f4"])
def test_flags_of_every_kind_of_number_keep_their_bits(tmp_path: Path, kind: str) -> None:
    highest = 1 << 30 if kind in ("u4", "i8", "u8") else 64
    flags = marked(highest + (0 if kind == "f4" else 1), (2, 2), kind=kind)
    flags[5, 5] = 2
    path = file_of(tmp_path / "a.fits", ("SCI", flat(7)), ("DQ", flags))
    expected = [[0, 2, 2]] if kind != "f4" else [[0, 2, 2], [0, 5, 5]]
    assert bad(one(path, bad_bits=highest)) == expected
    assert bad(one(path)) == [[0, 2, 2], [0, 5, 5]]


def test_segments_keep_their_numbers(tmp_path: Path) -> None:
    segments = marked(2**30 + 1, (4, 4))
    cutout = one(file_of(tmp_path / "a.fits", ("SCI", flat(7)), ("SEGMAP", segments)))
    assert cutout.segmentation is not None
    assert cutout.segmentation.dtype == np.int32
    assert np.array_equal(cutout.segmentation, segments)
    assert bad(cutout) == []


@pytest.mark.parametrize(
    ("name", "other", "words"),
    [
        ("ERR", np.ones((8, 7), "f4"), "its noise map has 8 x 7 pixels, its image 8 x 6 pixels"),
        ("MASK", np.zeros((6, 8), "u1"), "its mask has 6 x 8 pixels, its image 8 x 6 pixels"),
        ("ERR", np.ones((2, *SIZE), "f4"), "its noise map has 2 plane(s) for one band"),
        (
            "SEG",
            np.full(SIZE, 0.5, "f4"),
            ("its segmentation map holds fractions where whole numbers of objects are expected"),
        ),
        ("SEG", np.full(SIZE, 2**40), "its segmentation map holds numbers beyond 32 bits"),
    ],
)
def test_what_does_not_fit_is_a_failure_that_says_so(
    tmp_path: Path, name: str, other: NDArray[Any], words: str
) -> None:
    path = file_of(tmp_path / "a.fits", ("SCI", flat(7)), (name, other))
    assert reasons(read(open_source(path))) == {"a": words}


def test_companions_of_bands_go_by_their_names(tmp_path: Path) -> None:
    hdus = [
        ("G", flat(1)),
        ("R", flat(2)),
        ("R_ERR", flat(20)),
        ("ERR_G", flat(10)),
        ("MASK_R", marked(1, (0, 0))),
    ]
    cutout = one(file_of(tmp_path / "a.fits", *hdus))
    assert cutout.noise is not None
    assert cutout.noise[:, 0, 1].tolist() == [10, 20]
    assert bad(cutout) == [[1, 0, 0]]
    assert bad(one(tmp_path / "a.fits", bands=["R"])) == [[0, 0, 0]]
    only = one(tmp_path / "a.fits", bands=["R"])
    assert only.noise is not None
    assert only.noise.shape == (1, *SIZE)
    assert only.noise[0, 1, 1] == 20


def test_noise_of_only_some_bands_is_not_used(tmp_path: Path) -> None:
    assert (
        one(file_of(tmp_path / "a.fits", ("g", flat(1)), ("r", flat(2)), ("ERR_G", flat(10)))).noise
        is None
    )


def test_companions_of_versions_of_order_and_of_place(tmp_path: Path) -> None:
    def written(name: str, order: list[tuple[str, float, int]]) -> Path:
        hdus = [
            fits.ImageHDU(flat(value), name=word, ver=version) for word, value, version in order
        ]
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / name)
        return tmp_path / name

    sci, err = (
        [("SCI", 1, 1), ("SCI", 2, 2), ("SCI", 3, 3)],
        [("ERR", 10, 1), ("ERR", 20, 2), ("ERR", 30, 3)],
    )
    versions = written("versions.fits", [*sci, *reversed(err)])
    order = written("order.fits", [(word, value, 1) for word, value, _ in (*sci, *err)])
    turns = written(
        "turns.fits",
        [(word, value, 1) for pair in zip(sci, err, strict=True) for word, value, _ in pair],
    )
    for path in (versions, order, turns):
        noise = [cutout.noise[0, 0, 0] for cutout in read(open_source(path)).cutouts]  # type: ignore[index]
        assert noise == [10, 20, 30], path
    place = written("place.fits", [("SCI", 1, 1), ("SCI", 2, 1), ("ERR", 20, 1), ("SCI", 3, 1)])
    assert [cutout.noise is not None for cutout in read(open_source(place)).cutouts] == [
        False,
        True,
        False,
    ]


def test_ambiguous_sidecars_are_ignored_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = file_of(tmp_path / "a.fits", ("one", flat(1)), ("two", flat(2)), ("ERR", flat(10)))
    with caplog.at_level(logging.WARNING, "galfeat"):
        assert [cutout.noise for cutout in read(open_source(path)).cutouts] == [None, None]
    assert "it is not clear to which image ERR belongs: not used" in caplog.text


def test_a_mask_of_all_bands_and_cubes_with_their_noise(tmp_path: Path) -> None:
    bands = file_of(
        tmp_path / "a.fits",
        ("g", flat(1)),
        ("r", flat(2)),
        ("MASK", marked(1, (0, 0))),
        ("SEG", marked(5, (1, 1))),
    )
    assert bad(one(bands)) == [[0, 0, 0], [1, 0, 0]]
    cube = file_of(
        tmp_path / "b.fits",
        ("SCI", np.ones((3, *SIZE), "f4")),
        ("ERR", np.arange(1, 145.0).reshape(3, *SIZE)),
        ("DQ", marked(1, (2, 3))),
    )
    cutout = one(cube)
    assert bad(cutout) == [[band, 2, 3] for band in range(3)]
    assert cutout.noise is not None
    assert cutout.noise[:, 0, 0].tolist() == [1, 49, 97]


def test_rows_of_galaxies_in_one_image(tmp_path: Path) -> None:
    pixels, noise, mask = (
        np.ones((4, 2, *SIZE), "f4"),
        np.ones((4, 2, *SIZE), "f4"),
        np.zeros((4, *SIZE), "u1"),
    )
    noise *= np.arange(1, 5).reshape(4, 1, 1, 1)
    mask[2, 5, 5] = 1
    path = file_of(tmp_path / "a.fits", ("SCI", pixels), ("ERR", noise), ("MASK", mask))
    cutouts = read(open_source(path)).cutouts
    assert [cutout.noise[1, 0, 0] for cutout in cutouts] == [1, 2, 3, 4]  # type: ignore[index]
    assert [bad(cutout) for cutout in cutouts] == [[], [], [[0, 5, 5], [1, 5, 5]], []]


def test_one_image_of_a_file_has_its_companions_too(tmp_path: Path) -> None:
    path = file_of(
        tmp_path / "a.fits", ("SCI", flat(1)), ("ERR", flat(10)), ("DQ", marked(1, (0, 0)))
    )
    cutout = read_cutout(path, hdu=1)
    assert (cutout.noise is not None, bad(cutout)) == (True, [[0, 0, 0]])


def test_compressed_companions(tmp_path: Path) -> None:
    hdus = [
        fits.CompImageHDU(marked(7, kind="i4"), name="SCI"),
        fits.CompImageHDU(marked(3, (1, 1)), name="DQ"),
    ]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "a.fits")
    assert bad(one(tmp_path / "a.fits")) == [[0, 1, 1]]


# Beside it


def test_files_beside_a_galaxy_are_its_companions(tmp_path: Path) -> None:
    for galaxy in ("ngc1", "ngc10"):
        save(tmp_path / f"{galaxy}.fits", flat(1))
    save(tmp_path / "ngc1_mask.fits", marked(1, (0, 0)))
    save(tmp_path / "ngc1_sigma.fits.gz", flat(2))
    save(tmp_path / "ngc10-ivar.fits", flat(4))
    save(tmp_path / "ngc10_wht.fits", flat(0))
    Image.fromarray(marked(9, (1, 1), kind="u1")).save(tmp_path / "ngc10_segmentation.png")
    source = open_source(tmp_path)
    first, tenth = read(pickle.loads(pickle.dumps(source))).cutouts
    assert (first.id, tenth.id) == ("ngc1", "ngc10")
    assert (bad(first), bad(tenth)) == ([[0, 0, 0]], [])
    assert [cutout.noise[0, 3, 3] for cutout in (first, tenth)] == [2, 0.5]  # type: ignore[index]
    assert first.segmentation is None
    assert tenth.segmentation is not None
    assert tenth.segmentation[1, 1] == 9
    assert len(source.left_out) == 5
    assert one(tmp_path / "ngc1.fits").noise is None  # one file is what was asked for


def test_a_mask_goes_with_each_band_of_its_galaxy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for band in "gr":
        save(tmp_path / f"ngc1_{band}.fits", flat(1))
    save(tmp_path / "ngc1_mask.fits", marked(1, (0, 0)))
    save(tmp_path / "ngc1_err.fits", flat(2))
    with caplog.at_level(logging.WARNING, "galfeat"):
        found = read(open_source(tmp_path))
    assert [bad(cutout) for cutout in found.cutouts] == [[[0, 0, 0]]] * 2
    assert [cutout.noise for cutout in found.cutouts] == [None, None]
    assert (
        "ngc1_err.fits: its name does not say to which galaxy it belongs: not used" in caplog.text
    )


def test_glued_words_and_other_folders(tmp_path: Path) -> None:
    save(tmp_path / "a" / "G1fitim.fits", flat(1))
    save(tmp_path / "a" / "G10fitim.fits", flat(1))
    save(tmp_path / "a" / "G1sigma.fits", flat(3))
    save(tmp_path / "b" / "G1fitim.fits", flat(1))
    noise = {cutout.id: cutout.noise is not None for cutout in read(open_source(tmp_path)).cutouts}
    assert noise == {"a/G1fitim": True, "a/G10fitim": False, "b/G1fitim": False}


def test_a_companion_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    save(tmp_path / "a.fits", flat(1))
    save(tmp_path / "a_err.fits", flat(1, (5, 5)))
    save(tmp_path / "b.fits", flat(1))
    (tmp_path / "b_mask.fits").touch()
    assert reasons(read(open_source(tmp_path))) == {
        "a": "its noise map (a_err.fits) has 5 x 5 pixels, its image 8 x 6 pixels",
        "b": "b_mask.fits: is empty (0 bytes)",
    }
    assert len(read(open_source(tmp_path, companions=False)).cutouts) == 2


# By the catalog


def test_columns_name_companions(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / f"{name}.fits", flat(1))
    save(tmp_path / "m.fits", marked(1, (0, 0)))
    save(tmp_path / "v.fits", flat(9))
    table = catalog(
        tmp_path / "c.csv",
        "id,file,mask,file_var,sigma,dq\na,a.fits,m.fits,v.fits,210.5,\nb,b.fits,,gone.fits,180,\n",
    )
    found = read(open_source(table))
    assert reasons(found) == {"b": "gone.fits: there is no such file"}
    [cutout] = found.cutouts
    assert (bad(cutout), cutout.noise[0, 1, 1]) == ([[0, 0, 0]], 3)  # type: ignore[index]


def test_columns_of_bands(tmp_path: Path) -> None:
    for name, value in (("g", 1), ("r", 2), ("sg", 10), ("sr", 20)):
        save(tmp_path / f"{name}.fits", flat(value))
    save(tmp_path / "m.fits", marked(1, (0, 0)))
    columns = "id,file_g,file_r,noise_g,r_noise,mask_r,mask_old"
    table = catalog(
        tmp_path / "c.csv", f"{columns}\na,g.fits,r.fits,sg.fits,sr.fits,m.fits,gone.fits\n"
    )
    cutout = one(table)
    assert cutout.noise is not None
    assert cutout.noise[:, 1, 1].tolist() == [10, 20]
    assert bad(cutout) == [[1, 0, 0]]
    assert bad(one(table, bands=["g"])) == []
    assert one(table, bands=["r", "g"]).noise[:, 1, 1].tolist() == [20, 10]  # type: ignore[index]


def test_columns_for_a_file_of_many_galaxies(tmp_path: Path) -> None:
    path = file_of(tmp_path / "a.fits", *[(f"N{number}", flat(number)) for number in range(20)])
    save(tmp_path / "m.fits", marked(1, (0, 0)))
    table = catalog(
        tmp_path / "c.csv",
        "id,mask\n"
        + "".join(f"x{number},{'m.fits' if number == 7 else ''}\n" for number in range(20)),
    )
    assert [
        cutout.id for cutout in read(open_source(path, catalog=table)).cutouts if bad(cutout)
    ] == ["x7"]


def test_a_companion_file_of_many_galaxies(tmp_path: Path) -> None:
    save(tmp_path / "a.fits", flat(1), flat(2), flat(3))
    save(tmp_path / "a_mask.fits", marked(0), marked(1, (1, 1)), marked(0))
    save(tmp_path / "a_noise.fits", np.ones((3, *SIZE), "f4") * np.arange(1, 4).reshape(3, 1, 1))
    save(tmp_path / "b.fits", flat(1), flat(2), flat(3))
    save(tmp_path / "b_mask.fits", marked(0), marked(0))
    found = read(open_source(tmp_path))
    assert [(bad(cutout), float(cutout.noise[0, 0, 0])) for cutout in found.cutouts] == [  # type: ignore[index]
        ([], 1),
        ([[0, 1, 1]], 2),
        ([], 3),
    ]
    assert set(reasons(found).values()) == {"b_mask.fits: holds 2 images for 3 galaxies"}


# In a batch


def test_a_batch_carries_noise_and_segments(tmp_path: Path) -> None:
    file_of(tmp_path / "a.fits", ("SCI", flat(1)), ("ERR", flat(2)), ("SEG", marked(4, (1, 1))))
    save(tmp_path / "b.fits", flat(3), filters="")
    batch = read_cutouts(tmp_path)
    assert batch.noise is not None
    assert batch.noise[0, 0, 0, 0] == 2
    assert np.isnan(batch.noise[1]).all()
    assert batch.segmentation is not None
    assert batch.segmentation[:, 1, 1].tolist() == [4, 0]
    (tmp_path / "a.fits").unlink()
    assert (read_cutouts(tmp_path).noise, read_cutouts(tmp_path).segmentation) == (None, None)


def test_shapes_of_a_cutout_and_a_batch_are_looked_at() -> None:
    pixels, segments = np.zeros((1, 1, *SIZE), np.float32), np.zeros((1, *SIZE), np.int32)
    with pytest.raises(
        UsageError,
        match=r"segments of shape \(1, 6, 8\) do not match pixels of shape \(1, 1, 8, 6\)",
    ):
        Cutouts(pixels, ("a",), ("g",), segmentation=segments.transpose(0, 2, 1))
    with pytest.raises(CutoutError, match="segments of shape"):
        Cutout("a", pixels[0], ("g",), segmentation=segments[0].T)
    with pytest.raises(CutoutError, match="noise of shape"):
        Cutout("a", pixels[0], ("g",), noise=pixels[0, 0])


def test_pixels_beyond_the_masks_are_as_they_were(tmp_path: Path) -> None:
    image = np.arange(48, dtype=np.float32).reshape(SIZE)
    cutout = one(file_of(tmp_path / "a.fits", ("SCI", image), ("MASK", marked(1, (2, 2)))))
    assert np.array_equal(
        np.where(marked(1, (2, 2)), np.nan, image), cutout.pixels[0], equal_nan=True
    )
    assert values(read(open_source(tmp_path / "a.fits"))) == {"a": [0]}


def test_a_cell_that_names_no_file_does_not_switch_the_others_off() -> None:
    cells = ["m.fits", " none ", "N/A", "", None, "-", "m.npy"]
    table = pa.table({"mask": pa.array(cells, type=pa.string())})
    [found] = Catalog(table, Path("c.csv")).sidecars({"": "file"})
    files = [found.of_row(row) for row in range(len(cells))]
    assert files == ["m.fits", "", "", "", "", "", "m.npy"]
    without = Catalog(pa.table({"mask": ["none", "m.npy"]}), Path("c.csv"))
    assert without.sidecars({"": "file"}) == ()

"""What accompanies a galaxy and is none; folders without a catalog."""

from pathlib import Path

import pytest

from galfeat.data.fits.ancillary.names import is_ancillary
from galfeat.data.sources.folders import list_cutouts, names_of, without_suffix
from galfeat.data.sources.sidecars.names import ancillary_stem, flag_ancillary_files


def touch(folder: Path, *files: str) -> None:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.mark.parametrize(
    "name",
    ["ERR", "sigma", "VAR_POISSON", "g_mask", "WHT2", "ivar", "file_psf", "file_noise", "DQ"],
)
def test_ancillary_images_are_recognized_by_their_words(name: str) -> None:
    assert is_ancillary(name)


@pytest.mark.parametrize(
    "name", ["", "SCI", "g", "file_g", "masked_galaxy", "variable", "psfree", "F814W"]
)
def test_role_words_inside_other_words_do_not_count(name: str) -> None:
    assert not is_ancillary(name)


@pytest.mark.parametrize(
    ("stem", "root"),
    [
        ("SDSS_G1sigma", "SDSS_G1"),
        ("SDSS_G1psfim", "SDSS_G1"),
        ("gal_ivar", "gal"),
        ("gal-var", "gal"),
        ("gal.WEIGHT", "gal"),
        ("gal_flag", "gal"),
        ("galflag", None),
        ("psf", ""),
        ("SDSS_G1fitim", None),
    ],
)
def test_the_part_before_the_word_is_the_stem(stem: str, root: str | None) -> None:
    assert ancillary_stem(stem) == root


def test_an_ancillary_file_needs_a_galaxy() -> None:
    assert flag_ancillary_files(["G1fitim", "G1sigma", "G2sigma", "G10fitim"]) == [
        False,
        True,
        False,
        False,
    ]
    assert flag_ancillary_files(["psf", "mask"]) == [False, False]
    assert flag_ancillary_files(["psf", "ngc1"]) == [True, False]
    assert flag_ancillary_files(["G1sigma", "G1psf"]) == [False, False]


def test_a_folder_is_searched_to_the_bottom_in_order(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "b.fits",
        "a.FITS.gz",
        "c/d.jpeg",
        "c/d_err.fits",
        "C/e.Png",
        ".hidden.fits",
        ".git/x.fits",
        "notes.txt",
        "b.fits.bak",
    )
    touch(tmp_path, "z.fits.fz", "err.fits")
    galaxies, left_out, _ = list_cutouts(tmp_path)
    assert galaxies == ["C/e.Png", "a.FITS.gz", "b.fits", "c/d.jpeg", "z.fits.fz"]
    assert left_out == ("c/d_err.fits", "err.fits")


def test_galaxies_are_called_by_their_files_without_suffix() -> None:
    assert [without_suffix(file) for file in ("a/b.fits.gz", "x.y.FIT", "p.JPEG", "q.dat")] == [
        "a/b",
        "x.y",
        "p",
        "q.dat",
    ]


def test_files_that_would_get_one_name_keep_their_suffixes() -> None:
    assert names_of(["a.fits", "a.jpg", "b.fits", "b.fits"]) == ["a.fits", "a.jpg", "b", "b"]

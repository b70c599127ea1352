"""Which images are galaxies and which are bands: decided on shapes and names alone, no file
needed.
"""

import pytest

from galfeat import CutoutError, UsageError
from galfeat.data.fits.layouts import (
    GalaxyImages,
    ImageInfo,
    Layout,
    arrange,
    check_layout,
    is_band_name,
)

ONE = (8, 6)


def images(
    *names: str, shape: tuple[int, ...] = ONE, filters: tuple[str, ...] = ()
) -> list[ImageInfo]:
    own = filters or ("",) * len(names)
    return [
        ImageInfo(hdu, shape, name, each, each)
        for hdu, (name, each) in enumerate(zip(names, own, strict=True), start=1)
    ]


@pytest.mark.parametrize(
    "name",
    [
        "g",
        "R",
        "Ks",
        "F814W",
        "f160w",
        "F150W2",
        "NUV",
        "W1",
        "y4",
        "irac2",
        "VIS",
        "SDSS_g",
        "HSC-I",
        "band12",
        "red",
        "NB816",
        "r'",
    ],
)
def test_names_of_filters_are_known(name: str) -> None:
    assert is_band_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "SCI",
        "NGC1300",
        "J1234+56",
        "gal001",
        "1237648702966988820",
        "N29",
        "PRIMARY",
        "fg",
        "big",
    ],
)
def test_other_names_are_no_filters(name: str) -> None:
    assert not is_band_name(name)


def test_equal_shapes_with_names_of_filters_are_bands_of_one_galaxy() -> None:
    assert arrange(images("g", "r", "i")) == [GalaxyImages((1, 2, 3), ("g", "r", "i"), named=True)]
    assert arrange(images("SCI", "SCI", filters=("F606W", "F814W"))) == [
        GalaxyImages((1, 2), ("F606W", "F814W"), named=True)
    ]


def test_equal_shapes_with_names_of_galaxies_are_galaxies() -> None:
    assert [galaxy.hdus for galaxy in arrange(images("NGC1", "NGC2", "NGC3"))] == [(1,), (2,), (3,)]


@pytest.mark.parametrize("filters", [("F814W", "F814W"), ("g", "")])
def test_a_filter_that_is_shared_or_missing_makes_no_bands(filters: tuple[str, ...]) -> None:
    assert len(arrange(images("", "", filters=filters))) == 2


def test_filter_keywords_take_precedence_over_extnames() -> None:
    assert len(arrange(images("g", "r", filters=("F814W", "F814W")))) == 2
    assert arrange(images("g", "r", filters=("F814W", ""))) == [
        GalaxyImages((1, 2), ("g", "r"), named=True)
    ]


def test_unequal_shapes_are_galaxies_whatever_their_names() -> None:
    mixed = [ImageInfo(0, (8, 6), "g"), ImageInfo(1, (8, 7), "r")]
    assert len(arrange(mixed)) == 2
    with pytest.raises(CutoutError, match="8 x 6 pixels, 8 x 7 pixels"):
        arrange(mixed, "bands")


def test_unnamed_bands_are_numbered() -> None:
    assert arrange(images("", ""), "bands") == [
        GalaxyImages((1, 2), ("band1", "band2"), named=False)
    ]
    assert arrange(images("NGC1", "NGC2"), "bands") == [
        GalaxyImages((1, 2), ("NGC1", "NGC2"), named=True)
    ]


def test_layout_galaxies_makes_each_extension_a_galaxy() -> None:
    assert arrange(images("g", "r"), "galaxies") == [
        GalaxyImages((1,), ("band1",)),
        GalaxyImages((2,), ("band1",)),
    ]


def test_a_cube_is_one_galaxy_with_its_planes_as_bands() -> None:
    assert arrange([ImageInfo(0, (3, 8, 6))]) == [GalaxyImages((0,), ("band1", "band2", "band3"))]
    named = ImageInfo(0, (2, 8, 6), planes=("g", "r"))
    for layout in ("auto", "cube", "galaxies", "bands"):
        assert arrange([named], layout) == [GalaxyImages((0,), ("g", "r"), named=True)]


def test_cube_takes_the_first_image_and_nothing_else() -> None:
    assert arrange([ImageInfo(0, (2, 8, 6)), ImageInfo(1, (2, 8, 6))], "cube") == [
        GalaxyImages((0,), ("band1", "band2"))
    ]
    assert len(arrange([ImageInfo(0, (2, 8, 6)), ImageInfo(1, (2, 8, 6))])) == 2
    with pytest.raises(CutoutError, match="no cube: its first image has 8 x 6 pixels"):
        arrange(images("g", "r"), "cube")


def test_four_axes_are_a_row_of_galaxies() -> None:
    found = arrange([ImageInfo(0, (2, 3, 8, 6), planes=("g", "r", "i"))])
    assert found == [
        GalaxyImages((0,), ("g", "r", "i"), named=True, number=number) for number in (0, 1)
    ]


def test_ancillary_images_are_never_galaxies_nor_bands() -> None:
    assert arrange(
        images("SCI", "ERR", "DQ", "WHT", "VAR_POISSON", "G_MASK", "psf", "IVAR2", "SEGMAP")
    ) == [GalaxyImages((1,), ("band1",))]
    assert [galaxy.hdus for galaxy in arrange(images("g", "r", "g_err", "r_err"))] == [(1, 2)]
    with pytest.raises(CutoutError, match="only ancillary images \\(ERR, DQ\\)"):
        arrange(images("ERR", "DQ"))


def test_an_image_that_cannot_be_a_galaxy_is_one_with_a_problem() -> None:
    found = arrange([ImageInfo(0, ONE), ImageInfo(1, (0, 6)), ImageInfo(2, (2, 2, 2, 8, 6))])
    assert [bool(galaxy.problem) for galaxy in found] == [False, True, True]
    assert "no pixels (0 x 6 pixels)" in found[1].problem
    assert "5 axes" in found[2].problem


def test_an_unknown_layout_is_refused_with_the_known_ones() -> None:
    layouts: tuple[Layout, ...] = ("auto", "cube", "bands", "galaxies")
    for layout in layouts:
        check_layout(layout)
    with pytest.raises(UsageError, match="one of auto, cube, bands, galaxies; it is 'rows'"):
        check_layout("rows")

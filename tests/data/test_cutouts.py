"""One galaxy and a batch: shapes, bands, bad pixels, catalog."""

import numpy as np
import pyarrow as pa
import pytest

from galfeat import CutoutError, UsageError
from galfeat.data import Cutout, Cutouts, band_names


def cutout(*bands: str) -> Cutout:
    pixels = np.arange(len(bands) * 6, dtype=np.float32).reshape(len(bands), 2, 3)
    return Cutout("ngc1300", pixels, bands, noise=pixels + 100)


def test_bands_without_names_are_counted_from_one() -> None:
    assert band_names(3) == ("band1", "band2", "band3")


def test_selected_bands_come_in_the_order_asked_for() -> None:
    chosen = cutout("g", "r", "i").select(["i", "g"])
    assert chosen.bands == ("i", "g")
    assert chosen.pixels[:, 0, 0].tolist() == [12, 0]
    assert chosen.noise is not None
    assert chosen.noise[:, 0, 0].tolist() == [112, 100]


def test_a_missing_band_is_named_beside_those_there_are() -> None:
    with pytest.raises(CutoutError, match="no band z; its bands are g, r"):
        cutout("g", "r").select(["g", "z"])


def test_a_cutout_needs_three_axes_and_a_name_for_each_band() -> None:
    with pytest.raises(CutoutError, match="do not match the bands g, r"):
        Cutout("a", np.zeros((1, 2, 2), np.float32), ("g", "r"))
    with pytest.raises(CutoutError):
        Cutout("a", np.zeros((2, 2), np.float32), ("g", "r"))


def test_a_batch_holds_native_contiguous_float32_whatever_it_is_given() -> None:
    pixels = np.arange(24, dtype=">i2").reshape(2, 2, 3, 2)[:, :, ::-1]
    batch = Cutouts(pixels, ("a", "b"), ("g", "r"))
    assert batch.pixels.dtype == np.dtype("float32")
    assert batch.pixels.dtype.isnative
    assert batch.pixels.flags.c_contiguous
    assert np.array_equal(batch.pixels, pixels)
    assert (batch.ids, batch.bands, len(batch)) == (("a", "b"), ("g", "r"), 2)


def test_masked_and_infinite_pixels_become_nan_and_the_input_stays() -> None:
    pixels = np.zeros((1, 1, 2, 2), np.float32)
    pixels[0, 0, 0, 0] = np.inf
    mask = np.zeros(pixels.shape, bool)
    mask[0, 0, 1, 1] = True
    batch = Cutouts(pixels, ("a",), ("g",), mask=mask)
    assert np.isnan(batch.pixels[0, 0]).tolist() == [[True, False], [False, True]]
    assert batch.mask is not None
    assert batch.mask[0, 0].tolist() == [[True, False], [False, True]]
    assert pixels[0, 0, 0, 0] == np.inf


def test_a_number_beyond_float32_is_a_bad_pixel() -> None:
    assert np.isnan(Cutouts(np.full((1, 1, 1, 1), 1e300), ("a",), ("g",)).pixels).all()


@pytest.mark.parametrize(
    ("shape", "ids", "bands"),
    [((1, 2, 2), ("a",), ("g",)), ((2, 1, 2, 2), ("a",), ("g",)), ((1, 2, 2, 2), ("a",), ("g",))],
)
def test_shapes_that_do_not_fit_are_refused(
    shape: tuple[int, ...], ids: tuple[str, ...], bands: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError):
        Cutouts(np.zeros(shape, np.float32), ids, bands)


def test_noise_and_catalog_must_fit() -> None:
    pixels = np.zeros((2, 1, 2, 2), np.float32)
    with pytest.raises(UsageError, match="noise"):
        Cutouts(pixels, ("a", "b"), ("g",), noise=pixels[:1])
    with pytest.raises(UsageError, match="1 rows for 2 cutouts"):
        Cutouts(pixels, ("a", "b"), ("g",), catalog=pa.table({"id": ["a"]}))


def test_labels_are_text_and_empty_where_there_is_none() -> None:
    pixels = np.zeros((3, 1, 2, 2), np.float32)
    batch = Cutouts(
        pixels,
        ("a", "b", "c"),
        ("g",),
        catalog=pa.table({"label": ["spiral", None, ""], "T": [1.5, float("nan"), None]}),
    )
    assert batch.labels.tolist() == ["spiral", "", ""]
    assert batch.column("T").tolist() == ["1.5", "", ""]
    with pytest.raises(UsageError, match="no column 'class': its columns are label, T"):
        batch.column("class")
    with pytest.raises(UsageError, match="there is no catalog"):
        _ = Cutouts(pixels, ("a", "b", "c"), ("g",)).labels

"""The bands of a source: chosen by name, or given."""

from pathlib import Path

import numpy as np
import pytest
from tests.data.sources.source_files import flat, read, reasons, save, values

from galfeat import UsageError
from galfeat.data import open_source


def test_bands_are_chosen_by_name_where_there_are_names(tmp_path: Path) -> None:
    path = save(tmp_path / "a.fits", flat(1), flat(2), names="g r")
    assert values(read(open_source(path, bands=["r"]))) == {"a": [2]}
    assert reasons(read(open_source(path, bands=["r", "z"]))) == {
        "a": "has no band z; its bands are g, r"
    }


def test_bands_without_names_are_given_those_asked_for_if_they_are_as_many(tmp_path: Path) -> None:
    path = save(tmp_path / "a.fits", np.stack([flat(1), flat(2)]))
    [cutout] = read(open_source(path, bands=["g", "r"])).cutouts
    assert (cutout.bands, cutout.named) == (("g", "r"), True)
    assert values(read(open_source(path, bands=["band2"]))) == {"a": [2]}
    assert reasons(read(open_source(path, bands=["g", "r", "i"]))) == {
        "a": "its 2 bands have no names, and 3 are asked for: g, r, i"
    }


def test_one_band_as_a_word_is_one_band(tmp_path: Path) -> None:
    path = save(tmp_path / "a.fits", flat(1), filters="F814W")
    assert open_source(path, bands="F814W").bands == ("F814W",)


@pytest.mark.parametrize("bands", [[], ["g", "g"], [""]])
def test_bands_must_be_names_each_once(tmp_path: Path, bands: list[str]) -> None:
    with pytest.raises(UsageError, match="bands must be names, each once"):
        open_source(save(tmp_path / "a.fits", flat(1)), bands=bands)


def test_the_bands_of_a_source_are_those_of_the_first_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.fits").touch()
    save(tmp_path / "b.fits", flat(1), filters="F105W")
    save(tmp_path / "c.fits", flat(1), filters="F814W")
    assert open_source(tmp_path).bands == ("F105W",)
    assert open_source(tmp_path, bands=["F814W"]).bands == ("F814W",)

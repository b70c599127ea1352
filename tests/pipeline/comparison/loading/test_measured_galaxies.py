"""Measuring a source for the comparison: one cutout that raises costs itself only."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.data import Preparation, Reading, Shard, SimulatedSurvey, open_source, write_survey
from galfeat.pipeline.comparison.loading import measured_galaxies
from galfeat.pipeline.comparison.loading.measured_galaxies import measure_source
from galfeat.pipeline.extraction.measure import take_rows
from galfeat.pipeline.extraction.recipe import Recipe

RECIPE = Recipe.of(["pixels"], ["g", "r", "i"], Preparation(size=32))


class Odd:
    """A source whose reading of some rows raises an exception that nobody foresaw."""

    def __init__(self, source: Any, rows: set[int]) -> None:
        self.source, self.rows = source, rows
        self.catalog, self.shards = source.catalog, source.shards
        self.bands = source.bands

    def __len__(self) -> int:
        return len(self.source)

    def read(self, shard: Shard) -> Reading:
        if self.rows & set(range(shard.start, shard.stop)):
            raise ZeroDivisionError("odd")
        reading: Reading = self.source.read(shard)
        return reading


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("survey")
    write_survey(SimulatedSurvey(60, size=32), folder / "s")
    return open_source(folder / "s")


def _recipe(source: Any) -> Recipe:
    return replace(RECIPE, bands=source.bands)


def test_a_row_that_raises_is_a_failure(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = survey.catalog.column("id").to_pylist()[7]
    nuisance = measured_galaxies._nuisance_numbers

    def raising(cutout: Any, bands: tuple[str, ...]) -> list[float]:
        if cutout.id == odd:
            raise ZeroDivisionError("odd")
        return nuisance(cutout, bands)

    whole = measure_source(survey, _recipe(survey), "label", keep_raw=[3, 7])
    monkeypatch.setattr(measured_galaxies, "_nuisance_numbers", raising)
    found = measure_source(Odd(survey, {2, 30}), _recipe(survey), "label", keep_raw=[3, 7])
    assert sorted(each.row or 0 for each in found.failures) == [2, 7, 30]
    assert all("unforeseen ZeroDivisionError" in each.reason for each in found.failures)
    assert len(found.labels) == len(whole.labels) - 3
    kept = np.array([row for row in range(60) if row not in (2, 7, 30)])
    for name, block in found.blocks.items():
        rows = zip(block, take_rows(whole.blocks[name], kept), strict=True)
        assert all(np.array_equal(*each) for each in rows), name
    assert set(found.raw) == set(whole.raw) - {odd}


def test_a_bug_that_many_meet_ends_the_run(survey: Any) -> None:
    with pytest.raises(UsageError, match="same unforeseen ZeroDivisionError"):
        measure_source(Odd(survey, set(range(25))), _recipe(survey), "label")

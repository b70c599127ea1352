"""The fuzz job, for a few seconds: mutants of every form, and faults that it must notice."""

from pathlib import Path

import numpy as np
import pytest
from tests.fuzz.forms import all_forms
from tests.fuzz.mutate import mutate
from tests.fuzz.planted import FAULTS
from tests.fuzz.run import Settings, fuzz, report

pytest.importorskip("h5py", reason="image sets in HDF5 need the extra 'hdf5'")


@pytest.mark.slow
def test_mutants_of_many_forms_are_read_as_others_read_them_or_refused() -> None:
    forms = tuple(form.name for form in all_forms(5))[::6]
    found = fuzz(Settings(seed=5, mutants=20, forms=forms))
    assert found.failures == []
    assert found.mutants == 20 + len(found.verdicts)
    assert set(found.verdicts) == set(forms)
    assert sum(counts["same"] for counts in found.verdicts.values()) > 15
    assert sum(counts["refused"] for counts in found.verdicts.values()) > 0
    assert "0 failures" in list(report(found, 1.0))[-1]


@pytest.mark.slow
def test_planted_faults_are_noticed(tmp_path: Path) -> None:
    settings = Settings(
        *(1, 0.0, 0, tmp_path), forms=tuple(FAULTS), cpu=2, wall=8, door="tests.fuzz.planted:faulty"
    )
    found = fuzz(settings)
    verdicts = {form: next(iter(counts)) for form, counts in found.verdicts.items()}
    assert verdicts == FAULTS
    assert len(found.failures) == len(FAULTS) - 1
    kept = {path.name.split("-")[0] for path in tmp_path.glob("*.fits")}
    assert kept == set(FAULTS.values()) - {"same"}


def test_forms_and_mutants_are_the_same_for_the_same_seed() -> None:
    first, second = all_forms(3), all_forms(3)
    assert first == second
    assert len(first) == len({form.name for form in first}) > 90
    made = [
        [mutate(form.content, form.kind, [], np.random.default_rng(number)) for form in forms]
        for number, forms in enumerate([first, first, second])
    ]
    assert made[0] != made[1]
    assert [
        mutate(form.content, form.kind, [], np.random.default_rng(2)) for form in first
    ] == made[2]
    changed = [content != form.content for (content, _), form in zip(made[0], first, strict=True)]
    assert np.mean(changed) > 0.8

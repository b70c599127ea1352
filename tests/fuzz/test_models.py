"""Mutants of model files with valid checksums, and that the job finds what it is for."""

import pytest
from tests.fuzz.models import fuzz

from galfeat.pipeline.models import inputs


@pytest.mark.slow
def test_mutants_are_refused_or_are_models() -> None:
    counts, failures = fuzz(seed=20261130, mutants=800)
    assert failures == []
    assert counts["refused"] > 400
    assert counts["same"] > 50  # what is not used may be changed, or was changed into itself


@pytest.mark.slow
def test_a_missing_check_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "check_scaler", lambda _, width, components: components or width)
    assert fuzz(seed=1, mutants=200)[1]

"""A report that is hard to show, written once for all tests that look at it."""

from pathlib import Path

import pytest
from tests.pipeline.reporting.studies import HOSTILE, INPUTS, drawn

from galfeat.pipeline.comparison.results import ComparisonResults
from galfeat.pipeline.reporting import write_report


@pytest.fixture(scope="session")
def study() -> ComparisonResults:
    """Return ten classes with hostile names, sixteen inputs, two repeats and every kind of row."""
    return drawn(
        HOSTILE,
        INPUTS,
        n=200,
        repeats=2,
        bands=("a<b", "r", "$z$"),
        source="<i>My</i> survey & co",
        extras=True,
    )


@pytest.fixture(scope="session")
def folder(study: ComparisonResults, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of its report."""
    out = tmp_path_factory.mktemp("hostile") / "report"
    assert write_report(study, out) == out / "report.html"
    return out

"""A report that is hard to show, written once for all tests that look at it."""

from pathlib import Path

import pytest
from tests.pipeline.reporting.example_results import HOSTILE, INPUTS, example_results

from galfeat.pipeline.comparison.results import ComparisonResults
from galfeat.pipeline.reporting import write_report


@pytest.fixture(scope="session")
def results() -> ComparisonResults:
    """Return ten classes with hostile names, sixteen inputs, two repeats and every kind of row."""
    return example_results(
        HOSTILE,
        INPUTS,
        n=200,
        repeats=2,
        bands=("a<b", "r", "$z$"),
        source="<i>My</i> survey & co",
        extras=True,
    )


@pytest.fixture(scope="session")
def folder(results: ComparisonResults, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of its report."""
    out = tmp_path_factory.mktemp("hostile") / "report"
    assert write_report(results, out) == out / "report.html"
    return out

"""Compare hand-crafted features with raw pixels on labeled cutouts, and report the result.

The comparison has four steps, each of which returns one value and passes it on:
`load_dataset` -> `make_plan` -> `run_comparison` -> `write_report`.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from galfeat import UsageError
from galfeat.data import Preparation, SimulatedSurvey, Source, open_source
from galfeat.features import Extractor
from galfeat.pipeline.comparison.checkpoints import remove_checkpoints
from galfeat.pipeline.comparison.loading.dataset import load_dataset
from galfeat.pipeline.comparison.planning.budget import make_plan
from galfeat.pipeline.comparison.planning.plan import PLANS, ComparisonPlan
from galfeat.pipeline.comparison.results import ComparisonResults
from galfeat.pipeline.comparison.run import ComparisonNames, run_comparison
from galfeat.pipeline.extraction.extract import Progress, failures_path, write_failures
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.recipes import FEATURES
from galfeat.pipeline.reporting.folder import CHECKPOINTS, check_report_folder

__all__ = ["PLANS", "SIMULATED", "ComparisonReport", "compare"]

SIMULATED = 1200
"""Number of galaxies of the simulated survey that is compared by default."""


@dataclass(frozen=True)
class ComparisonReport:
    """Report of a comparison and the results it was made from.

    Parameters
    ----------
    report : Path
        The HTML page.
    results : ComparisonResults
    failed : int
        Number of cutouts that could not be measured.
    """

    report: Path
    results: ComparisonResults
    failed: int


def compare(  # noqa: PLR0913 - each is an option of the command
    source: Source | str | Path | None = None,
    out: str | Path = "report",
    *,
    name: str | None = None,
    label: str = "label",
    plan: Literal["quick", "full"] | ComparisonPlan = "quick",
    test_source: Source | str | Path | None = None,
    test_name: str | None = None,
    preparation: Preparation | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    extractors: Sequence[str | Extractor] = (),
    seed: int = 0,
    workers: int | None = None,
    resume: bool = False,
    measuring: Progress | None = None,
    training: Callable[[int, int, str], None] | None = None,
    saying: Callable[[str], None] | None = None,
) -> ComparisonReport:
    """Compare hand-crafted features with raw pixels on labeled cutouts and write the report.

    Parameters
    ----------
    source : Source or path, optional
        By default the simulated survey.
    out : path
        The folder for ``report.html``, ``scores.csv``, ``summary.csv``, ``figures/`` and
        ``run.json``.
    name : str, optional
        Name of the source in the report; by default the last part of its path.
    label : str
        The catalog column with the classes. Galaxies without a label, and classes with fewer
        members than folds, are left out and counted in the report. A column ``group``, if there is
        one, names galaxies that must stay on one side of every split.
    plan : {"quick", "full"} or ComparisonPlan
        "full": 5 folds, twice; 8 settings tried for every input. "quick": minutes instead of an
        hour, to see whether all is well.
    test_source : Source or path, optional
        External test set: other cutouts with the same bands and classes, on which every classifier
        is tested too.
    test_name : str, optional
        Name of the test source in the report.
    preparation : Preparation, optional
    settings : mapping, optional
        Settings of extractors that differ from the recipe's; see `extract`.
    extractors : sequence of str or Extractor
        Extractors of other packages, by name if installed: each is an input of its own, and one
        beside all features.
    seed : int
        Seed of the simulated survey, the folds, the search, the code words and the networks.
    workers : int, optional
        Threads; no number depends on it.
    resume : bool
        Whether to use the checkpoints of an interrupted run into the same folder.
    measuring, training : callable, optional
        Progress of the two stages; see `load_dataset` and `run_protocol`.
    saying : callable, optional
        Called with a sentence now and then: the predicted run time, and what is left out because
        of it.

    Returns
    -------
    ComparisonReport

    Raises
    ------
    UsageError
        If the source has no such column, fewer than two classes are left, or the folder cannot be
        written.
    """
    out, requested = Path(out), PLANS[plan] if isinstance(plan, str) else plan
    workers, log = workers or os.cpu_count() or 1, saying or (lambda _: None)
    if requested.n_folds < 2:
        raise UsageError(f"a comparison needs at least 2 folds; {requested.n_folds} was asked for")
    check_report_folder(out, [one for one in (source, test_source) if isinstance(one, str | Path)])
    names = _names(source, name, label, test_source, test_name)
    opened = _open(source, seed)
    opened_test = None if test_source is None else _open(test_source, seed)
    data = load_dataset(
        opened,
        Recipe.of((*FEATURES, *extractors), opened.bands, preparation or Preparation(), settings),
        label,
        n_folds=requested.n_folds,
        n_perturbed=requested.altered,
        seed=seed,
        test_source=opened_test,
        workers=workers,
        progress=measuring,
    )
    budgeted = make_plan(data, requested, workers=workers, log=log)
    results = run_comparison(
        data,
        budgeted,
        names,
        folder=out / CHECKPOINTS,
        resume=resume,
        workers=workers,
        progress=training,
        log=log,
    )
    write_failures(failures_path(out / "report"), data.failures)
    report = _write_report(results, out)
    remove_checkpoints(out / CHECKPOINTS)
    return ComparisonReport(report, results, len(data.failures))


def _open(source: Source | str | Path | None, seed: int) -> Source:
    if source is None:
        return SimulatedSurvey(SIMULATED, seed=seed)
    return open_source(source) if isinstance(source, str | Path) else source


def _names(
    source: Source | str | Path | None,
    name: str | None,
    label: str,
    test_source: Source | str | Path | None,
    test_name: str | None,
) -> ComparisonNames:
    default = "simulated survey" if source is None else _file_name(source)
    test_default = "" if test_source is None else _file_name(test_source)
    return ComparisonNames(name or default, label, test_name or test_default)


def _file_name(source: Source | str | Path) -> str:
    return Path(source).name if isinstance(source, str | Path) else "cutouts"


def _write_report(results: ComparisonResults, out: Path) -> Path:
    # matplotlib is slow to import, and not needed where the data are found unusable
    from galfeat.pipeline.reporting.writing import write_report

    return write_report(results, out)

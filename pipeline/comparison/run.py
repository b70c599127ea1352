"""Run a planned comparison on a data set and put its results together."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from galfeat import __version__
from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.checkpoints import CheckpointFolder, fingerprint_of
from galfeat.pipeline.comparison.classifiers.cnn import torch_version
from galfeat.pipeline.comparison.costs import costs, extraction_seconds, layer_sizes
from galfeat.pipeline.comparison.loading.dataset import Dataset
from galfeat.pipeline.comparison.loading.perturbed_test_sets import perturbed_test_sets
from galfeat.pipeline.comparison.planning.budget import BudgetedPlan
from galfeat.pipeline.comparison.planning.plan import ComparisonPlan
from galfeat.pipeline.comparison.protocol import Progress, ProtocolResult, run_protocol
from galfeat.pipeline.comparison.results import ComparisonResults, LayerSize
from galfeat.pipeline.models.hyperparameters import draw_settings

__all__ = ["ComparisonNames", "run_comparison"]


@dataclass(frozen=True)
class ComparisonNames:
    """Names that the report shows.

    Parameters
    ----------
    source : str
    label : str
        Catalog column with the classes.
    test_source : str
        Empty if there is none.
    """

    source: str
    label: str
    test_source: str = ""


def run_comparison(
    data: Dataset,
    budgeted: BudgetedPlan,
    names: ComparisonNames,
    *,
    folder: Path,
    resume: bool,
    workers: int,
    progress: Progress | None,
    log: Callable[[str], None],
) -> ComparisonResults:
    """Run the protocol on a data set and return all that the report is made from.

    Parameters
    ----------
    data : Dataset
    budgeted : BudgetedPlan
    names : ComparisonNames
    folder : Path
        Of the checkpoints. They stay there: remove them once the report is written.
    resume : bool
        Whether checkpoints of an interrupted run may be used.
    workers : int
        Threads; no number depends on them.
    progress : callable, optional
        See `run_protocol`.
    log : callable
        Called with a sentence if checkpoints of another run are ignored.
    """
    plan = budgeted.plan
    settings = _run_settings(data, plan, names)
    checkpoints = CheckpointFolder(folder, _fingerprint(data, settings), resume=resume)
    if resume and (count := checkpoints.count_of_other_runs()):
        log(
            f"{folder} has {count} checkpoint(s) of another run (other galaxies, settings, "
            "seed or version): they are ignored and replaced"
        )
    start = time.perf_counter()
    result = run_protocol(
        data.sample,
        budgeted.inputs,
        plan,
        checkpoints=checkpoints,
        perturbed=perturbed_test_sets(
            data.galaxies, data.recipe, plan.perturbations(len(data.recipe.bands))
        ),
        external=data.external,
        cnn=budgeted.cnn,
        workers=workers,
        progress=progress,
    )
    used = time.perf_counter() - start
    results = _results(data, budgeted, names, result, settings)
    return replace(
        results,
        notes=(*budgeted.notes, *_resume_notes(checkpoints.taken), *data.notes),
        used_seconds=used,
    )


def _results(
    data: Dataset,
    budgeted: BudgetedPlan,
    names: ComparisonNames,
    result: ProtocolResult,
    settings: Mapping[str, Any],
) -> ComparisonResults:
    sample = data.sample
    return ComparisonResults(
        source=names.source,
        label=names.label,
        bands=data.recipe.bands,
        ids=data.galaxies.ids,
        labels=sample.labels,
        classes=tuple(sample.classes),
        folds=result.folds,
        descriptions=tuple(each.description for each in budgeted.inputs),
        rows=tuple(result.rows),
        predictions=result.predictions,
        pixels=np.asarray(sample.blocks[PIXELS.name]).reshape(-1, *sample.shape),
        importances=tuple(result.importances),
        costs=costs(
            budgeted.inputs,
            sample.blocks,
            result,
            extraction_seconds(list(data.galaxies.raw.values()), data.recipe),
        ),
        layers=_layer_sizes(result, len(data.recipe.bands)),
        left_out=data.left_out,
        cut=budgeted.plan.cut,
        predicted_seconds=budgeted.predicted_seconds,
        run={
            **settings,
            "torch": torch_version() if budgeted.cnn else "",
            "ensembles": {
                name: [each.as_dict() for each in found] for name, found in result.ensembles.items()
            },
        },
        cross_source=names.test_source,
    )


def _run_settings(data: Dataset, plan: ComparisonPlan, names: ComparisonNames) -> dict[str, Any]:
    """Return the content of ``run.json``: all that is needed to repeat the run."""
    seed = data.sample.seed
    return {
        "galfeat": __version__,
        "source": names.source,
        "test_source": names.test_source,
        "label": names.label,
        "seed": seed,
        "preset": plan.preset,
        "n_folds": plan.n_folds,
        "n_repeats": plan.n_repeats,
        "draws": plan.draws,
        "plan": plan.as_dict(),
        "search": [each.as_dict() for each in draw_settings(plan.draws, seed)],
        "recipe": data.recipe.settings(),
        "fingerprint": data.recipe.fingerprint,
    }


def _fingerprint(data: Dataset, settings: Mapping[str, Any]) -> str:
    """Return the key of the checkpoints; it does not depend on the name of the source."""
    others = {name: value for name, value in settings.items() if name != "source"}
    galaxies, external = data.galaxies, data.external_galaxies
    arrays: list[Any] = [galaxies.ids, galaxies.labels, galaxies.blocks[PIXELS.name]]
    arrays.append(data.sample.groups)
    if external is not None:
        arrays += [external.ids, external.labels, external.blocks[PIXELS.name]]
    return fingerprint_of(others, *arrays)


def _layer_sizes(result: ProtocolResult, n_bands: int) -> tuple[LayerSize, ...]:
    counts = [
        row.n_parameters for row in result.rows if row.stage == "main" and row.input == "features"
    ]
    return layer_sizes(n_bands, round(float(np.mean(counts)))) if counts else ()


def _resume_notes(taken: int) -> Sequence[str]:
    if not taken:
        return ()
    return (
        f"The run was resumed from {taken} checkpoints, whose time is not part of the time used.",
    )

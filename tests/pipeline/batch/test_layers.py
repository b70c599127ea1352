"""Calls go downwards: each module of the batch engine imports only modules below it."""

import ast
from itertools import pairwise
from pathlib import Path

import galfeat.pipeline

PIPELINE = Path(galfeat.pipeline.__path__[0])
LAYERS = (
    *("extraction.extract", "models.classify", "models.class_table", "extraction.upload"),
    *("batch.run", "batch.dask", "batch.workers", "batch.quarantine", "batch.worker_process"),
    *(
        "batch.retry",
        "batch.merge",
        "batch.measure_shard",
        "batch.chunks",
        "batch.work_folder.shard_files",
    ),
    *("batch.parquet.growing_table", "batch.parquet.vector_pages", "batch.parquet.row_groups"),
    *(
        "batch.parquet.thrift",
        "batch.work_folder.manifest",
        "batch.unforeseen",
        "batch.work",
        "batch.work_folder.file_stamps",
    ),
    *(
        "batch.work_folder.folder",
        "batch.work_folder.journal",
        "batch.work_folder.lock",
        "batch.work_folder.directory",
        "batch.signals",
        "batch.options",
    ),
    "batch.disk_errors",
    *("models.measurement", "extraction.measurement", "transfer.domain_summary", "models.model"),
    *("models.archive", "transfer.domain", "transfer.numbers"),
    *("models.scores", "models.fitting", "models.split", "models.ensemble", "models.padding"),
    *("models.hyperparameters", "models.priors", "models.inputs", "models.state_checks"),
    *("models.sklearn_state", "evaluation.cross_validation", "evaluation.metrics"),
    *("evaluation.significance", "extraction.feature_table", "extraction.measure"),
    *("extraction.recipe", "extraction.scalar_columns", "extraction.photometry"),
    "extraction.sky_columns",
    *("settings_diff", "outputs", "recipes", "csv_cells"),
)
"""Modules from the top to the bottom."""


def imported(name: str) -> set[str]:
    """Return the modules of the pipeline that a module imports."""
    tree = ast.parse((PIPELINE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
    modules = {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    prefix = "galfeat.pipeline."
    return {each.removeprefix(prefix) for each in modules if each.startswith(prefix)} - {name}


def test_every_module_of_the_engine_has_its_layer() -> None:
    found = {
        ".".join(path.relative_to(PIPELINE).with_suffix("").parts)
        for path in (PIPELINE / "batch").rglob("*.py")
        if path.name != "__init__.py"
    }
    assert found == {name for name in LAYERS if name.startswith("batch.")}
    assert all(one != other for one, other in pairwise(sorted(LAYERS)))


def test_imports_point_downwards() -> None:
    for place, name in enumerate(LAYERS):
        assert imported(name) <= set(LAYERS[place + 1 :]), name

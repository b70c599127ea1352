"""Page of a model: what it is, what it is worth, and what is doubtful about it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from galfeat._atomic_files import atomic_path
from galfeat.pipeline.evaluation.significance import Interval
from galfeat.pipeline.figures.render import render
from galfeat.pipeline.models.model import Model
from galfeat.pipeline.models.scores import ModelScores
from galfeat.pipeline.reporting.draw_classes import confusion_figure, reliability_figure
from galfeat.pipeline.reporting.page import figure_for_page, page_environment
from galfeat.pipeline.reporting.tables.cells import Cell, Table, interval_cell, number

__all__ = ["write_model_page"]

_NAMES = {
    "macro_f1": "macro-F1",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "auc": "AUC",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error (ECE)",
}


def write_model_page(model: Model, path: Path, notes: Sequence[str] = ()) -> Path:
    """Write the page of a model with cross-validated scores.

    Parameters
    ----------
    model : Model
    path : Path
        The page; an existing one is replaced.
    notes : sequence of str
        Sentences on duplicates and groups.

    Returns
    -------
    Path
        `path`.
    """
    scores = model.scores
    assert scores is not None
    counts = np.array(scores.confusion)
    figures = [
        confusion_figure(counts, scores.classes, model.input.name),
        reliability_figure(scores.reliability, model.input.name),
    ]
    shown = [figure_for_page(each, "image/svg+xml", render(each.figure, "svg")) for each in figures]
    text = (
        page_environment()
        .get_template("model.html.jinja")
        .render(
            name=path.name.removesuffix(".report.html"),
            input=model.input,
            warnings=scores.warnings,
            tables=[_score_table(scores), _class_table(scores)],
            figures=shown,
            facts=_facts(model, scores),
            notes=notes,
        )
    )
    with atomic_path(path) as temporary:
        temporary.write_bytes(f"{text.strip()}\n".encode("utf-8", "xmlcharrefreplace"))
    return path


def _score_table(scores: ModelScores) -> Table:
    rows = tuple((Cell(name), interval_cell(scores.intervals[key])) for key, name in _NAMES.items())
    return Table("scores", "Scores of galaxies that were not trained on", ("score", "value"), rows)


def _class_table(scores: ModelScores) -> Table:
    rows = tuple(
        (
            Cell(each.name),
            Cell(f"{each.n:,}"),
            Cell(number(each.precision)),
            Cell(number(each.recall)),
            _interval(scores.class_f1[each.name]),
            Cell(number(each.auc)),
        )
        for each in scores.per_class
    )
    head = ("class", "galaxies", "precision", "recall", "F1", "AUC")
    return Table("classes", "The classes", head, rows)


def _interval(each: Interval) -> Cell:
    return interval_cell(each)


def _facts(model: Model, scores: ModelScores) -> dict[str, str]:
    members = model.ensemble_.members
    hidden = sorted({str(each.network.hidden_layer_sizes) for each in members})
    return {
        "galaxies": ", ".join(f"{name} {count:,}" for name, count in scores.counts.items()),
        "folds": str(scores.n_folds),
        "input": f"{model.input.name}: {', '.join(model.input.columns)}",
        "ensemble": f"{len(members)} networks, hidden layers {', '.join(hidden)}",
        "temperature": number(model.ensemble_.temperature),
        "class priors": ", ".join(f"{name} {prior:.3g}" for name, prior in model.priors_.items()),
        "recipe": model.recipe.name,
        "fingerprint": model.recipe.fingerprint,
    }

"""Write the files of a report, each atomically, after all of them have been made."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from galfeat._atomic_files import atomic_path
from galfeat.pipeline.comparison.results import SCORES, ComparisonResults, ScoreRow
from galfeat.pipeline.csv_cells import safe_text
from galfeat.pipeline.figures.render import render
from galfeat.pipeline.reporting.draw_galaxies import mistake_sheet, mistakes
from galfeat.pipeline.reporting.drawing import ReportFigure
from galfeat.pipeline.reporting.page import render_page
from galfeat.pipeline.reporting.sections import all_figures, features_input, sections
from galfeat.pipeline.reporting.summary import BASELINE, Summary, pair_rows
from galfeat.pipeline.reporting.verdict import judge

__all__ = ["write_report"]

_PICTURES = ("examples", "mistakes")  # raster images of galaxies: larger as SVG, and not sharper


def write_report(results: ComparisonResults, out: str | Path) -> Path:
    """Write the report of a comparison.

    Parameters
    ----------
    results : ComparisonResults
    out : path
        The folder; it is created if missing, and files of an earlier report are replaced.

    Returns
    -------
    Path
        ``report.html``, which is written last. The other files are ``scores.csv`` (a row per input,
        classifier, fold and condition), ``classes.csv`` (the same, a row per class),
        ``summary.csv`` (a row per input), ``differences.csv`` (a row per pair of inputs),
        ``run.json``, and ``figures/`` with every figure as SVG and PNG.

    Raises
    ------
    UsageError
        If a file cannot be written. Each file is written completely or not at all.
    """
    out = Path(out)
    for name, data in _files(results).items():
        with atomic_path(out / name) as temporary:
            temporary.write_bytes(data)
    return out / "report.html"


def _files(results: ComparisonResults) -> dict[str, bytes]:
    summary = Summary(results)
    parts = sections(summary)
    name = features_input(summary)
    found = mistakes(results, name, BASELINE if name != BASELINE else "")
    sheet = mistake_sheet(results, found)
    drawn = {each.name: each for each in (*all_figures(parts), *([sheet] if sheet else []))}
    pictures = {name: _both(each.figure) for name, each in drawn.items()}
    images = {name: _embedded(each, pictures[name]) for name, each in drawn.items()}
    return {
        **{
            f"figures/{name}.{kind}": data
            for name, kinds in pictures.items()
            for kind, data in kinds.items()
        },
        "scores.csv": _csv(list(_score_rows(results))),
        "classes.csv": _csv(list(_class_rows(results))),
        "summary.csv": _csv(summary.table()),
        "differences.csv": _csv(pair_rows(summary)),
        "run.json": (
            json.dumps(results.run, indent=1, sort_keys=True, default=_plain) + "\n"
        ).encode(),
        "report.html": render_page(results, judge(results), parts, images, found).encode(
            "utf-8", "xmlcharrefreplace"
        ),
    }


def _both(figure: Figure) -> dict[str, bytes]:
    svg = render(figure, "svg")
    # its parts stay where they were put: finding their places takes longer than drawing them
    figure.set_layout_engine("none")
    return {"svg": svg, "png": render(figure, "png")}


def _embedded(each: ReportFigure, pictures: Mapping[str, bytes]) -> tuple[str, bytes]:
    return (
        ("image/png", pictures["png"])
        if each.name in _PICTURES
        else ("image/svg+xml", pictures["svg"])
    )


def _identification(row: ScoreRow) -> dict[str, Any]:
    """Return the columns that identify a row: what was trained, and on which fold."""
    names = ("stage", "input", "head", "part", "repeat", "fold")
    return {name: getattr(row, name) for name in names}


def _score_rows(results: ComparisonResults) -> Iterator[dict[str, Any]]:
    for row in results.rows:
        what = _identification(row)
        how = {
            "perturbation": row.perturbation,
            "strength": row.strength,
            "n_train": row.n_train,
            "n_test": row.n_test,
        }
        sizes = {"n_features": row.n_features, "n_parameters": row.n_parameters}
        scores = {metric: float(row.scores.get(metric, float("nan"))) for metric in SCORES}
        yield {
            **what,
            **how,
            **sizes,
            **scores,
            "settings": json.dumps(row.settings, sort_keys=True, default=_plain),
        }


def _class_rows(results: ComparisonResults) -> Iterator[dict[str, Any]]:
    for row in results.rows:
        what = _identification(row)
        how = {"perturbation": row.perturbation, "strength": row.strength, "n_train": row.n_train}
        for name in results.classes:
            scores = {
                key: float(row.per_class.get(name, {}).get(key, float("nan")))
                for key in ("precision", "recall", "f1", "auc")
            }
            yield {
                **what,
                **how,
                "class": name,
                "n": int(row.per_class.get(name, {}).get("n", 0)),
                **scores,
            }


def _plain(value: Any) -> Any:
    """Return a NumPy number or array as a JSON value; anything else as text."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {
            key: f"{value:.6f}"
            if isinstance(value, float)
            else safe_text(value)
            if isinstance(value, str)
            else value
            for key, value in row.items()
        }
        for row in rows
    )
    return text.getvalue().encode()

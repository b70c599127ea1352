"""What a comparison leaves behind: two tables for machines, a page for people, and what is needed to repeat it."""

import base64
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from galfeat.pipeline.atomic import replacing
from galfeat.pipeline.comparison import Comparison
from galfeat.pipeline.figures import METRIC_TITLES, bar_chart, confusion_matrices, example_sheet, render
from galfeat.pipeline.inputs import INPUTS
from galfeat.pipeline.scores import METRICS

__all__ = ["Context", "summary_rows", "verdict", "write_report"]

_BASELINE = "pixels"


@dataclass(frozen=True)
class Context:
    """What the report says beside the scores.

    Parameters
    ----------
    source : str
        Name of the source, without its folder.
    label : str
        The column with the classes.
    bands : tuple of str
    examples : mapping of str to sequence of array (bands, ny, nx)
        A few prepared cutouts of each class.
    left_out : mapping of str to int
        Why galaxies took no part, and how many.
    run : mapping
        All that is needed to repeat the run, as JSON values.
    """

    source: str
    label: str
    bands: tuple[str, ...]
    examples: Mapping[str, Sequence[NDArray[np.float32]]]
    left_out: Mapping[str, int]
    run: Mapping[str, Any]


def write_report(comparison: Comparison, context: Context, out: Path) -> Path:
    """Write ``scores.csv``, ``summary.csv``, ``figures/``, ``run.json`` and, last of all, ``report.html``.

    Returns
    -------
    Path
        The page.
    """
    figures = {
        "scores": bar_chart(comparison),
        "confusion": confusion_matrices(comparison, comparison.inputs),
        "examples": example_sheet(context.examples, context.bands),
    }
    for name, figure in figures.items():
        for kind in ("png", "svg"):
            _write(out / "figures" / f"{name}.{kind}", render(figure, kind))
    _write_csv(out / "scores.csv", [_score_row(row) for row in comparison.rows])
    _write_csv(out / "summary.csv", summary_rows(comparison))
    _write(out / "run.json", (json.dumps(context.run, indent=1, sort_keys=True) + "\n").encode())
    _write(out / "report.html", _page(comparison, context, figures).encode())
    return out / "report.html"


def summary_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return one row an input: of each score the mean, the corrected standard error and the 95 % interval."""
    rows = []
    for name in comparison.inputs:
        folds = comparison.of(name)
        row: dict[str, Any] = {
            "input": name,
            "n_folds": len(folds),
            "n_features": folds[0].n_features,
            "n_parameters": folds[0].n_parameters,
        }
        for metric in METRICS:
            interval = comparison.interval(name, metric)
            row |= {metric: interval.mean, f"{metric}_se": interval.se, f"{metric}_low": interval.low, f"{metric}_high": interval.high}
        rows.append(row)
    return rows


def verdict(comparison: Comparison) -> list[str]:
    """Return what the numbers say, in plain sentences: the features against the pixels, and against pixels reduced the same way."""
    names = [name for name in ("features", _BASELINE, "pixels_pca") if name in comparison.inputs]
    reached = ", ".join(f"{name} {_plus_minus(comparison, name)}" for name in names)
    sentences = [f"Macro-F1 over {len(comparison.classes)} classes, {len(set(comparison.folds.tolist()))} folds: {reached}."]
    if "features" not in names:
        return sentences
    for other, words in ((_BASELINE, "raw pixels"), ("pixels_pca", "pixels reduced to principal components")):
        if other not in names:
            continue
        gap = comparison.interval("features", "macro_f1", minus=other)
        size = f"{gap.mean:+.3f}, 95 % interval {gap.low:+.3f} to {gap.high:+.3f}"
        if gap.low > 0:
            sentences.append(f"The hand-crafted features beat {words} ({size}).")
        elif gap.high < 0:
            sentences.append(f"The hand-crafted features fall behind {words} ({size}).")
        else:
            sentences.append(f"Between the hand-crafted features and {words} these galaxies show no certain difference ({size}).")
    return sentences


def _plus_minus(comparison: Comparison, name: str) -> str:
    interval = comparison.interval(name, "macro_f1")
    return f"{interval.mean:.3f} ± {interval.se:.3f}"


def _score_row(row: Any) -> dict[str, Any]:
    sizes = {"n_train": row.n_train, "n_test": row.n_test, "n_features": row.n_features, "n_parameters": row.n_parameters}
    return {"input": row.input, "fold": row.fold, **sizes, **row.scores}


def _page(comparison: Comparison, context: Context, figures: Mapping[str, Figure]) -> str:
    template = resources.files("galfeat.pipeline").joinpath("report.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    counts = {name: int(np.count_nonzero(comparison.labels == name)) for name in comparison.classes}
    return environment.from_string(template).render(
        context=context,
        verdict=verdict(comparison),
        counts=counts,
        n=len(comparison.labels),
        n_folds=len(set(comparison.folds.tolist())),
        metrics=METRIC_TITLES,
        rows=summary_rows(comparison),
        best={metric: max(comparison.interval(name, metric).mean for name in comparison.inputs) for metric in METRICS},
        about={name: INPUTS[name].about if name in INPUTS else "" for name in comparison.inputs},
        images={name: _embedded(figure, "png" if name == "examples" else "svg") for name, figure in figures.items()},
    )


def _embedded(figure: Figure, kind: str) -> str:
    media = "image/svg+xml" if kind == "svg" else "image/png"
    return f"data:{media};base64,{base64.b64encode(render(figure, kind)).decode()}"


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{value:.6f}" if isinstance(value, float) else value for key, value in row.items()} for row in rows)


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as part:
        part.write_bytes(data)

"""Pictures of galaxies: examples of each class, and the most confident misclassifications."""

import io
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from galfeat.pipeline.comparison.results import ComparisonResults
from galfeat.pipeline.figures.render import picture
from galfeat.pipeline.reporting.drawing import ReportFigure, label

__all__ = ["Misclassification", "example_sheet", "mistake_sheet", "mistakes", "stamp"]

_COLUMNS = 6


@dataclass(frozen=True)
class Misclassification:
    """Galaxy that was assigned to a wrong class.

    Parameters
    ----------
    row : int
        Its row in the results.
    name : str
        Its id.
    truth, predicted : str
    probability : float
        Of the predicted class, mean over the repeats.
    other_prediction : str
        Class that another input predicts, with its probability; empty if there is none.
    """

    row: int
    name: str
    truth: str
    predicted: str
    probability: float
    other_prediction: str = ""


def mistakes(
    results: ComparisonResults, name: str, other: str = "", n: int = 12
) -> list[Misclassification]:
    """Return the `n` misclassified galaxies with the highest predicted probability.

    Ties are broken by the order of the galaxies.

    Parameters
    ----------
    results : ComparisonResults
    name : str
        The input.
    other : str
        An input whose prediction is shown for comparison.
    n : int
        Largest number of galaxies.
    """
    if name not in results.predictions:
        return []
    classes = np.array(results.classes)
    table = _mean(results, name)
    tested = np.flatnonzero(np.isfinite(table).all(axis=1))
    predicted = classes[table[tested].argmax(axis=1)]
    wrong = tested[predicted != results.labels[tested]]
    worst = wrong[np.argsort(-table[wrong].max(axis=1), kind="stable")][:n]
    return [
        Misclassification(
            int(row), str(results.ids[row]), str(results.labels[row]),
            str(classes[table[row].argmax()]), float(table[row].max()),
            _predicted_by(results, other, int(row)),
        )
        for row in worst
    ]  # fmt: skip


def stamp(pixels: NDArray[np.float32], bands: tuple[str, ...]) -> bytes:
    """Return a prepared cutout as a PNG image, first row of pixels at the bottom."""
    values = (255 * picture(pixels, bands)[::-1] + 0.5).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def mistake_sheet(
    results: ComparisonResults, found: list[Misclassification]
) -> ReportFigure | None:
    """Draw the misclassified galaxies as one sheet; None if there are none."""
    if not found:
        return None
    rows = -(-len(found) // _COLUMNS)
    figure = Figure(figsize=(1.5 * _COLUMNS, 2.1 * rows), layout="constrained")
    for place, axes in enumerate(figure.subplots(rows, _COLUMNS, squeeze=False).flat):
        axes.set_axis_off()
        if place < len(found):
            each = found[place]
            axes.imshow(
                picture(results.pixels[each.row], results.bands),
                origin="lower",
                interpolation="nearest",
                cmap="gray",
                vmin=0,
                vmax=1,
            )
            axes.set_title(
                (
                    f"{label(each.truth, 20)}\nnot "
                    f"{label(each.predicted, 16)}\n({each.probability:.2f})"
                ),
                fontsize=7.5,
            )
    alt = "; ".join(
        f"{each.name} is {each.truth}, taken for {each.predicted} with {each.probability:.2f}"
        for each in found
    )
    return ReportFigure(
        "mistakes", f"Galaxies taken for another class most confidently: {alt}.", "", figure
    )


def example_sheet(results: ComparisonResults) -> ReportFigure:
    """Draw the first galaxies of each class, as prepared, a row per class."""
    k = len(results.classes)
    figure = Figure(figsize=(1.1 * _COLUMNS + 1.5, 1.1 * k), layout="constrained")
    grid = figure.subplots(k, _COLUMNS, squeeze=False)
    for axes_row, name in zip(grid, results.classes, strict=True):
        chosen = np.flatnonzero(results.labels == name)[:_COLUMNS]
        for place, axes in enumerate(axes_row):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if place < len(chosen):
                image = picture(results.pixels[chosen[place]], results.bands)
                axes.imshow(
                    image, origin="lower", interpolation="nearest", cmap="gray", vmin=0, vmax=1
                )
        axes_row[0].set_ylabel(label(name, 14, 3), rotation=0, ha="right", va="center", fontsize=10)
    alt = f"Up to {_COLUMNS} galaxies of each class: {', '.join(results.classes)}."
    caption = (
        "The first galaxies of each class as they were prepared: sky subtracted, in units of the "
        "noise, asinh stretch."
    )
    return ReportFigure("examples", alt, caption, figure)


def _mean(results: ComparisonResults, name: str) -> NDArray[np.float64]:
    table = results.predictions[name].probabilities
    known = np.isfinite(table).all(axis=2, keepdims=True)
    total: NDArray[np.float64] = np.where(known, table, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: NDArray[np.float64] = total / known.sum(axis=0)
    return mean


def _predicted_by(results: ComparisonResults, other: str, row: int) -> str:
    if other not in results.predictions:
        return ""
    probabilities = _mean(results, other)[row]
    if not np.isfinite(probabilities).all():
        return ""
    return f"{other}: {results.classes[int(probabilities.argmax())]} ({probabilities.max():.2f})"

"""Sections of the report: their texts, tables and figures; empty ones are left out."""

from collections.abc import Iterable
from dataclasses import dataclass

from galfeat.pipeline.reporting import (
    draw_classes,
    draw_classifiers,
    draw_curves,
    draw_galaxies,
    draw_scores,
    tables,
)
from galfeat.pipeline.reporting.classifiers import CNN
from galfeat.pipeline.reporting.drawing import ReportFigure
from galfeat.pipeline.reporting.summary import BASELINE, Summary
from galfeat.pipeline.reporting.tables import Table

__all__ = ["Section", "all_figures", "detailed_inputs", "features_input", "sections"]

_PAIRS = 15  # larger tables of pairs are only in differences.csv
_RELIABILITY = (
    "Reliability diagram: how often the predicted class is right, with 95 % intervals, against "
    "its predicted probability. On the dashed line the probabilities are calibrated; below it the "
    "network is overconfident. Gray bars: the share of the galaxies (first repeat)."
)


@dataclass(frozen=True)
class Section:
    """Section of the page.

    Parameters
    ----------
    name : str
        Its id in the HTML page.
    title : str
    text : str
        A sentence or two of explanation.
    tables : tuple of Table
        Above the figures.
    figures : tuple of ReportFigure
    later : tuple of Table
        Below the figures.
    """

    name: str
    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    figures: tuple[ReportFigure, ...] = ()
    later: tuple[Table, ...] = ()


def features_input(summary: Summary) -> str:
    """Return the input that represents the hand-crafted features; without any, the best input."""
    return summary.features_input() or summary.best(summary.rows) or ""


def detailed_inputs(summary: Summary) -> list[str]:
    """Return the inputs with figures and tables per class.

    Raw pixels, the best other pixel input, the features, and the best combination of both.
    """
    pixels = [name for name in summary.rows if summary.group[name] == "pixels" and name != BASELINE]
    both = [name for name in summary.rows if summary.group[name] == "both"]
    chosen = [
        BASELINE if BASELINE in summary.rows else None,
        summary.best(pixels),
        features_input(summary),
        summary.best(both),
    ]
    return [name for name in dict.fromkeys(chosen) if name]


def sections(summary: Summary) -> list[Section]:
    """Return all sections that are not empty."""
    results = summary.results
    found = [
        _score_section(summary),
        Section(
            "controls",
            "Controls",
            "Trained in the same way, on labels or numbers without information on shapes.",
            _tables(tables.control_table(summary)),
        ),
        _class_section(summary),
        Section("reliability", "Calibration of the probabilities", _RELIABILITY, (),
        _reliability_figures(summary)),
        Section(
            "learning", "Learning curves",
            "Macro-F1 against the number of training galaxies; shades are 95 % intervals.",
            (), _figures(draw_curves.learning_figure(results)),
            _tables(tables.learning_table(results)),
        ),
        Section(
            "robustness", "Perturbed test galaxies",
            "Macro-F1 on perturbed test galaxies; the networks were trained on unperturbed ones "
            "only. Shades and bars are 95 % intervals.", (),
            tuple(draw_curves.robustness_figures(results)),
            _tables(tables.robustness_table(results)),
        ),
        Section("cross", "Another survey", "", _tables(tables.cross_table(summary))),
        Section(
            "parts", "Ablation and permutation importance", "",
            _tables(tables.ablation_table(summary, "drop"), tables.ablation_table(summary, "only"),
            tables.importance_table(results)),
        ),
        Section(
            "heads", "Other classifiers on the same inputs", _classifier_text(summary), (),
            _figures(draw_classifiers.classifier_figure(summary)),
            _tables(tables.classifier_table(summary), tables.classifier_difference_table(summary)),
        ),
        Section("cost", "Computing cost", "", _tables(tables.cost_table(results),
        tables.layer_table(results))),
        Section("mistakes", "The most confident mistakes", _misclassification_text(summary)),
        Section("galaxies", "The galaxies", "", (), (draw_galaxies.example_sheet(results),)),
        Section("done", "Protocol and settings", "", (), (),
        _tables(tables.settings_table(summary))),
    ]  # fmt: skip
    return [
        each
        for each in found
        if each.tables or each.figures or each.later or each.name in ("mistakes", "done")
    ]


def _score_section(summary: Summary) -> Section:
    # with two inputs, the table of differences has the only pair
    shown = tables.pair_table(summary) if len(summary.non_controls) > 2 else None
    if shown and len(shown.rows) > _PAIRS:
        shown = tables.pair_table(summary, summary.best(summary.non_controls) or "")
    return Section(
        "scores",
        "Scores",
        (
            "Every input saw the same galaxies, folds and search; whatever is learned is learned "
            "from the training part of a fold alone."
        ),
        _tables(tables.score_table(summary)),
        _figures(draw_scores.forest(summary), draw_scores.score_plot(summary)),
        _tables(tables.planned_table(summary), tables.difference_table(summary), shown),
    )


def _class_section(summary: Summary) -> Section:
    names = detailed_inputs(summary)
    text = (
        "Numbers of galaxies, each tested once (first repeat), by true and predicted class; the "
        "shade is the share of the true class."
    )
    figures = tuple(draw_classes.confusion_figures(summary.results, names))
    return Section(
        "classes",
        "Confusion matrix",
        text,
        (),
        figures,
        _tables(tables.class_table(summary, names)),
    )


def _reliability_figures(summary: Summary) -> tuple[ReportFigure, ...]:
    return tuple(draw_classes.reliability_figures(summary.results, detailed_inputs(summary)))


def _classifier_text(summary: Summary) -> str:
    if not summary.results.select("head"):
        return ""
    searched = (
        "Logistic regression and random forest were searched as long as the network, on the same "
        "inner split."
    )
    if not summary.results.select("head", head=CNN):
        return searched
    return (
        f"{searched} The small convolutional network finds its own features in the cutouts, "
        "averaged to about 32 pixels a side: it "
        "shows what a classifier of images reaches without hand-crafted features. Its "
        "architecture, learning rate and batch size were not searched but set by hand on other "
        "runs, two folds of EFIGI among them."
    )


def _misclassification_text(summary: Summary) -> str:
    name = features_input(summary)
    other = (
        f", and the prediction of '{BASELINE}' for them"
        if name != BASELINE and BASELINE in summary.results.predictions
        else ""
    )
    return (
        f"Galaxies that '{name}' took for another class with the highest probability (mean over "
        f"the repeats){other}."
    )


def _tables(*found: Table | None) -> tuple[Table, ...]:
    return tuple(each for each in found if each)


def _figures(*found: ReportFigure | None) -> tuple[ReportFigure, ...]:
    return tuple(each for each in found if each)


def all_figures(parts: Iterable[Section]) -> list[ReportFigure]:
    """Return the figures of all sections."""
    return [each for part in parts for each in part.figures]

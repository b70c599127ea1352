"""The page from top to bottom: which tables and figures stand in which section.

What has nothing to show is left out.
"""

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

__all__ = ["Section", "all_figures", "leading", "ours", "sections"]

_PAIRS = 15  # more pairs than these are for the file, not for the page
_RELIABILITY = (
    "How often the predicted class is right, with 95 % intervals, against its predicted "
    "probability. On the dashed line the probabilities "
    "are true; below it the network is too sure of itself. Grey bars: the share of the galaxies "
    "(first repeat)."
)


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Parameters
    ----------
    name : str
        Its id in the page.
    title : str
    text : str
        A sentence or two on what is seen.
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


def ours(summary: Summary) -> str:
    """Return the input that stands for the hand-crafted features; without any, the best input."""
    return summary.ours() or summary.best(summary.rows) or ""


def leading(summary: Summary) -> list[str]:
    """Return the inputs that are looked at class by class.

    Raw pixels, the best other pixels, the features, the best of both.
    """
    pixels = [name for name in summary.rows if summary.group[name] == "pixels" and name != BASELINE]
    both = [name for name in summary.rows if summary.group[name] == "both"]
    chosen = [
        BASELINE if BASELINE in summary.rows else None,
        summary.best(pixels),
        ours(summary),
        summary.best(both),
    ]
    return [name for name in dict.fromkeys(chosen) if name]


def sections(summary: Summary) -> list[Section]:
    """Return the sections that have something to show."""
    results = summary.results
    found = [
        _scores(summary),
        Section(
            "controls",
            "Controls",
            "Trained in the same way, on labels or numbers that know nothing of a galaxy's shape.",
            _some(tables.control_table(summary)),
        ),
        _classes(summary),
        Section("reliability", "Can the probabilities be believed", _RELIABILITY, (),
        _reliability(summary)),
        Section(
            "learning", "More or fewer training galaxies",
            ("Macro-F1 against the number of training galaxies; shades are 95 % " "intervals."),
            (), _drawn(draw_curves.learning_figure(results)), _some(tables.learning_table(results)),
        ),
        Section(
            "robustness", "Altered test galaxies",
            "Macro-F1 when the test galaxies are altered; the networks saw only unaltered ones "
            "when they were trained. Shades and bars are "
            "95 % intervals.", (), tuple(draw_curves.robustness_figures(results)),
            _some(tables.robustness_table(results)),
        ),
        Section("cross", "Another survey", "", _some(tables.cross_table(summary))),
        Section(
            "parts", "What if a feature is left out", "",
            _some(tables.part_table(summary, "drop"), tables.part_table(summary, "only"),
            tables.importance_table(results)),
        ),
        Section(
            "heads", "Other classifiers on the same inputs", _heads(summary), (),
            _drawn(draw_classifiers.classifier_figure(summary)),
            _some(tables.head_table(summary), tables.head_gap_table(summary)),
        ),
        Section("cost", "What it costs", "", _some(tables.cost_table(results),
        tables.layer_table(results))),
        Section("mistakes", "The most confident mistakes", _mistakes(summary)),
        Section("galaxies", "The galaxies", "", (), (draw_galaxies.example_sheet(results),)),
        Section("done", "How it was done", "", (), (), _some(tables.settings_table(summary))),
    ]  # fmt: skip
    return [
        each
        for each in found
        if each.tables or each.figures or each.later or each.name in ("mistakes", "done")
    ]


def _scores(summary: Summary) -> Section:
    # two inputs stand in the table before it
    shown = tables.pair_table(summary) if len(summary.non_controls) > 2 else None
    if shown and len(shown.rows) > _PAIRS:
        shown = tables.pair_table(summary, summary.best(summary.non_controls) or "")
    return Section(
        "scores",
        "Scores",
        (
            "Every input saw the same galaxies, folds and search; whatever is learned is learned "
            "from "
            "the training part of a fold alone."
        ),
        _some(tables.score_table(summary)),
        _drawn(draw_scores.forest(summary), draw_scores.score_plot(summary)),
        _some(tables.rival_table(summary), tables.difference_table(summary), shown),
    )


def _classes(summary: Summary) -> Section:
    names = leading(summary)
    text = (
        "Numbers of galaxies, each tested once (first repeat), by true and predicted class; the "
        "shade is the share of the true class."
    )
    figures = tuple(draw_classes.confusion_figures(summary.results, names))
    return Section(
        "classes",
        "Which classes are taken for which",
        text,
        (),
        figures,
        _some(tables.class_table(summary, names)),
    )


def _reliability(summary: Summary) -> tuple[ReportFigure, ...]:
    return tuple(draw_classes.reliability_figures(summary.results, leading(summary)))


def _heads(summary: Summary) -> str:
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
        "shows how far pixels alone get when they are read as images. Its architecture, rate and "
        "batches were not "
        "searched but set by hand on other runs, two folds of EFIGI among them."
    )


def _mistakes(summary: Summary) -> str:
    name = ours(summary)
    other = (
        f", and what '{BASELINE}' said of them"
        if name != BASELINE and BASELINE in summary.results.predictions
        else ""
    )
    return (
        f"Galaxies that '{name}' took for another class with the highest probability (mean over "
        f"the repeats){other}."
    )


def _some(*found: Table | None) -> tuple[Table, ...]:
    return tuple(each for each in found if each)


def _drawn(*found: ReportFigure | None) -> tuple[ReportFigure, ...]:
    return tuple(each for each in found if each)


def all_figures(parts: Iterable[Section]) -> list[ReportFigure]:
    """Return the figures of all sections."""
    return [each for part in parts for each in part.figures]

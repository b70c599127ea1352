"""The page from top to bottom: which tables and figures stand in which section; what has nothing to show is left out."""

from collections.abc import Iterable
from dataclasses import dataclass

from galfeat.pipeline.reporting import draw_classes, draw_curves, draw_galaxies, draw_scores, tables
from galfeat.pipeline.reporting.drawing import Drawn
from galfeat.pipeline.reporting.summary import BASELINE, Summary
from galfeat.pipeline.reporting.tables import Table

__all__ = ["Section", "all_figures", "leading", "sections"]

_PAIRS = 36  # more pairs than these are for the file, not for the page


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
    figures : tuple of Drawn
    later : tuple of Table
        Below the figures.
    """

    name: str
    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    figures: tuple[Drawn, ...] = ()
    later: tuple[Table, ...] = ()


def leading(summary: Summary) -> list[str]:
    """Return the inputs that are looked at class by class: raw pixels, the best other pixels, the features, the best of both."""
    group = summary.group
    pixels = [name for name in summary.rows if group[name] == "pixels" and name != BASELINE]
    features = "features" if "features" in summary.rows else summary.best([name for name in summary.rows if group[name] == "features"])
    both = summary.best([name for name in summary.rows if group[name] == "both"])
    chosen = [BASELINE if BASELINE in summary.rows else None, summary.best(pixels), features, both]
    return [name for name in dict.fromkeys(chosen) if name]


def sections(summary: Summary) -> list[Section]:
    """Return the sections that have something to show."""
    study = summary.study
    found = [
        _scores(summary),
        Section(
            "controls",
            "Controls",
            "Inputs that know nothing of a galaxy's shape, trained in the same way.",
            _some(tables.control_table(summary)),
        ),
        _classes(summary),
        Section(
            "learning", "More or fewer training galaxies", "", (), _drawn(draw_curves.learning_figure(study)),
        ),
        Section(
            "robustness", "Altered test galaxies", "The networks saw only unaltered galaxies when they were trained.",
            (), tuple(draw_curves.robustness_figures(study)),
        ),
        Section("cross", "Another survey", "", _some(tables.cross_table(summary))),
        Section(
            "parts", "What if a feature is left out", "",
            _some(tables.part_table(summary, "drop"), tables.part_table(summary, "only"), tables.importance_table(study)),
        ),
        Section("heads", "Other classifiers, and networks of one size", "", _some(tables.head_table(summary))),
        Section("cost", "What it costs", "", _some(tables.cost_table(study), tables.layer_table(study))),
        Section("mistakes", "The most confident mistakes"),
        Section("galaxies", "The galaxies", "", (), (draw_galaxies.example_sheet(study),)),
        Section("done", "How it was done", "", (), (), _some(tables.settings_table(summary))),
    ]  # fmt: skip
    return [each for each in found if each.tables or each.figures or each.later or each.name in ("mistakes", "done")]


def _scores(summary: Summary) -> Section:
    shown = tables.pair_table(summary)
    if shown and len(shown.rows) > _PAIRS:
        shown = tables.pair_table(summary, summary.best(summary.contenders) or "")
    return Section(
        "scores",
        "Scores",
        "Every input saw the same galaxies, folds and search; whatever is learned is learned from the training part of a fold alone.",
        _some(tables.score_table(summary)),
        _drawn(draw_scores.forest(summary), draw_scores.score_plot(summary)),
        _some(tables.difference_table(summary), shown),
    )


def _classes(summary: Summary) -> Section:
    names = leading(summary)
    figures = [*draw_classes.confusion_figures(summary.study, names), *draw_classes.reliability_figures(summary.study, names)]
    text = (
        "Confusion matrices: numbers of galaxies, each tested once (first repeat); the shade is the share of the true class. Reliability: "
        "how often the predicted class is right, with 95 % intervals, against its predicted probability; on the dashed line probabilities "
        "are true, grey bars are shares of the galaxies."
    )
    return Section("classes", "Class by class", text, (), tuple(figures), _some(tables.class_table(summary, names)))


def _some(*found: Table | None) -> tuple[Table, ...]:
    return tuple(each for each in found if each)


def _drawn(*found: Drawn | None) -> tuple[Drawn, ...]:
    return tuple(each for each in found if each)


def all_figures(parts: Iterable[Section]) -> list[Drawn]:
    """Return the figures of all sections."""
    return [each for part in parts for each in part.figures]

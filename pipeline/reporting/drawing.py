"""What the report's figures share: colours, marks, and labels that are safe to draw."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = [
    "COLORS",
    "LINES",
    "MARKS",
    "WIDTH",
    "ReportFigure",
    "canvas",
    "distinct",
    "file_name",
    "label",
    "short",
]

WIDTH = 4.6
"""Inches: on a phone the letters are then still as large as small print, and two figures fit beside
each other on a screen.
"""

COLORS = {"pixels": "#0072b2", "features": "#d55e00", "both": "#009e73", "control": "#6b6b6b"}
"""Of the groups of inputs, by Okabe and Ito: told apart by colour-blind readers."""

MARKS = {"pixels": "s", "features": "o", "both": "D", "control": "x"}

LINES = (  # colour, mark and dashes: any one of them tells the lines apart, also in grey print
    ("#0072b2", "s", "-"),
    ("#d55e00", "o", "-"),
    ("#009e73", "D", "--"),
    ("#cc79a7", "^", "-."),
    ("#56b4e9", "v", ":"),
    ("#000000", "P", "--"),
)


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the report.

    Parameters
    ----------
    name : str
        Of its files, without ending.
    alt : str
        What it shows, with its main numbers, for those who do not see it.
    caption : str
    figure : Figure
    """

    name: str
    alt: str
    caption: str
    figure: Figure


def canvas(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """Return an empty figure of that size in inches and its only axes, without the upper and right
    edge.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    return figure, axes


def short(text: str, length: int = 22) -> str:
    """Return a name in one line, cut with an ellipsis where it is longer than `length` letters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def distinct(names: Sequence[str], length: int = 14) -> list[str]:
    """Return names as labels in one line that still differ.

    Cut at the end, or in the middle where the ends tell them apart.
    """
    cut = [short(name, length) for name in names]
    if len(set(cut)) < len(set(names)):
        lines, half = [" ".join(name.split()) for name in names], (length - 1) // 2
        cut = [
            line if len(line) <= length else f"{line[:half]}…{line[half - length + 1 :]}"
            for line in lines
        ]
    if len(set(cut)) < len(set(names)):
        cut = [f"{place + 1} {short(name, length - 3)}" for place, name in enumerate(names)]
    return [name.replace("$", r"\$") for name in cut]


def label(text: str, length: int = 22, lines: int = 1) -> str:
    """Return a name as a label that is drawn letter by letter: dollar signs start no formula.

    Parameters
    ----------
    text : str
    length : int
        Letters a line.
    lines : int
        Lines that the label may have; what does not fit is cut.
    """
    broken = wrap(short(text, length * lines), length) or [""]
    if len(broken) > lines:
        broken = [*broken[: lines - 1], short(" ".join(broken[lines - 1 :]), length)]
    return "\n".join(broken).replace("$", r"\$")


def file_name(kind: str, name: str) -> str:
    """Return the stem of the file of an input's figure.

    Letters, digits and a few signs that every system allows.
    """
    return f"{kind}_{re.sub(r'[^A-Za-z0-9_+-]+', '-', name)}"[:80]

"""Style of the report's figures: colors, markers, and labels that are safe to draw."""

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
"""Width of a figure in inches: legible on a phone, and two fit side by side on a screen."""

COLORS = {"pixels": "#0072b2", "features": "#d55e00", "both": "#009e73", "control": "#6b6b6b"}
"""Colors of the groups of inputs, safe for color-blind readers (Okabe and Ito)."""

MARKS = {"pixels": "s", "features": "o", "both": "D", "control": "x"}

LINES = (  # color, marker and dashes: markers and dashes also distinguish lines in gray print
    ("#0072b2", "s", "-"),
    ("#d55e00", "o", "-"),
    ("#009e73", "D", "--"),
    ("#cc79a7", "^", "-."),
    ("#56b4e9", "v", ":"),
    ("#000000", "P", "--"),
)


@dataclass(frozen=True)
class ReportFigure:
    """Figure of the report.

    Parameters
    ----------
    name : str
        Stem of its files.
    alt : str
        Alternative text: what it shows, with its main numbers.
    caption : str
    figure : Figure
    """

    name: str
    alt: str
    caption: str
    figure: Figure


def canvas(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    """Return an empty figure of a size in inches, and its axes without upper and right spine."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    return figure, axes


def short(text: str, length: int = 22) -> str:
    """Return a name on one line, truncated with an ellipsis to `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def distinct(names: Sequence[str], length: int = 14) -> list[str]:
    """Return names as one-line labels that still differ.

    They are truncated at the end, or in the middle where that keeps them distinct.
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
    """Return a name as a label without math text: dollar signs are escaped.

    Parameters
    ----------
    text : str
    length : int
        Characters per line.
    lines : int
        Largest number of lines; the rest is truncated.
    """
    broken = wrap(short(text, length * lines), length) or [""]
    if len(broken) > lines:
        broken = [*broken[: lines - 1], short(" ".join(broken[lines - 1 :]), length)]
    return "\n".join(broken).replace("$", r"\$")


def file_name(kind: str, name: str) -> str:
    """Return the stem of a figure's file, with characters that all file systems allow."""
    return f"{kind}_{re.sub(r'[^A-Za-z0-9_+-]+', '-', name)}"[:80]

"""Findings of an audit as a figure, as text and as files."""

from pathlib import Path

import pyarrow.csv
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from galfeat._atomic_files import atomic_path
from galfeat.features import INVARIANCES
from galfeat.pipeline.figures.render import render
from galfeat.pipeline.invariance.audit import Audit, Finding
from galfeat.pipeline.invariance.images import AMOUNTS
from galfeat.pipeline.outputs import check_target

__all__ = ["audit_chart", "audit_text", "write_audit"]

_KEPT, _BROKEN = "#0072b2", "#d55e00"  # safe for color-blind readers (Okabe and Ito)
_SHADES = LinearSegmentedColormap.from_list("change", ["#ffffff", "#e8e8e8", "#8d8d8d", "#4a4a4a"])
_DARK = 0.65  # relative change above which the numbers are white
_TITLES = {"rotation90": "rotation", "flip": "mirror", "pixel_scale": "pixels"}


def audit_chart(found: Audit) -> Figure:
    """Draw the relative changes: a row per extractor, a column per change, promises framed."""
    names = found.extractors
    longest = max(len(name) for name in names)
    figure = Figure(
        figsize=(0.92 * len(INVARIANCES) + 0.075 * longest + 1.9, 0.46 * len(names) + 1.75),
        layout="constrained",
    )
    axes = figure.subplots()
    values = [[found.of(name, change).relative_change for change in INVARIANCES] for name in names]
    drawn = axes.imshow(values, cmap=_SHADES, vmin=0, vmax=1, aspect="auto")
    for row in found.rows:
        _cell(axes, row, (list(INVARIANCES).index(row.change), names.index(row.extractor)))
    axes.set_xticks(
        range(len(INVARIANCES)),
        [f"{_TITLES.get(change, change)}\n{AMOUNTS[change]}" for change in INVARIANCES],
        fontsize=8,
    )
    axes.set_yticks(range(len(names)), names, fontsize=9.5)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    axes.set_title(
        f"How much the features of {found.n:,} simulated galaxies change",
        fontsize=11,
        loc="left",
        pad=12,
    )
    bar = figure.colorbar(drawn, ax=axes, shrink=0.9, aspect=14, ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["0: not at all", "0.5", "1: into another\ngalaxy's"], fontsize=8)
    bar.outline.set_visible(False)
    frames = [(f"promise kept: {_limits()}", _KEPT, "-"), ("promise broken", _BROKEN, "--")]
    handles = [
        Patch(facecolor="none", edgecolor=color, lw=2, ls=style, label=label)
        for label, color, style in frames
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2, fontsize=8.5, frameon=False)
    axes.set_xlabel(
        "rotation by any angle, scale, correlation of the noise, seeing and width of the pixels: "
        "beyond what the noise of a new exposure does",
        fontsize=8.5,
        loc="left",
        color="#444",
    )
    return figure


def audit_text(found: Audit) -> str:
    """Return the findings as aligned lines with a heading."""
    heading = ("extractor", "change", "amount", "relative change", "95 % interval", "promise")
    lines = [heading, *(_line(row) for row in found.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    return "\n".join("  ".join(map(_aligned, line, widths, heading)).rstrip() for line in lines)


def write_audit(found: Audit, out: Path) -> Path:
    """Write ``audit.csv`` and ``audit.png`` into a folder, and return it.

    Raises
    ------
    UsageError
        If they cannot be written.
    """
    for path in (out / "audit.csv", out / "audit.png"):
        check_target(path)
    with atomic_path(out / "audit.csv") as temporary:
        pyarrow.csv.write_csv(found.table, temporary)
    with atomic_path(out / "audit.png") as temporary:
        temporary.write_bytes(render(audit_chart(found), "png"))
    return out


def _cell(axes: Axes, row: Finding, place: tuple[int, int]) -> None:
    x, y = place
    color = "white" if row.relative_change > _DARK else "#222"
    axes.text(x, y, _short(row), ha="center", va="center", fontsize=9.5, color=color)
    if row.promised:
        edge, style = (_KEPT, "-") if row.kept else (_BROKEN, "--")
        axes.add_patch(
            Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, fill=False, edgecolor=edge, lw=2, ls=style)
        )


def _limits() -> str:
    exact = {each.limit for each in INVARIANCES.values() if each.exact}
    nearly = {each.limit for each in INVARIANCES.values()} - exact
    return f"at most {min(nearly):g}, or {max(exact):g} where nothing but rounding may change"


def _short(row: Finding) -> str:
    """Return a relative change with two decimals.

    It is 0 below the limit of rounding errors, and an upper limit where it is below the noise.
    """
    if row.high > 0.005 and row.low == 0:
        return f"< {row.high:.2f}"
    return "0" if row.relative_change < INVARIANCES["sky"].limit else f"{row.relative_change:.2f}"


def _aligned(text: str, width: int, heading: str) -> str:
    return text.rjust(width) if heading == "relative change" else text.ljust(width)


def _line(row: Finding) -> tuple[str, ...]:
    promise = ("kept" if row.kept else "BROKEN") if row.promised else "-"
    return (
        row.extractor,
        row.change,
        row.amount,
        f"{row.relative_change:.2g}",
        f"{row.low:.2g} to {row.high:.2g}",
        promise,
    )

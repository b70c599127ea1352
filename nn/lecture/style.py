"""Colours that everybody can tell apart, and axes without ornament."""

from typing import Any

__all__ = ["CLASSES", "GREY", "HUES", "plain_axes"]

HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#000000")
"""Okabe and Ito's colours, brown for their yellow, which is hard to see on white."""

CLASSES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
GREY = "#666666"


def plain_axes(axes: Any) -> None:
    """Leave only the axes that are read."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)

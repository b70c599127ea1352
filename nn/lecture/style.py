"""Color-blind-safe colors and minimal axes for the figures."""

from typing import Any

__all__ = ["CLASSES", "GRAY", "HUES", "plain_axes"]

HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#000000")
"""The palette of Okabe and Ito, with brown for its yellow, which is hard to see on white."""

CLASSES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
GRAY = "#666666"


def plain_axes(axes: Any) -> None:
    """Hide the upper and right spines and reduce the tick labels."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)

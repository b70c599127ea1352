"""Histograms of brightness and joint histograms of color."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from galfeat.features.color.extractor import ColorHistogram

__all__ = ["ColorHistogram"]


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: kernels need no scikit-learn."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.extractor"), name)

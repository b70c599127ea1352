"""Raw pixels as features, optionally averaged over boxes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from galfeat.features.pixels.extractor import Pixels

__all__ = ["Pixels"]


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: kernels need no scikit-learn."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.extractor"), name)

"""Names of the extractors that are measured by default; light to import, for the command line."""

from galfeat.features.registry import REGISTRY

__all__ = ["FEATURES"]

FEATURES = tuple(REGISTRY)

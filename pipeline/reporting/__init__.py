"""Report of a comparison: statistics, verdict, tables and figures on one self-contained page.

==================  =======================================================================
`write_report`      all files: the page, figures, tables and settings of the run
`judge`             the verdict in three sentences, and warnings
`Summary`           the intervals and differences that both use
==================  =======================================================================
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from galfeat.pipeline.reporting.summary import Summary
    from galfeat.pipeline.reporting.verdict import judge
    from galfeat.pipeline.reporting.writing import write_report

__all__ = ["Summary", "judge", "write_report"]

_HOMES = {"Summary": "summary", "judge": "verdict", "write_report": "writing"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

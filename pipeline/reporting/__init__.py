"""The report of a study.

What its statistics say, in sentences, tables and figures, on one page that needs no network.

==================  =======================================================================
`write_report`      all files: the page, the figures, the tables, what repeats the run
`judge`             the three sentences that the page opens with, and its warnings
`Summary`           the intervals and differences that both are made from
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

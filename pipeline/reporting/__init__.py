"""The report of a study.

What its statistics say, in sentences, tables and figures, on one page that needs no network.

==================  =======================================================================
`write_report`      all files: the page, the figures, the tables, what repeats the run
`judge`             the three sentences that the page opens with, and its warnings
`Summary`           the intervals and differences that both are made from
==================  =======================================================================
"""

from typing import TYPE_CHECKING

from galfeat._lazy import lazy_attributes

if TYPE_CHECKING:
    from galfeat.pipeline.reporting.summary import Summary
    from galfeat.pipeline.reporting.verdict import judge
    from galfeat.pipeline.reporting.writing import write_report
else:  # matplotlib is slow to load
    __getattr__, __dir__ = lazy_attributes(
        __name__,
        {"Summary": "summary", "judge": "verdict", "write_report": "writing"},
    )

__all__ = ["Summary", "judge", "write_report"]

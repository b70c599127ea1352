"""Report of a comparison: statistics, verdict, tables and figures on one self-contained page.

==================  =======================================================================
`write_report`      all files: the page, figures, tables and settings of the run
`judge`             the verdict in a few sentences, and warnings
`write_model_page`  the page of a model: what it is worth
`Summary`           the intervals and differences that both use
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

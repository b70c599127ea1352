"""Text in CSV files, written so that no spreadsheet takes it for a formula.

Spreadsheets run a cell that begins with ``=``, ``+``, ``-`` or ``@`` (or with a tab or carriage
return before it) as a formula, even one that opens links and programs. Names of galaxies and files
come from elsewhere: such a cell, unless it is a number, gets an apostrophe in front, which
spreadsheets hide. `plain_text` takes it off again, so that nothing is lost.

References
----------
OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection
"""

import re

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["plain_text", "safe_table", "safe_text"]

_FORMULA = r"'*[=+\-@\t\r]"
_NUMBER = r"[+\-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+\-]?[0-9]+)?"
_IS_FORMULA = re.compile(f"(?!{_NUMBER}$){_FORMULA}")
_IS_MARKED = re.compile(f"'{_FORMULA}")


def safe_text(text: str) -> str:
    """Return a text as a cell that is no formula.

    Examples
    --------
    >>> safe_text("=1+1"), safe_text("-1.5"), safe_text("NGC 1300")
    ("'=1+1", '-1.5', 'NGC 1300')
    """
    return f"'{text}" if _IS_FORMULA.match(text) else text


def plain_text(cell: str) -> str:
    """Return the text of a cell that `safe_text` wrote.

    Examples
    --------
    >>> plain_text("'=1+1"), plain_text("'quoted'")
    ('=1+1', "'quoted'")
    """
    return cell[1:] if _IS_MARKED.match(cell) else cell


def safe_table(table: pa.Table) -> pa.Table:
    """Return a table whose column names and cells of text are no formulas."""
    columns = [_safe_column(column) for column in table.columns]
    return pa.table(columns, names=[safe_text(name) for name in table.column_names])


def _safe_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    marked = pc.replace_substring_regex(column, f"^({_FORMULA})", r"'\1")
    number = pc.match_substring_regex(column, f"^{_NUMBER}$")
    return pc.if_else(number, column, marked)

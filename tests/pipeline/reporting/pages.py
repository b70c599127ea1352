"""What a page says: its tables, its text, and the tags and attributes it is made of."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """A page that was read.

    Attributes
    ----------
    tables : dict of str to list of list of str
        Rows of cells, the head first, by the id of the table; notes stand behind a space.
    tags : list of (str, dict of str to str)
    text : str
        All that is shown.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._table: list[list[str]] | None = None
        self._in_cell = self._hidden = False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append((tag, values))
        self._hidden = tag in ("style", "script")
        if tag == "table":
            self._table = self.tables.setdefault(values["id"].removeprefix("table-"), [])
        if tag == "tr" and self._table is not None:
            self._table.append([])
        if tag in ("td", "th") and self._table is not None:
            self._table[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False
        if tag == "table":
            self._table = None
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data
        if self._in_cell and self._table is not None:
            self._table[-1][-1] += data

    def column(self, table: str, name: str) -> dict[str, str]:
        """Return the cells of a column by the first cell of their rows, without notes."""
        head, *rows = self.tables[table]
        place = head.index(name)
        return {row[0].split(" ")[0]: row[place].split(" ±")[0].strip() for row in rows}

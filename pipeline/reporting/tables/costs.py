"""Tables of costs, layer sizes and chosen hyperparameters."""

from collections.abc import Mapping, Sequence
from typing import Any

from galfeat.pipeline.comparison.results import ComparisonResults
from galfeat.pipeline.reporting.summary import Summary
from galfeat.pipeline.reporting.tables.cells import (
    EMPTY,
    Cell,
    Table,
    count,
    table_or_none,
)

__all__ = ["as_text", "cost_table", "layer_table", "settings_table"]


def cost_table(results: ComparisonResults) -> Table | None:
    """Return the table of numbers, parameters, bytes and times of every input."""
    rows = tuple(
        (
            Cell(each.input), Cell(count(each.n_measured)), Cell(count(each.n_features)),
            Cell(count(each.n_parameters)),
            Cell(count(each.bytes_per_galaxy)), Cell(f"{1e3 * each.extract_seconds:.2f}"),
            Cell(f"{each.search_seconds:.2f}"),
            Cell(f"{each.fit_seconds:.2f}"), Cell(f"{1e6 * each.predict_seconds:.1f}"),
        )
        for each in results.costs
    )  # fmt: skip
    head = (
        "input",
        "measured",
        "fed",
        "parameters",
        "bytes a galaxy",
        "extract (ms)",
        "search (s)",
        "fit (s)",
        "predict (µs)",
    )
    caption = (
        "Numbers and bytes a galaxy. Processor times on this machine: extraction and prediction a "
        "galaxy, search and fit a fold."
    )
    return table_or_none(Table("costs", caption, head, rows))


def layer_table(results: ComparisonResults) -> Table | None:
    """Return the table of parameters of fully connected layers by image size."""
    rows = tuple(
        (
            Cell(f"{each.size} x {each.size}"),
            *(Cell(count(n)) for n in (each.inputs, each.parameters, each.shallow, each.features)),
        )
        for each in results.layers
    )
    head = (
        "image",
        "numbers",
        "one layer, image to image",
        "64 hidden units on pixels",
        "64 hidden units on features",
    )
    caption = (
        "Parameters of fully connected layers: on raw pixels they grow with the image, on "
        "hand-crafted features they do not."
    )
    return table_or_none(Table("layers", caption, head, rows))


def settings_table(summary: Summary) -> Table | None:
    """Return the table of hyperparameters that the search chose, as ranges over the folds."""
    keys = list(
        dict.fromkeys(key for rows in summary.rows.values() for row in rows for key in row.settings)
    )
    rows = tuple(
        (
            Cell(name),
            *(
                Cell(_range([row.settings[key] for row in rows if key in row.settings]))
                for key in keys
            ),
        )
        for name, rows in summary.rows.items()
    )
    caption = (
        "What the search chose for the network of each input, on inner folds of the training "
        "galaxies: the range over all folds."
    )
    return (
        Table("settings", caption, ("input", *(key.replace("_", " ") for key in keys)), rows)
        if keys
        else None
    )


def _range(values: Sequence[Any]) -> str:
    if not values:
        return EMPTY
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        low, high = f"{min(values):.4g}", f"{max(values):.4g}"
        return low if low == high else f"{low} to {high}"
    return ", ".join(dict.fromkeys(str(value) for value in values))


def as_text(settings: Mapping[str, Any]) -> str:
    """Return settings as one line of text."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in settings.items())

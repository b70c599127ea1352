"""Tables of the report, as cells of text."""

from galfeat.pipeline.reporting.tables.cells import Cell, Table
from galfeat.pipeline.reporting.tables.costs import (
    as_text,
    cost_table,
    layer_table,
    settings_table,
)
from galfeat.pipeline.reporting.tables.scores import (
    class_table,
    control_table,
    difference_table,
    pair_table,
    planned_table,
    score_table,
)
from galfeat.pipeline.reporting.tables.stages import (
    ablation_table,
    classifier_difference_table,
    classifier_table,
    cross_table,
    importance_table,
    learning_table,
    robustness_table,
)

__all__ = [
    "Cell",
    "Table",
    "ablation_table",
    "as_text",
    "class_table",
    "classifier_difference_table",
    "classifier_table",
    "control_table",
    "cost_table",
    "cross_table",
    "difference_table",
    "importance_table",
    "layer_table",
    "learning_table",
    "pair_table",
    "planned_table",
    "robustness_table",
    "score_table",
    "settings_table",
]

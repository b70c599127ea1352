"""The values that a report is made from."""

from collections.abc import Callable

from galfeat.pipeline.comparison.results import ComparisonResults


def test_rows_are_found_by_their_fields(make_results: Callable[..., ComparisonResults]) -> None:
    results = make_results({"pixels": 0.4, "features": 0.6}, repeats=3, folds=4)
    assert (results.n_repeats, results.n_folds, results.inputs) == (
        3,
        4,
        ("pixels", "features", "shuffled"),
    )
    rows = results.select("main", input="features")
    assert [(row.repeat, row.fold) for row in rows] == [(r, f) for r in range(3) for f in range(4)]
    assert abs(results.values(rows, "macro_f1").mean() - 0.6) < 0.02
    assert {row.part for row in results.select("drop")} == {"color", "hog", "texture"}

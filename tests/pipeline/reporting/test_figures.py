"""What is drawn lies where the numbers say; labels are drawn as they are written."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

from galfeat.pipeline.comparison.results import ComparisonResults, Prediction
from galfeat.pipeline.reporting.draw_classes import confusion_figures, reliability_figures
from galfeat.pipeline.reporting.draw_curves import (
    learning_curves,
    learning_figure,
    robustness_curves,
    robustness_figures,
)
from galfeat.pipeline.reporting.draw_scores import forest, score_plot
from galfeat.pipeline.reporting.drawing import distinct, file_name, label, short
from galfeat.pipeline.reporting.summary import Summary
from galfeat.pipeline.reporting.tables import ablation_table, learning_table, robustness_table

Make = Callable[..., ComparisonResults]


def spans(bar: ErrorbarContainer) -> tuple[float, float, float, float]:
    """Return a point and the ends of its bar: middle, low, high, place."""
    point, _, bars = bar.lines
    assert point is not None
    (low, place), (high, _) = bars[0].get_segments()[0]
    return float(np.asarray(point.get_xdata())[0]), float(low), float(high), float(place)


@pytest.mark.parametrize("draw", [forest, score_plot])
def test_every_input_lies_at_its_number_with_its_interval(
    draw: Callable[..., object], make_results: Make
) -> None:
    summary = Summary(make_results())
    drawn = draw(summary)
    axes = drawn.figure.axes[0]  # type: ignore[attr-defined]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == [name for name in summary.rows if draw is score_plot or name != "pixels"]
    for place, (name, bar) in enumerate(zip(names, axes.containers, strict=True)):
        each = summary.interval(name) if draw is score_plot else summary.to_pixels[name].interval
        assert each is not None
        assert spans(bar) == pytest.approx((each.mean, each.low, each.high, place))


def test_learning_curves_go_by_steps_even_if_folds_differ_by_a_galaxy(make_results: Make) -> None:
    results = make_results()
    rows = (
        replace(row, n_train=row.n_train + (row.fold == 0)) if row.stage == "learning" else row
        for row in results.rows
    )
    uneven = replace(results, rows=tuple(rows))
    pixels, features = learning_curves(uneven)
    assert (pixels.input, features.input) == ("pixels", "features")
    assert pixels.x == pytest.approx((50.2, 75.2, 96.2))
    last = results.select("learning", input="features", n_train=96)
    assert features.y[-1].mean == pytest.approx(results.values(last, "macro_f1").mean())
    drawn = learning_figure(uneven)
    assert drawn is not None
    line = drawn.figure.axes[0].lines[1]
    assert np.asarray(line.get_ydata()) == pytest.approx([each.mean for each in features.y])
    table = learning_table(uneven)
    assert table is not None
    assert [cell.text for cell in table.rows[1]] == [
        "features",
        *(f"{each.mean:.3f}" for each in features.y),
    ]


def test_untouched_galaxies_come_from_the_main_scores_of_the_same_folds(make_results: Make) -> None:
    results = make_results()
    without = replace(
        results,
        rows=tuple(row for row in results.rows if row.stage != "robustness" or row.strength > 0),
    )
    curve = next(
        curve for curve in robustness_curves(without)["shift"] if curve.input == "features"
    )
    assert curve.x == (0.0, 0.5, 2.0, 8.0)
    main = results.select("main", input="features", repeat=0)
    assert curve.y[0].mean == pytest.approx(results.values(main, "macro_f1").mean())
    bands = next(curve for curve in robustness_curves(results)["band"] if curve.input == "pixels")
    assert bands.x == (-1.0, 0.0, 1.0, 2.0)
    assert {drawn.name for drawn in robustness_figures(results)} >= {
        "robustness_shift",
        "robustness_band",
        "robustness_dimming",
    }
    table = robustness_table(results)
    assert table is not None
    assert [row[1].text for row in table.rows if row[0].text == "missing band"] == [
        "none",
        "blue",
        "green",
        "red",
    ]


def test_rows_are_true_classes_and_columns_predicted_ones(make_results: Make) -> None:
    results = make_results(repeats=1)
    table = np.full((1, 120, 3), 0.1)
    table[0, :, 0] = 0.8  # all are called clump, 40 are
    drawn = confusion_figures(
        replace(results, predictions={"features": Prediction(table)}), ["features", "nothing"]
    )
    assert len(drawn) == 1
    shown = {
        (text.get_position()[1], text.get_position()[0]): text.get_text()
        for text in drawn[0].figure.axes[0].texts
    }
    assert [shown[(row, 0)] for row in range(3)] == ["40", "40", "40"]
    assert [shown[(row, 2)] for row in range(3)] == ["0", "0", "0"]
    assert "clump 40 of 40; merger 0 of 40" in drawn[0].alt
    assert "Most often confused: merger taken for clump, 40 times" in drawn[0].alt
    reliable = reliability_figures(
        replace(results, predictions={"features": Prediction(table)}), ["features"]
    )[0]
    assert "at probability 0.80 right in 0.33 of 120" in reliable.alt


def test_leaving_out_is_worse_than_all(make_results: Make) -> None:
    table = ablation_table(Summary(make_results()), "drop")
    assert table is not None
    assert table.head[:2] == ("left out", "macro-F1")
    assert table.head[-3:] == ("clump", "merger", "spiral")
    for row in table.rows:
        assert float(row[2].text) == pytest.approx(-0.02, abs=0.015)
    part = table.rows[1]
    assert part[0].text == "hog"
    assert float(part[1].text) < 0.65


def test_a_difference_turned_around(make_results: Make) -> None:
    gap = Summary(make_results()).to_pixels["features"]
    turned = gap.swapped()
    assert (turned.first, turned.second) == ("pixels", "features")
    assert (turned.interval.low, turned.interval.high) == (-gap.interval.high, -gap.interval.low)
    assert (turned.odds.worse, turned.odds.better) == (gap.odds.better, gap.odds.worse)
    assert turned.interval.mean < 0 < turned.odds.worse


def test_labels_are_drawn_letter_by_letter() -> None:
    assert label("a $x^2$ b") == r"a \$x^2\$ b"
    assert label("barred spiral with tails", 10, 2) == "barred\nspiral wi…"
    assert label("barred spiral with tails", 12, 3) == "barred\nspiral with\ntails"
    assert short("one\ntwo  three") == "one two three"
    assert short("abcdefgh", 5) == "abcd…"


def test_names_that_begin_alike_stay_apart() -> None:
    assert distinct(["spiral", "a $ b"], 10) == ["spiral", r"a \$ b"]
    assert distinct(["barred spiral", "irregular"], 10) == ["barred sp…", "irregular"]
    assert distinct(["class number 01", "class number 02"], 10) == ["clas…er 01", "clas…er 02"]
    assert distinct(["a long name 1 the end", "a long name 2 the end"], 10) == [
        "1 a long…",
        "2 a long…",
    ]


def test_names_of_files_have_no_odd_letters() -> None:
    assert file_name("confusion", "features+pixels") == "confusion_features+pixels"
    assert file_name("confusion", "../a b/ü") == "confusion_-a-b-"

"""The sentences of the verdict follow the statistics of planted results."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from galfeat.pipeline.comparison.results import ComparisonResults, InputDescription, ScoreRow
from galfeat.pipeline.reporting.summary import Summary, difference, pair_rows
from galfeat.pipeline.reporting.verdict import judge

Make = Callable[..., ComparisonResults]


def only(results: ComparisonResults, *names: str) -> ComparisonResults:
    """Return the results without all other inputs."""
    kept = tuple(each for each in results.descriptions if each.name in names)
    return replace(
        results, descriptions=kept, rows=tuple(row for row in results.rows if row.input in names)
    )


def scattered(results: ComparisonResults, name: str, by: float) -> ComparisonResults:
    """Return the results with the scores of an input swinging up and down from fold to fold."""

    def swung(row: ScoreRow) -> ScoreRow:
        shift = by if row.fold % 2 else -by
        return (
            replace(row, scores={key: value + shift for key, value in row.scores.items()})
            if row.input == name
            else row
        )

    return replace(results, rows=tuple(swung(row) for row in results.rows))


def test_features_win_and_the_pixels_treated_alike_do_not(make_results: Make) -> None:
    verdict = judge(
        make_results({"pixels": 0.4, "pixels_pca": 0.42, "pixels_aligned": 0.43, "features": 0.65})
    )
    assert verdict.sentences[0].startswith(
        "The hand-crafted features beat raw pixels: macro-F1 0.6"
    )
    assert "The gain is not explained by what was done to the pixels" in verdict.sentences[1]
    assert "'pixels_aligned'" in verdict.sentences[1]
    assert "still better by +0.2" in verdict.sentences[1]
    assert (
        verdict.sentences[2]
        == "No leak was found: the control ('shuffled') is not clearly better than a guess."
    )
    assert not verdict.warnings


def test_a_gain_that_may_or_may_not_be_explained(make_results: Make) -> None:
    results = scattered(
        make_results({"pixels": 0.4, "pixels_pca": 0.6, "features": 0.65}), "pixels_pca", 0.2
    )
    sentence = judge(results).sentences[1]
    assert sentence.startswith(
        "It cannot be told whether the gain comes from what was done to the pixels: against the "
        "best pixel input"
    )
    assert "no difference of the features is certain: +0." in sentence


def test_the_gain_is_mostly_alignment(make_results: Make) -> None:
    verdict = judge(
        make_results({"pixels": 0.4, "pixels_pca": 0.45, "pixels_aligned": 0.62, "features": 0.65})
    )
    assert "beat raw pixels" in verdict.sentences[0]
    assert verdict.sentences[1].startswith("The gain is mostly alignment and dimension reduction")
    assert "still better by +0.0" in verdict.sentences[1]


def test_the_gain_is_mostly_dimension_reduction_where_that_alone_is_enough(
    make_results: Make,
) -> None:
    verdict = judge(
        make_results({"pixels": 0.4, "pixels_pca": 0.63, "pixels_aligned": 0.64, "features": 0.65})
    )
    assert verdict.sentences[1].startswith("The gain is mostly dimension reduction")
    assert "alignment" not in verdict.sentences[1].split(";")[0]
    share = int(verdict.sentences[1].split(" alone reaches ")[1].split(" %")[0])
    assert 85 <= share <= 98  # 0.23 of 0.25


def test_pixel_inputs_that_the_features_do_not_beat_are_named(make_results: Make) -> None:
    results = make_results(
        {
            "pixels": 0.4,
            "pixels_small": 0.42,
            "pixels_pca": 0.41,
            "pixels_aligned": 0.43,
            "features": 0.65,
        }
    )
    sentence = judge(results).sentences[1]
    assert "they beat each of the 4 pixel inputs (p after Holm's correction " in sentence
    one = judge(scattered(results, "pixels_aligned", 0.3)).sentences[1]
    assert "; of the 4 pixel inputs they do not certainly beat 'pixels_aligned'" in one
    two = judge(
        scattered(scattered(results, "pixels_aligned", 0.3), "pixels_small", 0.3)
    ).sentences[1]
    assert "they do not certainly beat 'pixels_small' and 'pixels_aligned'" in two
    none = judge(scattered(results, "features", 0.4)).sentences[1]
    assert "; they certainly beat none of the 4 pixel inputs" in none


def test_planned_comparisons_are_corrected_for_each_other_only(make_results: Make) -> None:
    names = ("pixels", "pixels_small", "pixels_pca", "features", "hog", "sift")
    summary = Summary(
        make_results(dict(zip(names, (0.4, 0.42, 0.41, 0.46, 0.42, 0.43), strict=True)))
    )
    assert list(summary.planned) == ["pixels", "pixels_small", "pixels_pca"]
    p = sorted(gap.p for gap in summary.planned.values())
    largest = max(3 * p[0], 2 * p[1], p[2])
    assert max(gap.p_holm for gap in summary.planned.values()) == pytest.approx(
        min(1.0, largest), rel=1e-12
    )
    rows = pair_rows(summary)
    planned = {
        (row["first"], row["second"]): row["p_holm_planned"]
        for row in rows
        if np.isfinite(row["p_holm_planned"])
    }
    assert {frozenset(pair) for pair in planned} == {
        frozenset((name, "features")) for name in names[:3]
    }
    assert all(
        row["p_holm_planned"] <= row["p_holm"] for row in rows if np.isfinite(row["p_holm_planned"])
    )
    assert rows[0]["first"] == "pixels"


def exactly(results: ComparisonResults, score: Callable[[ScoreRow], float]) -> ComparisonResults:
    """Return the results with the scores that `score` gives, but for the controls."""
    rows = (
        row
        if row.input == "shuffled"
        else replace(row, scores=dict.fromkeys(row.scores, score(row)))
        for row in results.rows
    )
    return replace(results, rows=tuple(rows))


def test_a_second_cause_is_named_where_it_adds_to_the_first(make_results: Make) -> None:
    both = judge(
        make_results({"pixels": 0.4, "pixels_pca": 0.55, "pixels_aligned": 0.63, "features": 0.65})
    ).sentences[1]
    shares = [
        int(each.split(" %")[0])
        for each in (
            both.split("'pixels_pca' alone reaches ")[1],
            both.split("'pixels_aligned' ")[1],
        )
    ]
    assert 52 <= shares[0] <= 68
    assert 85 <= shares[1] <= 99
    one = judge(
        make_results({"pixels": 0.4, "pixels_pca": 0.63, "pixels_aligned": 0.63, "features": 0.65})
    ).sentences[1]
    assert one.split(";")[0].count(" %") == 1


def test_no_difference_is_said_only_within_the_region(make_results: Make) -> None:
    results = make_results({"pixels": 0.6, "features": 0.6})
    even = exactly(results, lambda row: 0.6 + (0.001 * row.fold if row.input == "pixels" else 0.0))
    assert "make no practical difference" in judge(even).sentences[0]
    open_ = judge(scattered(results, "features", 0.05))
    assert "cannot tell whether" in open_.sentences[0]
    assert "no practical difference" not in " ".join(open_.sentences)


def test_a_difference_that_is_only_probably_none_is_not_called_none(make_results: Make) -> None:
    results = make_results({"pixels": 0.6, "features": 0.6})
    likely = exactly(
        results, lambda row: 0.6 + (0.012 * (-1) ** row.fold if row.input == "features" else 0.0)
    )
    gap = difference(likely.select("main", input="features"), likely.select("main", input="pixels"))
    assert gap is not None
    assert 0.6 < gap.odds.same < 0.94
    assert "cannot tell whether" in judge(likely).sentences[0]


def test_a_tiny_difference_that_is_certain_is_still_none(make_results: Make) -> None:
    results = make_results({"pixels": 0.6, "features": 0.6})
    tiny = exactly(
        results, lambda row: 0.603 + 0.0001 * row.fold if row.input == "features" else 0.6
    )
    gap = difference(tiny.select("main", input="features"), tiny.select("main", input="pixels"))
    assert gap is not None
    assert gap.p < 0.001
    assert "make no practical difference" in judge(tiny).sentences[0]


def test_pixels_win(make_results: Make) -> None:
    verdict = judge(make_results({"pixels": 0.7, "pixels_pca": 0.72, "features": 0.5}))
    assert verdict.sentences[0].startswith("The hand-crafted features fall behind raw pixels")
    assert "fall behind by -0.2" in verdict.sentences[1]
    assert "The gain" not in verdict.sentences[1]


def test_too_uncertain_to_tell(make_results: Make) -> None:
    verdict = judge(scattered(make_results({"pixels": 0.5, "features": 0.53}), "features", 0.2))
    assert verdict.sentences[0].startswith("These galaxies cannot tell whether")
    assert "better by more than 0.01 with probability 0." in verdict.sentences[0]
    assert "was not looked into" in verdict.sentences[1]


def control(
    results: ComparisonResults, name: str, level: float, noise: float = 0.01
) -> ComparisonResults:
    """Return the results with one more control, whose balanced accuracy is given."""
    rng = np.random.default_rng(5)
    rows = [
        replace(row, input=name, scores={key: level + noise * rng.normal() for key in row.scores})
        for row in results.select("main", input="shuffled")
    ]
    return replace(
        results,
        descriptions=(*results.descriptions, InputDescription(name, "a control", "control")),
        rows=results.rows + tuple(rows),
    )


def test_a_control_above_chance_is_a_warning(make_results: Make) -> None:
    verdict = judge(control(make_results(), "random", 0.5))
    assert verdict.sentences[2].startswith(
        "Do not trust these scores yet: the control 'random' is above chance"
    )
    assert "balanced accuracy 0.5" in verdict.warnings[0]
    assert "a guess 0.333" in verdict.warnings[0]


def test_nuisance_above_chance_is_a_warning_of_another_kind(make_results: Make) -> None:
    verdict = judge(control(make_results(), "nuisance", 0.5))
    assert verdict.sentences[2].startswith(
        "The other controls are at chance, but brightness, size and sky noise alone"
    )
    assert len(verdict.warnings) == 1
    assert "Total flux, size and sky noise alone" in verdict.warnings[0]


def test_controls_at_or_below_chance_are_no_warning(make_results: Make) -> None:
    for level in (1 / 3, 0.25, 1 / 3 + 0.004):
        verdict = judge(control(make_results(), "random", level))
        assert not verdict.warnings
        assert "not clearly better than a guess" in verdict.sentences[2]


@pytest.mark.parametrize(
    ("name", "excess", "warned"),
    [("nuisance", 0.027, 1), ("nuisance", 0.022, 0), ("random", 0.027, 0), ("random", 0.033, 1)],
)
def test_nuisance_is_named_where_its_interval_lies_above_a_guess_and_leaks_where_it_is_certain(
    name: str, excess: float, warned: int, make_results: Make
) -> None:
    # s = 0.0183: error 0.0108, t of nine: 2.26 and 2.82
    scatter = [0.0, -0.02, 0.02, 0.0, 0.01, -0.01, 0.03, -0.03, 0.01, -0.01]
    results = control(make_results(), name, 0.3)
    rows = (
        replace(
            row,
            scores=dict.fromkeys(row.scores, 1 / 3 + excess + scatter[5 * row.repeat + row.fold]),
        )
        if row.input == name
        else row
        for row in results.rows
    )
    assert len(judge(replace(results, rows=tuple(rows))).warnings) == warned


def test_a_negligible_excess_of_a_control_is_no_warning(make_results: Make) -> None:
    assert not judge(control(make_results(), "random", 1 / 3 + 0.005, noise=0.0)).warnings
    assert judge(control(make_results(), "random", 1 / 3 + 0.02, noise=0.0)).warnings


def test_no_controls_no_pixels_few_galaxies(make_results: Make) -> None:
    results = make_results()
    assert "No control was run" in judge(only(results, "pixels", "features")).sentences[2]
    without = judge(only(results, "features", "hog", "shuffled"))
    assert "cannot be compared" in without.sentences[0]
    assert "The best input is 'features'" in without.sentences[1]
    labels = results.labels.copy()
    labels[np.flatnonzero(labels == "clump")[3:]] = "merger"
    assert "clump (3)" in judge(replace(results, labels=labels)).warnings[0]
    one = replace(results, rows=tuple(row for row in results.rows if row.fold == row.repeat == 0))
    assert "nothing can be said" in judge(one).sentences[0]
    assert any("Only 2 folds" in each for each in judge(make_results(repeats=1, folds=2)).warnings)


def test_an_input_alone_speaks_for_the_features(make_results: Make) -> None:
    verdict = judge(only(make_results(), "pixels", "hog", "texture", "shuffled"))
    assert verdict.sentences[0].startswith("The hand-crafted features 'hog' beat raw pixels")


def test_differences_are_of_the_same_splits(make_results: Make) -> None:
    results = make_results({"pixels": 0.4, "features": 0.6})
    ours, pixels = results.select("main", input="features"), results.select("main", input="pixels")
    shuffled = [pixels[place] for place in np.random.default_rng(0).permutation(len(pixels))]
    gap, again = difference(ours, pixels), difference(ours, shuffled)
    assert gap is not None
    assert again is not None
    assert again.interval.mean == pytest.approx(gap.interval.mean)
    assert again.p == pytest.approx(gap.p)
    half = difference(ours, pixels[:5])
    assert half is not None
    assert half.n_folds == 5
    by_hand = [
        a.scores["macro_f1"] - b.scores["macro_f1"] for a, b in zip(ours, pixels, strict=True)
    ]
    assert gap.interval.mean == pytest.approx(np.mean(by_hand))
    assert gap.interval.se == pytest.approx(np.sqrt((1 / 10 + 24 / 96) * np.var(by_hand, ddof=1)))


def test_the_summary_counts_controls_out_of_the_correction(make_results: Make) -> None:
    summary = Summary(make_results({"pixels": 0.34, "hog": 0.4, "features": 0.6}))
    assert set(summary.to_pixels) == {"hog", "features", "shuffled"}
    assert summary.to_pixels["shuffled"].p > 0.01
    ours = [summary.to_pixels["hog"], summary.to_pixels["features"]]
    assert min(each.p_holm for each in ours) == pytest.approx(2 * min(each.p for each in ours))
    assert len(summary.pairs) == 3
    assert summary.best(summary.non_controls) == "features"
    assert [line["input"] for line in summary.table()] == ["pixels", "hog", "features", "shuffled"]


LECTURE = {"pixels": 0.4, "hog": 0.5, "texture": 0.45, "classic": 0.55, "features": 0.65}


def test_the_lecture_and_the_best_single_block_are_spoken_of(
    make_results: Make,
) -> None:
    *_, classic, together = judge(make_results(LECTURE)).sentences
    assert classic.startswith("The lecture's extractors together ('classic', macro-F1 0.5")
    assert "beat raw pixels: +0.1" in classic
    assert together.startswith(
        "All features together are certainly better than the best single block ('hog', macro-F1 0."
    )
    assert " +0.1" in together


@pytest.mark.parametrize(
    ("hog", "said"),
    [
        (0.65, "not certainly better than the best single block"),
        (0.8, "All features together are worse than"),
    ],
)
def test_features_together_are_not_praised_beyond_the_best_block(
    make_results: Make, hog: float, said: str
) -> None:
    together = judge(make_results({**LECTURE, "hog": hog}, repeats=6)).sentences[-1]
    assert said in together
    assert "are certainly better" not in together


def test_a_block_of_another_package_is_judged_by_what_it_adds(
    make_results: Make,
) -> None:
    levels = {**LECTURE, "mine": 0.5, "features+mine": 0.75, "other": 0.3, "features+other": 0.65}
    found = judge(make_results(levels, repeats=6)).sentences
    assert "With 'mine' added, the features are certainly better: +0." in found[-2]
    assert "'other'" in found[-1]
    assert "better" not in found[-1]
    assert not any("best single block ('features+" in each for each in found)

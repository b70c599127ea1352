"""Verdict of a comparison in plain sentences, derived from its statistical tests."""

from collections.abc import Iterable
from dataclasses import dataclass

from galfeat.pipeline.comparison.results import ComparisonResults
from galfeat.pipeline.evaluation.significance import corrected_ttest
from galfeat.pipeline.recipes import CLASSIC
from galfeat.pipeline.reporting.classifiers import difference_to_cnn
from galfeat.pipeline.reporting.summary import BASELINE, REGION, Difference, Summary, ratio_of

__all__ = ["Verdict", "decided", "judge"]

_ALPHA = 0.05  # significance level of a difference
_SURE = 0.95  # probability above which two inputs are called equal
# one-sided level of the controls that reveal leaks: stricter, since a false alarm is serious
_LEAK = 0.01
_NUISANCE = 0.025  # one-sided: where the 95 % interval lies above a guess
_TINY = 0.001  # smaller p-values are given as an upper limit
_MOSTLY = 0.5  # fraction of a gain above which it is "mostly" due to something

_CAUSES = {  # how a pixel input differs from raw pixels
    "pixels_pca": "dimension reduction (principal components of the pixels)",
    "pixels_aligned": (
        "alignment and dimension reduction (centered, rotated and scaled galaxies, then principal "
        "components)"
    ),
    "pixels_small": "averaging neighboring pixels",
    "pixels_linear": "leaving out the stretch of the brightness scale",
    "pixels_augmented": "shifted, rotated and mirrored copies in training",
}


@dataclass(frozen=True)
class Verdict:
    """Opening sentences of the report.

    Parameters
    ----------
    sentences : tuple of str
        Features against raw pixels; where the gain comes from; whether the controls support it;
        and, where these were compared, the lecture's extractors, and all features against the best
        single block.
    warnings : tuple of str
        One for each control that is above chance, and for each weakness of the data.
    """

    sentences: tuple[str, ...]
    warnings: tuple[str, ...]


def judge(results: ComparisonResults) -> Verdict:
    """Return the verdict of a comparison.

    Parameters
    ----------
    results : ComparisonResults

    Returns
    -------
    Verdict

    Notes
    -----
    Two inputs differ if the two-sided corrected resampled t-test of macro-F1 has p < 0.05 and the
    difference is not practically nothing; they are called equal only if the probability of a
    difference below 0.01 is above 0.95; everything else is "cannot tell". Features and pixel inputs
    are compared with Holm's correction over the pixel inputs, raw pixels first and alone. A gain is
    "mostly" something if the pixels treated so gain at least half as much over raw pixels,
    significantly (Holm's correction over all inputs). All features are compared with the best
    single block with Holm's correction over the blocks. A control is above chance if a one-sided
    corrected test of balanced accuracy has p < 0.01 (brightness and size: p < 0.025) and the excess
    is above 0.01.
    """
    summary = Summary(results)
    features = summary.features_input()
    above = [name for name in summary.controls if _above_chance(summary, name)]
    warnings = [_warning(summary, name) for name in above] + _weaknesses(results, summary)
    if features is None or BASELINE not in summary.rows:
        first = (
            "The study has no hand-crafted features or no raw pixels, so the two cannot be "
            "compared."
        )
        told = (first, _best_input(summary), _control_sentence(summary, above))
        return Verdict((*told, *_together(summary)), tuple(warnings))
    gap = summary.between(features, BASELINE)
    reason = f"{_reason(summary, gap).removesuffix('.')}{_cnn_clause(summary, features)}."
    told = (_headline(summary, features, gap), reason, _control_sentence(summary, above))
    return Verdict((*told, *_together(summary)), tuple(warnings))


def decided(gap: Difference | None) -> str:
    """Return the decision on a difference: ``better``, ``worse``, ``same`` or ``unknown``."""
    if gap is None:
        return "unknown"
    if gap.odds.same > _SURE:
        return "same"
    if gap.p_holm < _ALPHA:
        return "better" if gap.interval.mean > 0 else "worse"
    return "unknown"


def _headline(summary: Summary, features: str, gap: Difference | None) -> str:
    subject = (
        "The hand-crafted features"
        if features == "features"
        else f"The hand-crafted features '{features}'"
    )
    if gap is None:
        return (
            f"{subject} and raw pixels were not compared on two folds, so nothing can be said of "
            "their difference."
        )
    scores = (
        f"macro-F1 {summary.mean(features):.3f} against {summary.mean(BASELINE):.3f}, "
        f"a difference of {_size(gap)}"
    )
    what = decided(gap)
    if what == "better":
        return f"{subject} beat raw pixels: {scores}."
    if what == "worse":
        return f"{subject} fall behind raw pixels: {scores}."
    if what == "same":
        return (
            f"{subject} and raw pixels make no practical difference: {scores}, below {REGION} with "
            f"probability {_chance(gap.odds.same)}."
        )
    return (
        "These galaxies cannot tell whether hand-crafted features or raw pixels are better: "
        f"{scores}; "
        f"the features are better by more than {REGION} with probability "
        f"{_chance(gap.odds.better)}, worse with {_chance(gap.odds.worse)}."
    )


def _reason(summary: Summary, gap: Difference | None) -> str:
    pixel_inputs = [
        name for name in summary.rows if summary.group[name] == "pixels" and name != BASELINE
    ]
    best = summary.best(pixel_inputs)
    if best is None:
        return (
            "Pixels were fed in one form only, so where a difference comes from was not looked "
            "into."
        )
    against = summary.planned.get(best)
    rest = f"{_against(summary, best, against)}{_beaten(summary)}."
    if decided(gap) != "better" or gap is None:
        return rest
    explained = [name for name in _simplest_first(pixel_inputs) if _explains(summary, name, gap)]
    if not explained:
        known = (
            "The gain is not explained by"
            if decided(against) == "better"
            else "It cannot be told whether the gain comes from"
        )
        return f"{known} what was done to the pixels: {rest[0].lower()}{rest[1:]}"
    cause = explained[0]
    what = _CAUSES.get(cause, f"what '{cause}' does to the pixels")
    reached = f"'{cause}' alone reaches {_share(summary, cause, gap)} of it"
    if best in explained and decided(summary.between(best, cause)) == "better":
        reached = f"{reached}, '{best}' {_share(summary, best, gap)}"
    return f"The gain is mostly {what}: {reached}; {rest[0].lower()}{rest[1:]}"


def _together(summary: Summary) -> list[str]:
    """Return the sentences on the lecture's extractors and on the best single block."""
    found = []
    classic = CLASSIC.input
    if classic in summary.rows and BASELINE in summary.rows:
        gap = summary.between(classic, BASELINE)
        name = f"The lecture's extractors together ('{classic}', macro-F1 "
        found.append(f"{name}{summary.mean(classic):.3f}) {_against_pixels(gap)}.")
    best = summary.best(summary.over_blocks)
    if best is not None:
        gap = summary.over_blocks[best]
        name = f"the best single block ('{best}', macro-F1 {summary.mean(best):.3f})"
        found.append(
            {
                "better": f"All features together are certainly better than {name}: {_size(gap)}.",
                "worse": f"All features together are worse than {name}: {_size(gap)}.",
                "same": (
                    f"All features together and {name} make no practical difference: {_size(gap)}."
                ),
                "unknown": (
                    f"All features together are not certainly better than {name}: {_size(gap)}."
                ),
            }[decided(gap)]
        )
    return found + [_addition(gap) for gap in summary.additions()]


def _addition(gap: Difference) -> str:
    """Return the sentence on what a block of another package adds to the features."""
    name = f"'{gap.first.removeprefix(f'{gap.second}+')}'"
    return {
        "better": f"With {name} added, the features are certainly better: {_size(gap)}.",
        "worse": f"With {name} added, the features are worse: {_size(gap)}.",
        "same": f"{name} adds nothing of practical difference to the features: {_size(gap)}.",
        "unknown": f"That {name} adds anything to the features is not certain: {_size(gap)}.",
    }[decided(gap)]


def _against_pixels(gap: Difference | None) -> str:
    if gap is None:
        return "and raw pixels have no two folds in common"
    return {
        "better": f"beat raw pixels: {_size(gap)}",
        "worse": f"fall behind raw pixels: {_size(gap)}",
        "same": f"and raw pixels make no practical difference: {_size(gap)}",
        "unknown": f"and raw pixels differ by no certain amount: {_size(gap)}",
    }[decided(gap)]


def _share(summary: Summary, name: str, gap: Difference) -> str:
    return f"{100 * min(1.0, summary.to_pixels[name].interval.mean / gap.interval.mean):.0f} %"


def _simplest_first(names: list[str]) -> list[str]:
    order = list(_CAUSES)
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def _explains(summary: Summary, name: str, gap: Difference) -> bool:
    gain = summary.to_pixels.get(name)
    return (
        gain is not None
        and decided(gain) == "better"
        and gain.interval.mean >= _MOSTLY * gap.interval.mean
    )


def _against(summary: Summary, rival: str, gap: Difference | None) -> str:
    """Return the clause on features against the best pixel input."""
    name = f"the best pixel input ('{rival}', macro-F1 {summary.mean(rival):.3f})"
    if gap is None:
        return f"The features and {name} have no two folds in common"
    return {
        "better": f"Against {name} the features are still better by {_size(gap)}",
        "worse": f"Against {name} the features fall behind by {_size(gap)}",
        "same": f"Against {name} the features make no practical difference: {_size(gap)}",
        "unknown": f"Against {name} no difference of the features is certain: {_size(gap)}",
    }[decided(gap)]


def _beaten(summary: Summary) -> str:
    """Return the clause on the pixel inputs that the features do not beat."""
    planned = summary.planned
    if len(planned) < 2:
        return ""
    left = [name for name, gap in planned.items() if decided(gap) != "better"]
    if not left:
        return (
            f"; they beat each of the {len(planned)} pixel inputs (p after Holm's correction "
            f"{_at_most(planned.values())})"
        )
    if len(left) == len(planned):
        return f"; they certainly beat none of the {len(planned)} pixel inputs"
    return f"; of the {len(planned)} pixel inputs they do not certainly beat {_enumerated(left)}"


def _cnn_clause(summary: Summary, features: str) -> str:
    """Return the clause on features against the convolutional network, empty without one."""
    found = difference_to_cnn(summary, features)
    if found is None:
        return ""
    net, gap = found
    assert net.interval is not None  # there is a difference, so there are two folds
    name = f"a small convolutional network on the cutouts (macro-F1 {net.interval.mean:.3f})"
    return {
        "better": f"; the features are above {name} by {_size(gap)}",
        "worse": f"; the features are below {name}: {_size(gap)}",
        "same": f"; {name} and the features make no practical difference: {_size(gap)}",
        "unknown": f"; whether the features are above or below {name} is not certain: {_size(gap)}",
    }[decided(gap)]


def _best_input(summary: Summary) -> str:
    best = summary.best(summary.non_controls)
    return (
        f"The best input is '{best}' with macro-F1 {summary.mean(best):.3f}."
        if best
        else "No input was scored."
    )


def _control_sentence(summary: Summary, above: list[str]) -> str:
    if not summary.controls:
        return (
            "No control was run, so nothing rules out that the scores come from a leak or from "
            "brightness and size alone."
        )
    if not above:
        names, one = _enumerated(summary.controls), len(summary.controls) == 1
        return (
            f"No leak was found: the control{'' if one else 's'} ({names}) "
            f"{'is' if one else 'are'} not clearly better than a guess."
        )
    leaks = [name for name in above if not _nuisance(name)]
    if leaks:
        return f"Do not trust these scores yet: the control {_enumerated(leaks)} is above chance."
    others = (
        "The other controls are at chance, but brightness"
        if len(summary.controls) > len(above)
        else "Brightness"
    )
    return (
        f"{others}, size and sky noise alone tell the classes better than a guess, so part of "
        "every score may come from them."
    )


def _nuisance(name: str) -> bool:
    return "nuisance" in name


def _above_chance(summary: Summary, name: str) -> bool:
    rows = summary.rows[name]
    excess = summary.results.values(rows, "balanced_accuracy") - 1.0 / len(summary.results.classes)
    if len(excess) < 2 or not excess.mean() > 0.01:
        return False
    return corrected_ttest(excess, 1.0, ratio_of(rows), "greater").p < (
        _NUISANCE if _nuisance(name) else _LEAK
    )


def _warning(summary: Summary, name: str) -> str:
    score = (
        f"balanced accuracy {summary.mean(name, 'balanced_accuracy'):.3f}, a guess "
        f"{1.0 / len(summary.results.classes):.3f}"
    )
    if _nuisance(name):
        return (
            f"Total flux, size and sky noise alone ('{name}') are above chance ({score}): the "
            "classes differ in them."
        )
    return (
        f"The control '{name}' is above chance ({score}): something of the test galaxies reaches "
        "the training, such as duplicates."
    )


def _weaknesses(results: ComparisonResults, summary: Summary) -> list[str]:
    found = []
    counts = {name: int((results.labels == name).sum()) for name in results.classes}
    rare = [f"{name} ({count})" for name, count in counts.items() if count < 20]
    if rare:
        found.append(
            f"Classes with fewer than 20 galaxies: {', '.join(rare)}; their scores, and with them "
            "macro-F1, are uncertain."
        )
    folds = max((len(rows) for rows in summary.rows.values()), default=0)
    if 2 <= folds < 5:
        found.append(
            f"Only {folds} folds: the intervals are wide, and a small difference cannot be found."
        )
    return found


def _enumerated(names: list[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _size(gap: Difference) -> str:
    return (
        f"{gap.interval.mean:+.3f} (95 % interval {gap.interval.low:+.3f} to "
        f"{gap.interval.high:+.3f})"
    )


def _at_most(gaps: Iterable[Difference]) -> str:
    largest = max(gap.p_holm for gap in gaps)
    return f"below {_TINY}" if largest < _TINY else f"at most {largest:.3f}"


def _chance(p: float) -> str:
    return "> 0.99" if p > 0.99 else "< 0.01" if p < 0.01 else f"{p:.2f}"

"""Render the report as one HTML page; text from catalogs is escaped."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

import jinja2

from galfeat.pipeline.comparison.results import ComparisonResults
from galfeat.pipeline.reporting.draw_galaxies import Misclassification, stamp
from galfeat.pipeline.reporting.drawing import ReportFigure
from galfeat.pipeline.reporting.sections import Section
from galfeat.pipeline.reporting.tables import as_text
from galfeat.pipeline.reporting.verdict import Verdict

__all__ = ["figure_for_page", "page_environment", "render_page"]


def render_page(
    results: ComparisonResults,
    verdict: Verdict,
    sections: Sequence[Section],
    images: Mapping[str, tuple[str, bytes]],
    found: Sequence[Misclassification],
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    results : ComparisonResults
    verdict : Verdict
    sections : sequence of Section
    images : mapping of str to (str, bytes)
        Media type and content of each figure; they are embedded in the page.
    found : sequence of Misclassification
        Shown as images in the section ``mistakes``.
    """
    environment = page_environment()
    shown = [_with_images(each, images) for each in sections if each.name != "mistakes" or found]
    mistakes = [
        asdict(each)
        | {"image": _embedded("image/png", stamp(results.pixels[each.row], results.bands))}
        for each in found
    ]
    text = environment.get_template("report.html.jinja").render(
        results=results, verdict=verdict, sections=shown, mistakes=mistakes, facts=_facts(results)
    )
    return f"{text.strip()}\n"


def page_environment() -> jinja2.Environment:
    """Return the environment of the page templates; text is escaped."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _template(name: str) -> str:
    return (
        resources.files("galfeat.pipeline.reporting")
        .joinpath("page", name)
        .read_text(encoding="utf-8")
    )


def _with_images(section: Section, images: Mapping[str, tuple[str, bytes]]) -> dict[str, Any]:
    figures = [figure_for_page(each, *images[each.name]) for each in section.figures]
    text = {"name": section.name, "title": section.title, "text": section.text}
    return text | {"tables": section.tables, "figures": figures, "later": section.later}


def figure_for_page(each: ReportFigure, media: str, data: bytes) -> dict[str, Any]:
    """Return what a template needs to show a figure, with its image embedded."""
    width, height = (round(96 * inches) for inches in each.figure.get_size_inches())
    words = {"name": each.name, "alt": each.alt, "caption": each.caption}
    return words | {"image": _embedded(media, data), "width": width, "height": height}


def _embedded(media: str, data: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def _facts(results: ComparisonResults) -> dict[str, str]:
    run = results.run
    recipe = run.get("recipe", {})
    counts = {name: int((results.labels == name).sum()) for name in results.classes}
    facts = {
        "galaxies": ", ".join(f"{name} {count:,}" for name, count in counts.items()),
        "left out": "; ".join(f"{count:,} {reason}" for reason, count in results.left_out.items())
        or "none",
        "folds": f"{results.n_folds}, repeated {results.n_repeats} times"
        if results.n_repeats > 1
        else f"{results.n_folds}",
        "time": (
            f"{_minutes(results.used_seconds)} used, "
            f"{_minutes(results.predicted_seconds)} predicted"
        )
        if results.used_seconds
        else "",
        "preset": str(run.get("preset", "")),
        "search": f"{run['draws']} draws an input and fold" if run.get("draws") else "",
        "seed": str(run.get("seed", "")),
        "preparation": as_text(recipe.get("preparation", {})),
        "galfeat": str(run.get("galfeat") or recipe.get("version", "")),
        "fingerprint": str(run.get("fingerprint", "")),
        "repeat it": "run.json beside this page has all settings; scores.csv has every fold",
    }
    return {name: value for name, value in facts.items() if value}


def _minutes(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )

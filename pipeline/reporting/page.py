"""The page itself: the sections put into HTML; whatever came from a catalogue is escaped."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

import jinja2

from galfeat.pipeline.comparison.results import Study
from galfeat.pipeline.reporting.draw_galaxies import Mistake, stamp
from galfeat.pipeline.reporting.drawing import Drawn
from galfeat.pipeline.reporting.sections import Section
from galfeat.pipeline.reporting.tables import flat
from galfeat.pipeline.reporting.verdict import Verdict

__all__ = ["render_page"]


def render_page(
    study: Study,
    verdict: Verdict,
    sections: Sequence[Section],
    images: Mapping[str, tuple[str, bytes]],
    found: Sequence[Mistake],
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    study : Study
    verdict : Verdict
    sections : sequence of Section
    images : mapping of str to (str, bytes)
        Of each figure, its media type and file; they become part of the page.
    found : sequence of Mistake
        Shown as pictures in the section ``mistakes``.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = [_with_images(each, images) for each in sections if each.name != "mistakes" or found]
    mistakes = [
        asdict(each) | {"image": _embedded("image/png", stamp(study.pixels[each.row], study.bands))}
        for each in found
    ]
    text = environment.get_template("report.html.jinja").render(
        study=study, verdict=verdict, sections=shown, mistakes=mistakes, facts=_facts(study)
    )
    return f"{text.strip()}\n"


def _template(name: str) -> str:
    return (
        resources.files("galfeat.pipeline.reporting")
        .joinpath("page", name)
        .read_text(encoding="utf-8")
    )


def _with_images(section: Section, images: Mapping[str, tuple[str, bytes]]) -> dict[str, Any]:
    figures = [_figure(each, *images[each.name]) for each in section.figures]
    text = {"name": section.name, "title": section.title, "text": section.text}
    return text | {"tables": section.tables, "figures": figures, "later": section.later}


def _figure(each: Drawn, media: str, data: bytes) -> dict[str, Any]:
    width, height = (round(96 * inches) for inches in each.figure.get_size_inches())
    words = {"name": each.name, "alt": each.alt, "caption": each.caption}
    return words | {"image": _embedded(media, data), "width": width, "height": height}


def _embedded(media: str, data: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def _facts(study: Study) -> dict[str, str]:
    run = study.run
    recipe = run.get("recipe", {})
    counts = {name: int((study.labels == name).sum()) for name in study.classes}
    facts = {
        "galaxies": ", ".join(f"{name} {count:,}" for name, count in counts.items()),
        "left out": "; ".join(f"{count:,} {reason}" for reason, count in study.left_out.items())
        or "none",
        "folds": f"{study.n_folds}, repeated {study.n_repeats} times"
        if study.n_repeats > 1
        else f"{study.n_folds}",
        "time": (
            f"{_minutes(study.used_seconds)} used, {_minutes(study.predicted_seconds)} predicted"
        )
        if study.used_seconds
        else "",
        "preset": str(run.get("preset", "")),
        "search": f"{run['draws']} draws an input and fold" if run.get("draws") else "",
        "seed": str(run.get("seed", "")),
        "preparation": flat(recipe.get("preparation", {})),
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

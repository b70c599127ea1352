"""Compare the numbers of `galfeat.features.Shape` with statmorph's, as a table in Markdown.

``python benchmarks/shape_agreement.py [REAL]``: 300 simulated galaxies, and the real ones of the
folder REAL. statmorph's numbers are those stored for the tests, which
tests/features/shape/make_statmorph_reference.py makes; ``--again`` measures them now instead,
half a second a galaxy. Only galaxies that statmorph flags as good count. A second table has the
asymmetries of a perfectly symmetric disk in noise.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from machine import module_of
from numpy.typing import NDArray
from scipy.stats import spearmanr

from galfeat.features import Shape
from galfeat.features.shape import ShapeTable

MAKER = Path(__file__).parents[1] / "tests/features/shape/make_statmorph_reference.py"
NEAR_ZERO = ("asymmetry", "rms_asymmetry_squared", "outer_asymmetry", "smoothness", "deviation")
AIMED = (
    *("concentration", "asymmetry", "smoothness", "gini", "m20", "r_half_circ", "r_half_ellip"),
    *("r_petro_circ", "r_petro_ellip", "ellipticity", "multimode", "intensity", "deviation"),
)
"""Quantities whose median difference shall be at most 1 %, of those near zero .01, and whose rank
correlation at least .98."""


def statmorph_numbers(
    maker: ModuleType, images: dict[str, NDArray[np.float32]], table: ShapeTable, again: bool
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Return statmorph's numbers and flags of images, stored or measured."""
    if again:
        found = [
            maker.measure(image, segments)
            if (segments == 1).any()
            else ([np.nan] * len(maker.STATMORPH), 4, 0.0)
            for image, segments in zip(images.values(), table.segments, strict=True)
        ]
        return np.array([each[0] for each in found]), np.array([each[1] for each in found])
    with np.load(maker.REFERENCE) as archive:
        names = archive["images"].tolist()
        rows = [names.index(name) for name in images]
        light = [np.nansum(image, dtype=float) for image in images.values()]
        if not np.allclose(light, archive["sums"][rows, 0], rtol=1e-3, atol=0.1):
            raise SystemExit("the stored numbers are of other images: give --again")
        return archive["values"][rows], archive["flags"][rows]


def differences(ours: Any, theirs: NDArray[np.float64], good: Any) -> tuple[float, float, float]:
    """Return median difference, the same relative to statmorph's number, and rank correlation."""
    use = good & ~np.ma.getmaskarray(ours)
    one, two = ours.data[use], theirs[use]
    apart = np.abs(one - two)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(apart == 0, 0.0, apart / np.abs(two))
    same = len(set(two.tolist())) < 2
    rank = float("nan") if same else float(spearmanr(one, two).statistic)
    return float(np.median(apart)), float(np.median(relative)), rank


def symmetric_disk(exposures: int = 60) -> str:
    """Return a table of the asymmetries of a disk that has none, seen in more and more noise."""
    y, x = np.indices((64, 64))
    segment = (np.hypot(y - 31.5, x - 31.5) < 16).astype(int)
    segments = np.repeat(segment[None], exposures, 0)
    rng = np.random.default_rng(0)
    names = ("asymmetry", "asymmetry_matched_sky")
    lines = [
        "| central brightness, noise |" + "".join(f" `{name}`, mean | ± |" for name in names),
        "| ---: |" + " ---: | ---: |" * len(names),
    ]
    for peak in (300, 100, 30, 10, 5):
        light = peak * np.exp(-np.hypot(x - 31.8, y - 31.3) / 4)
        images = (light + rng.normal(0, 1, (exposures, 1, 64, 64))).astype(np.float32)
        table = Shape("linear", sersic=False, details=False).measure(images, segments=segments)
        columns = [table.column("band1", name).compressed() for name in names]
        cells = "".join(f" {each.mean():+.4f} | {each.std(ddof=1):.3f} |" for each in columns)
        lines.append(f"| {peak} |{cells}")
    return "\n".join(lines)


def main(real: str | None = None, again: bool = False) -> None:
    """Measure, and print the table and what misses the aim."""
    maker = module_of(MAKER)
    sets = {"simulated": {str(i): image for i, image in enumerate(maker.simulated())}}
    if real is not None:
        sets["real"] = maker.real(Path(real))
    say = sys.stdout.write
    cells: dict[str, str] = {name: f"| `{name}` |" for name in maker.STATMORPH}
    missed = []
    for kind, images in sets.items():
        table = Shape("linear").measure(np.stack(list(images.values()))[:, None])
        values, flags = statmorph_numbers(maker, images, table, again)
        good = flags == 0
        agree = ((table.quality[:, 0] == 2) == (flags >= 2)).sum()
        say(
            f"{kind}: {good.sum()} of {len(good)} good by statmorph; bad by both or none: {agree}\n"
        )
        for column, name in enumerate(maker.STATMORPH):
            ours = table.column("band1", name)
            apart, relative, rank = differences(ours, values[:, column], good)
            shown = "-" if rank != rank else f"{rank:.4f}"
            cells[name] += f" {apart:.1e} | {100 * relative:.3f} % | {shown} |"
            close = apart <= 0.01 if name in NEAR_ZERO else relative <= 0.01
            if name in AIMED and not (close and not rank < 0.98):
                missed.append(f"{kind} {name}")
            masked = int((good & np.ma.getmaskarray(ours)).sum())
            if masked:
                say(f"{kind}: {name} of {masked} of these is masked\n")
    heads = [f" {kind}: median | relative | rank |" for kind in sets]
    say("\n| quantity |" + "".join(heads) + "\n| --- |" + " --- | --- | --- |" * len(sets) + "\n")
    say("\n".join(cells.values()) + "\n")
    say(f"\nmissed: {', '.join(missed) or 'none'} of {len(AIMED)} aimed at\n\n")
    say(symmetric_disk() + "\n")


if __name__ == "__main__":
    main(next((each for each in sys.argv[1:] if each != "--again"), None), "--again" in sys.argv)

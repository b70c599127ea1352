"""Does SIFT gain when it looks at the galaxy alone? Keypoints counted, and variants compared.

    galfeat extract cutouts/ --out F.parquet
    python benchmarks/sift_region.py F.parquet --label label --repeats 2

SIFT is measured again on the prepared pixels of the table, with each region and significance, and
the protocol of ``galfeat compare`` scores it alone, and together with all other features of the
table. Differences are paired: the same galaxies, folds and seeds.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat.features import SIFT
from galfeat.features.shape.images.segmentation import SOURCE
from galfeat.features.sift.sources import find_sources
from galfeat.pipeline import load_features
from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.loading.labeled_blocks import LabeledBlocks
from galfeat.pipeline.comparison.planning.plan import FULL
from galfeat.pipeline.comparison.protocol import run_protocol
from galfeat.pipeline.evaluation.groups import galaxy_groups
from galfeat.pipeline.evaluation.significance import corrected_interval
from galfeat.pipeline.extraction.feature_table import FeatureTable, class_labels
from galfeat.pipeline.extraction.measure import Block, take_rows
from galfeat.pipeline.models.inputs import INPUTS, extractor_part

SCORES = ("macro_f1", "auc", "log_loss")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def variant(spec: str) -> tuple[str, SIFT]:
    """Return name and extractor of a variant, such as ``galaxy:3``."""
    region, _, least = spec.partition(":")
    return spec, SIFT(region=region, significance=float(least or 0))


def count_keypoints(images: NDArray[np.float32], sifts: Mapping[str, SIFT]) -> None:
    """Print how many keypoints each variant has, and how many of them lie on the galaxy."""
    source = find_sources(np.ascontiguousarray(images), "asinh")[0] == SOURCE
    lost = (~source.any(axis=(1, 2))).mean()
    say(
        f"the galaxy covers {100 * source.mean():.1f} % of the images; "
        f"{100 * lost:.1f} % have no source in the middle"
    )
    say("variant        keypoints  on the galaxy  galaxies without any")
    for name, sift in sifts.items():
        found = sift.locate(images)
        on = sum(
            int(each[tuple(np.rint(places[:, 1::-1]).astype(int).T)].sum())
            for each, places in zip(source, found, strict=True)
        )
        counts = np.array([len(places) for places in found])
        share = on / max(1, counts.sum())
        none = 100 * (counts == 0).mean()
        say(f"{name:<14} {counts.mean():>9.1f} {100 * share:>12.1f} % {none:>12.1f} %")


def sample(
    table: FeatureTable, label: str, seed: int, most: int
) -> tuple[LabeledBlocks, NDArray[np.intp]]:
    """Return the labeled galaxies of a table, at most so many."""
    labels = class_labels(table.catalog, label)
    rows = np.flatnonzero(labels != "")
    if most and len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:most])
    blocks = {name: take_rows(block, rows) for name, block in table.blocks.items()}
    catalog = table.catalog.take(pa.array(rows, type=pa.int64()))
    groups, _ = galaxy_groups(catalog, labels[rows], np.asarray(blocks["pixels"]))
    size = table.recipe.preparation.size
    return LabeledBlocks(
        blocks, labels[rows], groups, (len(table.recipe.bands), size, size), seed
    ), rows


def inputs_of(names: Sequence[str], wholes: bool) -> list[ComparisonInput]:
    """Return SIFT alone and, if asked for, all features, of each variant."""
    inputs = []
    for name in names:
        own = replace(extractor_part("sift"), column=name)
        inputs.append(ComparisonInput(name, (own,), "features", ""))
        if wholes:
            parts = tuple(
                own if part.column == "sift" else part for part in INPUTS["features"].parts
            )
            inputs.append(ComparisonInput(f"features, {name}", parts, "features", ""))
    if wholes:
        rest = tuple(part for part in INPUTS["features"].parts if part.column != "sift")
        inputs.append(ComparisonInput("features without", rest, "features", ""))
    return inputs


def main() -> None:
    """Count keypoints and compare the variants."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("table", type=Path, help="a table of 'galfeat extract' with pixels")
    parser.add_argument("--label", default="label")
    parser.add_argument("--variants", nargs="+", default=["image", "image:3", "galaxy", "galaxy:3"])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--draws", type=int, default=FULL.draws, help="settings tried")
    parser.add_argument("--networks", type=int, default=FULL.networks, help="in the ensemble")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=0, help="galaxies taken; 0: all")
    parser.add_argument("--alone", action="store_true", help="SIFT alone only")
    given = parser.parse_args()
    table = load_features(given.table)
    galaxies, _ = sample(table, given.label, given.seed, given.most)
    images = np.asarray(galaxies.blocks["pixels"]).reshape(-1, *galaxies.shape)
    sifts = dict(variant(each) for each in given.variants)
    count_keypoints(images, sifts)
    measured: dict[str, Block] = {name: sift.describe(images) for name, sift in sifts.items()}
    data = replace(galaxies, blocks={**galaxies.blocks, **measured})
    plan = replace(
        FULL,
        n_repeats=given.repeats,
        draws=given.draws,
        networks=given.networks,
        altered=0,
        curve_inputs=(),
        head_inputs=(),
        altered_inputs=(),
        matched=False,
        dropping=False,
        importance=False,
    )
    inputs = inputs_of(list(sifts), not given.alone)
    result = run_protocol(data, inputs, plan)
    n = len(data.labels)
    say(
        f"{n:,} galaxies, {given.repeats} x 5 folds, seed {given.seed}, {given.draws} settings, "
        f"{given.networks} networks"
    )
    first = given.variants[0]
    scores = {
        each.name: [
            row.scores for row in result.rows if row.stage == "main" and row.input == each.name
        ]
        for each in inputs
    }
    for name, folds in scores.items():
        base = scores[f"features, {first}" if name.startswith("features") else first]
        told = []
        for score in SCORES:
            mean = np.mean([fold[score] for fold in folds])
            span = corrected_interval(
                [a[score] - b[score] for a, b in zip(folds, base, strict=True)], 0.8 * n, 0.2 * n
            )
            told.append(
                f"{score} {mean:.3f} ({span.mean:+.3f}, {span.low:+.3f} to {span.high:+.3f})"
            )
        say(f"{name:<22} {'; '.join(told)}")


if __name__ == "__main__":
    main()

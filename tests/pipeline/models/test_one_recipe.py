"""One recipe: a name of an input means the same in every command, and a model is what the
comparison says of it.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.data import Preparation
from galfeat.features import HOG, SIFT, Shape, Texture, make_extractors
from galfeat.pipeline import classify, compare, extract, load_features, train
from galfeat.pipeline.comparison.inputs import comparison_inputs
from galfeat.pipeline.comparison.loading.classic import classic_parts
from galfeat.pipeline.comparison.planning.plan import FULL, QUICK
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.head_to_head import ComparisonReport
from galfeat.pipeline.invariance.audit import default_extractors
from galfeat.pipeline.models.inputs import INPUTS
from galfeat.pipeline.recipes import CLASSIC, DEFAULT, FEATURES, RECIPES, TRAINING
from galfeat.pipeline.settings_file import default_tables

BANDS = ("a", "b")
SMALL = Preparation(size=32)
PLAN = replace(
    QUICK,
    n_folds=2,
    draws=TRAINING.draws,
    networks=TRAINING.n_networks,
    skipped=(
        *QUICK.skipped,
        *("pixels_small", "pixels_pca", "pixels_aligned", "texture", "hog", "sift", "shape"),
        *("color", "features+pixels", "shuffled", "random", "nuisance"),
    ),
    altered=0,
    dropping=False,
    importance=False,
    curve_inputs=(),
    head_inputs=(),
)


def test_features_mean_the_same_everywhere() -> None:
    recipe = Recipe.of(None, BANDS, SMALL)
    settings = {name: each.get_params() for name, each in recipe.extractors.items()}
    assert list(settings) == list(FEATURES)
    assert {name: each.get_params() for name, each in make_extractors(FEATURES).items()} == settings
    audited = default_extractors()
    assert {name: audited[name].get_params() for name in FEATURES} == settings
    tables = default_tables()
    assert {name: tables[f"features.{name}"][1] for name in FEATURES} == settings
    assert settings["hog"]["rotation"] == "mirrored"
    assert settings["texture"]["patterns"] == "fourier"
    compared = {
        each.name: each.parts for each in comparison_inputs(FEATURES, classic_parts(recipe))
    }
    for name in ("features", "features+pixels"):
        assert compared[name] == INPUTS[name].parts
    assert (FULL.draws, FULL.networks) == (TRAINING.draws, TRAINING.n_networks) == (8, 5)


def test_classic_is_the_lecture_with_the_settings_of_the_papers() -> None:
    recipe = Recipe.of(None, BANDS, SMALL, name="classic")
    assert list(recipe.extractors) == ["pixels", "color", "texture", "hog", "sift"]
    assert all(
        each.get_params() == type(each)().get_params() for each in recipe.extractors.values()
    )
    assert CLASSIC.encoders == {"sift": ""}
    assert set(RECIPES) == {"default", "classic"}
    with pytest.raises(UsageError, match="no recipe 'clasic'; there are default, classic"):
        Recipe.of(None, BANDS, SMALL, name="clasic")


def test_settings_of_a_user_win_over_those_of_the_recipe() -> None:
    chosen: dict[str, dict[str, Any]] = {
        "hog": {"orientations": 6},
        "texture": {"patterns": "uniform"},
    }
    recipe = Recipe.of(["hog", "texture"], BANDS, SMALL, chosen)
    assert recipe.extractors["hog"].get_params() == (
        HOG(orientations=6, rotation="mirrored").get_params()
    )
    assert recipe.extractors["texture"].get_params() == Texture(patterns="uniform").get_params()


def test_the_shape_undoes_the_stretch_of_the_preparation() -> None:
    linear = Preparation(size=32, stretch="none")
    for preparation, stretch in ((SMALL, "asinh"), (linear, "linear")):
        recipe = Recipe.of(["shape"], BANDS, preparation)
        assert recipe.extractors["shape"].get_params()["stretch"] == stretch
    with pytest.raises(UsageError, match="stretch is 'asinh', and the preparation's 'none'"):
        Recipe.of(["shape"], BANDS, linear, {"shape": {"stretch": "asinh"}})
    with pytest.raises(UsageError, match="stretch is 'linear', and the preparation's 'asinh'"):
        Recipe.of([Shape(stretch="linear")], BANDS, SMALL)


def test_sift_undoes_the_stretch_where_it_needs_the_light() -> None:
    linear = Preparation(size=32, stretch="none")
    chosen = {"sift": {"region": "galaxy"}}
    for preparation, stretch in ((SMALL, "asinh"), (linear, "linear")):
        recipe = Recipe.of(["sift"], BANDS, preparation, chosen)
        assert recipe.extractors["sift"].get_params()["stretch"] == stretch
    with pytest.raises(UsageError, match="the sift's stretch is 'asinh'"):
        Recipe.of([SIFT(significance=1.0)], BANDS, linear)
    assert Recipe.of([SIFT()], BANDS, linear).extractors["sift"].get_params() == SIFT().get_params()


def test_the_lecture_shares_what_is_measured_alike() -> None:
    assert [part.column for part in classic_parts(Recipe.of(None, BANDS, SMALL))] == [
        *("color", "classic texture", "classic hog", "sift")
    ]
    plain = Recipe.of(None, BANDS, SMALL, name="classic")
    assert [part.column for part in classic_parts(plain)] == list(DEFAULT.handcrafted[:4])


@pytest.fixture(scope="module")
def classic(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("classic") / "F.parquet"
    extract(survey, out, recipe="classic", features=["color", "texture", "hog", "sift"],
            preparation=SMALL)  # fmt: skip
    return out


def test_the_inputs_of_one_recipe_do_not_take_the_table_of_another(
    classic: Path, table: Path, tmp_path: Path
) -> None:
    assert load_features(classic).recipe.name == "classic"
    assert load_features(table).recipe.name == "default"
    out = tmp_path / "M.galfeat"
    with pytest.raises(UsageError, match=r"'classic' means .* recipe 'classic'.*'default'"):
        train(table, out, inputs=["classic"])
    with pytest.raises(UsageError, match="no column 'shape'"):
        train(classic, out, inputs=["features"])
    made = train(classic, out, networks=1, folds=0).model
    assert made.input.name == "classic"
    assert {part.view for part in made.input.parts} == {""}


@pytest.fixture(scope="module")
def compared(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> ComparisonReport:
    return compare(survey, tmp_path_factory.mktemp("report"), preparation=SMALL, plan=PLAN)


@pytest.mark.slow
def test_a_model_scores_as_the_comparison_says(
    compared: ComparisonReport, survey: Path, tmp_path: Path
) -> None:
    results = compared.results
    assert set(results.inputs) == {"pixels", "classic", "features"}
    rows = results.select("main", input="features")
    extract(survey, tmp_path / "F.parquet", preparation=SMALL)
    trained = train(tmp_path / "F.parquet", tmp_path / "M.galfeat", folds=2)
    assert trained.scores is not None
    for row, fold in zip(rows, trained.scores.folds, strict=True):
        assert dict(row.scores) == pytest.approx(dict(fold), abs=1e-9)
    assert classify(trained.path, survey, tmp_path / "P.parquet").done == 90


def sorted_items(settings: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(settings.items())


@pytest.mark.slow
def test_a_model_takes_the_settings_of_a_report(
    compared: ComparisonReport, table: Path, classic: Path, tmp_path: Path
) -> None:
    folder = compared.report.parent
    run = json.loads((folder / "run.json").read_text())
    assert len(run["ensembles"]["features"]) == 5
    trained = train(table, tmp_path / "M.galfeat", from_report=folder, folds=0)
    used = [each.settings.as_dict() for each in trained.model.ensemble_.members]
    assert sorted(map(sorted_items, used)) == sorted(
        map(sorted_items, run["ensembles"]["features"])
    )
    with pytest.raises(UsageError, match=r"were measured differently: .*extractors\.hog\.rotation"):
        train(classic, tmp_path / "N", inputs=["hog"], from_report=folder)
    with pytest.raises(UsageError, match="has no input 'color'"):
        train(table, tmp_path / "N", inputs=["color"], from_report=folder)


def test_what_is_no_report_is_refused(table: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no report of 'galfeat compare'"):
        train(table, tmp_path / "M", from_report=tmp_path)
    (tmp_path / "run.json").write_text('{"label": "label", "seed": 0}')
    with pytest.raises(UsageError, match="does not say how the report's classifiers were trained"):
        train(table, tmp_path / "M", from_report=tmp_path)
    assert np.array([path.name for path in tmp_path.iterdir()]).tolist() == ["run.json"]

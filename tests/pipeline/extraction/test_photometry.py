"""Photometry in a feature table: linear pixels with their calibration, units, gaps and errors."""

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning
from numpy.typing import NDArray
from PIL import Image

from galfeat import UsageError
from galfeat.data import Preparation, open_source
from galfeat.data.fits.image_info import CALIBRATION_KEYWORDS
from galfeat.features import Photometry
from galfeat.features.photometry import LinearImage, calibration
from galfeat.features.photometry.columns import FLAGS
from galfeat.pipeline import classify, export, extract, join_features, load_features, train
from galfeat.pipeline.batch.options import Options
from galfeat.pipeline.extraction.recipe import Recipe

SIZE = 48
PREPARATION = Preparation(size=SIZE)
BIT = {name: 1 << bit for bit, name in enumerate(FLAGS)}
Rows = dict[str, dict[str, Any]]


def galaxy(flux: float, seed: int, sigma: float = 1.0) -> NDArray[np.float32]:
    """Return an exponential disk of that flux within two Petrosian radii, and noise."""
    y, x = np.mgrid[:SIZE, :SIZE] - 0.5 * (SIZE - 1)
    light = np.exp(-np.hypot(x, y) / 2)
    noise = np.random.default_rng(seed).normal(0, sigma, light.shape)
    return np.asarray(flux * light / light.sum() + noise + 10, dtype=np.float32)


def write(
    path: Path, pixels: NDArray[Any], noise: NDArray[Any] | None = None, **cards: Any
) -> Path:
    hdus = [fits.PrimaryHDU(pixels)]
    hdus[0].header.update({"EXTNAME": "SCI", **cards} if noise is not None else cards)
    if noise is not None:
        hdus.append(fits.ImageHDU(noise, name="ERR"))
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList(hdus).writeto(path)
    return path


def two_bands(folder: Path, count: int = 3, **cards: Any) -> Path:
    """Write galaxies in two bands, the second twice as bright, and their catalog."""
    lines = ["id,file_g,file_r"]
    for number in range(count):
        for band, factor in (("g", 1), ("r", 2)):
            pixels = galaxy(factor * 3e4, 2 * number + factor)
            write(folder / f"{number}_{band}.fits", pixels, **cards)
        lines.append(f"{number},{number}_g.fits,{number}_r.fits")
    (folder / "catalog.csv").write_text("\n".join(lines) + "\n")
    return folder


def measured(source: Path, out: Path, features: Any = ("photometry",), **options: Any) -> Rows:
    extract(source, out, features=features, preparation=PREPARATION, **options)
    return {row["id"]: row for row in pq.read_table(out).to_pylist()}


def unit(out: Path, column: str) -> str:
    words = pq.read_schema(out).field(column).metadata or {}
    return str(words.get(b"unit", b"").decode())


def test_the_columns_are_what_photometry_measures_on_the_files(tmp_path: Path) -> None:
    cards: dict[str, Any] = {
        "BUNIT": "nJy",
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": 10.0,
    }
    cards |= {"CRVAL2": -5.0, "CD1_1": -0.3 / 3600, "CD2_2": 0.3 / 3600}
    folder, out = two_bands(tmp_path / "in", **cards), tmp_path / "F.parquet"
    rows = measured(folder, out, ["shape", "photometry"])
    assert list(rows["0"])[-1] == "photometry_g_r_gradient_err"
    for name, row in rows.items():
        planes = [folder / f"{name}_{band}.fits" for band in "gr"]
        headers = [fits.getheader(path) for path in planes]
        image = LinearImage(
            np.stack([fits.getdata(path) for path in planes]),
            zero_points=tuple(calibration(header).zero_point for header in headers),
            pixel_scale=0.3,
        )
        table = Photometry(draws=0).measure_scalars([image], bands=("g", "r"))
        for each in table.scalars:
            value = row[f"photometry_{each.name}"]
            assert value == pytest.approx(float(table.column(each.name)[0]), rel=1e-6), each.name
            if each.error:
                error = float(table.error(each.name)[0])
                assert row[f"photometry_{each.name}_err"] == pytest.approx(error, rel=1e-6)
    assert rows["0"]["photometry_g_flux_petro"] == pytest.approx(3e4, rel=0.01)
    assert rows["0"]["photometry_g_r_color"] == pytest.approx(2.5 * np.log10(2), abs=0.01)
    magnitude = (3e4 * u.nJy).to_value(u.ABmag)
    assert rows["0"]["photometry_g_mag_petro"] == pytest.approx(magnitude, abs=0.01)


def test_the_unit_of_the_files_is_that_of_the_columns(tmp_path: Path) -> None:
    out = tmp_path / "F.parquet"
    measured(two_bands(tmp_path / "a", 1, BUNIT="nanomaggies"), out)
    assert (unit(out, "photometry_g_flux_petro"), unit(out, "photometry_g_sky")) == ("nmgy",) * 2
    assert unit(out, "photometry_r_flux_kron_err") == "nmgy"
    measured(two_bands(tmp_path / "b", 1, BUNIT="MJy/sr"), out)
    assert unit(out, "photometry_g_flux_petro") == "MJy pix / sr"
    assert unit(out, "photometry_g_sky_sigma") == "MJy / sr"
    rows = measured(two_bands(tmp_path / "c", 1), out)
    assert unit(out, "photometry_g_flux_petro") == ""
    assert rows["0"]["photometry_g_mag_petro"] is None
    assert rows["0"]["photometry_flags"] == BIT["no_zero_point"]
    assert rows["0"]["photometry_quality"] == 0


def test_astropy_gives_the_fluxes_their_unit(tmp_path: Path) -> None:
    out = tmp_path / "F.parquet"
    measured(two_bands(tmp_path / "a", 1, BUNIT="uJy"), out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)  # it guesses the length of texts
        found = Table.read(out)
    assert found["photometry_g_flux_petro"].unit == u.uJy
    assert found["photometry_g_flux_petro_err"].unit == u.uJy
    assert found["photometry_g_flux_petro_err"].meta["ucd"] == "stat.error;phot.flux"
    assert found["photometry_g_mag_kron"].unit == u.mag
    assert found["photometry_g_r_color"].unit == u.mag


def test_a_gradient_is_in_magnitudes_a_dex(tmp_path: Path) -> None:
    out, gradient = tmp_path / "F.parquet", "photometry_g_r_gradient"
    measured(two_bands(tmp_path / "a", 1, BUNIT="uJy"), out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)  # it guesses the length of texts
        found = Table.read(out)
    for name in (gradient, f"{gradient}_err"):
        assert found[name].unit == u.mag / u.dex
    content = pq.read_schema(out).metadata[b"IVOA.VOTable-Parquet.content"]
    fields = {each.name: each for each in parse(BytesIO(content)).get_first_table().fields}
    assert str(fields[gradient].unit) == "mag / dex"  # VOTable has a dex of its own
    export(out, tmp_path / "F.fits")
    header = fits.getheader(tmp_path / "F.fits", "FEATURES")
    place = found.colnames.index(gradient) + 1
    assert (header[f"TTYPE{place}"], header[f"TUNIT{place}"]) == (gradient, "mag/dex")


def test_a_mixture_of_units_is_refused_or_flagged(tmp_path: Path) -> None:
    for name, words in {"a": "nJy", "b": "nJy", "c": "uJy", "d": ""}.items():
        cards: dict[str, Any] = {"BUNIT": words} if words else {}
        write(tmp_path / "in" / f"{name}.fits", galaxy(3e4, 1), **cards)
    out = tmp_path / "F.parquet"
    rows = measured(tmp_path / "in", out)
    (band,) = load_features(out).recipe.bands
    assert "pixels are in uJy" in (tmp_path / "F.failures.csv").read_text()
    assert {name: row["photometry_flags"] & BIT["other_unit"] for name, row in rows.items()} == {
        "a": 0,
        "b": 0,
        "d": BIT["other_unit"],  # it states none, and its fluxes stand in a column of nJy
    }
    assert rows["d"]["photometry_quality"] == 1
    assert rows["d"][f"photometry_{band}_zero_point"] is None
    rows = measured(open_source(tmp_path / "in", mixed_units=True), out)  # type: ignore[arg-type]
    assert unit(out, f"photometry_{band}_flux_petro") == ""
    zeros = {name: row[f"photometry_{band}_zero_point"] for name, row in rows.items()}
    assert zeros == pytest.approx({"a": 31.4, "b": 31.4, "c": 23.9, "d": None}, abs=1e-3)
    assert [row["photometry_quality"] for row in rows.values()] == [1, 1, 1, 0]


def test_pixels_that_are_not_linear_are_not_measured(tmp_path: Path) -> None:
    write(tmp_path / "mag" / "a.fits", galaxy(3e4, 1), BUNIT="mag/arcsec2")
    picture = np.clip(galaxy(3e4, 1)[..., None] * [1, 1, 1], 0, 255).astype(np.uint8)
    (tmp_path / "png").mkdir()
    Image.fromarray(picture).save(tmp_path / "png" / "a.png")
    for folder in ("mag", "png"):
        (row,) = measured(tmp_path / folder, tmp_path / f"{folder}.parquet").values()
        assert row["photometry_flags"] & BIT["not_linear"]
        assert row["photometry_quality"] == 2
        values = {key: value for key, value in row.items() if key.startswith("photometry_")}
        left = {key for key, value in values.items() if value is not None}
        assert left == {"photometry_flags", "photometry_quality"}


def test_image_sets_without_headers_have_fluxes_in_pixel_units(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    images = np.stack([[galaxy(3e4, number), galaxy(6e4, number)] for number in range(3)])
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["images"] = images
    out = tmp_path / "F.parquet"
    rows = measured(tmp_path / "set.h5", out)
    assert len(rows) == 3
    for row in rows.values():
        assert row["photometry_band2_flux_petro"] == pytest.approx(6e4, rel=0.01)
        assert row["photometry_band1_band2_color"] is None
        assert row["photometry_r_petro_arcsec"] is None
    assert unit(out, "photometry_band2_flux_petro") == ""


def test_cutouts_at_positions_are_measured_with_the_calibration_of_the_mosaic(
    tmp_path: Path,
) -> None:
    mosaic = np.random.default_rng(0).normal(0, 1, (200, 200)).astype(np.float32)
    mosaic[60 : 60 + SIZE, 90 : 90 + SIZE] = galaxy(3e4, 1) - 10
    write(tmp_path / "sky.fits", mosaic, BUNIT="adu", MAGZP=27.5)
    (tmp_path / "positions.csv").write_text("id,x,y\na,113.5,83.5\n")
    source = open_source(
        tmp_path / "sky.fits", positions=tmp_path / "positions.csv", size_pixels=SIZE
    )
    out = tmp_path / "F.parquet"
    extract(source, out, features=["photometry"], preparation=PREPARATION)
    (row,) = pq.read_table(out).to_pylist()
    assert unit(out, "photometry_band1_flux_petro") == "adu"
    magnitude = 27.5 - 2.5 * np.log10(3e4)
    assert row["photometry_band1_mag_petro"] == pytest.approx(magnitude, abs=0.01)


def test_photometry_alone_needs_no_preparation(tmp_path: Path) -> None:
    pixels = np.stack([galaxy(3e4, 1), galaxy(6e4, 2)])
    pixels[1, :, : SIZE // 2 + 8] = np.nan  # more than half: it cannot be prepared
    write(tmp_path / "in" / "a.fits", pixels)
    rows = measured(tmp_path / "in", tmp_path / "F.parquet")
    assert rows["a"]["photometry_quality"] == 2
    assert rows["a"]["photometry_flags"] & BIT["center_masked"]
    assert rows["a"]["photometry_band1_flux_petro"] is not None
    assert rows["a"]["photometry_band2_flux_petro"] is None
    with_shape = ["shape", "photometry"]
    summary = extract(tmp_path / "in", tmp_path / "G.parquet", features=with_shape)
    assert (summary.done, summary.failed) == (0, 1)


def test_an_object_has_its_own_settings(tmp_path: Path) -> None:
    folder, out = two_bands(tmp_path / "in", 1), tmp_path / "F.parquet"
    rows = measured(folder, out, [Photometry(apertures=(0.5, 2.0))])
    one, two = (rows["0"][f"photometry_g_flux_aper{number}"] for number in (1, 2))
    assert two == pytest.approx(rows["0"]["photometry_g_flux_petro"], rel=1e-6)
    assert one < 0.8 * two
    settings = {"photometry": {"apertures": (0.5, 2.0)}}
    by_name = measured(folder, tmp_path / "G.parquet", settings=settings)
    assert by_name == rows
    assert load_features(out).recipe.photometry is not None
    with pytest.raises(UsageError, match="apertures must be positive"):
        measured(folder, out, settings={"photometry": {"apertures": (-1.0,)}})
    with pytest.raises(UsageError, match="photometry is there twice"):
        measured(folder, out, ["photometry", Photometry()])


def test_errors_come_from_the_noise_map_or_from_the_sky(tmp_path: Path) -> None:
    # the same pixels; the map says that the noise is three times what the sky shows
    pixels = galaxy(3e3, 1)
    write(tmp_path / "in" / "map.fits", pixels, np.full_like(pixels, 3), BUNIT="nJy")
    write(tmp_path / "in" / "sky.fits", pixels, BUNIT="nJy")
    out = tmp_path / "F.parquet"
    rows = measured(tmp_path / "in", out, ["shape", "photometry"], errors=True)
    schema = pq.read_schema(out)
    band = load_features(out).recipe.bands[0]
    columns = [f"shape_{band}_gini", f"shape_{band}_r_half_circ", "photometry_r_petro"]
    for column in [*columns, f"photometry_{band}_flux_petro"]:
        assert schema.names.index(f"{column}_err") == schema.names.index(column) + 1
        # the map weighs nothing: it only says how far the galaxy reaches
        assert rows["map"][column] == pytest.approx(rows["sky"][column], rel=0.02)
        ratio = rows["map"][f"{column}_err"] / rows["sky"][f"{column}_err"]
        assert 1.5 < ratio < 6, column
    field = schema.field(f"shape_{band}_r_half_circ_err")
    assert field.metadata[b"unit"] == b"pix"
    assert field.metadata[b"ucd"].startswith(b"stat.error;")
    coded = [name for name in schema.names if name.endswith(("_flags_err", "_quality_err"))]
    assert not coded


def test_only_fluxes_have_errors_unless_asked(tmp_path: Path) -> None:
    out = tmp_path / "F.parquet"
    measured(two_bands(tmp_path / "in", 1), out, ["shape", "photometry"])
    names = [name for name in pq.read_schema(out).names if name.endswith("_err")]
    assert names
    assert not [name for name in names if "flux" not in name and "mag" not in name
                and not name.endswith(("_sky_err", "_color_err", "_gradient_err"))]  # fmt: skip
    with pytest.raises(UsageError, match="errors are those of shape and photometry"):
        measured(two_bands(tmp_path / "b", 1), out, ["hog"], errors=True)


def test_no_number_depends_on_threads_or_on_the_other_galaxies(tmp_path: Path) -> None:
    folder = two_bands(tmp_path / "in", 5, BUNIT="nJy")
    features = ["photometry", "shape"]
    settings = {"photometry": {"draws": 4}}
    outs = [tmp_path / f"{number}.parquet" for number in range(2)]
    for workers, out in enumerate(outs, start=1):
        measured(folder, out, features, settings=settings, errors=True, workers=workers)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    all_rows = pq.read_table(outs[0]).to_pylist()
    (folder / "catalog.csv").write_text("id,file_g,file_r\n3,3_g.fits,3_r.fits\n")
    alone = measured(folder, tmp_path / "alone.parquet", features, settings=settings, errors=True)
    assert alone["3"] == all_rows[3]


@pytest.mark.slow
def test_runs_that_are_resumed_or_in_processes_give_the_same_bytes(tmp_path: Path) -> None:
    folder = two_bands(tmp_path / "in", 40, BUNIT="nJy")
    broken = folder / "7_g.fits"
    whole = broken.read_bytes()
    outs = [tmp_path / f"{name}.parquet" for name in ("threads", "processes", "dask", "retried")]
    features = ["photometry", "pixels"]  # several shards
    measured(folder, outs[0], features)
    measured(folder, outs[1], features, options=Options(processes=True, workers=2))
    measured(folder, outs[2], features, options=Options(cluster="local", workers=2))
    broken.write_bytes(whole[:1000])
    assert len(measured(folder, outs[3], features)) == 39
    broken.write_bytes(whole)
    measured(folder, outs[3], features, options=Options(retry_failed=True))
    rows = [pq.read_table(out) for out in outs]
    assert all(each.equals(rows[0]) for each in rows[1:])
    assert outs[0].read_bytes() == outs[1].read_bytes() == outs[2].read_bytes()


def test_tables_of_different_flux_units_are_not_joined(tmp_path: Path) -> None:
    outs = [tmp_path / "A.parquet", tmp_path / "B.parquet", tmp_path / "C.parquet"]
    for words, out in zip(("nJy", "uJy", "nJy"), outs, strict=True):
        folder = two_bands(tmp_path / out.stem, 1, BUNIT=words)
        text = (folder / "catalog.csv").read_text().replace("\n0,", f"\n{out.stem},")
        (folder / "catalog.csv").write_text(text)
        measured(folder, out)
    with pytest.raises(UsageError, match=r"photometry\.units"):
        join_features(outs[:2])
    assert join_features(outs[::2]).scalars["photometry"].num_rows == 2


def test_it_is_no_input_of_a_classifier(survey: Path, tmp_path: Path) -> None:
    out = tmp_path / "F.parquet"
    small = Preparation(size=32)
    extract(survey, out, features=["color", "photometry"], preparation=small)
    features = load_features(out)
    assert list(features.blocks) == ["color"]
    assert features.scalars["photometry"].num_rows == len(features)
    assert load_features(out, ["photometry"]).blocks == {}
    with pytest.raises(UsageError, match="the table holds photometry"):
        _ = load_features(out, ["photometry"]).X
    with pytest.raises(UsageError, match="photometry is no input of a classifier"):
        train(out, tmp_path / "M.galfeat", inputs=["photometry"])
    model = tmp_path / "M.galfeat"
    train(out, model, inputs=["color"], folds=0, networks=1)
    assert classify(model, survey, tmp_path / "classes.csv").done == 90


def test_every_keyword_that_decides_the_zero_point_is_read() -> None:
    asked = set()

    class Asking(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:
            asked.add(key)
            return super().get(key, default)

    for words in ("", "adu", "DN/s", "electron", "MJy/sr", "nJy", "nanomaggies"):
        calibration(Asking(BUNIT=words, EXPTIME=1.0, PHOTFLAM=1.0))
    assert asked <= set(CALIBRATION_KEYWORDS)
    assert asked == set(CALIBRATION_KEYWORDS)


def test_the_settings_bring_the_recipe_back() -> None:
    recipe = Recipe.of(["shape", "photometry"], ("g", "r"), PREPARATION, errors=True)
    again = Recipe.from_settings(recipe.settings())
    assert again.settings() == recipe.settings()
    assert again.scalars == recipe.scalars
    without = recipe.subset(["shape"])
    assert "photometry" not in without.settings()
    assert without.errors
    plain = Recipe.of(["shape"], ("g", "r"), PREPARATION)
    assert set(plain.settings()) == {
        *("version", "feature_version", "bands", "preparation", "extractors")
    }
    assert plain.fingerprint != recipe.fingerprint

"""Files of surveys in one folder: which are galaxies, and what becomes of the others."""

import logging
from pathlib import Path

import numpy as np
import pytest
from tests.data.sources.source_files import flat, read, save

from galfeat.data import Cutout, open_source
from galfeat.data.sources.folders import list_cutouts
from galfeat.data.sources.sidecars.names import flag_ancillary_files

FOLDERS = {
    "Pan-STARRS": "s.016.stk.g.unconv s.016.stk.g.unconv.wt s.016.stk.g.unconv.mask "
    "s.016.stk.g.unconv.exp s.016.stk.g.unconv.num s.016.stk.g.unconv.expwt",
    "unWISE": "unwise-1497p015-w1-img-m unwise-1497p015-w1-invvar-m unwise-1497p015-w1-std-m "
    "unwise-1497p015-w1-n-m",
    "AllWISE": "1497p015_ac51-w1-int-3 1497p015_ac51-w1-unc-3 1497p015_ac51-w1-cov-3",
    "Euclid": "EUC_MER_BGSUB-MOSAIC-VIS_TILE102018211-ACBD03_20241018T142710.276838Z_00.00 "
    "EUC_MER_MOSAIC-VIS-RMS_TILE102018211-17B0A9_20241018T142927.689054Z_00.00 "
    "EUC_MER_MOSAIC-VIS-FLAG_TILE102018211-31E2C9_20241018T142924.048128Z_00.00 "
    "EUC_MER_BGMOD-VIS_TILE102018211-A5CE43_20241018T142905.119456Z_00.00 "
    "EUC_MER_GRID-PSF-VIS_TILE102018211-8BB4D1_20241018T225251.343119Z_00.00",
    "VISTA": "v20100101_00001_st_tl v20100101_00001_st_tl_conf",
    "KiDS": "KiDS_DR4.0_180.0_-0.5_r_sci KiDS_DR4.0_180.0_-0.5_r_wei KiDS_DR4.0_180.0_-0.5_r_msk",
    "GALEX": "AIS_1-nd-int AIS_1-nd-rrhr AIS_1-nd-skybg AIS_1-nd-flags AIS_1-nd-cnt "
    "AIS_1-nd-intbgsub AIS_1-nd-objmask",
    "Legacy Surveys": "legacysurvey-1500p020-image-g legacysurvey-1500p020-invvar-g "
    "legacysurvey-1500p020-model-g legacysurvey-1500p020-chi2-g legacysurvey-1500p020-maskbits "
    "legacysurvey-1500p020-nexp-g legacysurvey-1500p020-depth-g legacysurvey-1500p020-galdepth-g "
    "legacysurvey-1500p020-psfsize-g legacysurvey-1500p020-blobmodel-g legacysurvey-1500p020-ccds",
    "DECam": "c4d_160311_031234_ooi_g_v1 c4d_160311_031234_ood_g_v1 c4d_160311_031234_oow_g_v1",
    "HST": "hst_10_acs_f814w_drz hst_10_acs_f814w_drz_wht hst_10_acs_f814w_drz_rms",
    "HLSP": "hlsp_gs_f814w_v1.0_drz hlsp_gs_f814w_v1.0_wht hlsp_gs_f814w_v1.0_ctx",
    "ZTF": "ztf_2018_zg_c12_o_q1_sciimg ztf_2018_zg_c12_o_q1_mskimg "
    "ztf_2018_zg_c12_o_q1_scimrefdiffimg ztf_2018_zg_c12_o_q1_diffimgpsf "
    "ztf_2018_zg_c12_o_q1_refimg",
    "CFHT": "D1.I D1.I.weight D1.I.flag",
    "GALFIT": "ngc1 ngc1_model ngc1_residual ngc1_psf ngc1_mask ngc1_sigma ngc1_subcomps",
    "SExtractor": "ngc1 ngc1_back ngc1_backrms ngc1_seg ngc1_objects ngc1_aper ngc1.weight",
    "statmorph": "gal_image gal_segmap gal_weightmap gal_psf",
    "Spitzer": "SPITZER_I1_123_maic SPITZER_I1_123_munc SPITZER_I1_123_mcov",
    "SDSS": "fpC-001737-g1-0011 fpM-001737-g1-0011",
}


@pytest.mark.parametrize("survey", FOLDERS)
def test_of_the_files_of_a_survey_one_is_the_galaxy(survey: str) -> None:
    names = FOLDERS[survey].split()
    flagged = flag_ancillary_files(names)
    assert [
        name for name, is_companion in zip(names, flagged, strict=True) if not is_companion
    ] == [names[0]]
    backwards = dict(zip(names[::-1], flag_ancillary_files(names[::-1]), strict=True))
    assert [backwards[name] for name in names] == flagged


@pytest.mark.parametrize("survey", FOLDERS)
def test_alone_every_file_is_a_galaxy(survey: str) -> None:
    for name in FOLDERS[survey].split():
        assert flag_ancillary_files([name]) == [False]


@pytest.mark.parametrize(
    "names",
    [
        "ngc1300 ngc1301 ngc_n obj_n",
        "cosmos_exp_1 cosmos_exp_2",
        "M51 M51_N",
        "model_1 model_2 galaxy_1",
        "sky_north sky_south",
        "J1_g J1_r J1_z",
        "weight_watchers maskelyne psfree",
        "area-51 time-52",
    ],
)
def test_galaxies_with_odd_names_stay_galaxies(names: str) -> None:
    assert not any(flag_ancillary_files(names.split()))


def test_a_word_in_a_galaxys_own_name_does_not_hide_its_mask() -> None:
    names = ["cosmos_exp_12", "cosmos_exp_12_mask", "cosmos_exp_13"]
    assert flag_ancillary_files(names) == [False, True, False]


def found(folder: Path) -> Cutout:
    reading = read(open_source(folder))
    assert not reading.failures, reading.failures
    [cutout] = reading.cutouts
    return cutout


@pytest.mark.parametrize(
    ("galaxy", "other", "value"),
    [
        ("s.016.stk.g.unconv", "s.016.stk.g.unconv.wt", 4),  # variances
        ("unwise-1497p015-w1-img-m", "unwise-1497p015-w1-invvar-m", 0.25),
        ("1497p015_ac51-w1-int-3", "1497p015_ac51-w1-unc-3", 2),
        ("legacysurvey-1500p020-image-g", "legacysurvey-1500p020-invvar-g", 0.25),
        ("c4d_1_ooi_g_v1", "c4d_1_oow_g_v1", 0.25),
        ("hst_f814w_drz", "hst_f814w_drz_rms", 2),
        ("gal_image", "gal_err", 2),
    ],
)
def test_noise_in_a_file_of_its_own_is_the_galaxys(
    tmp_path: Path, galaxy: str, other: str, value: float
) -> None:
    save(tmp_path / f"{galaxy}.fits", flat(7))
    save(tmp_path / f"{other}.fits", flat(value))
    cutout = found(tmp_path)
    assert cutout.id == galaxy
    assert cutout.noise is not None
    assert np.array_equal(cutout.noise, np.full((1, 8, 6), 2, np.float32))


def test_the_scatter_of_exposures_and_weights_are_no_noise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / "unwise-1-w1-img-m.fits", flat(7))
    save(tmp_path / "unwise-1-w1-std-m.fits", flat(2))
    assert found(tmp_path).noise is None
    save(tmp_path / "b" / "D1.I.fits", flat(7))
    save(tmp_path / "b" / "D1.I.weight.fits", flat(2))
    with caplog.at_level(logging.WARNING, "galfeat"):
        assert found(tmp_path / "b").noise is None
    assert "D1.I.weight.fits: weights are not used, since nothing says" in caplog.text


def test_bits_of_a_mask_in_a_file_of_its_own_go_by_the_survey(tmp_path: Path) -> None:
    save(tmp_path / "legacysurvey-1-image-g.fits", flat(7))
    save(tmp_path / "legacysurvey-1-image-r.fits", flat(7))
    bits = np.zeros((8, 6), "i4")
    bits[0, :4] = [1, 2, 4, 1 << 12]  # neighbor brick, bright star, SATUR_G, galaxy
    save(tmp_path / "legacysurvey-1-maskbits.fits", bits)
    for cutout in read(open_source(tmp_path)).cutouts:
        assert np.flatnonzero(np.isnan(cutout.pixels[0, 0])).tolist() == [2]
    save(tmp_path / "z" / "ztf_1_sciimg.fits", flat(7))
    save(tmp_path / "z" / "ztf_1_mskimg.fits", bits)
    assert np.flatnonzero(np.isnan(found(tmp_path / "z").pixels[0, 0])).tolist() == [0, 2, 3]


def test_what_is_called_a_segmentation_map_and_is_none_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / "ngc1_sci.fits", flat(7))
    save(tmp_path / "ngc1_segm.fits", flat(0.5))
    with caplog.at_level(logging.WARNING, "galfeat"):
        assert found(tmp_path).segmentation is None
    assert "ngc1_segm.fits: holds numbers with decimals" in caplog.text


def test_folders_do_not_mix(tmp_path: Path) -> None:
    save(tmp_path / "a" / "x_image.fits", flat(7))
    save(tmp_path / "b" / "x_invvar.fits", flat(1))
    assert list_cutouts(tmp_path)[:2] == (["a/x_image.fits", "b/x_invvar.fits"], ())

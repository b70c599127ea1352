"""Positions of catalogs in any unit and frame, under any usual name: those of SkyCoord."""

from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable, Table
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data.sources.catalogs.catalog import Catalog
from galfeat.data.sources.catalogs.position_columns import find_columns

RA, DEC = np.array([10.684708, 299.868153, 0.25]), np.array([41.26875, -7.3, -0.125])
SKY = SkyCoord(RA, DEC, unit="deg")
FORMATS = {"fits": {}, "ecsv": {}, "vot": {"format": "votable"}, "parquet": {}}


def positions(path: Path) -> NDArray[np.float64]:
    found = Catalog.read(path).positions
    assert found.on_sky
    assert not found.reasons
    return found.values


def near(values: NDArray[np.float64], tolerance: float = 1e-9) -> bool:
    shift = SkyCoord(*values, unit="deg").separation(SKY)
    return bool((shift.deg < tolerance).all())


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        _ = Catalog.read(path).positions
    return str(caught.value)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("unit", ["deg", "rad", "arcsec", "arcmin", "mas", "hourangle"])
def test_a_stated_unit_counts(tmp_path: Path, suffix: str, unit: str) -> None:
    if (suffix, unit) == ("fits", "hourangle"):
        pytest.skip("FITS has no such unit")
    other = "deg" if unit == "hourangle" else unit
    table = QTable({"id": list("abc"), "RA": SKY.ra.to(unit), "Dec": SKY.dec.to(other)})
    table.write(tmp_path / f"c.{suffix}", **FORMATS[suffix])
    assert near(positions(tmp_path / f"c.{suffix}"))


@pytest.mark.parametrize("unit", ["h", "hr", "hour"])
def test_hours_in_a_fits_table(tmp_path: Path, unit: str) -> None:
    columns = [
        fits.Column("ra", "D", unit=unit, array=RA / 15),
        fits.Column("dec", "D", unit="degrees", array=DEC),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "c.fits")
    assert near(positions(tmp_path / "c.fits"))


def test_units_of_fields_in_parquet(tmp_path: Path) -> None:
    fields = [pa.field("ra", pa.float64(), metadata={"unit": "rad"})]
    fields.append(pa.field("dec", pa.float64(), metadata={"unit": "rad"}))
    table = pa.table([np.radians(RA), np.radians(DEC)], schema=pa.schema(fields))
    pa.parquet.write_table(table, tmp_path / "c.parquet")
    assert near(positions(tmp_path / "c.parquet"))


def test_an_embedded_votable_in_parquet(tmp_path: Path) -> None:
    table = Table({"ra": np.radians(RA) * u.rad, "dec": np.radians(DEC) * u.rad})
    metadata = {name: {"unit": "rad"} for name in ("ra", "dec")}
    table.write(
        tmp_path / "c.parquet",
        format="parquet.votable",
        metadata={
            name: {**each, "ucd": "", "utype": "", "description": ""}
            for name, each in metadata.items()
        },
    )
    assert near(positions(tmp_path / "c.parquet"))


@pytest.mark.parametrize(
    ("names", "ra", "dec"),
    [
        ("ra[deg],dec[deg]", RA, DEC),
        ("ra (rad),dec (rad)", np.radians(RA), np.radians(DEC)),
        ("RA_RAD,DEC_RAD", np.radians(RA), np.radians(DEC)),
        ("ra_hours,dec_deg", RA / 15, DEC),
        ("RA [h],Dec [arcsec]", RA / 15, DEC * 3600),
        ("RAdeg,DEdeg", RA, DEC),
        ("RA (J2000),Dec (J2000)", RA, DEC),
    ],
)
def test_units_in_names(tmp_path: Path, names: str, ra: NDArray[Any], dec: NDArray[Any]) -> None:
    rows = [f"{one!r},{other!r}" for one, other in zip(ra.tolist(), dec.tolist(), strict=True)]
    (tmp_path / "c.csv").write_text("\n".join([names, *rows]))
    assert near(positions(tmp_path / "c.csv"))


@pytest.mark.parametrize("style", ["hmsdms", "colons", "blanks", "degrees"])
def test_sexagesimal_text(tmp_path: Path, style: str) -> None:
    separator = {"colons": ":", "blanks": " "}.get(style, "fromunit")
    hours = u.deg if style == "degrees" else u.hourangle
    ra = SKY.ra.to_string(hours, sep=separator, precision=7)
    dec = SKY.dec.to_string(u.deg, sep=separator, precision=7, alwayssign=True)
    assert dec[2].startswith("-0")
    Table({"ra": ra, "dec": dec}).write(tmp_path / "c.csv")
    assert near(positions(tmp_path / "c.csv"))
    Table({"ra_hms": ra, "dec_dms": dec}).write(tmp_path / "d.csv")
    assert style == "degrees" or near(positions(tmp_path / "d.csv"))


def test_sexagesimal_text_in_degrees_where_they_are_stated(tmp_path: Path) -> None:
    ra, dec = (each.to_string(u.deg, sep=":", precision=7) for each in (SKY.ra, SKY.dec))
    Table({"ra": ra, "dec": dec}, units={"ra": "deg", "dec": "deg"}).write(tmp_path / "c.ecsv")
    assert near(positions(tmp_path / "c.ecsv"))


def test_units_of_vizier_for_sexagesimal_text(tmp_path: Path) -> None:
    table = Table(
        {
            "RAJ2000": SKY.ra.to_string(u.hourangle, sep=" ", precision=7),
            "DEJ2000": SKY.dec.to_string(u.deg, sep=" ", precision=7),
        }
    )
    table.write(tmp_path / "c.vot", format="votable")
    text = (tmp_path / "c.vot").read_text()
    for name, unit in (("RAJ2000", '"h:m:s"'), ("DEJ2000", '"d:m:s"')):
        text = text.replace(f'name="{name}"', f"name=\"{name}\" unit='{unit}'")
    (tmp_path / "c.vot").write_text(text)
    assert near(positions(tmp_path / "c.vot"))


def test_a_cell_that_is_no_angle_is_the_reason_of_its_row(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("ra,dec\n00:01:00,-00:07:30\n12:75:00,1:0:0\n188.7,1:0:0\n,\n")
    found = Catalog.read(tmp_path / "c.csv").positions
    assert found.values[:, 0].tolist() == pytest.approx([0.25, -0.125])
    assert set(found.reasons) == {1, 2, 3}
    assert "'ra' is not an angle like 12:34:56.7: '188.7'" in found.reasons[2]


@pytest.mark.parametrize("unit", ["m", "mag", "km/s", "furlong", "s"])
def test_what_is_no_unit_of_positions_is_refused(tmp_path: Path, unit: str) -> None:
    (tmp_path / "c.csv").write_text(f"ra [{unit}],dec\n1,2\n")
    assert f"the unit of the column 'ra [{unit}]' is '{unit}'" in refusal(tmp_path / "c.csv")


def test_declinations_have_no_hours(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("ra,dec_hours\n1,2\n")
    assert "'hours', which is not a unit of positions" in refusal(tmp_path / "c.csv")


def test_a_name_and_a_unit_that_contradict_each_other(tmp_path: Path) -> None:
    Table({"ra_rad": [1.0], "dec_rad": [1.0]}, units={"ra_rad": "deg"}).write(tmp_path / "c.ecsv")
    assert "has the unit 'deg', and its name says 'rad'" in refusal(tmp_path / "c.ecsv")


@pytest.mark.parametrize("frame", ["fk5", "fk4", "galactic", "icrs"])
@pytest.mark.parametrize("suffix", ["ecsv", "fits", "parquet"])
def test_coordinates_of_astropy(tmp_path: Path, frame: str, suffix: str) -> None:
    table = Table({"sky_centroid": SKY.transform_to(frame), "x": RA, "y": DEC})
    table.write(tmp_path / f"c.{suffix}")
    assert near(positions(tmp_path / f"c.{suffix}"))


@pytest.mark.parametrize(
    ("cards", "frame", "equinox"),
    [
        ({"RADESYS": "FK5", "EQUINOX": 2000.0}, "fk5", "J2000"),
        ({"RADESYS": "FK5", "EQUINOX": 1975.0}, "fk5", "J1975"),
        ({"RADECSYS": "FK4", "EQUINOX": 1950.0}, "fk4", "B1950"),
        ({"EQUINOX": 1950.0}, "fk4", "B1950"),
    ],
)
def test_the_frame_of_a_fits_table(
    tmp_path: Path, cards: dict[str, Any], frame: str, equinox: str
) -> None:
    there = SkyCoord(SKY).transform_to(SkyCoord(0, 0, unit="deg", frame=frame, equinox=equinox))
    columns = [fits.Column("ra", "D", array=there.ra.deg)]
    columns.append(fits.Column("dec", "D", array=there.dec.deg))
    hdu = fits.BinTableHDU.from_columns(columns, header=fits.Header(cards))
    hdu.writeto(tmp_path / "c.fits")
    assert near(positions(tmp_path / "c.fits"), 1e-7)


VOTABLE = """<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
<RESOURCE><COOSYS ID="one" system="{system}" equinox="{equinox}"/><COOSYS ID="two" system="ICRS"/>
<TABLE><FIELD name="RAJ2000" datatype="double" unit="deg" ref="one"/>
<FIELD name="DEJ2000" datatype="double" unit="deg" ref="one"/>
<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""


@pytest.mark.parametrize(
    ("system", "equinox"), [("eq_FK5", "J2000"), ("eq_FK4", "B1950"), ("FK5", "J1975.0")]
)
def test_the_coordinate_system_of_a_votable(tmp_path: Path, system: str, equinox: str) -> None:
    frame = system.lower()[-3:]
    there = SkyCoord(SKY).transform_to(SkyCoord(0, 0, unit="deg", frame=frame, equinox=equinox))
    rows = "".join(
        f"<TR><TD>{one!r}</TD><TD>{other!r}</TD></TR>"
        for one, other in zip(there.ra.deg.tolist(), there.dec.deg.tolist(), strict=True)
    )
    text = VOTABLE.format(system=system, equinox=equinox, rows=rows)
    (tmp_path / "c.vot").write_text(text)
    assert near(positions(tmp_path / "c.vot"), 1e-7)
    assert not near(np.array([there.ra.deg, there.dec.deg]), 1e-7)
    (tmp_path / "d.vot").write_text(text.replace(system, "ecl_FK5"))
    assert "are in the frame ecl_fk5, which cannot be read" in refusal(tmp_path / "d.vot")


@pytest.mark.parametrize("names", [("GLON", "GLAT"), ("l", "b"), ("_Glon", "_Glat")])
def test_galactic_coordinates_by_their_names(tmp_path: Path, names: tuple[str, str]) -> None:
    there = SKY.galactic
    Table({names[0]: there.l.deg, names[1]: there.b.deg}).write(tmp_path / "c.csv")
    assert near(positions(tmp_path / "c.csv"))


def test_equator_of_1950_by_names(tmp_path: Path) -> None:
    there = SKY.transform_to("fk4")
    Table({"ALPHA_B1950": there.ra.deg, "DELTA_B1950": there.dec.deg}).write(tmp_path / "c.csv")
    assert near(positions(tmp_path / "c.csv"), 1e-7)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ("source_id,ra,dec,l,b,ecl_lon,ecl_lat", "ra dec"),  # Gaia
        ("OBJECT_ID,RIGHT_ASCENSION,DECLINATION", "RIGHT_ASCENSION DECLINATION"),  # Euclid
        ("coord_ra,coord_dec,x,y", "coord_ra coord_dec"),  # Rubin
        ("PLUG_RA,PLUG_DEC,RA,DEC", "RA DEC"),  # SDSS
        ("recno,_RAJ2000,_DEJ2000", "_RAJ2000 _DEJ2000"),  # VizieR
        ("RA_ICRS,DE_ICRS,e_RA_ICRS", "RA_ICRS DE_ICRS"),
        ("X_IMAGE,Y_IMAGE,ALPHAWIN_J2000,DELTAWIN_J2000", "ALPHAWIN_J2000 DELTAWIN_J2000"),
        ("XWIN_IMAGE,YWIN_IMAGE,NUMBER", "XWIN_IMAGE YWIN_IMAGE"),
        (
            "label,sky_centroid.ra,sky_centroid.dec,sky_bbox_ll.ra,sky_bbox_ll.dec",
            "sky_centroid.ra sky_centroid.dec",
        ),  # photutils
        ("ra_hms,dec_dms,ra_deg,dec_deg", "ra_deg dec_deg"),
        ("RA,ra,dec", "ra dec"),
    ],
)
def test_names_of_surveys(names: str, chosen: str) -> None:
    found = find_columns(names.split(","))
    assert found is not None
    assert f"{found.first.name} {found.second.name}" == chosen


@pytest.mark.parametrize("names", ["RA,Ra,dec", "a.ra,a.dec,b.ra,b.dec"])
def test_two_candidates_are_refused(tmp_path: Path, names: str) -> None:
    (tmp_path / "c.csv").write_text(names + "\n" + ",".join(["1"] * (names.count(",") + 1)))
    assert "rename" in refusal(tmp_path / "c.csv")


def test_coordinates_of_rubin_without_a_unit(tmp_path: Path) -> None:
    Table({"coord_ra": np.radians(RA), "coord_dec": np.radians(DEC)}).write(tmp_path / "c.csv")
    assert "may be radians or degrees" in refusal(tmp_path / "c.csv")
    Table({"coord_ra": RA, "coord_dec": DEC}).write(tmp_path / "d.csv")
    assert near(positions(tmp_path / "d.csv"))


def test_pixels_with_another_unit_are_refused(tmp_path: Path) -> None:
    Table({"x": [1.0], "y": [2.0]}, units={"x": "arcsec"}).write(tmp_path / "c.ecsv")
    assert "must hold pixels, and its unit is 'arcsec'" in refusal(tmp_path / "c.ecsv")
    Table({"x": [1.0], "y": [2.0]}, units={"x": "pix"}).write(tmp_path / "d.ecsv")
    assert Catalog.read(tmp_path / "d.ecsv").positions.values.tolist() == [[1], [2]]

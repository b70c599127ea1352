"""A feature table for other tools: FITS with vector columns, or a flat CSV."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from galfeat.pipeline.atomic import check_target, replacing
from galfeat.pipeline.table import FeatureTable, load_features

__all__ = ["export"]


def export(table: str | Path, out: str | Path) -> Path:
    """Write a feature table as FITS or CSV.

    FITS gets one vector column an extractor (TOPCAT shows its elements), and each galaxy's local descriptors as a column of variable
    length. CSV gets one column a feature, named ``<extractor>__<feature>``, and of the local descriptors only their number.

    Parameters
    ----------
    table : path
        A file written by `extract`.
    out : path
        Ending in ``.fits`` or ``.csv``; an existing file is replaced.

    Raises
    ------
    UsageError
        If the table cannot be read, the ending is another one, or the file cannot be written.
    """
    out = Path(out)
    check_target(out, [table], [".fits", ".csv"])
    write = _write_fits if out.suffix.lower() == ".fits" else _write_csv
    features = load_features(table)
    with replacing(out) as part:
        write(features, part)
    return out


def _write_csv(features: FeatureTable, path: Path) -> None:
    columns: dict[str, pa.Array] = {name: features.catalog.column(name) for name in features.catalog.column_names}
    for name, block in features.blocks.items():
        if isinstance(block, list):
            columns[f"{name}_keypoints"] = pa.array([len(each) for each in block], type=pa.int32())
            continue
        for feature, values in zip(features.columns[name], np.ascontiguousarray(block.T), strict=True):
            columns[f"{name}__{feature}"] = pa.array(values)
    pyarrow.csv.write_csv(pa.table(columns), path)


def _write_fits(features: FeatureTable, path: Path) -> None:
    from astropy.io import fits  # slow to import, and only this function needs it

    columns = [_catalog_column(name, features.catalog.column(name)) for name in features.catalog.column_names]
    for name, block in features.blocks.items():
        if isinstance(block, list):
            flat = np.empty(len(block), dtype=object)
            flat[:] = [each.ravel() for each in block]
            columns.append(fits.Column(name, "PB()", array=flat))
        else:
            columns.append(fits.Column(name, f"{block.shape[1]}E", array=block))
    table = fits.BinTableHDU.from_columns(columns)
    table.header["EXTNAME"] = "FEATURES"
    table.header["GFPRINT"] = (features.recipe.fingerprint, "fingerprint of the galfeat settings")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path, overwrite=True, output_verify="exception")


def _catalog_column(name: str, column: pa.ChunkedArray) -> object:
    from astropy.io import fits

    if pa.types.is_boolean(column.type) and not column.null_count:
        return fits.Column(name, "L", array=np.array(column.to_pylist(), dtype=bool))
    if pa.types.is_integer(column.type) and not column.null_count:
        return fits.Column(name, "K", array=np.array(column.to_pylist(), dtype=np.int64))
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values = [np.nan if value is None else value for value in column.to_pylist()]
        return fits.Column(name, "D", array=np.array(values, dtype=np.float64))
    return _text_column(name, ["" if value is None else str(value) for value in column.to_pylist()])


def _text_column(name: str, values: list[str]) -> object:
    from astropy.io import fits

    text: NDArray[np.bytes_] = np.array([value.encode("ascii", "replace") for value in values], dtype=np.bytes_)
    return fits.Column(name, f"{max(1, text.dtype.itemsize)}A", array=text)

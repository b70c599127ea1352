"""Settings in a file: TOML that is checked key by key, so that a mistake is named with its line.

A file has a table for each command with that command's options, ``[preparation]`` with what happens
to a cutout, and ``[features.NAME]`` with the settings of an extractor. Only what differs from the
defaults needs to stand in it.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn

from galfeat import UsageError
from galfeat.data import Preparation
from galfeat.features import EXTRACTORS, Extractor
from galfeat.features.settings import fraction

__all__ = ["SHARED", "Configuration", "default_tables", "line_of", "read_configuration"]

SHARED = ("preparation", "features")  # the tables that belong to no command
_TRIAL = (256, 256)  # shape of an image that settles whether an extractor's settings make sense


@dataclass(frozen=True)
class Configuration:
    """What a settings file says.

    Parameters
    ----------
    path : Path or None
        The file; None where there is none, and every default holds.
    text : str
        What is in it: lines are found there.
    tables : mapping
        Its tables, as TOML gives them.
    """

    path: Path | None = None
    text: str = ""
    tables: Mapping[str, Any] = field(default_factory=dict)

    def table(self, name: str) -> dict[str, Any]:
        """Return a table of the file; empty where it is not there.

        Raises
        ------
        UsageError
            If the name stands for a value and no table.
        """
        found = self.tables.get(name, {})
        if not isinstance(found, dict):
            self.refuse([name], f"'{name}' is a table: write [{name}] and its settings below")
        return found

    def preparation(self) -> dict[str, Any]:
        """Return the settings of the preparation that the file has, each of them checked."""
        given = self.table("preparation")
        names = [each.name for each in fields(Preparation)]
        for key, value in given.items():
            self.known(["preparation", key], names)
            self._trying(["preparation", key], Preparation, {key: value})
        self._trying(["preparation"], Preparation, given)
        return given

    def features(self) -> dict[str, dict[str, Any]]:
        """Return the settings of each extractor that the file has, each of them checked."""
        found = self.table("features")
        for name, given in found.items():
            self.known(["features", name], list(EXTRACTORS))
            if not isinstance(given, dict):
                self.refuse(
                    ["features", name],
                    f"the settings of an extractor are a table: write [features.{name}]",
                )
            names = sorted(EXTRACTORS[name]().get_params())
            for key, value in given.items():
                self.known(["features", name, key], names)
                self._trying(
                    ["features", name, key], _tried, {"name": name, "settings": {key: value}}
                )
            self._trying(["features", name], _tried, {"name": name, "settings": given})
        return {
            name: {key: _tuples(value) for key, value in given.items()}
            for name, given in found.items()
        }

    def known(self, keys: Sequence[str], names: Sequence[str]) -> None:
        """Refuse a key that is not among those names."""
        if keys[-1] not in names:
            where = f"[{'.'.join(keys[:-1])}]" if len(keys) > 1 else "the file"
            self.refuse(
                keys, f"{where} has no setting '{keys[-1]}'; its settings are {', '.join(names)}"
            )

    def refuse(self, keys: Sequence[str], reason: str) -> NoReturn:
        """Raise the UsageError that names file, line and key."""
        line = line_of(self.text, keys)
        raise UsageError(
            f"{self.path}, line {line}: {reason}" if line else f"{self.path}: {reason}"
        )

    def _trying(self, keys: Sequence[str], make: Any, given: dict[str, Any]) -> None:
        try:
            make(**given)
        except (UsageError, TypeError) as error:
            self.refuse(
                keys,
                str(error)
                if isinstance(error, UsageError)
                else f"'{keys[-1]}' has a value of the wrong kind: {error}",
            )


def read_configuration(path: str | Path | None) -> Configuration:
    """Read a settings file, and check its tables of the preparation and the extractors.

    Parameters
    ----------
    path : path or None
        A TOML file; None gives an empty configuration.

    Raises
    ------
    UsageError
        If it cannot be read, is no TOML, or has a wrong setting: the sentence names the line and
        the key.
    """
    if path is None:
        return Configuration()
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"cannot read the settings file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the settings file {path} is no text in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the settings file {path} is no TOML: {error}") from error
    configuration = Configuration(path, text, tables)
    configuration.preparation()
    configuration.features()
    return configuration


def default_tables() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the tables that belong to no command.

    To each name one line about it, and its settings with their defaults.
    """
    tables = {
        "preparation": ("What happens to a cutout before it is measured.", Preparation().as_dict())
    }
    for name, extractor in EXTRACTORS.items():
        tables[f"features.{name}"] = (
            " ".join((extractor.__doc__ or "").split("\n\n")[0].split()),
            extractor().get_params(),
        )
    return tables


def line_of(text: str, keys: Sequence[str]) -> int | None:
    r"""Return the line, from 1, at which a key of a TOML text begins; None if there is no such key.

    The text is read again up to each line: where the key first appears, there it ends, and it
    begins after the line before.

    Examples
    --------
    >>> line_of("[extract]\nsize = 64\nbands = [\n  'g',\n]\n", ["extract", "bands"])
    3
    """
    lines = text.splitlines()
    whole = 0  # lines that make a complete text
    for count in range(1, len(lines) + 1):
        try:
            tables: Any = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        for key in keys:
            tables = tables.get(key) if isinstance(tables, dict) else None
        if tables is not None:
            return _first_written(lines, whole, count)
        whole = count
    return None


def _first_written(lines: list[str], whole: int, count: int) -> int:
    """Return the first line after `whole` that is neither empty nor a comment."""
    return next(
        (
            i + 1
            for i in range(whole, count)
            if lines[i].strip() and not lines[i].lstrip().startswith("#")
        ),
        count,
    )


def _tried(name: str, settings: dict[str, Any]) -> Extractor:
    extractor: Extractor = EXTRACTORS[name](
        **{key: _tuples(value) for key, value in settings.items()}
    )
    extractor.feature_names(("band1", "band2"), _TRIAL)
    fraction("min_good", extractor.min_good)  # which the names do not depend on
    return extractor


def _tuples(value: Any) -> Any:
    """Return lists as tuples, which is how extractors write their settings."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value

"""``--config galfeat.toml``: options of a command from a settings file.

The file's table with the command's name provides defaults for options that are not on the command
line. The whole file is checked first, including the tables of other commands: a key that is no
option, or a value that the option would refuse, is reported with its line.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from galfeat.pipeline.settings_file import Configuration

__all__ = [
    "Config",
    "check_configuration",
    "configurable_commands",
    "extractor_settings",
    "preparation",
    "prepares",
    "settable",
]

_HIDDEN = ("config", "help")
_OWN_SIZE = ("simulate", "audit")  # commands whose size is that of simulated galaxies


def _apply(context: typer.Context, path: Path | None) -> Path | None:
    """Use the file's values as defaults of the command."""
    if path is not None:
        name = context.info_name or ""
        context.default_map = check_configuration(path).get(Path(name).stem, {})
    return path


Config = Annotated[
    Path | None,
    typer.Option(
        metavar="T.toml",
        is_eager=True,
        callback=_apply,
        help="Settings file; 'galfeat config' prints one with the defaults.",
    ),
]


def check_configuration(path: Path) -> dict[str, dict[str, Any]]:
    """Return the options in a settings file for each command, as on the command line.

    Raises
    ------
    UsageError
        If the file cannot be read or has a wrong setting: the message has the line and the key.
    """
    from galfeat.pipeline.settings_file import SHARED, read_configuration

    configuration = read_configuration(path)
    commands = configurable_commands()
    found: dict[str, dict[str, Any]] = {}
    for name in configuration.tables:
        configuration.known([name], [*SHARED, *commands])
        if name not in SHARED:
            found[name] = _options(configuration, name, commands[name])
    size = configuration.table("preparation").get("size")
    for name, command in commands.items():
        if size is not None and prepares(name, command):
            given = _check_value(
                configuration,
                ["preparation", "size"],
                size,
                settable(command)["size"],
                typer.Context(command),
            )[0]
            found.setdefault(name, {}).setdefault("size", given)
    return found


def preparation(path: Path | None, size: int) -> Any:
    """Return the preparation in a settings file, with the size of the command's option."""
    from galfeat.data import Preparation
    from galfeat.pipeline.settings_file import read_configuration

    return Preparation(**(read_configuration(path).preparation() | {"size": size}))


def extractor_settings(path: Path | None) -> Mapping[str, Mapping[str, Any]]:
    """Return the settings of extractors in a settings file."""
    from galfeat.pipeline.settings_file import read_configuration

    return read_configuration(path).features()


def configurable_commands() -> dict[str, Any]:
    """Return the commands that take a settings file, by name."""
    from galfeat.scripts.main import app  # imported late: the commands import this module

    group: Any = typer.main.get_command(app)
    return {
        name: command
        for name, command in group.commands.items()
        if any(each.name == "config" for each in command.params)
    }


def prepares(name: str, command: Any) -> bool:
    """Return whether a command prepares cutouts: its size is in the table ``[preparation]``."""
    return "size" in settable(command) and name not in _OWN_SIZE


def settable(command: Any) -> dict[str, Any]:
    """Return the parameters of a command that a settings file may contain, by name."""
    return {each.name: each for each in command.params if each.name not in _HIDDEN}


def _options(configuration: "Configuration", name: str, command: Any) -> dict[str, Any]:
    """Return a command's table, with its values as on the command line."""
    parameters = settable(command)
    context = typer.Context(command, info_name=name)
    found = {}
    for key, value in configuration.table(name).items():
        keys = [name, key]
        parameter = key.replace("-", "_")
        if parameter not in parameters:
            configuration.known(keys, [each.replace("_", "-") for each in parameters])
        given, converted = _check_value(configuration, keys, value, parameters[parameter], context)
        found[parameter] = (
            _relative_to(configuration.path, given) if isinstance(converted, Path) else given
        )
    return found


def _check_value(
    configuration: "Configuration",
    keys: list[str],
    value: Any,
    parameter: Any,
    context: typer.Context,
) -> tuple[Any, Any]:
    """Return a value as on the command line, and converted by the option, which may refuse it."""
    given = _as_text(configuration, keys, value, parameter)
    try:
        return given, parameter.process_value(context, given)
    except typer.BadParameter as error:
        message = " ".join(error.message.split()).rstrip(".")
        configuration.refuse(
            keys, f"{keys[-1]}: {message[:1].lower()}{message[1:]}; the file has {value!r}"
        )


def _as_text(configuration: "Configuration", keys: list[str], value: Any, parameter: Any) -> Any:
    """Return a value as on the command line: text, or a bool for a switch."""
    switch = bool(getattr(parameter, "is_flag", False))
    if isinstance(value, bool) != switch:
        configuration.refuse(
            keys,
            f"{keys[-1]} must{'' if switch else ' not'} be true or false; the file has {value!r}",
        )
    if switch:
        return value
    if isinstance(value, list):
        if "," not in (parameter.metavar or ""):
            configuration.refuse(keys, f"{keys[-1]} takes one value, and the file has a list")
        return ",".join(str(each) for each in value)
    if not isinstance(value, str | int | float):
        configuration.refuse(keys, f"{keys[-1]} takes a text or a number; the file has {value!r}")
    return str(value)


def _relative_to(path: Path | None, given: str) -> str:
    """Return a path in a settings file, which is relative to the file's folder."""
    return given if path is None or "://" in given else str(path.parent / Path(given).expanduser())

"""Settings of a comparison's report, for a model that is to be what the report describes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galfeat import UsageError
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.hyperparameters import Settings
from galfeat.pipeline.models.inputs import Input
from galfeat.pipeline.settings_diff import differences

__all__ = ["ReportSettings", "read_report_settings"]


@dataclass(frozen=True)
class ReportSettings:
    """What a report says of its features and classifiers.

    Parameters
    ----------
    path : Path
        Its folder.
    label : str
        Catalog column with the classes.
    seed : int
    recipe : mapping
        Settings of bands, preparation and extractors.
    ensembles : mapping of str to list
        Hyperparameters of each input's ensemble: those that its searches chose most often.
    """

    path: Path
    label: str
    seed: int
    recipe: Mapping[str, Any]
    ensembles: Mapping[str, Sequence[Mapping[str, Any]]]

    def ensemble(self, name: str) -> tuple[Settings, ...]:
        """Return the hyperparameters of an input's ensemble.

        Raises
        ------
        UsageError
            If the report has no such input.
        """
        if name not in self.ensembles:
            raise UsageError(
                f"the report {self.path} has no input '{name}'; it has {', '.join(self.ensembles)}"
            )
        return tuple(Settings(**each) for each in self.ensembles[name])

    def check(self, recipe: Recipe, chosen: Input, table: str | Path) -> None:
        """Check that features were measured as those of the report.

        Raises
        ------
        UsageError
            With the differences, otherwise.
        """
        found = differences(
            _comparable(self.recipe, chosen.columns),
            _comparable(recipe.settings(), chosen.columns),
        )
        if found:
            raise UsageError(
                f"the report {self.path} and {table} were measured differently: "
                f"{'; '.join(found)}; extract the table with the settings of the report"
            )


def read_report_settings(folder: str | Path) -> ReportSettings:
    """Read the settings of a report from its ``run.json``.

    Raises
    ------
    UsageError
        If the folder has no report, or one of another version.
    """
    path = Path(folder) / "run.json"
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        return ReportSettings(
            Path(folder),
            str(run["label"]),
            int(run["seed"]),
            dict(run["recipe"]),
            {
                name: [Settings(**each).as_dict() for each in found]
                for name, found in run["ensembles"].items()
            },
        )
    except OSError as error:
        raise UsageError(
            f"{folder} is no report of 'galfeat compare': cannot read {path}: {error.strerror}"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} does not say how the report's classifiers were trained: it is damaged, or of "
            "another version of galfeat"
        ) from error


def _comparable(settings: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    extractors = settings.get("extractors", {})
    return {
        **{name: settings.get(name) for name in ("feature_version", "bands", "preparation")},
        "extractors": {name: extractors[name] for name in columns if name in extractors},
    }

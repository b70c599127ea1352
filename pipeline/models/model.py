"""Model: recipe, encoders and ensemble, all it takes from a cutout to class probabilities."""

from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features import Extractor
from galfeat.features.registry import LOCAL_DESCRIPTORS, SHAPE
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.extraction.sky_columns import SKY, sky_levels
from galfeat.pipeline.models.archive import read_archive, write_archive
from galfeat.pipeline.models.ensemble import FittedEnsemble
from galfeat.pipeline.models.fitting import EnsembleTraining
from galfeat.pipeline.models.hyperparameters import Settings
from galfeat.pipeline.models.inputs import Input
from galfeat.pipeline.models.padding import padded
from galfeat.pipeline.models.priors import Priors, class_priors, with_priors
from galfeat.pipeline.models.scores import ModelScores
from galfeat.pipeline.models.state_checks import checked_whole, refuse_arrays
from galfeat.pipeline.recipes import TRAINING, TrainingSettings
from galfeat.pipeline.transfer.domain import TrainingDomain
from galfeat.pipeline.transfer.numbers import domain_numbers, domain_widths

__all__ = ["MODEL_VERSION", "Model"]

MODEL_VERSION = 3
"""Version of model files: 3 describes the training domain."""
# what a tree raises whose parts are of other kinds than they should be
_MISFITS = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError)
_MAX_REASON = 400  # characters of a reason, which may quote the file


class Model:
    """Classifier of galaxies: recipe, encoders, ensemble of networks and class priors.

    Parameters
    ----------
    recipe : Recipe
        Settings of the features; `classify` measures with the same ones.
    input : Input
        The features that the networks use.
    training : TrainingSettings
        Search, size of the ensemble and calibration; those of the comparison by default.
    hidden : tuple of int, optional
        Units of the hidden layers; by default the search chooses.
    seed : int
    chosen : tuple of Settings
        Hyperparameters of an earlier search.
    priors : {"equal", "training"} or mapping of str to float
        How common the classes are where the model is used.

    Attributes
    ----------
    ensemble_ : FittedEnsemble
    priors_ : dict of str to float
        The prior probability of each class.
    scores : ModelScores or None
        Of galaxies that a model trained in the same way had not seen.
    domain_ : TrainingDomain or None
        What the training galaxies are like; None of fewer than six.
    """

    domain_: TrainingDomain | None = None

    def __init__(
        self,
        recipe: Recipe,
        input: Input,  # noqa: A002
        training: TrainingSettings = TRAINING,
        *,
        hidden: tuple[int, ...] | None = None,
        seed: int = 0,
        chosen: Sequence[Settings] = (),
        priors: Priors = "equal",
    ) -> None:
        self.recipe = recipe
        self.input = input
        self.training = training
        self.hidden = hidden
        self.seed = seed
        self.chosen = tuple(chosen)
        self.priors = priors
        self.scores: ModelScores | None = None

    @property
    def ensemble_training(self) -> EnsembleTraining:
        """The training of its ensemble."""
        size = self.recipe.preparation.size
        shape = (len(self.recipe.bands), size, size)
        return EnsembleTraining(
            self.input.parts, shape, self.training, self.seed, self.hidden, self.chosen
        )

    def fit(
        self,
        blocks: Mapping[str, Block],
        labels: NDArray[np.str_],
        groups: NDArray[np.intp] | None = None,
    ) -> "Model":
        """Fit the encoders and the ensemble.

        Parameters
        ----------
        blocks : mapping of str to array (n, k) or list of n arrays
            Features of the training galaxies, by extractor; and "sky", if it was measured, as
            `galfeat.pipeline.extraction.sky_columns.sky_numbers` gives it.
        labels : array of str, shape (n,)
        groups : array of int, shape (n,), optional
            Galaxies of one number stay on one side of the inner split; none are related by default.
        """
        rows = np.arange(len(labels))
        self.ensemble_ = self.ensemble_training.fit(
            blocks, labels, rows if groups is None else groups, rows
        )
        self.priors_ = class_priors(self.priors, self.classes, labels)
        sky = blocks.get(SKY)
        levels = {} if sky is None else sky_levels(np.asarray(sky), self.recipe.bands)
        encoded = self.ensemble_.features(blocks)
        self.domain_ = TrainingDomain.fit(self._domain_numbers(blocks, encoded), levels)
        return self

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in the order of the probabilities."""
        return self.ensemble_.classes

    def predict_proba(self, blocks: Mapping[str, Block]) -> NDArray[np.float64]:
        """Return class probabilities, shape (n, classes); a row does not depend on the others."""
        return padded(blocks, self._probabilities)

    def assess(
        self, blocks: Mapping[str, Block]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str | None]]:
        """Return class probabilities, and how far galaxies are from the training domain.

        Parameters
        ----------
        blocks : mapping of str to array (n, k) or list of n arrays
            As for `fit`.

        Returns
        -------
        probabilities : array of float64, shape (n, classes)
        distances : array of float64, shape (n,)
            Above 1 outside of the domain; NaN if the model does not describe one.
        furthest : list of str or None
            The quantity in which a galaxy is that far.
        """
        names = [] if self.domain_ is None else list(self.domain_.quantities)

        def both(some: Mapping[str, Block]) -> NDArray[np.float64]:
            encoded = self.ensemble_.features(some)
            found = self._checked_probabilities(self.ensemble_.probabilities(encoded))
            if self.domain_ is None:
                return np.column_stack([found, np.full((len(found), 2), np.nan)])
            distances, furthest = self.domain_.distances(self._domain_numbers(some, encoded))
            return np.column_stack([found, distances, [names.index(name) for name in furthest]])

        table = padded(blocks, both)
        furthest = [names[int(place)] if names else None for place in table[:, -1]]
        return table[:, :-2], table[:, -2], furthest

    def with_priors(self, priors: Mapping[str, float]) -> "Model":
        """Return the model for galaxies among which the classes are as common as this."""
        model = copy(self)
        model.priors_ = dict(priors)
        return model

    def learned_state(self) -> dict[str, Any]:
        """Return what decides the rows of measured galaxies, as values and arrays."""
        return {
            "ensemble": self.ensemble_.get_state(),
            "priors": dict(self.priors_),
            "domain": None if self.domain_ is None else self.domain_.get_state(),
        }

    def save(self, path: str | Path) -> None:
        """Write the model file: JSON and arrays, no pickle."""
        given = self.priors if isinstance(self.priors, str) else dict(self.priors)
        tree = {
            "format": MODEL_VERSION,
            "recipe": self.recipe.provenance(),
            "input": {"name": self.input.name, "about": self.input.about},
            "training": {
                "draws": self.training.draws,
                "n_networks": self.training.n_networks,
                "calibration": self.training.calibration,
            },
            "hidden": None if self.hidden is None else list(self.hidden),
            "seed": self.seed,
            "chosen": [each.as_dict() for each in self.chosen],
            "priors_setting": given,
            "scores": None if self.scores is None else self.scores.as_dict(),
            **self.learned_state(),
        }
        write_archive(Path(path), tree)

    @classmethod
    def load(cls, path: str | Path, extractors: Sequence[Extractor] = ()) -> "Model":
        """Read a model file.

        Parameters
        ----------
        path : path
        extractors : sequence of Extractor
            Those of other packages that the model uses and that are not installed.

        Raises
        ------
        UsageError
            If the file is missing, damaged, not a model, or of another version.
        """
        tree = read_archive(Path(path))
        found = tree.get("format")
        if not isinstance(found, int) or found != MODEL_VERSION:
            raise UsageError(
                f"{path} is a model of another version of galfeat (version {found!r:.40}, not "
                f"{MODEL_VERSION}); train it again"
            )
        try:
            model = cls._from_tree(tree, extractors)
        except UsageError as error:
            reason = " ".join(str(error).split())[:_MAX_REASON]
            raise UsageError(f"the model {path} cannot be used: {reason}") from error
        except _MISFITS as error:
            raise UsageError(
                f"the model {path} is damaged: its settings and arrays do not match"
            ) from error
        return model

    @classmethod
    def _from_tree(cls, tree: Mapping[str, Any], extractors: Sequence[Extractor] = ()) -> "Model":
        """Return the model of a file's tree; every entry is checked before it is used."""
        refuse_arrays(tree["recipe"])
        recipe = Recipe.from_settings(tree["recipe"], extractors)
        columns = dict.fromkeys(LOCAL_DESCRIPTORS & set(recipe.extractors), 0)
        columns |= {name: len(names) for name, names in recipe.columns.items()}
        size = recipe.preparation.size
        shape = (len(recipe.bands), size, size)
        ensemble = FittedEnsemble.from_state(tree["ensemble"], columns, shape)
        about = [tree["input"][entry] for entry in ("name", "about")]
        if not all(isinstance(text, str) for text in about):
            raise UsageError("the saved name of its input must be text")
        hidden = tree["hidden"]
        model = cls(
            recipe,
            Input(about[0], tuple(ensemble.parts), about[1]),
            TrainingSettings(**tree["training"]),
            hidden=None if hidden is None else tuple(checked_whole("hidden", n) for n in hidden),
            seed=checked_whole("seed", tree["seed"], least=0),
            chosen=[Settings(**each) for each in tree["chosen"]],
            priors=tree["priors_setting"],
        )
        model.ensemble_ = ensemble
        saved = {name: tree["priors"][name] for name in ensemble.classes}
        class_priors(saved, ensemble.classes)  # refuses wrong ones
        model.priors_ = {name: float(value) for name, value in saved.items()}
        model.scores = None if tree["scores"] is None else ModelScores.from_dict(tree["scores"])
        if tree["domain"] is not None:
            widths = domain_widths(
                ensemble.parts,
                [encoder.width_ for encoder in ensemble.encoders],
                model._shape_columns,
            )
            model.domain_ = TrainingDomain.from_state(tree["domain"], widths)
        return model

    @property
    def _shape_columns(self) -> list[str]:
        """Names of the shape's features, if it is part of the input."""
        return self.recipe.columns[SHAPE.name] if SHAPE.name in self.input.columns else []

    def _domain_numbers(
        self, blocks: Mapping[str, Block], encoded: Sequence[NDArray[np.float32]]
    ) -> dict[str, NDArray[np.float64]]:
        columns, sky = self._shape_columns, blocks.get(SKY)
        return domain_numbers(
            self.ensemble_.parts,
            encoded,
            columns,
            np.asarray(blocks[SHAPE.name]) if columns else None,
            None if sky is None else np.asarray(sky, dtype=np.float64),
        )

    def _probabilities(self, blocks: Mapping[str, Block]) -> NDArray[np.float64]:
        return self._checked_probabilities(
            self.ensemble_.probabilities(self.ensemble_.features(blocks))
        )

    def _checked_probabilities(self, found: NDArray[np.float64]) -> NDArray[np.float64]:
        if not np.isfinite(found).all():
            raise UsageError("the model gives no probabilities: its numbers are too large")
        return with_priors(found, self.priors_, self.classes)

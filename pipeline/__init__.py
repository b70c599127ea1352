"""Cutouts to feature tables, tables to models, models to classes, and the comparison.

==================  ==================================================================
`extract`           a source of cutouts to a Parquet feature table
`load_features`     a feature table as arrays
`join_features`     several tables of the same settings as one
`describe`          provenance of a feature table or a model
`train`             a feature table to a model file
`classify`          a model and a source of cutouts to classes and probabilities
`compare`           labeled cutouts to a report: features against raw pixels
`export`            a feature table to FITS or CSV
`audit`             invariances of the extractors, measured on simulated galaxies
`show`              figure of a galaxy and of what each extractor measures on it
`Model`             recipe, encoder and network: all it takes from cutout to class
==================  ==================================================================
"""

from typing import TYPE_CHECKING

from galfeat._lazy import lazy_attributes

if TYPE_CHECKING:
    from galfeat.pipeline.extraction.export import export
    from galfeat.pipeline.extraction.extract import extract
    from galfeat.pipeline.extraction.feature_table import FeatureTable, load_features
    from galfeat.pipeline.extraction.join import join_features
    from galfeat.pipeline.figures.portrait import show
    from galfeat.pipeline.head_to_head import compare
    from galfeat.pipeline.info import describe
    from galfeat.pipeline.invariance.audit import Audit, audit
    from galfeat.pipeline.models.classify import classify
    from galfeat.pipeline.models.inputs import INPUTS
    from galfeat.pipeline.models.model import Model
    from galfeat.pipeline.models.train import train
else:  # a command loads only what it uses
    __getattr__, __dir__ = lazy_attributes(
        __name__,
        {
            "INPUTS": "models.inputs",
            "Audit": "invariance.audit",
            "FeatureTable": "extraction.feature_table",
            "Model": "models.model",
            "audit": "invariance.audit",
            "classify": "models.classify",
            "compare": "head_to_head",
            "describe": "info",
            "export": "extraction.export",
            "extract": "extraction.extract",
            "join_features": "extraction.join",
            "load_features": "extraction.feature_table",
            "show": "figures.portrait",
            "train": "models.train",
        },
    )

__all__ = [
    "INPUTS",
    "Audit",
    "FeatureTable",
    "Model",
    "audit",
    "classify",
    "compare",
    "describe",
    "export",
    "extract",
    "join_features",
    "load_features",
    "show",
    "train",
]

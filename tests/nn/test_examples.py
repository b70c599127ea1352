"""Doctests of the examples in the docstrings."""

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

import galfeat.nn


@pytest.mark.parametrize(
    "name", [module.name for module in walk_packages(galfeat.nn.__path__, "galfeat.nn.")]
)
def test_examples_run(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0

"""Every example in every docstring gives what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import geo_cdei

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(geo_cdei.__path__, "geo_cdei.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0

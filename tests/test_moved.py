"""Old names of modules say where the module went."""

import importlib

import pytest

from mistcli.compat.moved import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_names_the_new_one(old):
    with pytest.raises(ModuleNotFoundError, match=rf"{old} moved to {MOVED[old]}: import it from there\."):
        importlib.import_module(old)
    importlib.import_module(MOVED[old])


def test_other_unknown_modules_are_not_explained():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'mistcli\.nothing'"):
        importlib.import_module("mistcli.nothing")

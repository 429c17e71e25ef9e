"""The plugin interface may not change by accident: a change of the snapshot needs a new `API_VERSION`.

Write the snapshot anew with `python tests/test_api.py`, after the version has been raised: a minor number for
what is added, a major one for what is taken away or means something else.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path

import mistcli
from mistcli import plugin
from mistcli.plugin import hookspecs

SNAPSHOT = Path(__file__).parent / "snapshots" / "api.json"


def described(cls):
    return {field.name: [field.type, _default(field), field.kw_only] for field in dataclasses.fields(cls)}


def interface():
    """Return everything that a plugin may rely on, as plain values."""
    specs = {name: getattr(plugin, name) for name in plugin.__all__ if name.endswith(("Spec", "Info"))}
    return {
        "version": plugin.API_VERSION,
        "plugin": sorted(plugin.__all__),
        "hooks": {name: str(inspect.signature(getattr(hookspecs, name))) for name in hookspecs.__all__},
        "specs": {name: described(cls) for name, cls in specs.items()},
        "option": str(inspect.signature(plugin.option)),
        "kinds": {name: str(getattr(plugin, name)) for name in ("Bound", "Kind", "Transform")},
    }


def _default(field):
    if field.default is dataclasses.MISSING:
        return None
    return getattr(field.default, "__name__", repr(field.default))


def test_the_interface_is_the_one_of_the_snapshot():
    kept = json.loads(SNAPSHOT.read_text())
    assert interface() == kept, "raise mistcli.plugin.API_VERSION, then run `python tests/test_api.py`"


def test_every_hook_says_in_one_sentence_what_it_does():
    for name in hookspecs.__all__:
        (sentence,) = inspect.getdoc(getattr(hookspecs, name)).splitlines()
        assert sentence.startswith("Return the ")
        assert sentence.endswith(".")


def test_the_public_names_resolve():
    for name in mistcli.__all__:
        assert getattr(mistcli, name) is not None
    assert callable(mistcli.estimate)


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(interface(), indent=2) + "\n")

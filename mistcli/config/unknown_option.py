"""What to say of an option that neither the estimator nor its critic has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mistcli.config.schema import GeneralConfig
from mistcli.config.sources import SECTIONS
from mistcli.errors import did_you_mean
from mistcli.plugin.options import OptionField, fields, range_text

if TYPE_CHECKING:
    from mistcli.plugin.registry import Registry

__all__ = ["unknown_option"]


def unknown_option(key: str, owners: Mapping[str, type], registry: Registry) -> str:
    """Return a message that names the flag of that name, or who has such an option, and the right options.

    Arguments:
        key: The option that nobody has.
        owners: The option classes of those who were looked at, by what they are called in messages.
        registry: Where else to look for it.
    """
    asked = " or ".join(owners)
    flags = {item.name for cls in (*SECTIONS.values(), GeneralConfig) for item in fields(cls)}
    if key in flags:
        return f"{key!r} is not an option of {asked} but a flag; use --{key.replace('_', '-')}."
    others = list(_options(registry))
    elsewhere = ", ".join(label for name, label in others if name == key)
    known = [item.name for cls in owners.values() for item in fields(cls)]
    hint = f" (it is an option of {elsewhere})" if elsewhere else ""
    lists = " ".join(f"Options of {owner}: {_listed(cls)}." for owner, cls in owners.items())
    meant = did_you_mean(key, known) or did_you_mean(key, sorted({name for name, _ in others}))
    return f"{key!r} is not an option of {asked}{hint}.{meant} {lists}"


def _options(registry: Registry) -> Iterator[tuple[str, str]]:
    """Yield each option of each estimator and critic, with whose it is."""
    for kind in ("estimators", "critics"):
        for entry in registry.entries(kind):
            yield from ((item.name, entry.label) for item in fields(entry.spec.options))


def _listed(cls: type) -> str:
    return ", ".join(_described(item) for item in fields(cls)) or "none"


def _described(item: OptionField) -> str:
    default = ",".join(map(str, item.default)) if isinstance(item.default, tuple) else item.default
    return f"{item.name} ({', '.join(filter(None, (item.type_name, range_text(item.info))))}, default {default})"

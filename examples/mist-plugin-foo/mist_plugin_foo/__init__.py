"""What this plugin brings to mist. It is imported by every `mist` command, so it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mistcli.plugin import EstimatorSpec, hookimpl, option

__all__ = ["FooOptions", "mist_estimators"]

MIST_API = "1.0"


@dataclass(frozen=True)
class FooOptions:
    """The options of `foo`: keyword arguments of its class, and `-o key=value` on the command line."""

    neg_samples: int = option(16, help="Negatives per pair; 0 takes all others in the batch, -k all but k others.")


@hookimpl
def mist_estimators() -> Iterable[EstimatorSpec]:
    """Yield the one estimator of this plugin; its target is imported when it is used."""
    yield EstimatorSpec(
        "foo",
        "mist_plugin_foo.estimator:Foo",
        "Donsker-Varadhan bound, the plugin example.",
        options=FooOptions,
        reference="Asymptotic evaluation of certain Markov process expectations for large time, IV "
        "(Donsker and Varadhan, 1983), https://doi.org/10.1002/cpa.3160360204",
        family="discriminative",
        bound="lower",
        needs_critic=True,
        trained=True,
    )

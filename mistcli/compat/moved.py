"""Old names of modules: importing one raises an error that names the new one."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from types import MappingProxyType, ModuleType

__all__ = ["MOVED", "install"]

MOVED: Mapping[str, str] = MappingProxyType(
    {
        "mistcli.conditional": "mistcli.pipeline.conditional",
        "mistcli.data.coding": "mistcli.data.encoding",
        "mistcli.data.pairs": "mistcli.data.tensor_data",
        "mistcli.data.repeats": "mistcli.data.deduplication",
        "mistcli.discovery": "mistcli.plugin.discovery",
        "mistcli.estimation": "mistcli.pipeline.estimation",
        "mistcli.estimators.building": "mistcli.training.estimator_factory",
        "mistcli.estimators.strategy": "mistcli.training.composite",
        "mistcli.evaluation": "mistcli.pipeline.evaluation",
        "mistcli.hookspecs": "mistcli.plugin.hookspecs",
        "mistcli.inference.design": "mistcli.inference.sampling_design",
        "mistcli.inference.symptoms": "mistcli.inference.diagnostics",
        "mistcli.inference.verdict": "mistcli.inference.flags",
        "mistcli.jsontext": "mistcli.text.json",
        "mistcli.keeping": "mistcli.persistence.checkpoint",
        "mistcli.lagged": "mistcli.pipeline.lagged",
        "mistcli.layers": "mistcli.config.sources",
        "mistcli.loading": "mistcli.plugin.loading",
        "mistcli.loggers.hub": "mistcli.loggers.multiplexer",
        "mistcli.loops": "mistcli.compat.torch_mist",
        "mistcli.options": "mistcli.plugin.options",
        "mistcli.preparation": "mistcli.pipeline.preprocessing",
        "mistcli.registry": "mistcli.plugin.registry",
        "mistcli.resolve": "mistcli.config.resolve",
        "mistcli.runfolder": "mistcli.persistence.run_folder",
        "mistcli.scaffold": "mistcli.plugin.scaffold",
        "mistcli.store": "mistcli.persistence.result_store",
        "mistcli.strategies": "mistcli.auto",
        "mistcli.training.stack": "mistcli.training.ensemble",
        "mistcli.valuation": "mistcli.pipeline.fitting",
        "mistcli.version": "mistcli.__about__",
        "mistcli.versions": "mistcli.pipeline.versions",
        "mistcli.yamlfile": "mistcli.config.yaml",
    }
)


class _MovedModules(MetaPathFinder):
    """A finder that is asked last, and finds nothing: it explains where a module went."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Raise an error that names the new module, if `fullname` is an old one."""
        if fullname in MOVED:
            raise ModuleNotFoundError(f"{fullname} moved to {MOVED[fullname]}: import it from there.", name=fullname)


def install() -> None:
    """Add the finder after all others, once per process."""
    if not any(isinstance(finder, _MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(_MovedModules())

"""The mutual information of each column with the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from mistcli.config.schema import CleaningConfig
from mistcli.data.selection import quote
from mistcli.executors.base import Executor
from mistcli.inference.sampling_design import Design
from mistcli.matrix.null import gamma_tail
from mistcli.matrix.ranks import Floats
from mistcli.matrix.running import run_matrix
from mistcli.matrix.settings import MatrixConfig
from mistcli.plugin.registry import Registry
from mistcli.ranking.blocks import Blocks
from mistcli.ranking.preparing import RankedData
from mistcli.ranking.settings import RankConfig

__all__ = ["Marginals", "marginals", "tested"]

BATCH = 50
"""The permutations that are compared at once; bounds memory, not results."""

TINY = 1e-300
NOTHING = (0.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Marginals:
    """What columns, or groups of columns, tell of the target alone.

    Arguments:
        names: Their names.
        values: The mutual information, its standard error, the lower and the upper end of its interval, all in nats,
            and the p-value of independence, (P, 5).
        warnings: What the reader should know, in sentences.
    """

    names: tuple[str, ...]
    values: Floats
    warnings: tuple[str, ...] = ()

    @property
    def mi(self) -> Floats:
        """The mutual information, in nats, (P,)."""
        return np.asarray(self.values[:, 0])

    @property
    def p_value(self) -> Floats:
        """The p-value of independence, (P,)."""
        return np.asarray(self.values[:, 4])

    def of(self, names: Sequence[str]) -> Marginals:
        """Return the values of these names: 0, and the p-value 1, for those that are not there.

        Example:
            >>> Marginals(("a",), np.array([[0.5, 0.1, 0.3, 0.7, 0.0]])).of(["b", "a"]).mi.tolist()
            [0.0, 0.5]
        """
        place = {name: number for number, name in enumerate(self.names)}
        known = np.array([place.get(name, -1) for name in names], dtype=np.int64)
        return Marginals(tuple(names), np.vstack([self.values, NOTHING])[known], self.warnings)

    @classmethod
    def joined(cls, parts: Sequence[Marginals]) -> Marginals:
        """Return the values of all parts, one after the other."""
        names = tuple(name for part in parts for name in part.names)
        warnings = tuple(dict.fromkeys(warning for part in parts for warning in part.warnings))
        return cls(names, np.concatenate([part.values for part in parts]), warnings)


def marginals(data: RankedData, config: RankConfig, registry: Registry, executor: Executor | None = None) -> Marginals:
    """Return the mutual information of each candidate with the target.

    It is estimated by the levels of a matrix; with conditions, groups or blocks by the closed form on features of
    ranks, with standard errors that account for them.

    Arguments:
        data: The columns.
        config: What to do.
        registry: Where estimators are looked up, for groups of columns.
        executor: Who asks neighbours; this process by default.
    """
    if not data.items:
        return Marginals((), np.empty((0, len(NOTHING))))
    if data.given or not data.design.independent:
        return _closed(data, config)
    found = run_matrix(
        data.table,
        list(data.table),
        MatrixConfig(
            columns=",".join(quote(data.columns.units[place].name) for item in data.items for place in item.columns),
            rows=quote(data.target.name),
            groups=",".join(data.chosen.groups),
            cleaning=_known_kinds(data, config),
            level=config.level,
            fdr=config.fdr,
            seed=config.seed,
        ),
        registry,
        executor=executor,
    )
    target = found.names.index(data.target.name)
    names = tuple(found.names[j if i == target else i] for i, j in zip(found.x, found.y, strict=True))
    values = np.column_stack([found.mi, found.stderr, found.low, found.high, found.p_value])
    return Marginals(names, values, found.warnings).of([item.name for item in data.items])


def tested(blocks: Blocks, design: Design, permutations: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return what each candidate adds, (P,), and what it adds to targets whose rows have changed places, (P, B).

    Arguments:
        blocks: The candidates and the target.
        design: Which rows belong together.
        permutations: The number B of targets.
        rng: Draws them.
    """
    rows, null = [np.arange(blocks.n)], []
    for start in range(0, permutations, BATCH):
        orders = [design.order(rows, rng) for _ in range(min(BATCH, permutations - start))]
        null.append(blocks.gains(np.stack(orders)))
    return blocks.gains()[:, 0], np.concatenate(null, 1)


def _known_kinds(data: RankedData, config: RankConfig) -> CleaningConfig:
    """Return the cleaning with the kinds that the columns have, by name."""
    units = data.columns.units
    return replace(
        config.cleaning,
        missing="drop",
        discrete=",".join(quote(unit.name) for unit in units if unit.levels),
        continuous=",".join(quote(unit.name) for unit in units if not unit.levels),
    )


def _closed(data: RankedData, config: RankConfig) -> Marginals:
    """Return what each candidate tells alone in closed form, its error and p-value by which rows belong together.

    The p-value is that of a gamma distribution with the mean and variance of the permutations.
    """
    blocks = data.blocks([data.features(item) for item in data.items])
    rng = np.random.default_rng([config.seed, 4])
    observed, null = tested(blocks, data.design, config.permutations, rng)
    lowest = np.minimum(observed.min(), null.min()) - 1e-12  # a gamma distribution begins at 0
    p_value = gamma_tail(observed - lowest, (null - lowest).mean(1), np.maximum(null.var(1), TINY))
    spread = [data.design.spread(blocks.pointwise(place), least=1 / len(data.rows)) for place in range(len(observed))]
    stderr, reach = np.array(spread), NormalDist().inv_cdf(0.5 + config.level / 2)
    names = tuple(item.name for item in data.items)
    low, high = observed - reach * stderr, observed + reach * stderr
    return Marginals(names, np.column_stack([observed, stderr, low, high, np.maximum(p_value, TINY)]))

r"""Conditional mutual information, as the difference of what x says of y and z, and of z alone.

.. math:: I(X; Y \mid Z) = I(X; (Y, Z)) - I(X; Z)

Both terms are found from the same rows, folds and seeds, and the columns prepared in the same way, so that what one has
too much of, the other has too.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mistcli.errors import ConfigError
from mistcli.inference.flags import saturated
from mistcli.inference.interval import resolution
from mistcli.pipeline.fitting import Valued, value, value_strata
from mistcli.pipeline.preprocessing import Prepared, only
from mistcli.text import printable
from mistcli.training.events import Listener

__all__ = ["amplification", "strata", "value_given"]

Rows = NDArray[np.int64]


def value_given(prepared: Prepared, listener: Listener, should_stop: Callable[[], bool]) -> Valued:
    """Return the log ratios of x and y given z, (N,): those of x and (y, z) less those of x and z.

    Where a strategy estimates them directly, as `auto` does from a table per level of discrete z, there are no terms.

    Arguments:
        prepared: x, and y and z as the other side.
        listener: Is told what happens.
        should_stop: Is asked after every training step whether to stop.
    """
    direct = value_strata(prepared, listener, should_stop)
    if direct is not None:
        return direct
    alone = only(prepared, prepared.given)
    both, given = (value([one], listener, should_stop)[0] for one in (prepared, alone))
    prepared.history.records.extend(alone.history.records)
    log_ratio = both.log_ratio - given.log_ratio
    n, features = len(log_ratio), prepared.encoded.y.shape[1] - alone.encoded.y.shape[1]
    cells = int(strata(prepared).max()) + 1 if None not in alone.cleaned.y.levels else 1
    least = resolution(prepared.encoded.x.shape[1], features * cells, n)
    terms = both.nats, given.nats
    told = {"x; y, given": both, "x; given": given}
    warnings = [*both.warnings, *(w for w in given.warnings if w not in both.warnings)]
    for name, one in told.items():
        warnings += [sentence for _, sentence in saturated(one.nats, n, one.ceiling, f"I({name})")]
    if both.explanation.get("method") != given.explanation.get("method"):
        warnings.append(
            "the terms of the difference were found in different ways, whose errors do not cancel: compare with a "
            "single estimator, by --estimator"
        )
    return Valued(
        log_ratio,
        math.hypot(prepared.design.spread(log_ratio, both.fold_of, least=least), _beyond_spread(prepared, both)),
        both.statistic,
        complete=both.complete and given.complete,
        fold_of=both.fold_of,
        terms=terms,
        explanation={f"I({name})": {"nats": one.nats, **one.explanation} for name, one in told.items()},
        warnings=tuple(warnings),
        verdict=tuple(dict.fromkeys((*both.verdict, *given.verdict))),
    )


def _beyond_spread(prepared: Prepared, valued: Valued) -> float:
    """Return the part of a standard error that is not the spread of log ratios, in nats: what a fit may have missed."""
    if valued.error_low is None:
        return 0.0
    return math.sqrt(max(0.0, valued.stderr**2 - prepared.design.spread(valued.log_ratio) ** 2))


def amplification(terms: tuple[float, ...]) -> float:
    r"""Return by how much the errors of the terms weigh more in their difference, :math:`(|a| + |b|) / |a - b|`.

    Example:
        >>> round(amplification((1.0, 0.9)))
        19
    """
    first, second = terms
    return (abs(first) + abs(second)) / abs(first - second) if first != second else math.inf


def strata(prepared: Prepared) -> Rows:
    """Return the combination of levels that is given in each row, (N,) from 0.

    Raises:
        ConfigError: If a column that is given is continuous.
    """
    y = prepared.cleaned.y
    places = [place for place, name in enumerate(y.names) if name in prepared.given]
    for place in places:
        if y.levels[place] is None:
            raise ConfigError(
                "rows are permuted among those where --given has one value, and few or none have one of "
                f"{printable(y.names[place])!r}, which is continuous: leave --permutations out, or pass --discrete."
            )
    _, label = np.unique(y.values[:, places], axis=0, return_inverse=True)
    return label.ravel().astype(np.int64)

"""What the number means, in words, where the number alone would mislead."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mistcli.plugin import Bound
from mistcli.result import Interval

__all__ = ["Word", "amplified", "bounded", "disagreeing", "saturated", "too_few_rows", "verdict"]

NEAR = 1.0
"""How near to a ceiling, in nats, an estimate counts as saturated."""

AMPLIFIED = 10.0
"""How much larger the terms of a difference may be than the difference."""

SURE, FAR = 3.0, 0.2
"""By how many standard errors, and by what share of an estimate, a member of it exceeds it that disagrees."""


class Word(NamedTuple):
    """A diagnostic of an estimate.

    Arguments:
        word: Its stable identifier, which programs may rely on.
        sentence: The explanation for this estimate, and what to do.
    """

    word: str
    sentence: str


def verdict(
    nats: float, interval: Interval, n: int, ceiling: float | None = None, p_value: float | None = None
) -> Iterator[Word]:
    """Yield what the reader of an estimate should know.

    Arguments:
        nats: The estimate.
        interval: Its interval, in nats.
        n: The number of rows.
        ceiling: The most that the estimator can give, in nats; None where there is no such limit.
        p_value: The p-value of independence; None where it was not tested, and the interval has to do.

    Example:
        >>> [sentence for _, sentence in verdict(0.001, Interval(0.95, -0.003, 0.005), 1000)]
        ['not distinguishable from 0: the interval covers it']
    """
    if interval.high < 0:
        yield Word(
            "below_zero",
            "below 0, which the mutual information never is: the estimator learnt nothing that holds on rows it has "
            "not seen",
        )
    elif p_value is not None:
        if p_value > 1 - interval.level:
            yield Word(
                "not_distinguishable_from_zero",
                f"not distinguishable from 0: independent columns look like this in {100 * p_value:.3g} % of cases",
            )
    elif interval.low <= 0:
        yield Word("not_distinguishable_from_zero", "not distinguishable from 0: the interval covers it")
    yield from saturated(nats, n, ceiling)


def saturated(nats: float, n: int, ceiling: float | None = None, what: str = "") -> Iterator[Word]:
    """Yield whether an estimate is near to the most that there can be.

    Arguments:
        nats: The estimate.
        n: The number of rows.
        ceiling: The most that the estimator can give, in nats; None where there is no such limit.
        what: What is saturated, if it is not the number itself.
    """
    subject = f"{what} is saturated" if what else "saturated"
    if ceiling is not None and nats > ceiling - NEAR:
        most = f"this estimator gives at most {ceiling:.2f} nats here"
    elif nats > math.log(n) - NEAR:
        most = f"{n} rows cannot support more than about {math.log(n):.2f} nats"
    else:
        return
    yield Word("saturated", f"{subject}: {most}, and the truth may be higher")


def disagreeing(taken: float, more: float, error: float) -> Iterator[Word]:
    """Yield that a member of an estimate exceeds it by much more than its error, and by a fifth.

    Arguments:
        taken: The estimate, in nats.
        more: By how much the member exceeds it.
        error: The standard error of the estimate.

    Example:
        >>> [word for word, _ in disagreeing(0.1, 0.8, 0.02)], list(disagreeing(0.1, 0.05, 0.02))
        (['members_disagree'], [])
    """
    if more > SURE * error and more > FAR * abs(taken):
        yield Word(
            "members_disagree",
            f"members disagree: one finds {taken + more:.3g} nats where {taken:.3g} were taken: see --explain, and "
            "compare with a single estimator, by --estimator",
        )


def bounded(bound: Bound) -> Iterator[Word]:
    """Yield that an estimate is no more than a bound."""
    if bound != "none":
        yield Word(f"{bound}_bound_only", f"{'at least' if bound == 'lower' else 'at most'} so much, in expectation")


def amplified(terms: Sequence[float], amplification: float) -> Iterator[Word]:
    """Yield that a difference is small beside its terms, in nats.

    Example:
        >>> [word for word, _ in amplified([1.0, 0.9], 19.0)], list(amplified([1.0, 0.5], 3.0))
        (['amplified_errors'], [])
    """
    if not amplification <= AMPLIFIED:
        told = " and ".join(f"{term:.4g}" for term in terms)
        yield Word(
            "amplified_errors",
            f"the difference of {told} nats, whose errors weigh {amplification:.3g} times as much in it as in them: "
            "trust its first digit at most",
        )


def too_few_rows(n: int, x_levels: int, y_levels: int) -> Iterator[Word]:
    """Yield that independent columns with so many levels would come near to the largest possible value.

    Arguments:
        n: The number of rows.
        x_levels: The number of levels of x, or of combinations of levels.
        y_levels: The number of levels of y, or of combinations of levels.
    """
    yield Word(
        "too_few_rows_for_levels",
        f"too few rows for so many levels: {n} rows for {x_levels} levels of x and {y_levels} of y, where independent "
        "columns look strongly dependent before correction: merge rare levels, or bring more rows",
    )

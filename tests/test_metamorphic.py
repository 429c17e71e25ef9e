"""What must not change an estimate of `auto`, or change it in one direction only, on tables of every family."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pandas as pd
import pytest

from mistcli import estimate
from mistcli.benchmark import random_task

ROWS = 400
SEED = 20_000


def families():
    """A dependent table of each family, two of several families, and two independent ones, of few columns."""
    found = {}
    for index in range(600):
        task = random_task(SEED, index)
        if task.x_dim + task.y_dim > 12:
            continue
        if task.family.startswith("independent"):
            name = f"independent, {task.x_kind}"
        elif " + " in task.family:
            name = f"several, {task.x_kind}"
        else:
            name = task.family
        if name not in found and (task.mi > 0.05 or name.startswith("independent")):
            found[name] = task.name
    return found


FAMILIES = families()
FAST = ("copula", "classes", "contingency", "zeros")
every_family = pytest.mark.parametrize(
    "family", [pytest.param(name, marks=[] if name in FAST else pytest.mark.slow) for name in sorted(FAMILIES)]
)


@cache
def drawn(family):
    """The columns of x, those of y, and the names of the discrete ones."""
    index = int(FAMILIES[family].split("-")[2])
    task = random_task(SEED, index)
    x, y = (pd.DataFrame(side) for side in task.sample(ROWS, 0))
    x.columns = [f"x{k}" for k in x.columns]
    y.columns = [f"y{k}" for k in y.columns]
    discrete = [f"x{k}" for k in task.x_discrete] + [f"y{k}" for k in task.y_discrete]
    return x, y, tuple(discrete)


def found_in(x, y, discrete, **options):
    frame = pd.concat([x, y], axis=1)
    kinds = ",".join(name for name in frame.columns if name in discrete)
    return estimate(frame, x=list(x.columns), y=list(y.columns), discrete=kinds, **options)


@cache
def base(family):
    return found_in(*drawn(family))


def reach(*estimates):
    """Two standard errors of estimates, of the larger end."""
    return 2 * math.hypot(*(max(one.stderr, (one.interval.high - one.interval.low) / 4) for one in estimates)) + 0.02


def check_alike(one, other):
    assert abs(one.nats - other.nats) <= reach(one, other), (one.nats, other.nats)
    assert one.interval.low <= other.interval.high + 0.02
    assert other.interval.low <= one.interval.high + 0.02


def check_not_more(part, whole):
    """The part tells no more than the whole, within the intervals."""
    assert part.nats <= whole.nats + reach(part, whole), (part.nats, whole.nats)
    assert part.interval.low <= whole.interval.high + 0.02


def mapped(frame, discrete):
    """Each column by a map that can be undone: levels by other names, others by increasing or decreasing functions."""
    maps = (np.arcsinh, lambda z: -3 * z, lambda z: np.sign(z) * np.abs(z) ** 1.5, lambda z: z / 1000 + 7)
    out = frame.copy()
    for place, name in enumerate(frame.columns):
        if name in discrete:
            levels = np.unique(frame[name])
            names = np.random.default_rng(place).permutation(len(levels))
            out[name] = [f"level {names[k]}" for k in np.searchsorted(levels, frame[name])]
        else:
            out[name] = maps[place % 4](frame[name])
    return out


def test_there_are_tables_of_enough_families():
    assert len(FAMILIES) >= 20
    assert set(FAST) <= set(FAMILIES)


@every_family
def test_maps_that_can_be_undone_change_nothing(family):
    x, y, discrete = drawn(family)
    check_alike(found_in(mapped(x, discrete), mapped(y, discrete), discrete), base(family))


@every_family
def test_the_order_of_rows_changes_nothing(family):
    x, y, discrete = drawn(family)
    order = np.random.default_rng(0).permutation(ROWS)
    x, y = (side.iloc[order].reset_index(drop=True) for side in (x, y))
    check_alike(found_in(x, y, discrete), base(family))


@every_family
def test_the_order_of_columns_changes_nothing(family):
    x, y, discrete = drawn(family)
    check_alike(found_in(x[x.columns[::-1]], y[y.columns[::-1]], discrete), base(family))


@every_family
def test_x_and_y_change_places(family):
    x, y, discrete = drawn(family)
    check_alike(found_in(y, x, discrete), base(family))


@every_family
def test_columns_of_noise_change_nothing(family):
    x, y, discrete = drawn(family)
    rng = np.random.default_rng(1)
    noise = pd.DataFrame({"noise0": rng.standard_normal(ROWS), "noise1": rng.exponential(size=ROWS)})
    check_alike(found_in(pd.concat([x, noise], axis=1), y, discrete), base(family))


@every_family
def test_rows_twice_are_not_more_rows(family):
    x, y, discrete = drawn(family)
    twice = found_in(*(pd.concat([side, side], ignore_index=True) for side in (x, y)), discrete)
    check_alike(twice, base(family))
    assert twice.stderr >= 0.6 * base(family).stderr


@every_family
def test_data_processing_adds_nothing(family):
    """A column cut in two, or left out, tells no more."""
    x, y, discrete = drawn(family)
    coarse = x.copy()
    name = x.columns[0]
    coarse[name] = (x[name] > x[name].median()).map({True: "above", False: "below"})
    if coarse[name].nunique() == 2:
        check_not_more(found_in(coarse, y, {*discrete, name}), base(family))
    if x.shape[1] > 1:
        check_not_more(found_in(x[x.columns[1:]], y, discrete), base(family))


@every_family
def test_the_chain_rule_adds_up(family):
    """I(x, z; y) = I(z; y) + I(x; y | z), with a z that is noise or a copy of y with noise."""
    x, y, discrete = drawn(family)
    z = pd.DataFrame({"z": np.random.default_rng(2).standard_normal(ROWS)})
    kinds = ",".join(discrete)
    frame = pd.concat([x, y, z], axis=1)
    given = estimate(frame, x=list(x.columns), y=list(y.columns), given="z", discrete=kinds)
    first = found_in(z, y, discrete)
    whole = found_in(pd.concat([x, z], axis=1), y, discrete)
    assert abs(first.nats + given.nats - whole.nats) <= reach(first, given, whole)

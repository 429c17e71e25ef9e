"""Measure and fit the intervals of an estimator on random tables: the calibration tables of docs/accuracy.md.

    python benchmarks/calibrate.py measure --tasks random:0:400 --out DIR      # estimates, kept as they end
    python benchmarks/calibrate.py fit --out DIR                               # constants of the standard error
    python benchmarks/calibrate.py measure --tasks random:10000:400 --out OTHER
    python benchmarks/calibrate.py report --out OTHER                          # Markdown tables
    python benchmarks/calibrate.py measure --tasks random:10000:400 --independent --permutations 99 --out NULL

Seeds 0 to 999 are for fitting, seeds from 10,000 for reports; `fit` takes no others. It needs an estimator that gives
the terms of its variance in `explanation["standard_error"]["terms"]`, as `auto` does. A run that was stopped goes on
where it was. Results are kept by the version of mist, so that DIR must be new after a change of the estimator.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import mistcli
from mistcli.benchmark import Plan
from mistcli.benchmark.calibration import LEVELS, Cell, Factors, Measured, cell, conformal, fit_factors
from mistcli.benchmark.problem import Problem
from mistcli.benchmark.runner import tasks
from mistcli.benchmark.tasks import find_one
from mistcli.executors.serial import SerialExecutor
from mistcli.persistence.result_store import Store, complete, make_task
from mistcli.plugin.registry import Registry

FITTING = range(1000)
ATOMS = ("zeros", "counts", "rounded", "censored")
Z = NormalDist().inv_cdf(0.975)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["measure", "fit", "report"])
    parser.add_argument("--out", type=Path, nargs="+", required=True, help="folders of measurements")
    parser.add_argument("--tasks", default="random:0:300")
    parser.add_argument("--estimator", default="auto")
    parser.add_argument("--kind", default="", choices=["", *KINDS], help="tables of this kind only")
    parser.add_argument("--most-rows", type=int, default=20_000, help="leave out larger tables")
    parser.add_argument("--skip", type=int, default=0, help="leave out the first tables that the estimator takes")
    parser.add_argument("--independent", action="store_true", help="draw x and y apart: the truth is 0")
    parser.add_argument("--permutations", type=int, default=0, help="test independence as well")
    asked = parser.parse_args()
    {"measure": measure, "fit": fit, "report": report}[asked.action](asked)


def measure(asked: argparse.Namespace) -> None:
    taken = tasks(Plan((asked.estimator,), asked.tasks), Registry.from_environment())
    found = [
        task
        for task in taken[asked.skip :]
        if task.data["n"] <= asked.most_rows and asked.kind in ("", kind(find_one(task.data["task"])))
    ]
    facts = {"estimator": asked.estimator, "independent": asked.independent, "permutations": asked.permutations}
    todo = [make_task(task=task.data["task"], **facts) for task in found]
    kept = asked.out[0]
    store = Store.open(kept) if kept.exists() else Store.create(kept, "calibrate", {"estimator": asked.estimator})

    def told(_, done):
        print("x" if done.error else ".", end="", file=sys.stderr, flush=True)

    for _ in complete(todo, estimate, SerialExecutor(), store=store, told=told):
        pass


def estimate(data: Mapping[str, Any]) -> dict[str, Any]:
    """Estimate one table, and return all that calibration asks about it."""
    task = find_one(data["task"])
    x, y = task.sample(task.rows, 0)
    if data["independent"]:
        _, y = task.sample(task.rows, 1)
    found = mistcli.estimate(
        (x, y), estimator=data["estimator"], discrete=task.discrete, seed=0, permutations=data["permutations"]
    )
    said = found.explanation.get("standard_error")
    error = said if isinstance(said, Mapping) else {}
    return {
        "name": task.name,
        "true": 0.0 if data["independent"] else task.mi,
        "nats": found.nats,
        "error_low": error.get("low", found.stderr),
        "error_high": error.get("high", found.stderr),
        "terms": dict(error.get("terms", {})),
        "low": found.interval.low,
        "high": found.interval.high,
        "p_value": found.p_value,
        "seconds": found.seconds,
        "verdict": list(found.verdict),
    }


def rows_of(folders: Sequence[Path]) -> tuple[list[tuple[Problem, dict[str, Any]]], int]:
    """Return each table and what was found, and how many failed."""
    done = [one for folder in folders for one in Store.open(folder).read().values()]
    good = [dict(one.result) for one in done if one.result is not None]
    return [(find_one(row["name"]), row) for row in good], len(done) - len(good)


def measured(row: Mapping[str, Any]) -> Measured:
    """Return an estimate with the limits at which its 95 % interval was cut off."""
    whole = Measured(row["true"], row["nats"], row["error_low"], row["error_high"], terms=row["terms"])
    low, high = whole.ends(0.95)
    if row["low"] < low - 1e-6 or row["high"] > high + 1e-6:
        raise SystemExit(f"the interval of {row['name']} is wider than its standard errors say; see `measured`.")
    limits = {"least": row["low"]} if row["low"] > low + 1e-6 else {}
    if row["high"] < high - 1e-6:
        limits["most"] = row["high"]
    return dataclasses.replace(whole, **limits)


def fit(asked: argparse.Namespace) -> None:
    """Print factors, and how those of one half of the tables do on the other half."""
    rows, _ = rows_of(asked.out)
    if wrong := [task.name for task, _ in rows if int(task.name.split("-")[1]) not in FITTING]:
        raise SystemExit(f"constants are fitted on seeds 0 to 999 alone; got {wrong[0]}.")
    pairs = [(task, measured(row)) for task, row in rows if row["terms"]]
    if len(pairs) < 40:
        raise SystemExit(f"expected at least 40 estimates with terms of their variance; got {len(pairs)}.")
    groups: dict[tuple[str, ...], list[tuple[Problem, Measured]]] = {}
    for task, one in pairs:
        groups.setdefault(tuple(one.terms or ()), []).append((task, one))
    for names, group in groups.items():
        print(f"\nTerms: {', '.join(names)}. With the factors that these estimates were made with:\n")
        show(group, [""])
        fit_group(group)


def fit_group(pairs: Sequence[tuple[Problem, Measured]]) -> None:
    """Print factors of estimates whose terms are the same ones."""
    held_out: list[tuple[Problem, Measured]] = []
    for train, test in ((pairs[::2], pairs[1::2]), (pairs[1::2], pairs[::2])):
        fitted = fitted_to([one for _, one in train])
        held_out += zip([task for task, _ in test], with_factors([one for _, one in test], fitted), strict=True)
    print("With factors that were fitted to the other half of the tables:\n")
    show(held_out, GROUPS)
    fitted = fitted_to([one for _, one in pairs])
    for side in ("low", "high"):
        factors = zip(fitted.names, getattr(fitted, side), strict=True)
        print(f"{side}: " + ", ".join(f"{name}={factor:.3g}" for name, factor in factors))


def fitted_to(found: Sequence[Measured]) -> Factors:
    return conformal(found, fit_factors(found))


def with_factors(found: Sequence[Measured], factors: Factors) -> list[Measured]:
    low, high = factors.scales(found)
    return [dataclasses.replace(one, low=float(a), high=float(b)) for one, a, b in zip(found, low, high, strict=True)]


def line(one: Cell) -> str:
    held = " | ".join(f"{100 * s:.0f} ± {100 * e:.0f}" for s, e in zip(one.coverage, one.errors, strict=True))
    return f"{one.count} | {one.mae:.3f} | {one.bias:+.3f} | {one.wrong:.0%} | {held} | {one.score:.3f}"


def show(pairs: Sequence[tuple[Problem, Measured]], groupings: Iterable[str]) -> None:
    """Print a Markdown table a way of grouping."""
    levels = " | ".join(f"{level:.0%}" for level in LEVELS)
    head = f"| tables | MAE | bias | wrong | {levels} | score |\n|---|" + "---|" * (5 + len(LEVELS))
    for title in groupings:
        print(f"| {title} {head}")
        groups: dict[str, list[Measured]] = {}
        for task, one in pairs:
            groups.setdefault(GROUPS[title](task), []).append(one)
        for name in sorted(groups, key=lambda name: (ORDER.get(name, 0), name)):
            print(f"| {name} | {line(cell(groups[name]))} |")
        print()


def report(asked: argparse.Namespace) -> None:
    """Print Markdown tables of coverage by rows, columns, kind, strength and family."""
    rows, failed = rows_of(asked.out)
    print(f"{len(rows)} tables, {failed} failed; {sum(row['seconds'] for _, row in rows):.0f} s in all.\n")
    show([(task, measured(row)) for task, row in rows], GROUPS)
    apart = [row for _, row in rows if row["true"] == 0]
    excluded = sum(row["low"] > 1e-9 for row in apart)
    print(f"95 % intervals that exclude 0: {excluded} of {len(apart)} independent tables.\n")
    if tested := [row["p_value"] for row in apart if row["p_value"] is not None]:
        print(f"p <= 0.05 in {sum(p <= 0.05 for p in tested)} of {len(tested)} independent tables.\n")
    worst = sorted(rows, key=lambda pair: -off(measured(pair[1])))[:15]
    for task, row in worst:
        interval = f"{row['nats']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        size = f"n = {task.rows}, {task.x_dim} x {task.y_dim}"
        print(f"- {task.name}: {interval}, true {row['true']:.3f}; {size}: {task.summary}")


def off(one: Measured) -> float:
    low, high = one.ends(0.95)
    return max(low - one.true, one.true - high)


def banded(value: float, edges: Sequence[float], words: Sequence[str]) -> str:
    return words[sum(value >= edge for edge in edges)]


ROWS = ("30 to 99", "100 to 299", "300 to 999", "1,000 to 2,999", "3,000 and more")
COLUMNS = ("2", "3 to 6", "7 to 20", "more than 20")
STRENGTHS = ("0", "below 0.1", "0.1 to 0.5", "0.5 to 1", "1 and more")
KINDS = ("continuous", "with atoms or counts", "discrete beside continuous", "mixed columns", "discrete")
ORDER = {name: place for names in (ROWS, COLUMNS, STRENGTHS, KINDS) for place, name in enumerate(names)}


def kind(task: Problem) -> str:
    kinds = {task.x_kind, task.y_kind}
    if kinds == {"discrete"}:
        return KINDS[4]
    if kinds == {"discrete", "continuous"}:
        return KINDS[2]
    if "mixed" in kinds:
        return KINDS[3]
    return KINDS[1] if any(name in getattr(task, "family", "") for name in ATOMS) else KINDS[0]


GROUPS: dict[str, Callable[[Problem], str]] = {
    "": lambda task: "all",
    "rows": lambda task: banded(task.rows, (100, 300, 1000, 3000), ROWS),
    "columns": lambda task: banded(task.x_dim + task.y_dim, (3, 7, 21), COLUMNS),
    "kind": kind,
    "strength": lambda task: banded(task.mi, (1e-12, 0.1, 0.5, 1), STRENGTHS),
    "family": lambda task: getattr(task, "family", "").removeprefix("independent ").split(" + ")[0],
}


if __name__ == "__main__":
    main()

"""The checks of estimators: that the number is right, that it can be had again, and that nothing else happens.

The reference problems are Gaussians of correlation 0.2, 0.5 and 0.9 (or their counterparts, for discrete columns). An
estimate is compared with the mean of the true log ratios of the very pairs it was made from, so that the chance in the
pairs plays no part. One that trains is trained to its end for the checks of its numbers, and for a few steps in others.
"""

from __future__ import annotations

import contextlib
import io
import math
import random
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import torch

from mistcli.api import estimate
from mistcli.errors import MistError, PluginError
from mistcli.estimators import CriticEstimator, Estimator, TrainableEstimator
from mistcli.plugin import EstimatorSpec
from mistcli.result import Estimate
from mistcli.testing.check import CheckFailed, CheckSkipped, Subject, check, expect
from mistcli.testing.problems import Pairs, Side, discrete, mixed, normal

__all__ = ["CHECKS", "estimated", "short"]

N = 2_000
SHORT = 300
STRENGTHS = (0.2, 0.5, 0.9)
STRONG = 0.99
QUICK: dict[str, Any] = {"max_steps": 20, "folds": 2}
SAME = 1e-3
"""How far, in nats, two estimates may be apart that should be one, for rounding and for ties that are broken."""
UNLIKELY = 728_193_465
BITS = 1 / math.log(2)


def problem(spec: EstimatorSpec, n: int, strength: float, *, dim: int = 1, seed: int = 0) -> Pairs:
    """Return pairs of the kind that an estimator takes."""
    if spec.x != "discrete" and spec.y != "discrete":
        return normal(n, strength, dim=dim, seed=seed)
    if spec.x != "continuous" and spec.y != "continuous":
        return discrete(n, strength, dim=dim, seed=seed)
    side: Side = "x" if spec.x == "discrete" else "y"
    return mixed(n, strength and 3 * strength - 0.1, dim=dim, seed=seed, side=side)


def run(subject: Subject, x: Any, y: Any, **given: Any) -> Estimate:
    """Estimate with what is checked."""
    options = {**subject.options, **given}
    for side in ("x", "y"):
        if getattr(subject.spec, side) == "discrete":
            options["discrete"] = ",".join(filter(None, (options.get("discrete", ""), side)))
    return estimate((x, y), estimator=subject.brought.qualified, registry=subject.registry, **options)


def estimated(subject: Subject, strength: float, *, dim: int = 1, seed: int = 0) -> tuple[float, float]:
    """Return the estimate and the truth of a reference problem; one that trains is trained to its end."""
    if subject.fast and subject.spec.trained:
        raise CheckSkipped("it would be trained to its end, which --fast leaves out")
    return subject.once(("full", strength, dim, seed), lambda: _full(subject, strength, dim, seed))


def _full(subject: Subject, strength: float, dim: int, seed: int) -> tuple[float, float]:
    pairs = problem(subject.spec, N, strength, dim=dim, seed=seed)
    return run(subject, pairs.x, pairs.y, seed=seed).nats, pairs.nats


def short(subject: Subject, **given: Any) -> Estimate:
    """Return an estimate of a small problem, after a few steps if it trains."""
    pairs = problem(subject.spec, max(SHORT, subject.spec.min_samples), 0.5)
    given = {**(QUICK if subject.spec.trained else {}), **given}
    return run(subject, given.pop("x", pairs.x), given.pop("y", pairs.y), **given)


def refused(call: Callable[[], Estimate]) -> tuple[bool, str]:
    """Return whether an estimation ended as it may: with a finite number, or a `MistError` of the data."""
    try:
        found = call()
    except PluginError as error:
        return False, f"a failure of its own: {error}"
    except MistError as error:
        return True, str(error)
    return math.isfinite(found.nats), f"{found.nats} nats"


@check("E01", "estimators", "its spec says what its class says", see="mistcli.plugin.EstimatorSpec", needs=("S02",))
def facts(subject: Subject) -> None:
    """The bound, whether it is trained, and whether it takes a critic."""
    spec, target = subject.spec, subject.target
    expect(spec.bound == target.bound, f"bound={target.bound!r}, as its class has it", repr(spec.bound))
    if not issubclass(target, Estimator):
        return
    trained = issubclass(target, TrainableEstimator)
    expect(spec.trained == trained, f"trained={trained}, for that is what its class is", spec.trained)
    if issubclass(target, CriticEstimator):
        expect(spec.needs_critic, "needs_critic=True, for it is a CriticEstimator", spec.needs_critic)


@check("E02", "estimators", "it gives a finite number", see="mistcli.estimators.Estimator", needs=("E01",))
def finite(subject: Subject) -> None:
    """With a standard error, on data that hold no trap."""
    found = subject.once("short", lambda: short(subject))
    expect(math.isfinite(found.nats) and math.isfinite(found.stderr), "a finite number", found.nats)
    if not (subject.fast and subject.spec.trained):
        value, _ = estimated(subject, STRENGTHS[-1])
        expect(math.isfinite(value), "a finite number", value)


@check("E03", "estimators", "it counts in nats", see="mistcli.estimators.Estimator", needs=("E02",))
def nats(subject: Subject) -> None:
    """Told by the ratio of a bit to a nat, log 2, where there is much information."""
    value, truth = estimated(subject, STRENGTHS[-1])
    near = abs(value - truth * BITS) < 0.25 * abs(value - truth)
    expect(not (near and abs(value / truth - BITS) < 0.1), f"{truth:.3f} nats", f"{value:.3f}, as many bits")


@check("E04", "estimators", "it knows the Gaussian", see="mistcli.plugin.EstimatorSpec", needs=("E03",))
def gaussian(subject: Subject) -> None:
    """At several correlations, within its own tolerance."""
    tolerance = subject.spec.tolerance
    for strength in STRENGTHS:
        value, truth = estimated(subject, strength)
        wanted = f"{truth:.3f} nats within {tolerance:g} at a correlation of {strength:g}"
        expect(abs(value - truth) <= tolerance, wanted, f"{value:.3f}")


@check("E05", "estimators", "more dependence is more information", see="mistcli.estimators.Estimator", needs=("E02",))
def ordered(subject: Subject) -> None:
    """From one reference problem to the next."""
    values = [estimated(subject, strength)[0] for strength in STRENGTHS]
    told = ", ".join(f"{value:.3f}" for value in values)
    at = ", ".join(f"{strength:g}" for strength in STRENGTHS)
    expect(values == sorted(set(values)), f"larger and larger values at correlations of {at}", told)


@check("E06", "estimators", "independence is no information", see="mistcli.plugin.EstimatorSpec", needs=("E02",))
def independent(subject: Subject) -> None:
    """Within its own tolerance."""
    value, _ = estimated(subject, 0.0)
    wanted = f"0 within {subject.spec.tolerance:g} where x and y are independent"
    expect(abs(value) <= subject.spec.tolerance, wanted, f"{value:.3f}")


@check(
    "E07",
    "estimators",
    "the same seed gives the same bits",
    see="mistcli.pipeline.estimation.run",
    needs=("E02", "E09"),
)
def seeded(subject: Subject) -> None:
    """All randomness comes from the generator that is passed in."""
    one, other = subject.once("short", lambda: short(subject)), short(subject)
    same = np.array_equal(cast(Any, one.pointwise), cast(Any, other.pointwise)) and one.stderr == other.stderr
    expect(same, "the same log ratios from the same seed", f"{one.nats!r} and {other.nats!r} nats")


@check(
    "E09",
    "estimators",
    "it leaves what belongs to everybody alone",
    see="mistcli.training.trainer.generator",
    needs=("S01",),
)
def unnoticed(subject: Subject) -> None:
    """Global generators, torch's default dtype and its number of threads."""
    with _known_state() as before:
        with contextlib.suppress(MistError):
            short(subject)
        changed = [what for what, value in _globals().items() if value != before[what]]
    expect(not changed, "nothing that belongs to everybody to change", f"a change of {', '.join(changed)}")


@check("E13", "estimators", "data that hold no number are refused", see="mistcli.errors", needs=("E02",))
def refuses(subject: Subject) -> None:
    """All NaN, constant, full of ties: a `MistError`, or a finite number where there is one."""
    pairs = problem(subject.spec, max(SHORT, subject.spec.min_samples), 0.5)
    for what, x in {"that is all NaN": pairs.x * np.nan, "that is constant": pairs.x * 0}.items():
        try:
            found = short(subject, x=x)
        except PluginError as error:
            raise CheckFailed(f"expected an x {what} to be refused; got a failure of its own: {error}") from error
        except MistError:
            continue
        raise CheckFailed(f"expected an x {what} to be refused; got {found.nats} nats")
    if not pairs.discrete:
        fine, told = refused(lambda: short(subject, x=pairs.x.round(), y=pairs.y.round(1), continuous="x,y"))
        expect(fine, "a finite number or a DataError from an x full of ties", told)


@check("E14", "estimators", "too few rows are refused", see="mistcli.plugin.EstimatorSpec", needs=("E02",))
def few_rows(subject: Subject) -> None:
    """With a `MistError`; with as many as its spec wants, it goes on."""
    for n in sorted({2, 3, max(3, subject.spec.min_samples)}):
        pairs = problem(subject.spec, n, 0.5)
        fine, told = refused(lambda pairs=pairs: short(subject, x=pairs.x, y=pairs.y))  # type: ignore[misc]
        expect(fine, f"a finite number or a DataError from {n} rows", told)


@check("E16", "estimators", "it prints nothing", see="mistcli.training.events", needs=("S01",))
def quiet(subject: Subject) -> None:
    """Stdout is for the result alone; stderr is for loggers."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(MistError):
        short(subject)
    expect(not said.getvalue(), "nothing on stdout from an estimation", repr(said.getvalue()[:200]))


@check("E17", "estimators", "it is the bound that it says", see="mistcli.plugin.EstimatorSpec", needs=("E03",))
def bound(subject: Subject) -> None:
    """Beyond the reference problems, where x and y nearly determine each other."""
    side = subject.spec.bound
    if side == "none":
        raise CheckSkipped("it says that it is no bound")
    found = [estimated(subject, STRONG, seed=seed) for seed in (0, 1)]
    excess = sum(value - truth for value, truth in found) / len(found)
    truth = sum(truth for _, truth in found) / len(found)
    beyond = excess if side == "lower" else -excess
    wanted = f"a{'t most' if side == 'lower' else 't least'} {truth:.3f} nats, as a bound from "
    wanted += "below" if side == "lower" else "above"
    expect(beyond <= subject.spec.tolerance, wanted, f"{truth + excess:.3f}")


@check("E18", "estimators", "it is symmetric if it says so", see="mistcli.plugin.EstimatorSpec", needs=("E02",))
def symmetric(subject: Subject) -> None:
    """Swapping x and y changes nothing but rounding, and how ties are broken."""
    if not subject.spec.symmetric:
        raise CheckSkipped("it does not say that it is")
    pairs = problem(subject.spec, max(SHORT, subject.spec.min_samples), 0.5)
    one, other = subject.once("short", lambda: short(subject)).nats, short(subject, x=pairs.y, y=pairs.x).nats
    expect(abs(one - other) <= SAME, "the same with x and y swapped, as it says symmetric=True", f"{one} and {other}")


@check(
    "E19", "estimators", "it takes several columns if it says it", see="mistcli.plugin.EstimatorSpec", needs=("E04",)
)
def multivariate(subject: Subject) -> None:
    """And learns from each of them: two independent columns hold twice as much."""
    if not subject.spec.multivariate:
        raise CheckSkipped("it does not say that it does")
    allowed = 2 * subject.spec.tolerance
    value, truth = estimated(subject, 0.8, dim=2)
    wanted = f"{truth:.3f} nats within {allowed:g} in two columns a side, as it says multivariate=True"
    expect(abs(value - truth) <= allowed, wanted, f"{value:.3f}")


@contextlib.contextmanager
def _known_state() -> Iterator[dict[str, Any]]:
    """Put what belongs to everybody into a state that no plugin would choose, yield it, and go back."""
    kept = random.getstate(), np.random.get_state(), torch.get_rng_state()
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    random.seed(UNLIKELY)
    np.random.seed(UNLIKELY)
    torch.manual_seed(UNLIKELY)
    torch.set_default_dtype(torch.float32)
    try:
        yield _globals()
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        torch.set_rng_state(kept[2])
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)


def _globals() -> dict[str, Any]:
    return {
        "the state of random": random.getstate(),
        "the state of numpy.random": np.random.get_state()[1].tobytes(),  # type: ignore[index]
        "the state of torch's generator": bytes(torch.get_rng_state().tolist()),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's number of threads": torch.get_num_threads(),
    }


CHECKS = (
    facts,
    finite,
    nats,
    gaussian,
    ordered,
    independent,
    seeded,
    unnoticed,
    refuses,
    few_rows,
    quiet,
    bound,
    symmetric,
    multivariate,
)
"""The checks of what an estimation with it gives."""

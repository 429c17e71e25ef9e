"""Power of the test of independence on the simulations of `hyppo`, beside its own tests.

    pip install hyppo
    python benchmarks/power.py --reps 200                      # one column a side, n = 100
    python benchmarks/power.py --dimension --reps 20           # against the number of columns
    python benchmarks/power.py --peers dcorr,hsic,mgc --reps 100

The 19 dependent relationships and the independent one are those of `hyppo.tools.SIMULATIONS`. With one column a side
they have noise, as in its benchmark of sample sizes; against the dimension they have it with `--noise`. The power of a
peer is that of `hyppo.tools.power`, which takes the null distribution from as many independent samples.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

import mistcli
from mistcli.independence.ranks import RankNulls

try:
    from hyppo.tools import SIMULATIONS, indep_sim
    from hyppo.tools import power as power_of
except ImportError:
    raise SystemExit("this benchmark needs the simulations of hyppo: pip install hyppo") from None

INDEPENDENT = "multimodal_independence"
WITHOUT_NOISE = ("multiplicative_noise", INDEPENDENT)
LARGEST = {
    **dict.fromkeys(("joint_normal", "sin_four_pi", "sin_sixteen_pi", "multiplicative_noise"), 10),
    **dict.fromkeys((INDEPENDENT, "uncorrelated_bernoulli", "logarithmic"), 100),
    **dict.fromkeys(("linear", "exponential", "cubic"), 1000),
    **dict.fromkeys(("square", "diamond"), 40),
}
LEVEL = 0.05


def dimensions(name: str, count: int) -> list[int]:
    """Return `count` of the dimensions of hyppo's benchmark, spread evenly."""
    largest = LARGEST.get(name, 20)
    step = largest // (10 if largest < 20 else 20)
    every = list(range(step, largest + 1, step))
    every = every if step == 1 else [1, *every]
    places = (np.arange(count) + 0.5) / count * (len(every) - 1)
    return [every[round(place)] for place in places]


def options(name: str, *, noise: bool) -> dict[str, bool]:
    return {} if name in WITHOUT_NOISE else {"noise": noise}


def samples(name: str, p: int, args: argparse.Namespace) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    for _ in range(args.reps):
        yield indep_sim(name, args.n, p, **options(name, noise=args.noise or not args.dimension))


def own_power(name: str, p: int, args: argparse.Namespace, nulls: RankNulls) -> float:
    p_values = [
        mistcli.independence_test(pair, nulls=nulls, permutations=args.permutations, seed=seed).p_value
        for seed, pair in enumerate(samples(name, p, args))
    ]
    return float(np.mean(np.array(p_values) <= LEVEL))


def row(name: str, p: int, args: argparse.Namespace, nulls: RankNulls) -> list[float]:
    found = [own_power(name, p, args, nulls)]
    for peer in args.peers:
        noise = options(name, noise=args.noise or not args.dimension)
        found.append(float(power_of(peer, "indep", sim=name, n=args.n, p=p, reps=max(args.reps, 50), **noise)))
    return found


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--reps", type=int, default=200)
    parser.add_argument("--permutations", type=int, default=999)
    parser.add_argument("--dimension", action="store_true", help="vary the number of columns")
    parser.add_argument("--dimensions", type=int, default=4, help="dimensions of each relationship")
    parser.add_argument("--noise", action="store_true", help="noise in several columns as well")
    parser.add_argument("--peers", type=lambda text: text.split(","), default=[], help="tests of hyppo")
    parser.add_argument("--seed", type=int, default=20261124)
    args = parser.parse_args(argv)
    np.random.seed(args.seed)  # hyppo draws from the global generator
    nulls = RankNulls(args.permutations, args.seed)
    print("| relationship | mist |" + "".join(f" {peer} |" for peer in args.peers))
    table, began = {}, time.perf_counter()
    for name in SIMULATIONS:
        ps = dimensions(name, args.dimensions) if args.dimension else [1]
        table[name] = np.mean([row(name, p, args, nulls) for p in ps], axis=0)
        print(f"| {name} |" + "".join(f" {value:.3f} |" for value in table[name]), flush=True)
    mean = np.mean([values for name, values in table.items() if name != INDEPENDENT], axis=0)
    print("| **mean of the 19** |" + "".join(f" **{value:.3f}** |" for value in mean))
    print(f"{time.perf_counter() - began:.0f} s")
    data = np.random.default_rng(args.seed).standard_normal((2, 10_000))
    began = time.perf_counter()
    mistcli.independence_test((data[0], data[1]))
    print(f"n = 10,000, one column a side, 999 permutations: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()

"""Things that plugins may bring, each right but for one fault, with the check that should find it, and no other."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import nn

from mistcli.critics import Critic
from mistcli.errors import DataError
from mistcli.estimators import Gaussian, TrainableEstimator
from mistcli.executors import Done, Executor
from mistcli.loggers import Logger
from mistcli.plugin import (
    CommandSpec,
    CriticSpec,
    EstimatorSpec,
    ExecutorSpec,
    LoggerSpec,
    ReaderSpec,
    hookimpl,
    option,
)
from mistcli.readers import Column, Reader
from mistcli.training.events import Evaluated, RunFinished, RunStarted, Saved, Warned

SPECS: dict[str, list[Any]] = {
    "estimators": [],
    "critics": [],
    "readers": [],
    "loggers": [],
    "executors": [],
    "commands": [],
}
FAULTS: dict[tuple[str, str], set[str]] = {}
"""The checks that should find fault with what has a kind and a name; none with what is right."""

KNOWN = (RunStarted, Evaluated, Warned, Saved, RunFinished)


class Plugin:
    """Brings everything that is in this module."""

    @hookimpl
    def mist_estimators(self):
        return SPECS["estimators"]

    @hookimpl
    def mist_critics(self):
        return SPECS["critics"]

    @hookimpl
    def mist_readers(self):
        return SPECS["readers"]

    @hookimpl
    def mist_loggers(self):
        return SPECS["loggers"]

    @hookimpl
    def mist_executors(self):
        return SPECS["executors"]

    @hookimpl
    def mist_commands(self):
        return SPECS["commands"]


def brings(make, kind, *faults, **facts):
    """Return a decorator that adds a target to the plugin, under its own name in lower case."""

    def decorator(target):
        name = getattr(target, "__name__", None) or target.name
        SPECS[kind].append(make(name.lower(), f"faulty_plugins:{name}", "For tests.", **facts))
        FAULTS[kind, name.lower()] = set(faults)
        return target

    return decorator


def estimator(*faults, **facts):
    return brings(EstimatorSpec, "estimators", *faults, **facts)


@dataclass(frozen=True)
class Deep:
    depth: int = option(3, help="Something that no constructor takes.")


@dataclass(frozen=True)
class Steps:
    max_steps: int = option(3, help="What a flag says already.")


@estimator(symmetric=True)
class Right(Gaussian):
    pass


@estimator("S01", requires=("no_such_package_of_anybody",))
class Lacking(Gaussian):
    pass


@estimator("S01")
class NoEstimator:
    pass


@estimator("S02", options=Deep)
class TakesNoOptions(Gaussian):
    pass


@estimator("S03", options=Steps)
class Colliding(Gaussian):
    def __init__(self, *, max_steps=3):
        super().__init__()


@estimator("E01", bound="lower")
class SaysOtherwise(Gaussian):
    pass


class Changed(Gaussian):
    """Changes the log ratios of the pairs that it was fitted to."""

    def fit_log_ratio(self, x, y, *, generator=None):
        return self.change(super().fit_log_ratio(x, y, generator=generator), x, y)

    def change(self, found, x, y):
        return found


@estimator("E02")
class NotFinite(Changed):
    def change(self, found, x, y):
        return found * math.nan


@estimator("E03")
class Bits(Changed):
    def change(self, found, x, y):
        return found / math.log(2)


@estimator("E04")
class TooMuch(Changed):
    def change(self, found, x, y):
        return 1.2 * found


@estimator("E05", tolerance=0.2)
class Unordered(Changed):
    def change(self, found, x, y):
        return found - found.mean() + 0.01 if 0.05 < found.mean() < 0.3 else found


@estimator("E06")
class NeverNothing(Changed):
    def change(self, found, x, y):
        return found + 0.12 if found.mean() < 0.01 else found


@estimator("E07")
class Unseeded(Changed):
    def change(self, found, x, y):
        return found + 1e-6 * random.SystemRandom().random()


@estimator("E08")
class Edits(Gaussian):
    def fit_log_ratio(self, x, y, *, generator=None):
        return super().fit_log_ratio(x.sub_(x.mean(0)), y, generator=generator)


@estimator("E09")
class Reseeds(Changed):
    def change(self, found, x, y):
        torch.manual_seed(0)
        return found


@estimator("E09")
class ChangesDtype(Changed):
    def change(self, found, x, y):
        torch.set_default_dtype(torch.float64)
        return found


@estimator("E10")
class WantsOnePiece(Gaussian):
    def fit_log_ratio(self, x, y, *, generator=None):
        x.view(-1)
        return super().fit_log_ratio(x, y, generator=generator)


@estimator("E11")
class ValuesTheMean(Gaussian):
    def fit_log_ratio(self, x, y, *, generator=None):
        other = Gaussian()
        found = other.fit_log_ratio(x, y, generator=generator)
        self.register_buffer("floor", other.floor)
        self.register_buffer("value", found.mean())
        return found

    def log_ratio(self, x, y):
        return self.value


@estimator("E13")
class HatesTies(Changed):
    def change(self, found, x, y):
        distinct = x[:, 0].unique()
        return found * (1 // (len(distinct) // len(x)))


@estimator("E14")
class HatesFewRows(Changed):
    def change(self, found, x, y):
        return found + 0 * found[11]


@estimator("E16")
class Prints(Changed):
    def change(self, found, x, y):
        print("working")  # noqa: T201
        return found


@estimator("E17", bound="lower")
class NoBound(Changed):
    bound = "lower"

    def change(self, found, x, y):
        return found + 0.2 if found.mean() > 1.5 else found


@estimator("E18", symmetric=True)
class Lopsided(Changed):
    def change(self, found, x, y):
        return 1.02 * found if x[0, 0] > y[0, 0] else found


@estimator("E19")
class FirstColumn(Gaussian):
    def fit_log_ratio(self, x, y, *, generator=None):
        return super().fit_log_ratio(x[:, :1], y[:, :1], generator=generator)

    def log_ratio(self, x, y):
        return super().log_ratio(x[:, :1], y[:, :1])


@estimator("E20")
class Forgets(Gaussian):
    shift = 0.0

    def fit_log_ratio(self, x, y, *, generator=None):
        found = super().fit_log_ratio(x, y, generator=generator)
        self.shift = 0.01
        return found

    def log_ratio(self, x, y):
        return super().log_ratio(x, y) + self.shift


class Rho(TrainableEstimator):
    """The log ratio of a bivariate normal, of which the correlation is learnt."""

    stackable = True

    def __init__(self, x_dim, y_dim, *, generator=None):
        super().__init__()
        self.theta = nn.Parameter(0.1 * torch.randn((), generator=generator))

    def _ratio(self, x, y):
        rho = torch.tanh(self.theta)[..., None]
        x, y = x[..., 0], y[..., 0]
        quadratic = (rho**2 * (x**2 + y**2) - 2 * rho * x * y) / (2 * (1 - rho**2))
        return -0.5 * torch.log(1 - rho**2) - quadratic

    def log_ratio(self, x, y):
        return self._ratio(x, y)

    def loss(self, x, y):
        return -self._ratio(x, y).mean(-1)


@estimator(trained=True, multivariate=False)
class RightTrained(Rho):
    pass


@estimator("E12", trained=True, multivariate=False)
class Mingles(Rho):
    def loss(self, x, y):
        loss = super().loss(x, y)
        return loss + 0.1 * loss.detach().mean()


@estimator("E15", trained=True, multivariate=False)
class NotReady(Rho):
    stackable = False
    steps = 0

    def loss(self, x, y):
        if torch.is_grad_enabled():
            NotReady.steps += 1
        return super().loss(x, y)

    def measure(self, x, y):
        loss = self.loss(x, y)
        return {"loss": loss, "mi": -loss}

    def log_ratio(self, x, y):
        steps, NotReady.steps = NotReady.steps, 0
        if torch.is_inference_mode_enabled() and 0 < steps < 10:
            raise RuntimeError("not ready")
        return super().log_ratio(x, y)


def critic(*faults, **facts):
    return brings(CriticSpec, "critics", *faults, **facts)


@critic()
class Quadratic(Critic):
    def __init__(self, x_dim, y_dim, *, generator=None):
        super().__init__()
        self.product = nn.Parameter(0.1 * torch.randn(x_dim, y_dim, generator=generator))
        self.x_square = nn.Parameter(0.1 * torch.randn(x_dim, generator=generator))
        self.y_square = nn.Parameter(0.1 * torch.randn(y_dim, generator=generator))

    def forward(self, x, y):
        return ((x @ self.product) * y).sum(-1) + x.square() @ self.x_square + y.square() @ self.y_square


@critic("C01")
class ExtraAxis(Quadratic):
    def forward(self, x, y):
        return super().forward(x, y).unsqueeze(-1)


@critic("C02")
class Idle(Quadratic):
    def __init__(self, x_dim, y_dim, *, generator=None):
        super().__init__(x_dim, y_dim, generator=generator)
        self.idle = nn.Parameter(torch.zeros(3))


@critic("C03")
class GlobalSeed(Quadratic):
    def __init__(self, x_dim, y_dim, *, generator=None):
        super().__init__(x_dim, y_dim)


@critic("C04")
class Secretive(Quadratic):
    def __init__(self, x_dim, y_dim, *, generator=None):
        super().__init__(x_dim, y_dim, generator=generator)
        self.secret = torch.rand((), generator=generator).item()

    def forward(self, x, y):
        return super().forward(x, y) + self.secret


@critic("C05")
class Narrow(Quadratic):
    def forward(self, x, y):
        return super().forward(x, y) + 0 * y[..., x.shape[-1] - 1]


@critic("C06")
class Clamps(Quadratic):
    def forward(self, x, y):
        return super().forward(x.clamp_(-9, 9), y)


@critic("C07")
class StacksNot(Quadratic):
    stackable = True


@critic("C08")
class Single(Quadratic):
    def forward(self, x, y):
        return super().forward(x, y).float()


@critic("C09")
class Apart(Critic):
    def __init__(self, x_dim, y_dim, *, generator=None):
        super().__init__()
        self.x_square = nn.Parameter(0.1 * torch.randn(x_dim, generator=generator))
        self.y_square = nn.Parameter(0.1 * torch.randn(y_dim, generator=generator))

    def forward(self, x, y):
        return x.square() @ self.x_square + y.square() @ self.y_square


@critic("C10")
class Talks(Quadratic):
    def forward(self, x, y):
        print("scoring")  # noqa: T201
        return super().forward(x, y)


def reader(name, *faults, patterns=None):
    return brings(ReaderSpec, "readers", *faults, patterns=(f"*.{name}",) if patterns is None else patterns)


@reader("words")
class Words(Reader):
    errors = "strict"

    def lines(self, path):
        try:
            return [line.split() for line in path.read_text(encoding="utf-8", errors=self.errors).splitlines()]
        except UnicodeDecodeError as error:
            raise DataError("not text.") from error

    def columns(self, path):
        lines = self.lines(path)
        if not lines:
            raise DataError("empty.")
        return [Column(name) for name in dict.fromkeys(lines[0])]

    def read(self, path, names):
        known = [column.name for column in self.columns(path)]
        rows = [line for line in self.lines(path)[1:] if len(line) >= len(known)]
        return {name: self.column([row[known.index(name)] for row in rows]) for name in names}

    def column(self, values):
        try:
            return np.array([math.nan if value == "-" else float(value) for value in values])
        except ValueError:
            return np.array([None if value == "-" else value for value in values], dtype=object)


@reader("hidden", "R01", patterns=())
class Hidden(Words):
    pass


@reader("backwards", "R02")
class Backwards(Words):
    def columns(self, path):
        return super().columns(path)[::-1]


@reader("readsall", "R03")
class ReadsAll(Words):
    def columns(self, path):
        names = [column.name for column in super().columns(path)]
        return [Column(name) for name in self.read(path, names)] if names else []

    def read(self, path, names):
        known = [column.name for column in Words.columns(self, path)]
        rows = [line for line in self.lines(path)[1:] if len(line) >= len(known)]
        return {name: self.column([row[known.index(name)] for row in rows]) for name in names}


@reader("alltext", "R04")
class AllText(Words):
    def column(self, values):
        return np.array([None if value == "-" else value for value in values], dtype=object)


@reader("lenient", "R05")
class Lenient(Words):
    errors = "replace"


@reader("chatty", "R06")
class Chatty(Words):
    def read(self, path, names):
        print("reading")  # noqa: T201
        return super().read(path, names)


@reader("obscure", "R07")
class Obscure(Words):
    def describe(self):
        return {"names": {"a", "b"}}


def logger(*faults, **facts):
    return brings(LoggerSpec, "loggers", *faults, **facts)


@logger()
class Silent(Logger):
    def emit(self, event):
        pass


@logger("L01")
class HatesFiles(Logger):
    def emit(self, event):
        if isinstance(event, Saved):
            raise NotImplementedError("no files")


@logger("L02")
class KnowsAll(Logger):
    def emit(self, event):
        if not isinstance(event, KNOWN):
            raise TypeError(f"unknown event {event.kind}")


@logger("L03")
class ClosesOnce(Logger):
    def __init__(self):
        self.file = object()

    def emit(self, event):
        pass

    def close(self):
        del self.file


@logger("L04")
class Optimist(Logger):
    def emit(self, event):
        if isinstance(event, RunFinished) and event.status == "failed":
            float(event.result["mi"])


@logger("L05")
class Narrowminded(Logger):
    def emit(self, event):
        if isinstance(event, RunStarted) and event.run.startswith(("js", "gaussian")):
            event.parameters["estimator"]["options"]["clip"]


@logger("L06")
class Loud(Logger):
    def emit(self, event):
        print(event.kind)  # noqa: T201


@logger("L06", sink="file")
class Complains(Logger):
    def emit(self, event):
        click.echo(event.kind, err=True)


@logger("L07")
class Strays(Logger):
    def emit(self, event):
        if isinstance(event, RunStarted):
            name = "stray" if ".." in event.run else "run"
            (Path("..") / f"{name}.txt" if name == "stray" else Path("run.txt")).write_text("started")


@logger("L08")
class Pops(Logger):
    def emit(self, event):
        if isinstance(event, RunStarted):
            event.parameters.pop("seed", None)


def executor(*faults, **facts):
    return brings(ExecutorSpec, "executors", *faults, **facts)


def attempt(work, task):
    try:
        return Done(task.key, work(task.data))
    except Exception as error:
        return Done(task.key, None, str(error))


@executor()
class OneByOne(Executor):
    def run(self, work, tasks):
        for task in tasks:
            yield attempt(work, task)


@executor("X01")
class SkipsLast(Executor):
    def run(self, work, tasks):
        for task in tasks[:-1]:
            yield attempt(work, task)


@executor("X02")
class Fragile(Executor):
    def run(self, work, tasks):
        for task in tasks:
            yield Done(task.key, work(task.data))


@executor("X03")
class Endless(Executor):
    def run(self, work, tasks):
        return iter(
            [
                Done(task.key, {"double": 2 * task.data["x"]})
                if task.data["x"] >= 0
                else Done(task.key, None, "negative")
                for task in tasks
            ]
        )


def command(*faults):
    return brings(CommandSpec, "commands", *faults)


@command()
@click.command("fine")
@click.option("--n", help="How many.")
def fine(n):
    """Do something fine."""


@command("K01")
@click.command("helpless")
def helpless():
    pass


@command("K02")
@click.command("terse")
@click.option("--n")
def terse(n):
    """Do something."""


@command("K03")
@click.command("tolerant", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def tolerant():
    """Do something, whatever is asked."""


@command("S01")
def uncommanded():
    """Not a command at all."""

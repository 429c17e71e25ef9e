from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from mistcli.config.schema import Choice
from mistcli.errors import ConfigError, PluginError
from mistcli.loggers import Logger
from mistcli.loggers.console import ConsoleLogger
from mistcli.loggers.csv import CsvLogger
from mistcli.loggers.jsonl import JsonlLogger
from mistcli.loggers.multiplexer import Hub, open_loggers
from mistcli.plugin import LoggerSpec, hookimpl, option
from mistcli.plugin.registry import Registry
from mistcli.training.events import (
    COLUMNS,
    Evaluated,
    Event,
    Listener,
    Relay,
    RunFinished,
    RunStarted,
    Saved,
    Warned,
    rows,
)

STARTED = RunStarted("js-1", {"seed": 0, "data": {"x": "f1"}}, 100, 1000)
VALID = Evaluated(10, 1.5, "valid", {"mi": 0.5, "loss": 1.0}, {"mi": (0.4, 0.6), "loss": (1.0, 1.0)})
TRAIN = Evaluated(10, 1.5, "train", {"loss": 2.0}, {"loss": (2.0, float("nan"))})
FINISHED = RunFinished("success", {"mi": 0.5})


@dataclass(frozen=True)
class Unknown(Event):
    """An event of a later version."""


EVENTS = (STARTED, TRAIN, VALID, Unknown(), Warned("careful"), Saved("run/result.json", "result"), FINISHED)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def send(logger, events=EVENTS):
    for event in events:
        logger.emit(event)
    logger.close()
    logger.close()


# --- jsonl and csv ----------------------------------------------------------------------------------------


def test_jsonl_has_a_line_an_event_and_appends(tmp_path):
    path = tmp_path / "log.jsonl"
    send(JsonlLogger(path))
    send(JsonlLogger(path), [FINISHED])
    lines = [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]
    assert [line["kind"] for line in lines] == [*(event.kind for event in EVENTS), "run_finished"]
    assert lines[0]["parameters"] == {"seed": 0, "data": {"x": "f1"}}
    assert lines[1]["per_fit"] == {"loss": [2.0, None]}
    assert all(line["time"] > 1e9 for line in lines)


def test_csv_has_a_row_a_value_and_one_header(tmp_path):
    path = tmp_path / "log.csv"
    send(CsvLogger(path), [STARTED, VALID])
    send(CsvLogger(path), [TRAIN])
    with path.open(newline="") as file:
        found = list(csv.DictReader(file))
    expected = [*rows(VALID), *rows(TRAIN)]
    assert tuple(found[0]) == COLUMNS
    assert [{key: str(value) for key, value in row.items()} for row in expected] == found


@pytest.mark.parametrize("logger", [JsonlLogger, CsvLogger])
def test_a_path_that_cannot_be_written(tmp_path, logger):
    with pytest.raises(ConfigError, match=r"cannot write the log .*No such file or directory"):
        logger(tmp_path / "nothing" / "log")
    with pytest.raises(ConfigError, match=r"cannot write the log .*Is a directory"):
        logger(tmp_path)


def test_what_was_logged_survives_a_kill(tmp_path):
    program = """
import os, signal, sys
from mistcli.loggers.csv import CsvLogger
from mistcli.loggers.jsonl import JsonlLogger
from mistcli.training.events import Evaluated
for logger in (CsvLogger(sys.argv[1]), JsonlLogger(sys.argv[2])):
    logger.emit(Evaluated(1, 0.1, "valid", {"mi": 0.5}, {"mi": (0.5,)}))
os.kill(os.getpid(), signal.SIGKILL)
"""
    table, lines = tmp_path / "log.csv", tmp_path / "log.jsonl"
    done = subprocess.run([sys.executable, "-c", program, table, lines], check=False)
    assert done.returncode == -signal.SIGKILL
    assert table.read_text() == "name,split,fit,epoch,iteration,value\nmi,valid,0,0.1,1,0.5\n"
    assert json.loads(lines.read_text())["per_fit"] == {"mi": [0.5]}


# --- console ----------------------------------------------------------------------------------------------


def test_console_is_silent_where_there_is_no_terminal():
    stream = io.StringIO()
    send(ConsoleLogger(stream=stream))
    assert stream.getvalue() == ""


def test_plain_lines():
    stream = io.StringIO()
    send(ConsoleLogger("plain", every=0, stream=stream))
    assert stream.getvalue().splitlines() == [
        "js-1: 1,000 rows, at most 100 steps",
        "step 10 of 100, epoch 1.5, held-out MI 0.500 nats",
    ]


def test_plain_lines_where_nobody_knows_how_many_steps_there_will_be():
    stream = io.StringIO()
    send(ConsoleLogger("plain", every=0, stream=stream), [replace(STARTED, steps=0), VALID])
    assert "at most" not in stream.getvalue()
    assert f"step {VALID.step}, " in stream.getvalue()


def test_plain_lines_come_only_now_and_then():
    stream = io.StringIO()
    send(ConsoleLogger("plain", every=1000, stream=stream), [STARTED, VALID, VALID, VALID])
    assert len(stream.getvalue().splitlines()) == 2


@pytest.mark.parametrize("style", ["auto", "bar"])
def test_a_bar_on_a_terminal_shows_the_estimate_and_vanishes(monkeypatch, style):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    send(ConsoleLogger(style, stream=stream))
    assert "held-out MI 0.500 nats" in stream.getvalue()
    assert "training" in stream.getvalue()
    assert stream.getvalue().rstrip("\n").endswith("\x1b[2K")


def test_a_bar_without_steps_and_one_that_never_starts(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    send(ConsoleLogger(stream=stream), [RunStarted("[red]ksg", {}, 0, 10)])
    assert "estimating" in stream.getvalue()
    quiet = Terminal()
    send(ConsoleLogger(stream=quiet), [VALID, FINISHED])
    assert quiet.getvalue() == ""


# --- several ----------------------------------------------------------------------------------------------


class Memory(Logger):
    def __init__(self):
        self.events = []
        self.closed = 0

    def emit(self, event):
        self.events.append(event)

    def close(self):
        self.closed += 1


class Failing(Memory):
    def __init__(self, error, where="emit"):
        super().__init__()
        self.error = error
        self.where = where

    def emit(self, event):
        super().emit(event)
        if self.where == "emit":
            raise self.error

    def close(self):
        super().close()
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("disk full"), SystemExit(3)])
def test_a_logger_that_fails_is_reported_once_and_switched_off(error):
    good, bad, failures = Memory(), Failing(error), []
    hub = Hub([("bad", bad), ("good", good)], lambda *failure: failures.append(failure))
    send(hub)
    assert failures == [("bad", error)]
    assert bad.events == [STARTED]
    assert bad.closed == 1
    assert good.events == list(EVENTS)
    assert good.closed == 1


def test_a_failure_on_close_is_reported_and_the_others_are_closed():
    good, bad, failures = Memory(), Failing(OSError("late"), "close"), []
    hub = Hub([("bad", bad), ("good", good)], lambda *failure: failures.append(failure))
    send(hub)
    assert failures == [("bad", bad.error)]
    assert good.closed == 1


def test_an_interrupt_in_a_logger_is_not_a_failure():
    hub = Hub([("bad", Failing(KeyboardInterrupt()))], lambda *_: pytest.fail("reported"))
    with pytest.raises(KeyboardInterrupt):
        hub.emit(STARTED)


def test_the_end_of_a_run_is_told_once_and_only_if_it_began():
    heard = []

    class Ear(Listener):
        def emit(self, event):
            heard.append(event)

    def begun_and_ended_by(error):
        with Relay(Ear()) as relay:
            relay.emit(STARTED)
            raise error

    with pytest.raises(ValueError, match="early"), Relay(Ear()):
        raise ValueError("early")
    assert not heard
    with pytest.raises(ValueError, match="it diverged"):
        begun_and_ended_by(ValueError("it diverged"))
    assert heard == [STARTED, RunFinished("failed", {}, "it diverged")]
    with pytest.raises(KeyboardInterrupt):
        begun_and_ended_by(KeyboardInterrupt())
    assert heard[-1].status == "interrupted"
    with Relay(Ear()) as relay:
        relay.emit(STARTED)
        relay.finish(complete=True, result={"mi": 1.0})
    assert heard[-2:] == [STARTED, RunFinished("success", {"mi": 1.0})]


@dataclass(frozen=True)
class Options:
    error: str = option("", help="What to raise.")


class Starting(Memory):
    opened: ClassVar[list[Logger]] = []

    def __init__(self, error):
        super().__init__()
        if error:
            raise {"exit": SystemExit(1), "config": ConfigError("no server")}.get(error, RuntimeError(error))
        Starting.opened.append(self)


class Plugin:
    @hookimpl
    def mist_loggers(self):
        yield LoggerSpec("starting", f"{__name__}:Starting", "Starts.", options=Options)


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.setattr(Starting, "opened", [])
    return Registry(discover=False, plugins=(Plugin(),))


def test_loggers_are_opened_with_their_options(tmp_path, registry):
    path = tmp_path / "a,b.csv"
    opened = open_loggers([Choice("csv", {"path": str(path)}), Choice("csv", {"path": str(path)})], registry)
    assert [name for name, _ in opened] == ["csv", "csv"]
    for _, logger in opened:
        logger.close()
    assert path.is_file()


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ("boom", PluginError, "logger 'starting' cannot start: RuntimeError: boom"),
        ("exit", PluginError, "logger 'starting' cannot start: SystemExit: 1"),
        ("config", ConfigError, "no server"),
    ],
)
def test_a_logger_that_cannot_start_ends_the_run_before_it_begins(registry, error, kind, message):
    choices = [Choice("starting"), Choice("starting", {"error": error})]
    with pytest.raises(kind, match=message):
        open_loggers(choices, registry)
    assert [logger.closed for logger in Starting.opened] == [1]


def test_nothing_heavy_is_imported_for_a_log():
    program = "import sys\n"
    program += "from mistcli.loggers import console, csv, jsonl, multiplexer\n"
    program += "print({'torch', 'numpy', 'pandas', 'scipy', 'rich', 'yaml'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "set()"

"""The built-in commands. Their summaries stand here, so that `mist --help` imports none of them."""

from __future__ import annotations

from collections.abc import Iterable

from mistcli.plugin import CommandSpec, hookimpl

__all__ = ["mist_commands"]


@hookimpl
def mist_commands() -> Iterable[CommandSpec]:
    """Yield the built-in commands, in the order in which help shows them."""
    yield CommandSpec(
        "estimate",
        "mistcli.cli.estimate:estimate",
        "Estimate the mutual information of two groups of columns.",
    )
    yield CommandSpec("evaluate", "mistcli.cli.evaluate:evaluate", "Apply a kept estimator to other data.")
    yield CommandSpec("test", "mistcli.cli.independence:test", "Test whether two groups of columns are independent.")
    yield CommandSpec("matrix", "mistcli.cli.matrix:matrix", "Estimate it for all pairs of columns.")
    yield CommandSpec("rank", "mistcli.cli.rank:rank", "Rank columns by their information about a target.")
    yield CommandSpec("lag", "mistcli.cli.lag:lag", "Estimate it against the lag of a time series.")
    yield CommandSpec("bench", "mistcli.cli.bench:bench", "Measure estimators where the truth is known.")
    yield CommandSpec("sweep", "mistcli.cli.sweep:sweep", "Estimate under many settings, and choose among them.")
    yield CommandSpec(
        "resume", "mistcli.cli.resume:resume", "Go on with a benchmark, sweep or matrix that was stopped."
    )
    yield CommandSpec("columns", "mistcli.cli.columns:columns", "List the columns of a file.")
    yield CommandSpec("list-estimators", "mistcli.cli.listing:list_estimators", "List the estimators.")
    yield CommandSpec("list-critics", "mistcli.cli.listing:list_critics", "List the critics.")
    yield CommandSpec("list-readers", "mistcli.cli.listing:list_readers", "List the readers of files.")
    yield CommandSpec("list-loggers", "mistcli.cli.listing:list_loggers", "List the loggers.")
    yield CommandSpec("list-executors", "mistcli.cli.listing:list_executors", "List the executors.")
    yield CommandSpec("show", "mistcli.cli.show:show", "Show one of them: facts, options, reference.")
    yield CommandSpec("plugin", "mistcli.cli.plugin:plugin", "Make a plugin, or check one.")
    yield CommandSpec("plugins", "mistcli.cli.plugins:plugins", "List the plugins, and what is wrong with them.")
    yield CommandSpec("config", "mistcli.cli.config:config", "Show the configuration, and where it comes from.")
    yield CommandSpec(
        "completion", "mistcli.cli.completion:completion", "Print the script that completes in your shell."
    )

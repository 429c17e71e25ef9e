"""One listener for several loggers, in which no logger's failure reaches the run or the other loggers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mistcli.config.schema import Choice
from mistcli.errors import MistError, PluginError
from mistcli.loggers.base import Logger
from mistcli.plugin.options import fields, parse
from mistcli.training.events import Event, Listener

if TYPE_CHECKING:
    from mistcli.plugin.registry import Registry

__all__ = ["Hub", "open_loggers"]


class Hub(Listener):
    """Passes each event on to every logger; one that fails is reported once and switched off.

    Arguments:
        loggers: The loggers, each with the name that its failure is reported under.
        on_failure: Called with the name of a logger and what it raised.

    Example:
        >>> class Broken(Logger):
        ...     def emit(self, event):
        ...         raise RuntimeError("disk full")
        >>> hub = Hub([("mine", Broken())], lambda name, error: print(f"{name}: {error}"))
        >>> hub.emit(Event())
        mine: disk full
        >>> hub.emit(Event())
    """

    def __init__(self, loggers: Iterable[tuple[str, Logger]], on_failure: Callable[[str, BaseException], None]) -> None:
        self._loggers = list(loggers)
        self._on_failure = on_failure

    def emit(self, event: Event) -> None:
        """Pass `event` on."""
        for pair in tuple(self._loggers):
            name, logger = pair
            try:
                logger.emit(event)
            except (Exception, SystemExit) as error:
                self._loggers.remove(pair)
                self._on_failure(name, error)
                with contextlib.suppress(Exception, SystemExit):
                    logger.close()

    def close(self) -> None:
        """Close all loggers that are still on."""
        while self._loggers:
            name, logger = self._loggers.pop(0)
            try:
                logger.close()
            except (Exception, SystemExit) as error:
                self._on_failure(name, error)


def open_loggers(choices: Iterable[Choice], registry: Registry) -> list[tuple[str, Logger]]:
    """Return the loggers that were chosen, ready to take events.

    Raises:
        ConfigError: If a name or an option is wrong, or a file cannot be written.
        PluginError: If a logger cannot be loaded, or fails to start.
    """
    opened: list[tuple[str, Logger]] = []
    try:
        for choice in choices:
            opened.append((choice.name, _opened(choice, registry)))
    except BaseException:
        for _, logger in opened:
            logger.close()
        raise
    return opened


def _opened(choice: Choice, registry: Registry) -> Logger:
    entry = registry.get("loggers", choice.name)
    options = parse(entry.spec.options, choice.options, owner=f"logger {choice.name!r}")
    given = {item.name: getattr(options, item.name) for item in fields(entry.spec.options)}
    target = registry.load(entry)
    try:
        logger: Logger = target(**given)
    except MistError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"logger {choice.name!r} cannot start: {type(error).__name__}: {error}; leave it out or mend it."
        ) from error
    return logger

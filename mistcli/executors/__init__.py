"""Executors: who runs many independent tasks, and where."""

from mistcli.executors.base import Done, Executor, Task, Work, open_executor

__all__ = ["Done", "Executor", "Task", "Work", "open_executor"]

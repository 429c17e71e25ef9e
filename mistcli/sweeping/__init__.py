"""Sweeps: the same estimate under many settings, and the choice between them."""

from mistcli.sweeping.grid import MAX_POINTS, expand
from mistcli.sweeping.running import Swept, run, sweep_tasks, to_dict

__all__ = ["MAX_POINTS", "Swept", "expand", "run", "sweep_tasks", "to_dict"]

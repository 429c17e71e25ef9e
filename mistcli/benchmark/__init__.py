"""Problems with known mutual information, and how far estimators are off on them."""

from mistcli.benchmark.leaderboard import Line, leaderboard
from mistcli.benchmark.problem import Problem
from mistcli.benchmark.random_tables import RandomTask, random_task, random_tasks
from mistcli.benchmark.runner import Plan, Row, run
from mistcli.benchmark.tasks import find, problems

__all__ = [
    "Line",
    "Plan",
    "Problem",
    "RandomTask",
    "Row",
    "find",
    "leaderboard",
    "problems",
    "random_task",
    "random_tasks",
    "run",
]

"""Work for executors, in a module that another process can import: each reads what to do from the data of its task."""

import os
import signal
import time
from pathlib import Path


def double(data):
    return {"double": 2 * data["x"], "pid": os.getpid()}


def environment(data):
    import torch

    return {"omp": os.environ.get("OMP_NUM_THREADS"), "threads": torch.get_num_threads()}


def misbehave(data):
    """Do what the task says: be killed (once, or always), sleep, raise, print, exit, or double."""
    match data["do"]:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die once":
            mark = Path(data["mark"])
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            Path(data["mark"]).touch()
            time.sleep(60)
        case "raise":
            raise ValueError("boom")
        case "exit":
            raise SystemExit(3)
        case "print":
            print("noise")  # noqa: T201
    return {"double": 2 * data["x"]}


class Unpicklable:
    def __call__(self, data):
        return double(data)

    def __reduce__(self):
        raise TypeError("no")

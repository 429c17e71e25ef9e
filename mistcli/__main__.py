"""The command `mist`, and `python -m mistcli`."""

from __future__ import annotations

from mistcli.cli.group import mist

__all__ = ["main"]


def main() -> None:
    """Run the command line, and exit."""
    mist.main(prog_name="mist")


if __name__ == "__main__":
    main()

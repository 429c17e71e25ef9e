"""`mist completion SHELL`: the script that makes a shell complete commands, estimators and columns."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["completion"]

SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print the script that completes in your shell.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    """Print the script that completes in your shell.

    \b
        bash: mist completion bash >> ~/.bashrc
        zsh:  mist completion zsh >> ~/.zshrc
        fish: mist completion fish > ~/.config/fish/completions/mist.fish
    """
    complete = get_completion_class(shell)
    if complete is None:  # click knows all three
        raise click.BadParameter(f"click cannot complete in {shell}.")
    click.echo(complete(ctx.find_root().command, {}, "mist", "_MIST_COMPLETE").source())

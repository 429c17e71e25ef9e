"""Names that come from files, made safe to show: a column may be called anything, an escape sequence too."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["listed", "printable"]


def printable(text: str, limit: int = 80) -> str:
    r"""Return `text` on one line, cut off after `limit` characters, with all that a terminal obeys escaped.

    Control characters, the escape character, line ends and marks that change the direction of writing are
    shown as Python escapes. What rich takes for markup is left alone: print it with `markup=False`.

    Example:
        >>> printable("\x1b[31mred\x1b[0m")
        '\\x1b[31mred\\x1b[0m'
        >>> printable("abcdef", limit=3)
        'abc…'
    """
    shown = text[:limit] + "…" if len(text) > limit else text
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)


def listed(names: Sequence[str], limit: int = 8) -> str:
    """Return the first `limit` of `names`, each in quotes, and how many more there are.

    Example:
        >>> listed(["a", "b", "c"], limit=2)
        "'a', 'b' and 1 more"
    """
    shown = ", ".join(f"'{printable(name)}'" for name in names[:limit])
    more = len(names) - limit
    return f"{shown} and {more} more" if more > 0 else shown

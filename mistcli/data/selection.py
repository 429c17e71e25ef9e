r"""The grammar that says which columns are x and which are y.

A selector is a list of terms, separated by commas. Each term is, in this order of precedence:

- the name of a column, exactly; in double quotes if it holds a comma (a quote within is doubled);
- `f1`, the group `f1_1, f1_2, ...` in numeric order;
- `[3]`, `[-1]`, `[0:10]`, positions by the rules of Python;
- `/regex/`, every column in which it is found;
- `gene_*`, a glob, where upper and lower case differ;
- `a:b`, every column from `a` to `b` in the order of the file, both included.

`!term` takes away what the term matches; a selector of nothing else takes away from all columns.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence

from mistcli.errors import ConfigError
from mistcli.text import listed, printable

__all__ = ["beside", "quote", "resolve", "select"]

QUOTED = r'"(?:[^"]|"")*+"'
TERM = re.compile(
    rf'\s*(?P<term>!?\s*(?:{QUOTED}|(?:{QUOTED}|[^,:"]*):{QUOTED}|{QUOTED}:[^,]*|/(?:[^/\\]|\\.)*+/|[^,]*))'
    r"\s*(?:,|\Z)",
    re.DOTALL,
)
WHOLE_QUOTED = re.compile(QUOTED, re.DOTALL)
POSITION = re.compile(r"\[(-?\d{1,9})\]")
POSITIONS = re.compile(r"\[(-?\d{1,9})?:(-?\d{1,9})?(?::(-?\d{1,9})?)?\]")
RANGE = re.compile(rf'({QUOTED}|[^:"]*):({QUOTED}|[^"]*)', re.DOTALL)
LONGEST_PATTERN = 1000
MOST_COMPARED = 5000


def select(columns: Sequence[str], selector: str, *, side: str = "x") -> list[str]:
    """Return the columns that `selector` names, each once, in the order of its terms.

    Arguments:
        columns: All columns, in the order of the file.
        selector: What to select, in the grammar of this module.
        side: What they are selected for, for messages.

    Raises:
        ConfigError: If a term matches nothing or is malformed, or nothing is left.

    Example:
        >>> select(["id", "f1_2", "f1_1", "f2", "f3"], "f1,f2:f3")
        ['f1_1', 'f1_2', 'f2', 'f3']
        >>> select(["id", "f1", "f2"], "!id")
        ['f1', 'f2']
    """
    terms = list(_terms(selector))
    if not terms:
        raise ConfigError(f"{side} selects no column: expected names out of {listed(columns)}.")
    lookup = _Lookup(columns, side)
    taken: dict[str, None] = {}
    dropped: set[str] = set()
    positive = False
    for term in terms:
        if term.startswith("!") and term not in lookup.position:
            dropped.update(lookup.match(term[1:].strip()))
        else:
            positive = True
            taken.update(dict.fromkeys(lookup.match(term)))
    left = [name for name in (taken if positive else columns) if name not in dropped]
    if not left:
        raise ConfigError(f"{side} selects no column: '{printable(selector)}' takes all of them away again.")
    return left


def resolve(columns: Sequence[str], x: str, y: str) -> tuple[list[str], list[str]]:
    """Return the columns of both sides.

    Raises:
        ConfigError: If a selector is not right, or a column would be on both sides.

    Example:
        >>> resolve(["a", "b", "c"], "a", "!a")
        (['a'], ['b', 'c'])
    """
    names_x, names_y = select(columns, x, side="x"), select(columns, y, side="y")
    others = set(names_y)
    both = [name for name in names_x if name in others]
    if both:
        raise ConfigError(
            f"x and y share {listed(both)}: a column can be on one side only; "
            f"take it away from the other with '!{printable(both[0])}'."
        )
    return names_x, names_y


def beside(columns: Sequence[str], selector: str, sides: Mapping[str, Sequence[str]], *, side: str) -> list[str]:
    """Return the columns that `selector` names, none of which may be on one of the `sides` that are taken.

    Raises:
        ConfigError: If the selector is not right, or a column would be on two sides.

    Example:
        >>> beside(["a", "b", "c"], "c", {"x": ["a"], "y": ["b"]}, side="given")
        ['c']
    """
    names = select(columns, selector, side=side)
    for other, taken in sides.items():
        if both := [name for name in names if name in set(taken)]:
            raise ConfigError(
                f"{side} and {other} share {listed(both)}: a column can be on one side only; "
                f"take it away from {other} with '!{printable(both[0])}'."
            )
    return names


def quote(name: str) -> str:
    """Return the selector of the column `name` and nothing else.

    Example:
        >>> print(quote('12" pipe, steel'))
        "12"" pipe, steel"
    """
    return '"' + name.replace('"', '""') + '"'


class _Lookup:
    """The columns of a file, to match terms against."""

    def __init__(self, columns: Sequence[str], side: str) -> None:
        self.columns = columns
        self.side = side
        self.position = {name: index for index, name in enumerate(columns)}

    def match(self, term: str) -> list[str]:
        """Return the columns that a term without its `!` matches, at least one."""
        unquoted = _unquote(term)
        if unquoted in self.position:
            return [unquoted]
        if term in self.position:
            return [term]
        found = [] if unquoted != term else self.group(term) or self.pattern(term)
        if not found:
            raise self.unknown(unquoted)
        return found

    def group(self, term: str) -> list[str]:
        """Return the columns `term_1, term_2, ...`, in numeric order."""
        numbered = re.compile(re.escape(term) + r"_([0-9]{1,9})")
        found = [match for name in self.columns if (match := numbered.fullmatch(name))]
        return [match[0] for match in sorted(found, key=lambda match: int(match[1]))]

    def pattern(self, term: str) -> list[str]:
        """Return the columns that a term matches which is not, or does not begin, a name."""
        if (match := POSITION.fullmatch(term)) or (match := POSITIONS.fullmatch(term)):
            return self.positions(match)
        if len(term) >= 2 and term[0] == term[-1] == "/":
            return self.search(term[1:-1])
        if any(character in term for character in "*?["):
            return self.search(fnmatch.translate(term), shown=term)
        if match := RANGE.fullmatch(term):
            return self.between(match[1], match[2])
        if '"' in term:
            raise ConfigError(f"{self.side}: a quote is left open in '{printable(term)}'.")
        return []

    def positions(self, match: re.Match[str]) -> list[str]:
        numbers = [None if text is None else int(text) for text in match.groups()]
        try:
            found = self.columns[slice(*numbers)] if len(numbers) > 1 else [self.columns[int(match[1])]]
        except IndexError:
            last = f"[{len(self.columns) - 1}]"
            raise ConfigError(f"{self.side}: no column is at {match[0]}; the last is {last}.") from None
        except ValueError:
            raise ConfigError(f"{self.side}: the step of {match[0]} cannot be 0.") from None
        return list(found)

    def search(self, pattern: str, shown: str = "") -> list[str]:
        shown = printable(shown or pattern)
        if len(pattern) > LONGEST_PATTERN:
            raise ConfigError(f"{self.side}: expected at most {LONGEST_PATTERN} characters in '{shown}'.")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                compiled = re.compile(pattern)
        except (re.error, Warning, OverflowError, RecursionError) as error:
            raise ConfigError(f"{self.side}: '{shown}' is not a regular expression: {error}.") from None
        return [name for name in self.columns if compiled.search(name)]

    def between(self, first: str, last: str) -> list[str]:
        start = self.position[self.named(first)] if first else 0
        end = self.position[self.named(last)] if last else len(self.columns) - 1
        if start > end:
            raise ConfigError(
                f"{self.side}: '{printable(first)}' comes after '{printable(last)}' in the file; swap them."
            )
        return list(self.columns[start : end + 1])

    def named(self, term: str) -> str:
        name = _unquote(term)
        if name not in self.position:
            raise self.unknown(name)
        return name

    def unknown(self, term: str) -> ConfigError:
        near = _nearest(term, self.columns)
        hint = f"nearest: {listed(near)}" if near else f"the columns are {listed(self.columns)}"
        return ConfigError(f"{self.side}: no column matches '{printable(term)}'; {hint}.")


def _terms(selector: str) -> Iterable[str]:
    position = 0
    while position < len(selector):
        match = TERM.match(selector, position)
        if match is None:
            raise ConfigError(f"expected terms between commas, got the selector '{printable(selector)}'.")
        position = match.end()
        if term := match["term"].strip():
            yield term


def _unquote(term: str) -> str:
    term = term.strip()
    return term[1:-1].replace('""', '"') if WHOLE_QUOTED.fullmatch(term) else term


def _nearest(name: str, columns: Sequence[str]) -> list[str]:
    """Return up to three names like `name`; of very many or very long names, only some are compared."""
    name = name[:200]
    candidates = [column for column in columns[:MOST_COMPARED] if len(column) <= 200]
    folded = name.casefold()
    same = [column for column in columns if column.casefold() == folded]
    return same[:3] or difflib.get_close_matches(name, candidates, n=3, cutoff=0.5)

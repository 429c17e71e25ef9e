"""Algorithms that several estimators share: neighbour search, tables of counts, rank transforms."""

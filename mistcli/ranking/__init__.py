"""Columns by their information about a target: alone, and beside those that are chosen already."""

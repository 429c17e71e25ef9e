"""Columns by what they tell of a target: alone, and beside those that are chosen already."""

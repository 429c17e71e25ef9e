"""Numerical routines on arrays: distances and neighbours, and tables of counts."""

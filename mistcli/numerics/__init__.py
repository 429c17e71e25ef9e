"""Numerical routines without statistics: distances and neighbours."""

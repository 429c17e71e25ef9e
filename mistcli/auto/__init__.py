"""Estimators that choose and combine others by what the data are like."""

"""Strategies: ways to an estimate that choose and combine estimators by what the data are like."""

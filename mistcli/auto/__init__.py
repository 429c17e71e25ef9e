"""The default estimator, `auto`: it combines estimators of different kinds on the same data."""

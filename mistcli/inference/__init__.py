"""Inference: from out-of-fold log ratios to a number, its error and its interval."""

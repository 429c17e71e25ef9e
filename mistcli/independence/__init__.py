"""Tests of independence: statistics of several kinds and scales, combined into one p-value."""

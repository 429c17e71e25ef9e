"""Interfaces for programs written for other packages."""

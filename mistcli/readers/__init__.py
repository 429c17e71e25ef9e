"""Readers turn a file into named columns."""

from mistcli.readers.base import Column, Reader, Table

__all__ = ["Column", "Reader", "Table"]

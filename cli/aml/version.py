"""The version, here alone: the build reads it from this file, and asking the installed package would cost 20 ms."""

__version__ = "0.1.0"

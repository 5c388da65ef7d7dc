"""The commands: a file for each noun, and the frame that loads the one that is asked for."""

COMPLETE_VARIABLE = "_AML_COMPLETE"
"""A shell's completion sets it: `aml` answers what could come next instead of running a command."""

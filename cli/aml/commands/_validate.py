"""`validate` as a verb of a noun: the check of one file, which has to be of a kind of that noun."""

from __future__ import annotations

from collections.abc import Callable

from aml.commands._options import File, Sets, Strict


def validate_verb(*kinds: str) -> Callable[..., int]:
    """The verb of a noun whose files are of these kinds; one that does not say what it is is of the first."""

    def validate(file: File, set_: Sets = None, strict: Strict = False) -> int:
        """Check a YAML file without creating anything: exit code 0 if it is valid, else 1."""
        from aml.commands.validate import check_files
        from aml.spec.check import as_kind

        return check_files([str(file)], set_ or [], strict=strict, judge=as_kind(kinds))

    return validate

"""The command `aml`: the one place where an error becomes text on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from pathlib import Path

    from aml.errors import AmlError

INTERRUPTED = 130  # as a shell tells SIGINT


def run() -> NoReturn:
    """The entry point of the installed command."""
    sys.exit(main())


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line, given without the program's name, and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:  # answered without loading what commands need
        from aml.version import __version__

        print(f"aml {__version__}")
        return 0
    try:
        return _flushed(_run(arguments))
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # below the terminal's ^C
        return INTERRUPTED


def _run(arguments: Sequence[str]) -> int:
    from aml.errors import AmlError

    try:
        from aml.commands import COMPLETE_VARIABLE

        if instruction := os.environ.get(COMPLETE_VARIABLE):
            from aml.commands._app import complete

            return complete(instruction)
        from aml.commands._app import run as run_command

        return run_command(arguments)
    except AmlError as error:
        return _report(error)
    except OSError as error:
        from aml.view.streams import put, reader_is_gone, silence

        if isinstance(error, BrokenPipeError) and reader_is_gone(sys.stdout):
            silence(sys.stdout)
            return 0
        try:
            put("", sys.stdout)  # fails again where it was stdout that could not be written
        except AmlError as unwritable:
            return _report(unwritable)
        return _report_unexpected(error, arguments)
    except Exception as error:
        return _report_unexpected(error, arguments)


def _flushed(code: int) -> int:
    from aml.errors import AmlError
    from aml.view.streams import put

    try:
        put("", sys.stdout)
    except AmlError as error:
        return _report(error)
    return code


def _report(error: AmlError, cause: BaseException | None = None) -> int:
    from aml.commands._globals import globals_
    from aml.view.color import has_color
    from aml.view.problems import error_text

    if globals_().debug:
        from traceback import print_exception

        print_exception(cause or error)
    print(error_text(error, color=has_color(sys.stderr), excerpt=sys.stderr.isatty()), file=sys.stderr)
    return error.exit_code


def _report_unexpected(error: Exception, arguments: Sequence[str]) -> int:
    from aml.errors import AmlError

    what = " ".join(f"{type(error).__name__}: {error}".split())
    try:
        place = f"The traceback is in {_write_log(error, arguments)}"
    except (OSError, RuntimeError) as unwritable:
        place = f"The traceback could not be saved ({unwritable}); --debug prints it"
    return _report(AmlError(f"aml failed unexpectedly ({what}). {place}."), error)


def _write_log(error: Exception, arguments: Sequence[str]) -> Path:
    """Keep the traceback where its owner alone reads it, without the options' values: they may be secrets."""
    import os
    import time
    from itertools import takewhile
    from pathlib import Path
    from traceback import format_exception

    from aml.version import __version__

    # Not asked of the workspace: what went wrong may be that it can't be imported.
    home = Path(os.environ.get("AML_HOME") or "~/.aml").expanduser().absolute()
    command = " ".join(takewhile(lambda word: not word.startswith("-"), arguments))
    log = home / "logs" / f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch(mode=0o600)
    log.write_text(f"aml {__version__}, Python {sys.version}\naml {command}\n{''.join(format_exception(error))}")
    return log


if __name__ == "__main__":
    run()

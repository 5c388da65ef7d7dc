"""Writing to a stream whose reader, or whose disk, may be gone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

from aml.errors import BackendError


def put(text: str, stream: TextIO) -> None:
    """Write and flush. A reader that went away ends it quietly; a full disk is a BackendError.

    What the stream's encoding does not have becomes `?`.
    """
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        silence(stream)
    except UnicodeEncodeError:
        put(text.encode(stream.encoding, "replace").decode(stream.encoding), stream)
    except OSError as error:
        silence(stream)
        raise BackendError(f"The output can't be written: {error.strerror}.") from error


def silence(stream: TextIO) -> None:
    """Send what is still buffered, and all that follows, nowhere: the interpreter flushes once more when it ends."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def reader_is_gone(stream: TextIO) -> bool:
    """Whether the other end of the stream's pipe or terminal is closed."""
    import select

    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))

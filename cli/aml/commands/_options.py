"""Options that several verbs share, named as az names them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Option("--file", "-f", metavar="FILE", help="YAML file.")]
OptionalFile = Annotated[Path | None, typer.Option("--file", "-f", metavar="FILE", help="YAML file.")]
Name = Annotated[str, typer.Option("--name", "-n", metavar="NAME", help="Name.")]
OptionalName = Annotated[str | None, typer.Option("--name", "-n", metavar="NAME", help="Name.")]
Version = Annotated[str, typer.Option("--version", "-v", metavar="VERSION", help="Version.")]
OptionalVersion = Annotated[str | None, typer.Option("--version", "-v", metavar="VERSION", help="Version.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Values over those of the file, as a.b[0].c=value; several."),
]
DownloadPath = Annotated[
    Path, typer.Option("--download-path", "-p", metavar="FOLDER", help="Where to; the current folder by default.")
]
IncludeArchived = Annotated[bool, typer.Option("--include-archived", help="Archived ones as well.")]
ArchivedOnly = Annotated[bool, typer.Option("--archived-only", help="Archived ones alone.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Web = Annotated[bool, typer.Option("--web", "-e", help="Open the job's files in a browser.")]

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
Strict = Annotated[bool, typer.Option("--strict", help="A warning is an error.")]
RegistryName = Annotated[
    str | None, typer.Option("--registry-name", metavar="NAME", help="A registry of this machine, not the workspace.")
]
ToRegistry = Annotated[str, typer.Option("--registry-name", metavar="NAME", help="The registry; made if need be.")]
SharedName = Annotated[str, typer.Option("--share-with-name", metavar="NAME", help="Its name there.")]
SharedVersion = Annotated[str, typer.Option("--share-with-version", metavar="VERSION", help="Its version there.")]
Label = Annotated[str | None, typer.Option("--label", "-l", metavar="LABEL", help="latest")]
MaxResults = Annotated[int | None, typer.Option("--max-results", "-r", min=1, help="At most so many.")]
Description = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is.")]
Tags = Annotated[list[str] | None, typer.Option("--tags", metavar="KEY=VALUE", help="Tags, several.")]
Datastore = Annotated[
    str | None, typer.Option("--datastore", metavar="NAME", help="For Azure; here files are kept in the workspace.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="For Azure; here nothing is left to wait for.")]
SkipValidation = Annotated[bool, typer.Option("--skip-validation", help="For Azure's checks; the file's are made.")]
ChangeSets = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="New values, as tags.a=b; several.")
]
Adds = Annotated[
    list[str] | None, typer.Option("--add", metavar="KEY", help="A mapping and what to put in: tags a=b; several.")
]
Removes = Annotated[
    list[str] | None, typer.Option("--remove", metavar="KEY", help="What to take away, as tags.a; several.")
]
ForceString = Annotated[bool, typer.Option("--force-string", help="For az's scripts; values are texts anyway.")]
DownloadPath = Annotated[
    Path, typer.Option("--download-path", "-p", metavar="FOLDER", help="Where to; the current folder by default.")
]
IncludeArchived = Annotated[bool, typer.Option("--include-archived", help="Archived ones as well.")]
ArchivedOnly = Annotated[bool, typer.Option("--archived-only", help="Archived ones alone.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Web = Annotated[bool, typer.Option("--web", "-e", help="Open the job's files in a browser.")]


def tags_of(tags: list[str] | None) -> dict[str, str] | None:
    """What `--tags` gives, None if it was not given."""
    return None if tags is None else {key: value for key, _, value in (tag.partition("=") for tag in tags)}

"""Names: of jobs that were given none, of users, and which ones can be the name of a folder."""

from __future__ import annotations

import getpass
import os
import re
import secrets
from collections.abc import Iterable

from aml.errors import AmlError, NotFound

_ADJECTIVES = (
    "amber ample blue bold brave bright brisk calm careful clever cool coral crisp curious dapper eager fair "
    "fancy fast fine fond frank free fresh gentle gifted glad good grand gray green happy heroic honest icy ivory "
    "jolly joyful keen kind lemon light lime lively loyal lucky mango merry mighty modest neat nice noble olive "
    "patient plucky polite proud purple quick quiet red ruby salmon sharp shy silver sincere sleepy smart solid "
    "stoic strong sunny sweet teal tender tidy tough upbeat vivid warm wheat willing wise witty yellow zen"
).split()
_NOUNS = (
    "acorn anchor arrow aspen badger barn basket beacon beaver birch bison boulder bridge brook cabin canoe "
    "canyon cedar cherry clover comet compass condor coyote creek cricket crow dawn delta desert dune eagle ember "
    "falcon fern field finch fjord forest fox garnet geyser glacier grove gull harbor hawk hazel heron hill "
    "horizon island ivy jasmine kayak kestrel lagoon lake lantern lark laurel lichen lily lynx maple marsh meadow "
    "meteor mill moss mountain nebula oak orbit orchid otter owl panda path pebble pelican pine planet pond "
    "prairie quail quartz raven reed reef ridge robin sail salmon shore sparrow spruce stone summit swallow "
    "thicket tide trail tulip valley walnut willow wren"
).split()
_TAIL_CHARACTERS = "bcdfghjklmnpqrstvwxyz0123456789"


def new_name() -> str:
    """`adjective_noun_` and ten characters, as Azure makes them; the tail alone has 31^10 values."""
    tail = "".join(secrets.choice(_TAIL_CHARACTERS) for _ in range(10))
    return f"{secrets.choice(_ADJECTIVES)}_{secrets.choice(_NOUNS)}_{tail}"


_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")  # also what MLflow takes for the id of a run
_ASSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")


def check_job_name(name: str) -> None:
    _check(name, _JOB, "a job", "letters, digits, '-' and '_'")


def check_asset_name(name: str, what: str) -> None:
    """`what` is what it would be the name of: a model, a version, a workspace."""
    _check(name, _ASSET, what, "letters, digits, '-', '_' and '.'")


def user_name() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without an entry, as in containers
        return str(os.getuid())


def not_there(what: str, noun: str, registry: str | None) -> NotFound:
    """`what` is what there is not, `noun` the command that lists those that there are."""
    where = "this workspace" if registry is None else f"the registry {registry}"
    flag = "" if registry is None else f" --registry-name {registry}"
    return NotFound(f"there is {what} in {where}", f"`aml {noun} list{flag}` shows what there is.")


def next_version(taken: Iterable[str]) -> str:
    """One more than the greatest whole number among the versions that there are."""
    return str(max((int(version) for version in taken if version.isdecimal()), default=0) + 1)


def _check(name: str, pattern: re.Pattern[str], what: str, allowed: str) -> None:
    if not pattern.fullmatch(name):
        hint = f"Use {allowed}, at most 255 of them, the first a letter or a digit."
        raise AmlError(f"{name!r} can't be the name of {what}", hint)

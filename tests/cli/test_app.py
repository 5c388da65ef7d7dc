"""The frame of the commands, with a noun of the test's own: grammar, loading, exit codes, messages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOWL = '''
"""A noun of the test's own."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from aml.commands._app import globals_, note
from aml.errors import BackendError, JobFailed, NotFound, Problem, SpecError
from aml.view import documents

app = typer.Typer()
Name = Annotated[str, typer.Option("--name", "-n")]


def told(**values: object) -> None:
    print(json.dumps({"values": values, "globals": asdict(globals_())}, default=str))


@app.command()
def show(name: Name, web: Annotated[bool, typer.Option("--web", "-e")] = False) -> None:
    """Show a fowl.

    It says what it was given.
    """
    told(name=name, web=web)


@app.command()
def create(
    path: Annotated[Path | None, typer.Argument()] = None,
    experiment_name: Annotated[str | None, typer.Option("--experiment-name")] = None,
    endpoint_name: Annotated[str | None, typer.Option("--endpoint-name")] = None,
    endpoint_url: Annotated[str | None, typer.Option("--endpoint-url")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    tags: Annotated[list[str] | None, typer.Option("--tags")] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=9)] = 1,
    rate: Annotated[float, typer.Option("--rate")] = 0.5,
    kind: Annotated[Literal["hen", "cock"], typer.Option("--kind", case_sensitive=False)] = "hen",
    stream: Annotated[bool, typer.Option("--stream", "-s")] = False,
) -> None:
    """Make a fowl."""
    told(**locals())


@app.command("list")
def list_() -> None:
    """List fowls."""
    documents.write([{"name": "a", "n": i} for i in range(3)], output=globals_().output, query=globals_().query)


@app.command()
def ours(workspace_name: Annotated[str, typer.Option("--workspace-name", "-w")] = "own") -> None:
    """Has a global argument's name for itself."""
    told(workspace_name=workspace_name)


@app.command()
def code(code: int) -> int:
    """End with a code."""
    return code


@app.command()
def fail(how: str) -> None:
    """Fail in some way."""
    note("beware")
    match how:
        case "failed":
            raise JobFailed("The job failed.", "Look at its log,\\nor ask.")
        case "missing":
            raise NotFound("There is no such fowl.")
        case "backend":
            raise BackendError("The disk is full.")
        case "spec":
            problems = [
                Problem("unknown-key", "'comand' is no key.", ("comand",), 2, 3, "Did you mean 'command'?"),
                Problem("deprecated", "'x' is old.", ("x",), 1, 1, severity="warning"),
            ]
            raise SpecError("job.yml", problems, "type: command\\n\\tcomand: x\\n")
        case "bug":
            raise KeyError("a\\nbug")
        case "prompt":
            typer.confirm("Sure?")
        case "wait":
            print("waiting", flush=True)
            import signal
            signal.pause()
        case "socket":
            import socket
            a, b = socket.socketpair()
            b.close()
            a.send(b"x")
'''

PLAIN = '''
import typer
app = typer.Typer()
@app.command()
def inspect(files: list[str]) -> None:
    """Inspect files."""
    print(*files, sep=",")
'''

DRIVER = """
import sys
import aml.commands
from aml.commands import _app

aml.commands.__path__.append(sys.argv.pop(1))
_app.NOUNS = {"fowl": "Fowls of all kinds.", "broken-noun": "Can't be loaded."}
_app.COMMANDS = {"inspect": "Inspect files."}
"""
RUN = DRIVER + "from aml.__main__ import run\nrun()\n"


@pytest.fixture(scope="session")
def nouns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nouns")
    (folder / "fowl.py").write_text(FOWL)
    (folder / "inspect.py").write_text(PLAIN)
    (folder / "broken_noun.py").write_text("raise SystemError('loaded')\n")
    return folder


class Cli:
    def __init__(self, nouns: Path) -> None:
        self.nouns = nouns

    def argv(self, line: str | list[str], script: str = RUN) -> list[str]:
        words = line.split() if isinstance(line, str) else line
        return [sys.executable, "-c", script, str(self.nouns), *words]

    def __call__(self, line: str | list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.run(self.argv(line), **(streams | options))

    def told(self, line: str | list[str]) -> Any:
        done = self(line)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    def error(self, line: str | list[str], code: int = 2) -> str:
        done = self(line)
        assert (done.returncode, done.stdout) == (code, ""), done
        return done.stderr


@pytest.fixture
def cli(nouns: Path) -> Cli:
    return Cli(nouns)


def test_global_arguments_are_taken_in_any_place(cli: Cli) -> None:
    for line in (
        "fowl show -n x -o TSV --query a.b -w dev -g rg --subscription s --verbose",
        "-o tsv --query a.b -w dev --verbose fowl -g rg --subscription s show -n x",
        "fowl --out=tsv --quer=a.b show --workspace dev --resource-g rg --name x --verb --subscription s",
    ):
        told = cli.told(line)
        assert told["values"] == {"name": "x", "web": False}
        assert told["globals"] == {
            "output": "tsv",
            "query": "a.b",
            "workspace_name": "dev",
            "resource_group": "rg",
            "subscription": "s",
            "only_show_errors": False,
            "verbose": True,
            "acquire_policy_token": False,
            "change_reference": None,
            "debug": False,
        }


def test_of_a_global_argument_given_twice_the_later_counts(cli: Cli) -> None:
    assert cli.told("-o json fowl -o yaml show -n x -o tsv")["globals"]["output"] == "tsv"
    assert cli.told("-o json fowl -o yaml show -n x")["globals"]["output"] == "yaml"


def test_a_verb_may_have_the_name_of_a_global_argument_for_itself(cli: Cli) -> None:
    told = cli.told("fowl ours -w mine")
    assert (told["values"]["workspace_name"], told["globals"]["workspace_name"]) == ("mine", None)


def test_long_options_may_be_abbreviated(cli: Cli) -> None:
    values = cli.told("fowl create --exp e1 --str --endpoint-n ep --cou=3 --rat 1e-3 --kind COCK a/b")["values"]
    assert values["experiment_name"] == "e1"
    assert (values["endpoint_name"], values["stream"], values["count"]) == ("ep", True, 3)
    assert (values["rate"], values["kind"], values["path"]) == (0.001, "cock", "a/b")


def test_an_ambiguous_abbreviation_names_the_candidates(cli: Cli) -> None:
    assert cli.error("fowl create --endpoint x") == (
        "ERROR: --endpoint is ambiguous: it could be --endpoint-name, --endpoint-url.\n"
        "  'aml fowl create --help' shows what it takes.\n"
    )


def test_a_list_option_takes_several_values_and_may_be_repeated(cli: Cli) -> None:
    values = cli.told("fowl create --set a=1 b.c=2 -s --tags x=y z= --set d=-3 path")["values"]
    assert values["set_"] == ["a=1", "b.c=2", "d=-3", "path"]
    assert (values["tags"], values["stream"], values["path"]) == (["x=y", "z="], True, None)


def test_what_follows_two_dashes_is_no_option(cli: Cli) -> None:
    assert cli.told("fowl create --set a=1 -- --exp")["values"]["path"] == "--exp"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fowl", "'aml fowl' needs a command: show, create, list, ours, code, fail."),
        ("fowl -o json", "Missing command."),
        ("fowk", "'fowk' is not a command of 'aml'.\n  Did you mean 'aml fowl'?"),
        ("xyz", "'xyz' is not a command of 'aml'.\n  'aml --help' shows what it takes."),
        ("fowl shw", "'shw' is not a command of 'aml fowl'.\n  Did you mean 'aml fowl show'?"),
        ("fowl show", "Missing option '--name' / '-n'."),
        ("fowl show --name", "--name needs a value."),
        ("fowl show -n x --wep", "No such option: --wep\n  Did you mean --web?"),
        ("fowl show -n x -z", "No such option: -z"),
        ("fowl show -n x y", "Got unexpected extra argument(s) (y)"),
        ("fowl create --set", "--set needs at least one value."),
        ("fowl create --stream=1", "Option '--stream' does not take a value."),
        ("fowl create --count 0", "Invalid value for '--count': 0 is less than 1."),
        ("fowl create --count 10", "Invalid value for '--count': 10 is more than 9."),
        ("fowl create --count 1.5", "Invalid value for '--count': '1.5' is not an integer."),
        ("fowl create --rate x", "Invalid value for '--rate': 'x' is not a number."),
        ("fowl create --kind cow", "Invalid value for '--kind': 'cow' is not one of 'hen', 'cock'."),
        ("fowl code x", "Invalid value for 'code': 'x' is not an integer."),
        ("fowl show -n x -o xml", "Invalid value for '--output' / '-o': 'xml' is not one of 'json'"),
        ("fowl show -n x --query a[", "--query is not valid JMESPath: it ends too early at column 3.\n  a[\n    ^"),
    ],
)
def test_a_wrong_command_line_is_one_message_and_exit_code_2(cli: Cli, line: str, message: str) -> None:
    assert cli.error(line).startswith(f"ERROR: {message}")


def test_the_exit_code_of_a_verb_is_its_own(cli: Cli) -> None:
    assert cli("fowl code 7").returncode == 7
    assert cli("fowl list").returncode == 0


@pytest.mark.parametrize(("how", "code"), [("failed", 1), ("backend", 1), ("missing", 3)])
def test_an_error_has_the_exit_code_of_its_class(cli: Cli, how: str, code: int) -> None:
    assert cli(f"fowl fail {how}").returncode == code


def test_an_error_says_what_is_wrong_and_what_to_do(cli: Cli) -> None:
    expected = "note: beware\nERROR: The job failed.\n  Look at its log,\n  or ask.\n"
    assert cli.error("fowl fail failed", 1) == expected
    assert cli.error("fowl fail failed --only-show-errors", 1) == expected.partition("\n")[2]


def test_every_problem_of_a_document_is_told_with_its_place(cli: Cli) -> None:
    assert cli.error("fowl fail spec --only-show-errors", 1) == (
        "job.yml:2:3: 'comand' is no key. [unknown-key]\n"
        "  Did you mean 'command'?\n"
        "job.yml:1:1: warning: 'x' is old. [deprecated]\n"
        "ERROR: job.yml: 1 error, 1 warning.\n"
    )


def test_on_a_terminal_a_problem_shows_its_line_in_colour(cli: Cli) -> None:
    shown = stderr_on_terminal(cli, "fowl fail spec")
    assert "\x1b[1;31m^\x1b[0m" in shown
    assert "  2 | \tcomand: x\n    | \t ^\n" in stderr_on_terminal(cli, "fowl fail spec", NO_COLOR="1")


def stderr_on_terminal(cli: Cli, line: str, **environment: str) -> str:
    controller, terminal = os.openpty()
    cli(line, stderr=terminal, env={**os.environ, "TERM": "xterm", **environment})
    os.close(terminal)
    shown = b""
    try:
        while chunk := os.read(controller, 65536):
            shown += chunk
    except OSError:  # Linux tells so that nobody has the terminal open any more
        os.close(controller)
    return shown.decode().replace("\r\n", "\n")


def test_an_unexpected_error_is_one_line_and_a_log_that_its_owner_alone_reads(cli: Cli, aml_home: Path) -> None:
    told = cli.error("fowl fail bug --only-show-errors --query secret", 1)
    (log,) = (aml_home / "logs").iterdir()
    assert told == f"ERROR: aml failed unexpectedly (KeyError: 'a\\nbug'). The traceback is in {log}.\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert "aml fowl fail bug\nTraceback" in log.read_text()
    assert "secret" not in log.read_text()


def test_debug_prints_the_traceback_too(cli: Cli) -> None:
    told = cli("fowl fail bug --debug").stderr
    assert "Traceback (most recent call last)" in told
    assert told.splitlines()[-1].startswith("ERROR: aml failed unexpectedly")


def test_an_unexpected_error_is_told_where_no_log_can_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = cli("fowl fail bug", env={**os.environ, "AML_HOME": str(tmp_path / "file")})
    assert done.returncode == 1
    assert "could not be saved" in done.stderr
    assert "Traceback (" not in done.stderr


def test_a_noun_that_cannot_be_loaded_is_an_unexpected_error(cli: Cli) -> None:
    assert "SystemError: loaded" in cli.error("broken-noun x", 1)


def test_an_interrupt_ends_quietly_with_130(cli: Cli) -> None:
    process = subprocess.Popen(
        cli.argv("fowl fail wait --only-show-errors"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate() == ("", "")
    assert process.returncode == 130


def test_a_prompt_that_nobody_answers_ends_with_130(cli: Cli) -> None:
    assert cli("fowl fail prompt", stdin=subprocess.DEVNULL).returncode == 130


@pytest.mark.parametrize("line", ["fowl list", "--help", "fowl create --help", "fowl show -n x"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_is_gone_ends_it_quietly(cli: Cli, line: str, unbuffered: str) -> None:
    read, write = os.pipe()
    os.close(read)
    done = cli(line, stdout=write, env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_broken_pipe_that_is_not_stdout_is_an_error(cli: Cli) -> None:
    assert "BrokenPipeError" in cli.error("fowl fail socket", 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("line", ["fowl list", "fowl show -n x", "--help"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_under_stdout_is_one_error(cli: Cli, line: str, unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = cli(line, stdout=full, env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
    assert (done.returncode, done.stderr) == (1, "ERROR: The output can't be written: No space left on device.\n")


def test_help_lists_nouns_without_loading_them(cli: Cli) -> None:
    done = cli("--help")
    assert done.returncode == 0
    for part in ("Fowls of all kinds.", "Can't be loaded.", "Inspect files.", "--version", "Global Arguments:"):
        assert part in done.stdout
    assert cli([]).stdout == cli("-h").stdout == done.stdout


def test_help_of_a_noun_lists_its_verbs(cli: Cli) -> None:
    shown = cli("fowl --help").stdout
    assert "Usage: aml fowl " in shown
    assert "  show    Show a fowl.\n" in shown
    assert "It says what it was given." not in shown


def test_help_of_a_verb_keeps_global_arguments_apart(cli: Cli) -> None:
    own, _, shared = cli("fowl show -h").stdout.partition("Global Arguments:\n")
    assert "It says what it was given." in own
    assert "-n, --name" in own
    for name in ("--output", "--query", "--workspace-name", "--resource-group", "--subscription", "--debug"):
        assert name in shared
        assert name not in own
    assert "--name <" not in shared


def test_a_plain_command_is_no_noun(cli: Cli) -> None:
    done = cli("inspect a b -o json")
    assert (done.returncode, done.stdout) == (0, "a,b\n")


@pytest.mark.parametrize("line", ["--version", "-o json --version", "--vers"])
def test_version_is_printed(cli: Cli, line: str) -> None:
    done = cli(line)
    assert done.returncode == 0
    assert done.stdout.startswith("aml ")
    assert len(done.stdout.split()) == 2


def loaded(cli: Cli, line: str, names: set[str]) -> set[str]:
    """Which modules, of those named, are loaded when a command line has run."""
    script = f"{DRIVER}from aml.__main__ import main\nmain()\nprint('LOADED', *({names!r} & set(sys.modules)))\n"
    done = subprocess.run(cli.argv(line, script), capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


HEAVY = {"pydantic", "yaml", "rich", "jmespath", "jsonschema", "sqlite3", "logging", "importlib.metadata", "torch"}


def test_a_command_loads_its_own_noun_alone_and_no_library_that_it_does_not_need(cli: Cli) -> None:
    nouns = {"aml.commands.fowl", "aml.commands.inspect", "aml.commands.broken_noun", "json"}
    assert loaded(cli, "--help", nouns | HEAVY) == set()
    assert loaded(cli, "inspect x", nouns | HEAVY) == {"aml.commands.inspect"}
    everything = "fowl create --set a=1 b=2 --count 3 --rate 2 --kind hen path -o tsv"
    assert loaded(cli, everything, nouns | HEAVY) == {"aml.commands.fowl", "json"}
    assert "jmespath" in loaded(cli, "fowl list --query [].name", HEAVY)


def test_version_loads_no_typer() -> None:
    script = "import sys; from aml.__main__ import main; main(['--version']); print('typer' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_the_module_runs_as_a_program() -> None:
    done = subprocess.run([sys.executable, "-m", "aml", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "Usage: aml " in done.stdout

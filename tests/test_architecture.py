"""The direction of imports and the homes of libraries, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CLI = ROOT / "cli"
TRAINER = ROOT / "trainer"

# Room -> what of aml it may import besides itself.
MAY_IMPORT = {
    "aml.errors": (),
    "aml.bundle": (),
    "aml.version": (),
    "aml.spec": ("aml.errors", "aml.bundle"),
    "aml.workspace": ("aml.spec", "aml.errors", "aml.bundle", "aml.version"),
    "aml.view": ("aml.errors", "aml.spec.report", "aml.workspace.records"),
    "aml.commands": ("aml.workspace", "aml.spec", "aml.view", "aml.errors", "aml.bundle", "aml.version"),
    "aml.__main__": ("aml.commands", "aml.view", "aml.errors", "aml.version"),
    "aml": ("aml.workspace", "aml.spec", "aml.errors"),
}
# Library -> the rooms it may be imported in.
HOMES = {
    "typer": ("aml.commands", "aml.__main__"),
    "rich": ("aml.view",),
    "azure": ("aml.workspace.azure",),
    "psutil": ("aml.workspace.embedded.engine",),
    "optuna": ("aml.workspace.embedded.engine.sweeps.bayesian",),
    "click": (),
    "torch": (),
    "torchvision": (),
    "mlflow": (),
    "knack": (),
    "aml_trainer": (),
}


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def room_of(module: str) -> str:
    return max((room for room in MAY_IMPORT if within(module, (room,))), key=len)


MODULES = {module_name(path, CLI): path for path in sorted(CLI.rglob("*.py"))}


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_in_one_direction_and_libraries_stay_at_home(module):
    room = room_of(module)
    allowed = (*MAY_IMPORT[room], room) if room != "aml" else MAY_IMPORT["aml"]
    for imported in imports(MODULES[module]):
        library = imported.partition(".")[0]
        if library == "aml":
            assert within(imported, allowed), f"{module} imports {imported}"
        assert library not in HOMES or within(module, HOMES[library]), f"{module} imports {imported}"


def test_embedded_and_azure_do_not_know_each_other():
    for module, path in MODULES.items():
        for mine, other in (("embedded", "azure"), ("azure", "embedded")):
            if within(module, (f"aml.workspace.{mine}",)):
                assert not any(within(imported, (f"aml.workspace.{other}",)) for imported in imports(path))


def test_the_trainer_knows_nothing_of_aml():
    for path in TRAINER.rglob("*.py"):
        assert not any(imported.partition(".")[0] == "aml" for imported in imports(path)), path


def test_only_the_view_prints():
    for module, path in MODULES.items():
        if within(module, ("aml.commands", "aml.spec", "aml.workspace")):
            calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            printing = [call for call in calls if isinstance(call, ast.Name) and call.id == "print"]
            assert not printing, module

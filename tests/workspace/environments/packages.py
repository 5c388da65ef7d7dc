"""Python packages that a test makes, so that an environment can be built of them without a network."""

from __future__ import annotations

import textwrap
import zipfile
from pathlib import Path

_BACKEND = """
    import os, time, zipfile
    from pathlib import Path

    def build_wheel(folder, settings=None, metadata=None):
        Path({started!r} + ".new").write_text(str(os.getpid()))
        os.replace({started!r} + ".new", {started!r})
        while not Path({release!r}).exists():
            time.sleep(0.02)
        name = "{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(Path(folder, name), "w") as wheel:
            wheel.writestr("{name}.py", "VERSION = '1.0'")
            wheel.writestr("{name}-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
            tags = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
            wheel.writestr("{name}-1.0.dist-info/WHEEL", tags)
            wheel.writestr("{name}-1.0.dist-info/RECORD", "")
        return name
"""


def wheel(folder: Path, name: str, version: str = "1.0") -> Path:
    """A wheel of one module that knows its version."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", f"VERSION = '{version}'\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def slow_package(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """A package whose build waits: its folder, a file that gets the process's id, and one that lets it end."""
    folder.mkdir()
    started, release = folder.with_name("started"), folder.with_name("release")
    (folder / "pyproject.toml").write_text(
        f'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "1.0"\n'
    )
    text = textwrap.dedent(_BACKEND).format(name=name, started=str(started), release=str(release))
    (folder / "backend.py").write_text(text)
    return folder, started, release

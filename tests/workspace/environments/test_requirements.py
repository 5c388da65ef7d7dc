"""What a conda file asks for, and what of it an installed set of distributions does not meet."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aml.errors import AmlError, BackendError
from aml.workspace.embedded.environments import conda_file, known
from aml.workspace.embedded.environments.conda_file import Requirements, content, requirements
from aml.workspace.embedded.environments.conda_names import normalized
from aml.workspace.embedded.environments.unmet import installed, unmet


def of(*dependencies: object, folder: Path = Path("/work")) -> Requirements:
    return requirements(conda_file.located({"dependencies": list(dependencies)}, folder))


@pytest.fixture
def site(tmp_path):
    """A folder with distributions as installers leave them."""
    folder = tmp_path / "site"
    metadata = "Name: demo\nRequires-Dist: helper>=2; extra == 'fast'\nRequires-Dist: other\n\nRequires-Dist: text\n"
    for name, text in {
        "demo-1.4.2.dist-info": metadata,
        "helper-1.0.dist-info": "",
        "Under_score.name-3.0.dist-info": "",
        "torch-2.8.0+cpu.dist-info": "",
        "older-0.9-py3.11.egg-info": "",
        "developed.egg-info": "",
    }.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "METADATA").write_text(text)
    return [str(folder)]


@pytest.mark.parametrize(
    ("conda", "pip"),
    [
        ("numpy", "numpy"),
        ("numpy=1.21", "numpy==1.21.*"),
        ("numpy=1.21.*", "numpy==1.21.*"),
        ("numpy==1.21", "numpy==1.21"),
        ("numpy>=1.21,<2", "numpy>=1.21,<2"),
        ("numpy >=1.21", "numpy>=1.21"),
        ("numpy=1.21.2=py38h20f2e39_0", "numpy==1.21.2"),
        ("numpy 1.21.2 py38h20f2e39_0", "numpy==1.21.2"),
        ("numpy 1.21*", "numpy==1.21.*"),
        ("numpy=1.21|1.23", "numpy"),
        ("conda-forge::numpy=1.21", "numpy==1.21.*"),
        ("numpy[version='>=1.21,<2', build=x]", "numpy>=1.21,<2"),
        ("pytorch=2.8", "torch==2.8.*"),
        ("py-opencv", "opencv-python"),
        ("scikit_learn=1.5", "scikit-learn==1.5.*"),
        ("azureml-mlflow", "azureml-mlflow"),
    ],
)
def test_a_conda_package_is_the_python_distribution_of_that_version(conda, pip):
    assert of(conda) == Requirements(packages=(pip,))


def test_pythons_version_and_what_is_no_python_package_are_kept_apart():
    found = of("python=3.10", "pip", "cudatoolkit=11.3", "git", "_libgcc_mutex=0.1=main", "my-company-tool>=2")
    assert found == Requirements(
        python="==3.10.*",
        packages=("pip",),
        left_out=("cudatoolkit", "git", "-libgcc-mutex"),
        unknown=("my-company-tool",),
    )


def test_the_pip_section_is_taken_with_its_files_options_and_paths(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "requirements.txt").write_text("numpy>=1 # why\n\n# a comment\n-r more/other.txt\nlong \\\n  >=2\n")
    (tmp_path / "more" / "other.txt").write_text("./wheel-1.0-py3-none-any.whl\nhttps://host/a#egg=a\n")
    lines = [
        "-r requirements.txt",
        "--extra-index-url=https://host/a",
        "-e ./mine",
        "git+https://host/x",
        "-c c.txt",
    ]
    found = of({"pip": lines}, folder=tmp_path)
    assert found.packages == (
        "numpy>=1",
        f"{tmp_path}/more/wheel-1.0-py3-none-any.whl",
        "https://host/a#egg=a",
        "long    >=2",
        f"-e {tmp_path}/mine",
        "git+https://host/x",
    )
    assert found.options == ("--extra-index-url=https://host/a", f"-c {tmp_path}/c.txt")


def test_a_file_that_can_not_be_used_is_named(tmp_path):
    (tmp_path / "list.yml").write_text("- numpy\n")
    with pytest.raises(AmlError, match=r"list\.yml is not a conda environment file"):
        content(str(tmp_path / "list.yml"))
    (tmp_path / "bad.yml").write_text("dependencies: [\n")
    with pytest.raises(AmlError, match=r"bad\.yml is not valid YAML"):
        content(str(tmp_path / "bad.yml"))
    (tmp_path / "names.yml").write_text("dependencies: [{pip: [-r nowhere.txt]}]\n")
    with pytest.raises(BackendError, match=r"nowhere\.txt"):
        content(str(tmp_path / "names.yml"))
    (tmp_path / "names.yml").write_text("dependencies: [{pip: [-r loop.txt]}]\n")
    (tmp_path / "loop.txt").write_text("-r loop.txt")
    with pytest.raises(AmlError, match="include each other"):
        content(str(tmp_path / "names.yml"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("demo", ()),
        ("Demo>=1.4,<2", ()),
        ("demo>=2", ("demo>=2 (there is 1.4.2)",)),
        ("demo==1.3.*", ("demo 1.3 (there is 1.4.2)",)),
        ("under-score-name==3.0", ()),
        ("torch==2.8.0", ()),
        ("older<1", ()),
        ("developed", ()),
        ("missing>1 ; python_version > '3'", ("missing>1",)),
        ("missing ; python_version < '3'", ()),
        ("demo[fast]", ("helper>=2 (there is 1.0)",)),
        ("https://host/missing-1.0-py3-none-any.whl", ("missing 1.0",)),
        ("missing @ https://host/archive.zip", ("missing",)),
        ("git+https://host/repository", ()),
        ("pip", ()),
    ],
)
def test_a_requirement_that_is_not_met_is_named_with_what_is_there(site, line, said):
    assert unmet(Requirements(packages=(line,)), site) == said


def test_azures_own_mlflow_client_is_not_needed_where_there_is_another_one(site):
    assert unmet(Requirements(packages=("azureml-mlflow",)), site) == ("azureml-mlflow",)
    Path(site[0], "mlflow_skinny-3.1.0.dist-info").mkdir()
    assert unmet(Requirements(packages=("azureml-mlflow",)), site) == ()


def test_another_python_and_unknown_conda_packages_are_not_met(site):
    version = sys.version.split()[0]
    assert unmet(Requirements("==3.8.*"), site) == (f"python 3.8 (this is {version})",)
    assert unmet(Requirements(f">={version}"), site) == ()
    (said,) = unmet(of("my-company-tool"), site)
    assert said.startswith("my-company-tool (")


def test_what_is_installed_is_found_as_importlib_finds_it():
    import importlib.metadata

    theirs = {normalized(each.metadata["Name"]) for each in importlib.metadata.distributions()}
    assert set(installed(sys.path)) == theirs


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("azureml:AzureML-acpt-pytorch-2.8-cuda12.6@latest", Requirements(packages=("torch==2.8.*",))),
        (
            "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
            Requirements(packages=("scikit-learn==1.5.*",)),
        ),
        ("AzureML-pytorch-1.9-ubuntu18.04-py37-cuda11-gpu", Requirements("==3.7.*", ("torch==1.9.*",))),
        ("AzureML-responsibleai", Requirements()),
    ],
)
def test_the_name_of_one_of_azures_environments_tells_its_framework(name, told):
    assert known.of_azures_name(name) == told


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("pytorch/pytorch:2.1.0-cuda12.1-cudnn8-runtime", Requirements(packages=("torch==2.1.0",))),
        ("docker.io/library/python:3.10-slim", Requirements("==3.10.*")),
        ("mcr.microsoft.com/azureml/curated/sklearn-1.5:12", Requirements(packages=("scikit-learn==1.5.*",))),
        ("mcr.microsoft.com/azureml/minimal-py312-inference:latest", Requirements("==3.12.*")),
        ("mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest", Requirements()),
        ("nvcr.io/nvidia/pytorch:23.10-py3", Requirements()),
        ("ubuntu:22.04", Requirements()),
    ],
)
def test_the_name_of_an_image_tells_what_it_tells_and_no_more(image, told):
    assert known.of_image(image) == told

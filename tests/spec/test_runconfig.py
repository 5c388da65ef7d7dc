"""Run configurations of v1 become the command jobs that they mean."""

from __future__ import annotations

import pytest

from aml.errors import AmlError, SpecError
from aml.spec.convert.runconfig import Script, find, read_job
from aml.spec.model import DataInput

FULL = """
script: other.py
arguments: [--data, $AZUREML_DATAREFERENCE_images, --name, "a b; rm"]
target: gpu-cluster
framework: PyTorch
communicator: OpenMpi
maxRunDurationSeconds: 600
nodeCount: 4
environment:
  environmentVariables: {EXAMPLE: 1}
  python: {userManagedDependencies: false, condaDependenciesFile: conda.yml}
  docker: {enabled: true, baseImage: my/image}
mpi: {processCountPerNode: 2}
dataReferences:
  images: {dataStoreName: store, pathOnDataStore: /some/images, mode: download}
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / ".azureml").mkdir()
    for name in ("train.py", "other.py", "conda.yml"):
        (tmp_path / name).touch()
    return tmp_path


def write(project, text: str, name: str = "c"):
    path = project / ".azureml" / f"{name}.runconfig"
    path.write_text(text)
    return path


def test_every_section_finds_its_place(project):
    job = read_job(write(project, FULL), Script(project))
    assert job.command == "python other.py --data \"$AZUREML_DATAREFERENCE_images\" --name 'a b; rm'"
    assert job.code == str(project)
    assert job.compute == "gpu-cluster"
    assert job.resources.instance_count == 4
    assert job.distribution == {"type": "mpi", "process_count_per_instance": 2}
    assert job.limits.timeout == 600
    assert job.environment == {"image": "my/image", "conda_file": str(project / "conda.yml")}
    assert job.environment_variables == {"EXAMPLE": "1", "AZUREML_DATAREFERENCE_images": "${{inputs.images}}"}
    assert job.inputs == {"images": DataInput("azureml://datastores/store/paths/some/images", mode="download")}


def test_the_command_line_wins_over_the_configuration(project):
    job = read_job(write(project, FULL), Script(project, "train.py", ("--lr", "0.1")))
    assert job.command == "python train.py --lr 0.1"


def test_local_is_this_machine_and_keys_are_found_whatever_their_case(project):
    job = read_job(write(project, "Script: train.py\nTarget: local\nNodeCount: 1\n"), Script(project))
    assert (job.command, job.compute, job.distribution) == ("python train.py", None, None)


def test_a_curated_environment_is_referred_to(project):
    text = "script: train.py\nenvironment: {name: AzureML-pytorch-1.9}\n"
    assert read_job(write(project, text), Script(project)).environment == "azureml:AzureML-pytorch-1.9@latest"


def test_what_is_missing_is_named(project):
    path = write(project, "target: local\n")
    with pytest.raises(SpecError, match="names no script"):
        read_job(path, Script(project))
    with pytest.raises(AmlError, match=r"nosuch\.py does not exist"):
        read_job(path, Script(project, "nosuch.py"))
    with pytest.raises(SpecError, match="`communicator` can't be the text 'Pigeon'"):
        read_job(write(project, "script: train.py\ncommunicator: Pigeon\n"), Script(project))


def test_a_configuration_is_found_by_name_from_a_folder_below(project):
    path = write(project, "script: train.py\n", "gpu")
    (project / "deep" / "er").mkdir(parents=True)
    assert find("gpu", project / "deep" / "er") == path
    with pytest.raises(AmlError) as caught:
        find("cpu", project)
    assert caught.value.hint == "There are: gpu."

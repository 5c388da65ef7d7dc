import json
from pathlib import Path

import pytest

from aml.errors import SpecError
from aml.spec.load import load, loads
from aml.spec.model import Datastore
from aml.spec.overrides import apply
from aml.spec.parse import parse, problems
from aml.view.problems import problems_text

VALID = Path(__file__).parents[1] / "specs" / "valid"
BLOB = "name: b\ntype: azure_blob\naccount_name: mystorage\ncontainer_name: pictures\n"
LAKE = "name: b\ntype: azure_data_lake_gen2\naccount_name: mystorage\nfilesystem: raw\n"
SECRET = "Zm9vYmFyYmF6cXV4"


def datastore(name: str) -> Datastore:
    spec = parse(load(VALID / name))
    assert isinstance(spec, Datastore)
    return spec


def test_a_blob_file_becomes_a_datastore() -> None:
    assert datastore("azure_blob.yml") == Datastore(
        name="pictures",
        type="azure_blob",
        account_name="mystorage",
        container_name="pictures",
        endpoint="core.windows.net",
        protocol="wasbs",
        credentials={"account_key": "A key/with+signs=="},
        description="Pictures of digits.",
        tags={"team": "vision"},
    )


def test_the_older_name_of_the_authority_is_the_same_key() -> None:
    spec = datastore("azure_data_lake_gen2.yml")
    assert spec.type == "azure_data_lake_gen2"
    assert spec.credentials["authority_url"] == "https://login.microsoftonline.com"
    assert "authority_uri" not in spec.credentials


def test_the_case_of_type_and_protocol_does_not_matter() -> None:
    text = BLOB.replace("azure_blob", "AzureBlob") + "protocol: WASBS"
    spec = parse(loads(text, "d.yml", Path.cwd()))
    assert isinstance(spec, Datastore)
    assert (spec.type, spec.protocol) == ("azure_blob", "wasbs")


def test_a_datastore_needs_no_credentials() -> None:
    assert datastore("azure_data_lake_gen1.yml") == Datastore("lake", "azure_data_lake_gen1", store_name="mylake")


def test_a_datastore_shows_no_secret_where_it_is_printed() -> None:
    assert "hush" not in repr(datastore("one_lake.yml"))


@pytest.mark.parametrize(
    "text",
    [
        f"{BLOB}credentials: {SECRET}",
        f"{BLOB}credentials: {{account_key: [{SECRET}]}}",
        f"{BLOB}credentials: {{acount_key: {SECRET}}}",
        f"{BLOB}credentials: {{account_key: {SECRET}, sas_token: {SECRET}}}",
        f"{BLOB}credentials:\n  sas-token: {SECRET}",
        f"{BLOB}credentials: {{account_key: AccountKey={SECRET}}}",
        f"{BLOB}credentials: {{sas_token: 'https://x?{SECRET}'}}",
        f"{LAKE}credentials:\n  client_secret: {SECRET}\n  client_secret: {SECRET}",
        f"{LAKE}credentials: {{tenant_id: x, client_id: x, client_secret: {{x: {SECRET}}}}}",
        f"{LAKE}credentials: {{tenant_id: x, client_id: [x], thumbprint: x, certificate: {SECRET}}}",
    ],
)
def test_no_message_and_no_excerpt_shows_a_secret(text: str) -> None:
    document = loads(text, "d.yml", Path.cwd())
    found = problems(document)
    assert found
    assert SECRET not in json.dumps([[problem.message, problem.hint] for problem in found])
    assert SECRET not in problems_text("d.yml", tuple(found), text, excerpt=True)


def test_a_secret_of_a_flag_is_not_shown() -> None:
    document = apply(loads(BLOB, "d.yml", Path.cwd()), ["credentials.account_key=12345678901"])
    assert isinstance(parse(document), Datastore)
    document = apply(loads(BLOB, "d.yml", Path.cwd()), [f"credentials={SECRET}"])
    with pytest.raises(SpecError) as caught:
        parse(document)
    assert SECRET not in "".join(f"{problem.message}{problem.hint}" for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("key", "value", "is_doubted"),
    [
        ("container_name", "$web", False),
        ("container_name", "a--b", True),
        ("container_name", "x" * 64, True),
        ("account_name", "mystorage1", False),
        ("account_name", "my-storage", True),
        ("endpoint", "core.chinacloudapi.cn", False),
        ("endpoint", "mystorage.blob.core.windows.net", True),
    ],
)
def test_a_name_that_the_storage_can_not_have_is_doubted(key: str, value: str, is_doubted: bool) -> None:
    document = apply(loads(BLOB, "d.yml", Path.cwd()), [f"{key}={value}"])
    assert [problem.path for problem in problems(document)] == ([key] if is_doubted else [])

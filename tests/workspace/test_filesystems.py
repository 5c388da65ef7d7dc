"""File systems of the network are known by what the kernel says of them."""

from __future__ import annotations

import pytest

from aml.errors import BackendError, Conflict
from aml.workspace import create_workspace, open_workspace
from aml.workspace.embedded.files import filesystems
from aml.workspace.embedded.files.filesystems import mount_of, refuse_network

MOUNTS = r"""
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:25 / /home rw,relatime shared:1 - nfs4 server:/export/home rw,vers=4.2,hard
31 30 0:26 / /home/local rw - xfs /dev/vdb rw
32 22 0:27 / /mnt/my\040share rw - cifs //host/share rw
33 22 0:28 / /mnt/c rw,noatime - 9p drvfs rw,aname=drvfs
34 22 0:29 / /mnt/cloud rw - fuse.sshfs me@host:/ rw
35 22 0:30 / /scratch rw - lustre 10.0.0.1@tcp:/scratch rw
36 22 0:31 / /twice rw - nfs server:/twice rw
37 36 0:32 / /twice rw - tmpfs tmpfs rw
""".lstrip()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/.aml", "nfs4"),
        ("/home/local/me/.aml", "xfs"),
        ("/homework/.aml", "ext4"),
        ("/", "ext4"),
        ("/mnt/my share/x", "cifs"),
        ("/mnt/c/Users/me", "9p"),
        ("/mnt/cloud", "fuse.sshfs"),
        ("/scratch/me", "lustre"),
        ("/twice/x", "tmpfs"),
    ],
)
def test_a_path_is_on_the_innermost_mount(path, kind):
    assert mount_of(path, MOUNTS)[0] == kind


def test_a_network_file_system_is_refused_with_the_way_out(tmp_path, monkeypatch):
    recorded = tmp_path / "mountinfo"
    recorded.write_text(MOUNTS + f"40 22 0:33 / {tmp_path.resolve()}/net rw - nfs server:/x rw\n")
    monkeypatch.setattr(filesystems, "_MOUNTS", recorded)
    refuse_network(tmp_path / "disk")
    (tmp_path / "link").symlink_to(tmp_path / "net")
    for name in ("net", "link"):
        monkeypatch.setenv("AML_HOME", str(tmp_path / name / "home"))
        with pytest.raises(BackendError, match=r"is on .*/net, a network file system \(nfs\)") as caught:
            open_workspace()
        assert "Point AML_HOME to a folder on a disk of this machine" in caught.value.hint
    assert not (tmp_path / "net").exists()


def test_names_of_workspaces_differ_in_more_than_case():
    create_workspace("Mine")
    for name in ("mine", "MINE", "Default"):
        with pytest.raises(Conflict, match="exists already"):
            create_workspace(name)

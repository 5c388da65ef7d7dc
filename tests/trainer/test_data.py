from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
import torch
from PIL import Image

from aml_trainer import cache
from aml_trainer.config import parse
from aml_trainer.data import Data, Normalisation, batches, load
from aml_trainer.decode import Geometry, decode
from aml_trainer.errors import ConfigError, InvalidDatasetError, NotLabeledDatasetError, TrainerError
from aml_trainer.listing import list_splits
from aml_trainer.source import fetch, unpack


def _load(data: Path | str, *more: str) -> Data:
    return load(parse(["--data", str(data), "--output-dir", "out", "--image-size", "16", *more]))


def _zip(folder: Path, archive: Path) -> Path:
    return Path(shutil.make_archive(str(archive), "zip", folder.parent, folder.name))


def test_an_image_is_decoded_to_a_square_of_its_colours(tmp_path: Path):
    for split in ("train", "val"):
        for name, colour in (("lime", (0, 255, 0)), ("red", (255, 0, 0))):
            (tmp_path / split / name).mkdir(parents=True)
            Image.new("RGB", (20, 10), colour).save(tmp_path / split / name / "1.png")
    data = _load(tmp_path)
    assert data.classes == ["lime", "red"]
    assert data.train.labels.tolist() == [0, 1]
    assert data.train.images.shape == (2, 3, 16, 16)
    assert data.train.images[:, :, 3, 5].tolist() == [[0, 255, 0], [255, 0, 0]]
    assert data.train.aspects.tolist() == [2.0, 2.0]


def test_the_centre_of_a_resized_image_is_what_validation_sees(tmp_path: Path):
    image = Image.new("RGB", (64, 32), (255, 0, 0))
    image.paste((0, 0, 255), (16, 0, 48, 32))
    image.save(tmp_path / "1.png")
    centre, aspect = decode(tmp_path / "1.png", Geometry(16, 16))
    assert aspect == 2.0
    assert (centre[2] > 200).all()
    squeezed, _ = decode(tmp_path / "1.png", Geometry(16))
    assert squeezed[0, 8, 0] > 200


def test_a_photograph_on_its_side_is_turned_upright():
    image = Image.new("RGB", (40, 20), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    content = io.BytesIO()
    image.save(content, "JPEG", exif=exif)
    assert decode(content.getvalue(), Geometry(8))[1] == 0.5


@pytest.mark.parametrize("kind", ["zip", "gztar", "bztar", "xztar", "tar"])
def test_an_archive_is_the_folder_that_it_holds(colours: Path, tmp_path: Path, own_cache: Path, kind: str):
    archive = shutil.make_archive(str(tmp_path / "birds"), kind, colours.parent, colours.name)
    data = _load(archive)
    assert data.classes == ["blue", "red"]
    assert torch.equal(data.val.images, _load(colours).val.images)
    assert len(list((own_cache / "unpacked").iterdir())) == 1


def test_an_archive_whose_names_lead_out_is_not_unpacked(tmp_path: Path):
    for name in ("../evil.png", "/tmp/evil.png", "a/../../evil.png", "..\\evil.png", "C:/evil.png"):
        with zipfile.ZipFile(tmp_path / "evil.zip", "w") as file:
            file.writestr(name, "x")
        with pytest.raises(TrainerError, match="leads out of the folder"):
            unpack(tmp_path / "evil.zip", tmp_path / "c")
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        member = tarfile.TarInfo("../evil.png")
        tar.addfile(member, io.BytesIO())
    with pytest.raises(TrainerError, match=r"evil\.tar can.t be unpacked"):
        unpack(tmp_path / "evil.tar", tmp_path / "c")
    assert not list(tmp_path.rglob("evil.png"))
    assert not list((tmp_path / "c" / "unpacked").iterdir())


def test_links_out_of_an_archive_are_refused(tmp_path: Path):
    with tarfile.open(tmp_path / "link.tar", "w") as tar:
        member = tarfile.TarInfo("train")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(member)
    with pytest.raises(TrainerError, match="can't be unpacked"):
        unpack(tmp_path / "link.tar", tmp_path / "c")
    info = zipfile.ZipInfo("train")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as file:
        file.writestr(info, "/etc")
    with pytest.raises(TrainerError, match="'train' is a link"):
        unpack(tmp_path / "link.zip", tmp_path / "c")


def test_an_archive_that_says_it_is_larger_than_the_disk_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with zipfile.ZipFile(tmp_path / "big.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(1 << 20))
    monkeypatch.setattr("aml_trainer.source.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 19}))
    with pytest.raises(TrainerError, match=r"it holds 1,048,576 bytes, and .* has room for 524,288"):
        unpack(tmp_path / "big.zip", tmp_path / "c")


@pytest.fixture
def https_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder behind an https server of this machine, whose certificate is trusted."""
    folder, key, certificate = tmp_path / "www", tmp_path / "key.pem", tmp_path / "cert.pem"
    folder.mkdir()
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run(
        [*request, "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    yield folder, f"https://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_https_address_is_downloaded_once(colours: Path, https_folder: tuple[Path, str], own_cache: Path):
    folder, address = https_folder
    archive = _zip(colours, folder / "birds")
    first = fetch(f"{address}/birds.zip", own_cache)
    archive.unlink()
    assert fetch(f"{address}/birds.zip", own_cache) == first
    assert sorted(entry.name for entry in first.iterdir()) == ["train", "val"]


def test_an_address_that_gives_nothing_says_what_to_do(https_folder: tuple[Path, str], own_cache: Path):
    _, address = https_folder
    with pytest.raises(TrainerError, match=r"birds.zip can't be downloaded: File not found; download it elsewhere"):
        fetch(f"{address}/birds.zip", own_cache)
    with pytest.raises(ConfigError, match="only https addresses are read, not http"):
        fetch("http://localhost/birds.zip", own_cache)
    assert not list((own_cache / "downloads").iterdir())


def test_a_share_of_each_class_validates_where_there_is_no_val_folder(colours: Path):
    train, val, classes = list_splits(colours / "train", val_split=0.25, seed=1)
    assert classes == ["blue", "red"]
    assert (len(train.files), len(val.files)) == (18, 6)
    assert not set(train.files) & set(val.files)
    assert val == list_splits(colours / "train", val_split=0.25, seed=1)[1]
    assert val != list_splits(colours / "train", val_split=0.25, seed=2)[1]


def test_folders_of_classes_without_a_split_are_told_how_to_split(colours: Path):
    with pytest.raises(ConfigError, match=r"It holds the folders blue, red: .* --val-split 0.2"):
        list_splits(colours / "train", val_split=0, seed=1)


def test_loose_images_are_an_unlabelled_dataset(colours: Path):
    with pytest.raises(NotLabeledDatasetError, match=r"red holds 12 images, 00\.jpg first"):
        list_splits(colours / "train" / "red", val_split=0, seed=1)


def test_a_bad_image_is_named_or_skipped_and_counted(colours: Path, capsys: pytest.CaptureFixture[str]):
    bad = colours / "train" / "red" / "03.jpg"
    bad.write_bytes(bad.read_bytes()[:300])
    for _ in ("decoded", "from the cache"):
        with pytest.raises(TrainerError, match=r"red/03.jpg can't be read as an image: .*; --skip-bad-images leaves"):
            _load(colours)
        data = _load(colours, "--skip-bad-images")
        assert (len(data.train), data.skipped) == (23, 1)
        assert capsys.readouterr().err.startswith(f"skipped: {bad} can't be read")


def test_a_class_of_which_no_image_can_be_read_is_no_class(colours: Path):
    for image in (colours / "val" / "red").iterdir():
        image.write_text("no image")
    with pytest.raises(InvalidDatasetError, match="no validation image of 'red' can be read"):
        _load(colours, "--skip-bad-images")


def test_a_second_training_maps_what_the_first_has_decoded(
    colours: Path, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = _load(colours)
    copied = shutil.copytree(colours, tmp_path / "elsewhere")
    monkeypatch.setattr("aml_trainer.cache.decode_all", lambda *_: pytest.fail("decoded again"))
    second = _load(copied)
    assert torch.equal(first.train.images, second.train.images)
    assert torch.equal(first.train.aspects, second.train.aspects)
    assert len(list((own_cache / "images").glob("*.u8"))) == 2


def test_the_cache_never_holds_more_than_it_may(colours: Path, own_cache: Path):
    def held() -> int:
        return sum(path.stat().st_size for path in (own_cache / "images").glob("*.u8"))

    size = 24 * 3 * 16 * 16  # of the training images
    listing, _, _ = list_splits(colours, val_split=0, seed=1)
    for side in (16, 8, 12, 16):
        cache.decoded(listing.files, Geometry(side), cache_dir=own_cache, limit_bytes=size)
        assert 0 < held() <= size
    cache.decoded(listing.files, Geometry(17), cache_dir=own_cache, limit_bytes=size)
    assert held() == size  # what is larger than the cache is not put there


def test_images_that_fit_nowhere_are_refused_with_what_would_help(colours: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aml_trainer.cache.free_memory_bytes", lambda: 1000)
    with pytest.raises(TrainerError, match=r"24 decoded images take 0.0 GiB, and 0.0 GiB of memory are free"):
        _load(colours)


def test_the_normalisation_is_that_of_all_pixels(digits: Path):
    images = _load(digits).train.images[:200]
    pixels = images.transpose(0, 1).flatten(1).double() / 255
    normalise = Normalisation.of(images)
    assert normalise.mean == pytest.approx(pixels.mean(1).tolist(), abs=1e-9)
    assert normalise.std == pytest.approx(pixels.std(1).tolist(), abs=1e-9)
    assert normalise(images).mean().item() == pytest.approx(0, abs=1e-5)


def test_an_epoch_visits_each_image_once_in_an_order_of_its_own():
    first = torch.cat(list(batches(20, 5, seed=1, epoch=1)))
    second = torch.cat(list(batches(20, 5, seed=1, epoch=2)))
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(20))
    assert first.tolist() != second.tolist()
    assert torch.equal(torch.cat(list(batches(20, 5, seed=1, epoch=1, first=2))), first[10:])

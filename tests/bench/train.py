"""The trainer beside the tutorial's loop: `python -m tests.bench.train [--rows cpu frozen gpu gpu-small quality]`.

Needs torch, torchvision and trainer/ on PYTHONPATH alone. CPU rows count CPU time, of worker processes too: other
programs on the machine then change little. The two loops take turns by epochs, or by whole jobs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import torch
import torchvision
from PIL import Image
from tests.bench import plain_loop
from tests.bench.plain_loop import Recipe

from aml_trainer.__main__ import main as trainer_main
from aml_trainer.checkpoint import Position
from aml_trainer.config import parse
from aml_trainer.devices import select
from aml_trainer.distributed import Layout
from aml_trainer.progress import ProgressBar
from aml_trainer.results import Result
from aml_trainer.setup import Training, prepare
from aml_trainer.signals import stop_signal
from aml_trainer.train import evaluate, train_epoch

CPU, SMALL, LARGE = torch.device("cpu"), {"train": 240, "val": 200}, {"train": 10_000, "val": 500}
PHOTO = (1024, 768)  # pixels; with the detail of `_photo` about 90 kB as JPEG


def main() -> None:
    rows: dict[str, Callable[[Path, argparse.Namespace], None]] = {
        "cpu": cpu_row,
        "frozen": frozen_row,
        "gpu": gpu_row,
        "gpu-small": gpu_small_row,
        "quality": quality_row,
    }
    usual = ["gpu", "gpu-small"] if torch.cuda.is_available() else ["cpu", "frozen"]
    parser = argparse.ArgumentParser(prog="python -m tests.bench.train", description="Measure the trainer.")
    parser.add_argument("--rows", nargs="+", choices=rows, default=usual, help="(default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=0, metavar="N", help="instead of each row's own")
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="of the quality row (default: %(default)s)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="image folder of the quality row (default: the digits)"
    )
    parser.add_argument("--image-size", type=int, default=32, help="of the quality row (default: %(default)s)")
    options = parser.parse_args()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    print(f"{_cpu_name()}, {os.cpu_count()} cores, {device}; Python {platform.python_version()}, ", end="")
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}; load {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.rows:
            rows[name](Path(folder), options)
            sys.stdout.flush()


def cpu_row(folder: Path, options: argparse.Namespace) -> None:
    """CPU ms per training image of an epoch with its validation, from the second epoch on, taking turns."""
    data = photos(folder / "small", SMALL)
    recipe = Recipe(epochs=options.epochs or 4)
    plain = _in_process(_plain_epochs, data, recipe)
    ours = _in_process(_trainer_epochs, data, recipe)
    pairs = [(plain(), ours()) for _ in range(recipe.epochs)][1:]
    _compare("240 + 200 JPEGs, ResNet-18, batch 4", pairs, 1000 / SMALL["train"], "CPU ms per image")


def frozen_row(folder: Path, options: argparse.Namespace) -> None:
    """CPU seconds of the whole job: decoding, features, epochs, files."""
    data = photos(folder / "small", SMALL)
    recipe = Recipe(epochs=options.epochs or 25, freeze=True)
    plain, ours = _in_process(_plain_job, data, recipe)(), _in_process(_trainer_job, data, recipe)()
    _compare(f"the same, frozen backbone, {recipe.epochs} epochs, whole job", [(plain, ours)], 1, "CPU s")


Steps = Callable[[Path, Recipe], Iterator[object]]


def _in_process(steps: Steps, data: Path, recipe: Recipe) -> Callable[[], float]:
    """`steps` in a process of its own, one at each call: the CPU seconds that it took. What one loop sets for its
    process, as the trainer does for the C library, must not help the other."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    context.Process(target=_serve, args=(far, steps, data, recipe)).start()
    far.close()

    def step() -> float:
        near.send(None)
        return float(near.recv())

    return step


def _serve(pipe: Connection, steps: Steps, data: Path, recipe: Recipe) -> None:
    each = steps(data, recipe)
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        pipe.send(_cpu_s(lambda: next(each)))


def _plain_epochs(data: Path, recipe: Recipe) -> Iterator[object]:
    return plain_loop.train(data, recipe, CPU)


def _trainer_epochs(data: Path, recipe: Recipe) -> Iterator[object]:
    config = parse(_arguments(data, data.parent, recipe, "--device", "cpu"))
    return _epochs(prepare(config, select(config), Layout()), recipe.epochs)


def _plain_job(data: Path, recipe: Recipe) -> Iterator[object]:
    yield list(plain_loop.train(data, recipe, CPU))


def _trainer_job(data: Path, recipe: Recipe) -> Iterator[object]:
    yield trainer_job(data, data.parent, recipe, "--device", "cpu", "--no-report")


def gpu_row(folder: Path, options: argparse.Namespace) -> None:
    """Images per second from the second epoch, beside synthetic tensors on the device and a worker-fed loop."""
    data = photos(folder / "large", LARGE)
    device = torch.device("cuda")
    for model in ("resnet18", "resnet50"):
        recipe = Recipe(model=model, epochs=options.epochs or 4, batch_size=256)
        config = parse(_arguments(data, folder, recipe, "--device", "cuda", "--precision", "bf16"))
        training = prepare(config, select(config), Layout())
        ours = statistics.median(list(_rates(training, recipe.epochs))[1:])
        synthetic = statistics.median(list(_synthetic_rates(training, recipe.epochs))[1:])
        reference = statistics.median(list(_reference_rates(data, recipe, device))[1:])
        print(f"10,000 JPEGs, {model}, batch 256, bf16: {ours:,.0f} images/s, {ours / synthetic:.1%} of the ", end="")
        print(f"{synthetic:,.0f} on synthetic tensors; reference recipe {reference:,.0f}, {ours / reference:.2f} x")


def gpu_small_row(folder: Path, options: argparse.Namespace) -> None:
    data = photos(folder / "small", SMALL)
    recipe = Recipe(epochs=options.epochs or 30)
    pairs = []
    for run in range(3):
        plain = _wall_s(lambda: list(plain_loop.train(data, recipe, torch.device("cuda"))))
        cache = folder / f"cold{run}"  # a first training: nothing is decoded yet
        pairs.append((plain, _wall_s(lambda: trainer_job(data, cache, recipe, "--device", "cuda"))))  # noqa: B023
    _compare(f"240 + 200 JPEGs, batch 4, {recipe.epochs} epochs, whole job", pairs, 1, "wall s")


def quality_row(folder: Path, options: argparse.Namespace) -> None:
    """best_val_acc of both loops over seeds: means, standard errors, and the difference in standard errors."""
    data = options.data or digits(folder)
    side = options.image_size
    recipe = Recipe(
        epochs=options.epochs or 8,
        batch_size=32,
        lr=0.02,
        step_epochs=4,
        image_size=side,
        resize_size=side + side // 8,
        smallest_crop=0.5,
        flip=False,
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    plain, ours = [], []
    for seed in range(options.seeds):
        seeded = replace(recipe, seed=seed)
        plain.append(max(epoch.val_acc for epoch in plain_loop.train(data, seeded, torch.device(device))))
        ours.append(trainer_job(data, folder, seeded, "--device", device, "--no-report"))
        print(f"seed {seed}: plain {plain[-1]:.4f}, trainer {ours[-1]:.4f}", flush=True)
    error = (sum(statistics.variance(values) / len(values) for values in (plain, ours))) ** 0.5
    difference = statistics.mean(ours) - statistics.mean(plain)
    print(f"best_val_acc over {options.seeds} seeds: plain {statistics.mean(plain):.4f}, trainer ", end="")
    print(f"{statistics.mean(ours):.4f}; difference {difference:+.4f}, standard error {error:.4f}")


def trainer_job(data: Path, folder: Path, recipe: Recipe, *more: str) -> float:
    """A whole `python -m aml_trainer`, but for the interpreter's start; its best_val_acc."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as out, open(os.devnull, "w") as nowhere:  # noqa: PTH123
        with redirect_stdout(nowhere), redirect_stderr(nowhere):
            code = trainer_main([*_arguments(data, folder, recipe, *more), "--output-dir", out])
        assert code == 0
        return float(torch.load(f"{out}/model.pt", weights_only=True)["val_acc"])


def _arguments(data: Path, folder: Path, recipe: Recipe, *more: str) -> list[str]:
    places = ["--data", str(data), "--output-dir", str(folder / "out"), "--cache-dir", str(folder / "cache")]
    return [*places, *recipe.arguments(), "--checkpoint-every", "0", *more]


def _epochs(training: Training, epochs: int) -> Iterator[tuple[float, float]]:
    """Images per second and accuracy of each epoch."""
    with stop_signal(Layout()) as stop:
        for epoch in range(1, epochs + 1):
            with ProgressBar("", quiet=True) as bar:
                _, rate = train_epoch(training, Position(epoch), Result(), bar, stop)
            yield rate, evaluate(training)[1]


def _rates(training: Training, epochs: int) -> Iterator[float]:
    return (rate for rate, _ in _epochs(training, epochs))


def _synthetic_rates(training: Training, epochs: int) -> Iterator[float]:
    """The same model and step on one batch that is on the device already: what input can't be faster than."""
    config, device = training.config, training.compute.device
    shape = (config.batch_size, 3, config.image_size, config.image_size)
    inputs = torch.randn(shape, device=device).to(memory_format=torch.channels_last)
    labels = torch.randint(len(training.classes), (config.batch_size,), device=device)
    steps = len(training.train_set) // config.batch_size
    training.model.train()
    for _ in range(epochs):
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(steps):
            with training.compute.autocast():
                loss = torch.nn.functional.cross_entropy(training.model(inputs), labels)
            loss.backward()
            training.optimizer.step()
            training.optimizer.zero_grad()
        torch.cuda.synchronize()
        yield steps * config.batch_size / (time.perf_counter() - began)


def _reference_rates(data: Path, recipe: Recipe, device: torch.device) -> Iterator[float]:
    """torchvision's reference training: worker processes decode, pinned memory, bf16 autocast."""
    images = plain_loop.images(data / "train", "train", recipe)
    loader = torch.utils.data.DataLoader(
        images, recipe.batch_size, shuffle=True, num_workers=os.cpu_count() or 1, pin_memory=True, drop_last=True
    )
    model = torchvision.models.get_model(recipe.model, num_classes=len(images.classes)).to(device).train()
    optimizer = torch.optim.SGD(model.parameters(), recipe.lr, momentum=recipe.momentum)
    for _ in range(recipe.epochs):
        torch.cuda.synchronize()
        began = time.perf_counter()
        for inputs, labels in loader:
            with torch.autocast("cuda", torch.bfloat16):
                outputs = model(inputs.to(device, non_blocking=True))
                loss = torch.nn.functional.cross_entropy(outputs, labels.to(device, non_blocking=True))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.cuda.synchronize()
        yield len(loader) * recipe.batch_size / (time.perf_counter() - began)


def photos(folder: Path, counts: dict[str, int]) -> Path:
    """Made-up photographs of two classes, as large and as hard to decode as the tutorial's."""
    for split, count in counts.items():
        for number in range(count):
            path = folder / split / ("chickens", "turkeys")[number % 2] / f"{number:05}.jpg"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                _photo(number % 2, len(split) * 100_003 + number).save(path, quality=82)
    return folder


def _photo(label: int, seed: int) -> Image.Image:
    """Noise at several scales, as landscapes have it; the classes differ in how much of it is red."""
    random = torch.Generator().manual_seed(seed)
    width, height = PHOTO
    image = torch.full((1, 3, height, width), 128.0)
    for scale, strength in ((128, 40.0), (32, 20.0), (8, 10.0), (3, 6.0)):
        noise = torch.randn(1, 3, -(-height // scale), -(-width // scale), generator=random) * strength
        image += torch.nn.functional.interpolate(noise, (height, width), mode="bilinear")
    image[:, 0] += 12.0 if label else -12.0
    pixels = image[0].clamp(0, 255).to(torch.uint8).permute(1, 2, 0).contiguous()
    return Image.frombytes("RGB", PHOTO, pixels.numpy().tobytes())


def digits(folder: Path) -> Path:
    from aml_trainer.digits import write_digits

    write_digits(folder / "digits")
    return folder / "digits"


def _compare(what: str, pairs: list[tuple[float, float]], factor: float, unit: str) -> None:
    plain, ours = (statistics.median(values) * factor for values in zip(*pairs, strict=True))
    runs = f"{len(pairs)} pair" + ("s" if len(pairs) > 1 else "")
    print(f"{what}: tutorial's loop {plain:.1f}, trainer {ours:.1f} {unit}, {plain / ours:.2f} x (median of {runs})")


def _cpu_s(action: Callable[[], object]) -> float:
    """CPU time of this process and of its children that have ended."""
    began = sum(os.times()[:4])
    action()
    return sum(os.times()[:4]) - began


def _wall_s(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()

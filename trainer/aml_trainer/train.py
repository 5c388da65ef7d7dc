"""Train a classifier of torchvision from scratch: data, model, a loop over epochs, and the best model as files."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR
from torchvision import models

from aml_trainer import checkpoint
from aml_trainer.config import Config
from aml_trainer.data import ImageSet, Normalisation, augment, batches, count_batches, load
from aml_trainer.errors import ConfigError, TrainerError
from aml_trainer.progress import ProgressBar
from aml_trainer.tracking import tracked_run

FAMILIES = ("resnet*", "resnext*", "wide_resnet*", "densenet*")
EVAL_BATCH = 256  # images


@dataclass(frozen=True)
class Result:
    """The best epoch: highest validation accuracy, then lowest validation loss."""

    epoch: int = 0  # counts from 1; 0 is none yet
    val_acc: float = -1.0  # share of the validation images
    val_loss: float = math.inf  # mean cross entropy, nats

    def beats(self, other: Result) -> bool:
        return (self.val_acc, -self.val_loss) > (other.val_acc, -other.val_loss)


@dataclass(frozen=True)
class Training:
    """All that the loop works on, on the training's device."""

    config: Config
    classes: list[str]
    train_set: ImageSet
    val_set: ImageSet
    normalise: Normalisation
    model: nn.Module
    optimizer: SGD
    schedule: LambdaLR  # one step per batch


def train(config: Config) -> Result:
    """Run all epochs and return the best, whose weights are in `config.output_dir` as soon as it is known."""
    training = prepare(config)
    best = Result()
    with tracked_run(_params(training)) as log_metrics:
        for epoch in range(1, config.epochs + 1):
            with ProgressBar(f"epoch {epoch:{len(str(config.epochs))}}/{config.epochs}") as bar:
                train_loss, images_per_s = train_epoch(training, bar)
                val_loss, val_acc = evaluate(training.model, training.normalise, training.val_set)
                if (result := Result(epoch, val_acc, val_loss)).beats(best):
                    best = result
                    _save(training, best)
                metrics = {"train_loss": train_loss, "val_loss": val_loss, "val_acc": val_acc}
                summary = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
                bar.finish(f"{summary}  {images_per_s:,.0f} images/s")
            log_metrics({**metrics, "best_val_acc": best.val_acc, "images_per_s": images_per_s}, epoch)
    return best


def prepare(config: Config) -> Training:
    """Read the images and make model, optimizer and schedule. The seed rules from here on."""
    device = _device(config.device)
    train_set, val_set, classes = load(config.data, config.image_size)
    torch.manual_seed(config.seed)
    model = _build(config.model, len(classes)).to(memory_format=torch.channels_last).to(device)
    optimizer = SGD(
        model.parameters(),
        config.lr,
        momentum=config.momentum,
        nesterov=config.momentum > 0,
        weight_decay=config.weight_decay,
        fused=True,
    )
    steps = config.epochs * count_batches(train_set, config.batch_size)
    schedule = LambdaLR(optimizer, lambda step: rate_factor(step, steps, config.warmup))
    normalise = Normalisation.of(train_set.images)
    return Training(config, classes, train_set.to(device), val_set.to(device), normalise, model, optimizer, schedule)


def train_epoch(training: Training, bar: ProgressBar) -> tuple[float, float]:
    """One pass: the mean training loss (smoothed and augmented, as it is minimised) and images per second."""
    config, images = training.config, training.train_set
    training.model.train()
    total, seen = torch.zeros((), device=images.labels.device), 0
    count = count_batches(images, config.batch_size)
    for number, batch in enumerate(batches(images, config.batch_size), start=1):
        inputs = augment(training.normalise(batch.images), rotate=config.rotate, shift=config.shift)
        loss = cross_entropy(training.model(inputs), batch.labels, label_smoothing=config.label_smoothing)
        training.optimizer.zero_grad()
        torch.autograd.backward(loss)
        training.optimizer.step()
        training.schedule.step()
        seen += len(batch)
        total += loss.detach() * len(batch)
        bar.update(number / count, seen, loss.detach())
    train_loss = float(total) / seen
    if not math.isfinite(train_loss):
        raise TrainerError(f"the training loss became {train_loss}: a lower --lr than {config.lr:g} may help")
    return train_loss, seen / bar.elapsed_s


def evaluate(model: nn.Module, normalise: Normalisation, images: ImageSet) -> tuple[float, float]:
    """Mean cross entropy and accuracy over all of `images`."""
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(normalise(part)) for part in torch.split(images.images, EVAL_BATCH)])
        loss = cross_entropy(logits, images.labels)
        accuracy = (logits.argmax(1) == images.labels).double().mean()
    return float(loss), float(accuracy)


def rate_factor(step: int, steps: int, warmup: float) -> float:
    """The learning rate at `step` of `steps` as a share of its peak: a line up to it, then half a cosine down to 0."""
    rise = warmup * steps
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1)))


def _params(training: Training) -> dict[str, object]:
    counts = {"train_images": len(training.train_set), "val_images": len(training.val_set)}
    return {**asdict(training.config), **counts, "classes": len(training.classes)}


def _save(training: Training, best: Result) -> None:
    description = {
        "architecture": training.config.model,
        "classes": training.classes,
        "image_size": training.config.image_size,
        "mean": list(training.normalise.mean),
        "std": list(training.normalise.std),
        **asdict(best),
    }
    checkpoint.save(training.config.output_dir, training.model.state_dict(), description)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # what torch raises for unknown names and for absent devices
        raise ConfigError(f"--device {name}: {str(error).splitlines()[0]}") from error


def _build(name: str, classes: int) -> nn.Module:
    known = models.list_models(module=models, include=FAMILIES)
    if name not in known:
        raise ConfigError(f"--model: {name!r} is none of {', '.join(known)}")
    model: nn.Module = models.get_model(name, weights=None, num_classes=classes)
    return model

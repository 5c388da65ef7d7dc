"""All that the loop works on: data, model, optimizer and schedule on their device, made from the config."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

from aml_trainer import models
from aml_trainer.augment import Augmentation, resample
from aml_trainer.config import Config
from aml_trainer.data import IMAGENET, Data, ImageSet, Normalisation, count_batches, load
from aml_trainer.devices import Compute
from aml_trainer.distributed import Layout
from aml_trainer.schedule import Schedule

EVAL_BATCH = 256  # images
CPU_EVAL_PIXELS = 16 * 224**2  # of a batch: 18 ms per image of ResNet-18, where 96 images at once take 25


@dataclass(frozen=True)
class Training:
    """One process's part of a training."""

    config: Config
    layout: Layout
    compute: Compute
    classes: list[str]
    skipped: int  # images that could not be read
    train_set: ImageSet
    val_set: ImageSet
    normalise: Normalisation
    augmentation: Augmentation
    network: nn.Module  # the whole classifier
    trained: nn.Module  # the network, or its last layer where the rest is frozen
    model: nn.Module  # `trained`, compiled and shared by all processes as the config says
    optimizer: SGD
    schedule: LambdaLR  # one step per step of the optimizer
    scaler: torch.amp.GradScaler

    def batch(self, rows: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """This process's part of a batch: inputs of `model`, augmented, and labels."""
        part = self.layout.shard(rows)
        picked = self._pick(self.train_set, part)
        if picked.images.dtype != torch.uint8:
            return picked.images, picked.labels
        inputs = self.normalise(picked.images)
        if self.augmentation:
            # all processes draw for the whole batch: the images are the same for any number of them
            maps = self.augmentation.draw(self.train_set.aspects[rows.to(self.train_set.aspects.device)], random)
            inputs = resample(inputs, self.layout.shard(maps), self.augmentation.side)
        return inputs, picked.labels

    def predict(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (float32) and labels of these validation images, by `trained` as it is."""
        self.trained.eval()
        with torch.inference_mode():
            logits = [
                self._logits(self._pick(self.val_set, part))
                for part in torch.split(rows, eval_batch(self.config, self.compute))
            ]
        classes = torch.empty(0, len(self.classes), device=self.compute.device)
        return torch.cat([*logits, classes]), self.val_set.labels[rows.to(self.val_set.labels.device)]

    def _logits(self, part: ImageSet) -> Tensor:
        inputs = self.normalise(part.images) if part.images.dtype == torch.uint8 else part.images
        with self.compute.autocast():
            logits: Tensor = self.trained(inputs)
        return logits.float()

    def _pick(self, images: ImageSet, rows: Tensor) -> ImageSet:
        device = self.compute.device
        picked = images.images[rows.to(images.images.device)].to(device, non_blocking=True)
        on_device = rows.to(images.labels.device)
        return ImageSet(picked, images.labels[on_device], images.aspects[on_device])


def eval_batch(config: Config, compute: Compute) -> int:
    """Images that are judged at once: on a CPU as many as its caches and the C library keep."""
    if compute.device.type != "cpu":
        return EVAL_BATCH
    return min(max(CPU_EVAL_PIXELS // config.image_size**2, 1), EVAL_BATCH)


def prepare(config: Config, compute: Compute, layout: Layout) -> Training:
    """Read the images and make model, optimizer and schedule. The seed rules from here on."""
    data = load(config)
    torch.manual_seed(config.seed)
    network = models.build(config, len(data.classes)).to(compute.device)
    if config.channels_last:
        network = network.to(memory_format=torch.channels_last)
    normalise = _normalisation(config, data)
    trained, data = _freeze(config, compute, network, data, normalise) if config.freeze_backbone else (network, data)
    optimizer = SGD(
        trained.parameters(),
        config.lr,
        momentum=config.momentum,
        nesterov=config.nesterov and config.momentum > 0,
        weight_decay=config.weight_decay,
        fused=True,
    )
    return Training(
        config,
        layout,
        compute,
        data.classes,
        data.skipped,
        data.train.to(compute.device),
        data.val.to(compute.device),
        normalise,
        Augmentation(config.image_size, config.random_crop, config.flip, config.rotate, config.shift),
        network,
        trained,
        _wrapped(trained, config, compute, layout),
        optimizer,
        LambdaLR(optimizer, _schedule(config, len(data.train))),
        compute.scaler(),
    )


def _normalisation(config: Config, data: Data) -> Normalisation:
    own = config.normalisation == "data" or (config.normalisation == "auto" and config.weights == "none")
    return Normalisation.of(data.train.images) if own else IMAGENET


def _schedule(config: Config, images: int) -> Schedule:
    per_epoch = -(-count_batches(images, config.batch_size) // config.accumulate)
    return Schedule(
        config.schedule, config.epochs * per_epoch, per_epoch, config.warmup, config.step_epochs, config.step_factor
    )


def _wrapped(trained: nn.Module, config: Config, compute: Compute, layout: Layout) -> nn.Module:
    model: nn.Module = torch.compile(trained) if config.compile else trained  # type: ignore[assignment]
    if layout.is_alone:
        return model
    return DistributedDataParallel(model, [compute.device] if compute.device.type == "cuda" else None)


def _freeze(
    config: Config, compute: Compute, network: nn.Module, data: Data, normalise: Normalisation
) -> tuple[nn.Module, Data]:
    """The last layer, and both sets as what the layers before it make of them: they are asked once, not per epoch."""
    if config.random_crop or config.flip or config.rotate or config.shift:
        print("--freeze-backbone: features are computed once, so images are not augmented", file=sys.stderr)
    head = models.head_of(network)
    network.requires_grad_(requires_grad=False).eval()
    head.requires_grad_(requires_grad=True)

    def features(images: ImageSet) -> ImageSet:
        kept: list[Tensor] = []
        hook = head.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0].float()))
        with torch.inference_mode(), compute.autocast():
            for part in torch.split(images.images, eval_batch(config, compute)):
                network(normalise(part.to(compute.device)))
        hook.remove()
        return ImageSet(torch.cat(kept), images.labels, images.aspects)

    return head, replace(data, train=features(data.train), val=features(data.val))

"""Train a classifier of torchvision: data, model, a loop over epochs, and the best model as files."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import torch
from torch.nn.functional import cross_entropy

from aml_trainer import checkpoint, results
from aml_trainer.checkpoint import Position
from aml_trainer.config import Config
from aml_trainer.data import batches, count_batches, generator
from aml_trainer.devices import select
from aml_trainer.distributed import Layout, check_batch, gather, joined, share_buffers, total
from aml_trainer.errors import Stopped, TrainerError
from aml_trainer.progress import ProgressBar
from aml_trainer.results import Result
from aml_trainer.setup import Training, prepare
from aml_trainer.signals import StopSignal, stop_signal
from aml_trainer.tracking import LogMetrics, tracked_run


def train(config: Config, layout: Layout | None = None) -> Result:
    """Run all epochs and return the best, whose weights are in `config.output_dir` as soon as it is known."""
    layout = layout or Layout()
    check_batch(layout, config.batch_size)
    compute = select(config, layout.local_rank)
    found = checkpoint.find(config)
    with joined(layout, compute.device), stop_signal(layout) as stop:
        training = prepare(config, compute, layout)
        position, best = (
            (Position(), Result())
            if found is None
            else restore(training, checkpoint.load(found, config, layout.world_size))
        )
        history = results.History(config.output_dir, position.epoch, writes=layout.is_first)
        with tracked_run(_params(training), active=layout.is_first) as log_metrics:
            best = run_epochs(training, position, best, history, log_metrics, stop)
    if layout.is_first:
        results.finish(training, best, history)
    return best


def run_epochs(
    training: Training, position: Position, best: Result, history: results.History, log: LogMetrics, stop: StopSignal
) -> Result:
    """Train from `position` to the last epoch, or until the validation loss has been higher for `patience` of them."""
    config, layout = training.config, training.layout
    for epoch in range(position.epoch, config.epochs + 1):
        if config.patience and position.waited >= config.patience:
            break
        label = f"epoch {epoch:{len(str(config.epochs))}}/{config.epochs}"
        with ProgressBar(label, quiet=not layout.is_first) as bar:
            train_loss, images_per_s = train_epoch(training, position, best, bar, stop)
            val_loss, val_acc = evaluate(training)
            if (result := Result(epoch, val_acc, val_loss)).beats(best):
                best = result
                if layout.is_first:
                    results.save(training, best)
            metrics = {"train_loss": train_loss, "val_loss": val_loss, "val_acc": val_acc}
            summary = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
            bar.finish(f"{summary}  {images_per_s:,.0f} images/s")
        metrics |= {"best_val_acc": best.val_acc, "images_per_s": images_per_s}
        log(metrics, epoch)
        history.append(epoch, metrics)
        position = _after(position, val_loss)
        if config.checkpoint_every and epoch % config.checkpoint_every == 0:
            save_state(training, position, best)
    return best


def train_epoch(
    training: Training, position: Position, best: Result, bar: ProgressBar, stop: StopSignal
) -> tuple[float, float]:
    """What is left of an epoch: the mean training loss (smoothed and augmented, as it is minimised) and images/s."""
    config, layout, images = training.config, training.layout, len(training.train_set)
    training.model.train()
    count = count_batches(images, config.batch_size)
    loss_sum = torch.tensor(position.loss_sum / layout.world_size, device=training.compute.device)
    seen = position.seen
    order = batches(images, config.batch_size, seed=config.seed, epoch=position.epoch, first=position.batches)
    for number, rows in enumerate(order, start=position.batches + 1):
        inputs, labels = training.batch(rows, generator(config.seed, position.epoch, number))
        with training.compute.autocast():
            loss = cross_entropy(training.model(inputs), labels, label_smoothing=config.label_smoothing)
        torch.autograd.backward(training.scaler.scale(loss / config.accumulate))
        seen += len(rows)
        loss_sum += loss.detach() * len(labels)
        if number % config.accumulate and number < count:
            continue
        _step(training)
        bar.update(number / count, seen - position.seen, loss.detach())
        if stop.seen() and number < count:
            loss_so_far = float(total(layout, loss_sum))
            save_state(training, replace(position, batches=number, loss_sum=loss_so_far, seen=seen), best)
            raise Stopped(f"stopped by SIGTERM in epoch {position.epoch}; --resume auto goes on from there")
    train_loss = float(total(layout, loss_sum)) / seen
    if not math.isfinite(train_loss):
        raise TrainerError(f"the training loss became {train_loss}: a lower --lr than {config.lr:g} may help")
    return train_loss, (seen - position.seen) / bar.elapsed_s


def _step(training: Training) -> None:
    if training.config.clip_norm:
        training.scaler.unscale_(training.optimizer)
        torch.nn.utils.clip_grad_norm_(training.trained.parameters(), training.config.clip_norm)
    training.scaler.step(training.optimizer)
    training.scaler.update()
    training.optimizer.zero_grad()
    training.schedule.step()


def evaluate(training: Training) -> tuple[float, float]:
    """Mean cross entropy and accuracy over all validation images, each judged by one of the processes."""
    share_buffers(training.layout, training.trained)
    rows = training.layout.shard(torch.arange(len(training.val_set)))
    logits, labels = training.predict(rows)
    loss = cross_entropy(logits.double(), labels, reduction="sum")
    correct = (logits.argmax(1) == labels).sum()
    sums = total(training.layout, torch.stack([loss, correct.double()])).tolist()
    return sums[0] / len(training.val_set), sums[1] / len(training.val_set)


def save_state(training: Training, position: Position, best: Result) -> None:
    random = [torch.get_rng_state()]
    if training.compute.device.type == "cuda":
        random.append(torch.cuda.get_rng_state(training.compute.device))
    all_random = gather(training.layout, random)
    if training.layout.is_first:
        state = {
            "config": checkpoint.recipe(training.config),
            "world_size": training.layout.world_size,
            "position": asdict(position),
            "best": asdict(best),
            "model": training.network.state_dict(),
            "optimizer": training.optimizer.state_dict(),
            "schedule": training.schedule.state_dict(),
            "scaler": training.scaler.state_dict(),
            "random": all_random,
        }
        checkpoint.save(training.config.output_dir, state)


def restore(training: Training, state: checkpoint.State) -> tuple[Position, Result]:
    """Put `state` into `training`; what is left to know is how far it is and which epoch was best."""
    training.network.load_state_dict(state["model"])
    training.optimizer.load_state_dict(state["optimizer"])
    training.schedule.load_state_dict(state["schedule"])
    training.scaler.load_state_dict(state["scaler"])
    on_cpu, *on_device = state["random"][training.layout.rank]
    torch.set_rng_state(on_cpu)
    if on_device:
        torch.cuda.set_rng_state(on_device[0], training.compute.device)
    return Position(**state["position"]), Result(**state["best"])


def _after(position: Position, val_loss: float) -> Position:
    lower = val_loss < position.lowest_val_loss
    return Position(
        epoch=position.epoch + 1,
        waited=0 if lower else position.waited + 1,
        lowest_val_loss=val_loss if lower else position.lowest_val_loss,
    )


def _params(training: Training) -> dict[str, object]:
    counts = {"train_images": len(training.train_set), "val_images": len(training.val_set)}
    return {
        **asdict(training.config),
        **counts,
        "classes": len(training.classes),
        "precision": training.compute.precision,
    }

"""The engine's loop: claim queued jobs, start them, watch them, end them, in one thread.

Preparing and collecting files happens in worker threads, outside transactions; their results come back to the loop as
messages. Everything that must survive the engine is in the store or in the job's exec folder, so a new engine finds out
where each job is by looking.
"""

from __future__ import annotations

import logging
import os
import selectors
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from aml.errors import AmlError
from aml.workspace.embedded.compute.leases import Lease, released_on_error
from aml.workspace.embedded.database import StoreError
from aml.workspace.embedded.engine.executors import Executor, Process
from aml.workspace.embedded.engine.inventory import Inventory
from aml.workspace.embedded.engine.placement import Placed, Placement
from aml.workspace.embedded.engine.reserve import Reserve
from aml.workspace.embedded.engine.steps import Steps
from aml.workspace.embedded.engine.sweeps.runner import Sweeps
from aml.workspace.embedded.environments.builds import Stop, Stopped
from aml.workspace.embedded.environments.prepared import takes_a_build
from aml.workspace.embedded.queue import Queue
from aml.workspace.embedded.store import Claim, Jobs
from aml.workspace.embedded.sweeps import SweepTable
from aml.workspace.records import Job, Reason, Status

log = logging.getLogger(__name__)

WORKERS = 8
BUILDERS = 64
GRACE_S = 10.0
RESCAN_S = 1.0  # a wake that got lost costs at most this
IDLE_S = 120.0
STORE_RETRY_S = 1.0


@dataclass
class _Running:
    """A job whose process this engine watches."""

    job: Job
    process: Process
    watch: int | None
    ending: bool = False  # its processes are being ended, or its outputs collected


class Scheduler:
    """Runs until it is told to stop or has been idle for `idle_s`."""

    def __init__(
        self,
        jobs: Jobs,
        steps: Steps,
        executor: Executor,
        reserve: Reserve,
        *,
        sweeps: SweepTable,
        queue: Queue,
        unasked_s: Callable[[], float],
        local_jobs: Callable[[], int],
        settle: Callable[[], None],
        idle_s: float = IDLE_S,
    ) -> None:
        self._jobs = jobs
        self._steps = steps
        self._executor = executor
        self._reserve = reserve
        self._sweeps = Sweeps(sweeps, jobs, steps.workspace_paths, steps.register, self.wake)
        self._unasked_s = unasked_s  # how long ago the last request was
        self._idle_s = idle_s
        self._queue = queue
        self._settle = settle  # what happens on computes by itself
        self._settled = -RESCAN_S
        self._placement = Placement(queue, Inventory(self.wake), local_jobs)
        self._lease = uuid.uuid4().hex
        self._running: dict[str, _Running] = {}
        self._preparing: dict[str, Stop] = {}
        self._leases: dict[str, Lease] = {}  # of jobs whose processes do not have theirs yet
        self._messages: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._workers = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="job")
        # A build takes minutes, and jobs that wait for one must not keep others from being started and ended.
        self._builders = ThreadPoolExecutor(max_workers=BUILDERS, thread_name_prefix="build")
        self._selector = selectors.DefaultSelector()
        self._wake_receiver, self._wake_sender = os.pipe()
        os.set_blocking(self._wake_receiver, False)
        os.set_blocking(self._wake_sender, False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ)
        self._gate = threading.Lock()
        self._stopped = threading.Event()
        self._may_claim = True  # something has changed since there was no job to claim
        self._leaving = False

    def wake(self) -> bool:
        """Have the loop look at the store again; False if the engine is leaving and will not. Any thread."""
        with self._gate:
            if self._leaving:
                return False
            self._may_claim = True
            self._notify()
            return True

    def stop(self) -> None:
        """Leave the loop soon; running jobs go on and are taken over by the next engine. Any thread, signal-safe."""
        self._stopped.set()
        self._notify()

    @property
    def _stopping(self) -> bool:
        return self._stopped.is_set()

    def run(self) -> None:
        """Until stopped or idle. The store's errors are logged and tried again: a full disk may get space."""
        self._reserve.hold()
        idle_since = time.monotonic()
        while not self._stopping:
            self._guarded(self._look)
            if self._running or self._preparing:
                idle_since = time.monotonic()
            elif min(time.monotonic() - idle_since, self._unasked_s()) > self._idle_s and self._may_leave():
                break
            self._wait()
        with self._gate:
            self._leaving = True
        for stop in self._preparing.values():
            stop.set()
        self._builders.shutdown()
        self._workers.shutdown()
        self._sweeps.close()

    def _may_leave(self) -> bool:
        """Whether nothing is left to do; decided under the gate, so that no wake is answered and then forgotten."""
        with self._gate:
            self._leaving = not self._jobs.any_unfinished()
            return self._leaving

    def _look(self) -> None:
        if time.monotonic() - self._settled >= RESCAN_S:
            self._settle()
            self._settled = time.monotonic()
        for claim in self._jobs.active():
            running = self._running.get(claim.job.name)
            if running is None and claim.job.name not in self._preparing:
                self._adopt(claim)
            elif running is None and claim.job.status is Status.CANCEL_REQUESTED:
                self._preparing[claim.job.name].set()
            elif running is not None and not running.ending:
                self._check(running, claim.job)
        self._may_claim |= self._sweeps.look()
        while self._may_claim:
            self._may_claim = False  # before the look: a wake meanwhile must not be forgotten
            placed = self._placement.next()
            if placed is not None:
                self._may_claim = True
                self._claim(placed)
        for name in self._placement.to_give_way():
            self._have_way(name)

    def _claim(self, placed: Placed) -> None:
        devices = () if placed.lease is None else placed.lease.uuids
        with released_on_error(placed.lease):
            claimed = self._queue.claim(placed.claim.job.name, self._lease, devices)
        if claimed:
            self._prepare(placed)
        elif placed.lease is not None:  # it was canceled meanwhile
            placed.lease.release()

    def _have_way(self, name: str) -> None:
        """End a job for another one."""
        running = self._running.get(name)
        if running is not None and not running.ending and self._queue.request_way(name, self._lease):
            self._end(running, Reason.PREEMPTED)

    def _check(self, running: _Running, job: Job) -> None:
        """End a job that is to be canceled or has had its time."""
        timeout_s = self._steps.timeout_s(job)
        if not self._executor.is_alive(running.process):
            self._ended(running)
        elif job.status is Status.CANCEL_REQUESTED:
            self._end(running, job.reason or Reason.USER_CANCELED)
        elif job.reason is Reason.PREEMPTED:
            self._end(running, Reason.PREEMPTED)
        elif timeout_s is not None and self._executor.runtime_s(running.process) >= timeout_s:
            self._jobs.request_timeout(job.name, self._lease)
            self._end(running, Reason.TIMEOUT)

    def _prepare(self, placed: Placed) -> None:
        name = placed.claim.job.name
        stop = self._preparing[name] = Stop()
        if placed.lease is not None:
            self._leases[name] = placed.lease
        pool = self._builders if takes_a_build(placed.claim.job) else self._workers
        self._submit(name, lambda: self._start(placed, stop), pool)

    def _start(self, placed: Placed, stop: Stop) -> None:
        """In a worker: make folders ready, start the process, record it."""
        claim, name = placed.claim, placed.claim.job.name
        reason = Reason.PREPARE_FAILED
        try:
            if placed.refused is not None:
                raise placed.refused
            launch = self._steps.prepare(claim, stop, placed.lease)
            reason = Reason.START_FAILED
            process = self._executor.start(launch, () if placed.lease is None else placed.lease.descriptors)
        except StoreError:
            raise
        except Stopped:
            if not self._stopping:  # else the next engine goes on with it
                self._jobs.record_end(name, self._lease, Reason.USER_CANCELED)
                self._post(lambda: self._forget(name))
            return
        except AmlError as error:
            self._jobs.record_end(name, self._lease, reason, message=_sentence(error))
            self._post(lambda: self._forget(name))
            return
        self._jobs.record_start(name, self._lease, process.to_json())
        self._post(lambda: self._watch(claim.job, process))

    def _watch(self, job: Job, process: Process) -> None:
        self._release(job.name)  # the job's processes have its devices now
        self._preparing.pop(job.name, None)
        running = _Running(job, process, self._executor.watch(process))
        self._running[job.name] = running
        if running.watch is not None:
            self._selector.register(running.watch, selectors.EVENT_READ, running)
        else:
            self._check(running, self._jobs.get(job.name))

    def _end(self, running: _Running, reason: Reason) -> None:
        running.ending = True
        self._unwatch(running)
        log.info("%s: ending its processes (%s)", running.job.name, reason)

        def work() -> None:
            self._executor.end(running.process, self._steps.paths(running.job), grace_s=GRACE_S)
            self._finish(running, reason)

        self._submit(running.job.name, work)

    def _ended(self, running: _Running) -> None:
        running.ending = True
        self._unwatch(running)
        self._submit(running.job.name, lambda: self._finish(running, None))

    def _finish(self, running: _Running, reason: Reason | None) -> None:
        """In a worker: the process is gone; collect what it left and record the end."""
        job = self._jobs.get(running.job.name)
        code = self._steps.paths(job).exit_code()
        gave_way = job.reason is Reason.PREEMPTED and (reason is not None or code != 0)
        if not gave_way:
            self._jobs.record_finalizing(job.name, self._lease)
        if not running.process.isolated or code is None:
            self._executor.sweep(running.process, self._steps.paths(job))
        if gave_way:
            self._steps.start_over(job)
            self._queue.requeue(job.name, self._lease)
            log.info("%s: gave way and is queued again", job.name)
            self._post(lambda: self._forget(job.name))
            return
        if reason in (None, Reason.PREEMPTED):  # canceled while it gave way
            reason = job.reason if job.status is Status.CANCEL_REQUESTED else None
        outcome = self._steps.finish(job, reason)
        self._jobs.record_end(
            job.name, self._lease, outcome.reason, message=outcome.message, exit_code=outcome.exit_code
        )
        log.info("%s: %s", job.name, outcome.reason)
        self._post(lambda: self._forget(job.name))

    def _adopt(self, claim: Claim) -> None:
        """Take over what an earlier engine left: by its process if one was recorded, else by preparing again."""
        name = claim.job.name
        placed = self._placed(claim)
        if placed is None:  # the next look may find enough
            return
        log.info("%s: taken over, %s", name, claim.job.status)
        with released_on_error(placed.lease):
            self._jobs.adopt(name, self._lease)
        if claim.process is not None:
            self._watch(claim.job, Process.from_json(claim.process))
            return
        if placed.lease is not None:
            with released_on_error(placed.lease):
                self._jobs.record_devices(name, self._lease, placed.lease.uuids)
        self._prepare(placed)

    def _placed(self, claim: Claim) -> Placed | None:
        """Where a job of another engine is; one that has not been started needs its devices once more."""
        if claim.process is not None or self._steps.paths(claim.job).wrapper_pid.exists():
            return Placed(claim)
        return self._placement.again(claim)

    def _submit(self, name: str, work: Callable[[], None], pool: ThreadPoolExecutor | None = None) -> None:
        def until_stored() -> None:
            while not self._stopping:
                try:
                    self._ended_by_error(name, work)
                except StoreError as error:  # every step can be repeated, and the next engine would do the same
                    log.warning("%s: %s; trying again", name, _sentence(error))
                    if not self._reserve.release():
                        self._stopped.wait(STORE_RETRY_S)
                else:
                    return

        (pool or self._workers).submit(until_stored)

    def _ended_by_error(self, name: str, work: Callable[[], None]) -> None:
        """Do a worker's work; whatever goes wrong in it, other than the store, is the end of the job."""
        try:
            work()
        except StoreError:
            raise
        except Exception as error:
            log.exception("%s: failed in the engine", name)
            message = _sentence(error) if isinstance(error, AmlError) else f"{type(error).__name__}: {error}"
            self._jobs.record_end(name, self._lease, Reason.FINALIZE_FAILED, message=message)
            self._post(lambda: self._forget(name))

    def _release(self, name: str) -> None:
        lease = self._leases.pop(name, None)
        if lease is not None:
            lease.release()

    def _forget(self, name: str) -> None:
        self._release(name)
        self._may_claim = True
        self._reserve.hold()
        self._preparing.pop(name, None)
        self._running.pop(name, None)

    def _unwatch(self, running: _Running) -> None:
        if running.watch is not None:
            self._selector.unregister(running.watch)
            os.close(running.watch)
            running.watch = None

    def _post(self, message: Callable[[], None]) -> None:
        """Have the loop's thread do something."""
        self._messages.put(message)
        self._notify()

    def _notify(self) -> None:
        with suppress(BlockingIOError):  # full: the loop will wake up anyway
            os.write(self._wake_sender, b".")

    def _wait(self) -> None:
        ready = self._selector.select(self._timeout_s())
        self._may_claim |= not ready
        for key, _ in ready:
            if isinstance(key.data, _Running):
                self._ended(key.data)
            else:
                with suppress(BlockingIOError):
                    os.read(self._wake_receiver, 4096)
        with suppress(Empty):
            while True:
                self._guarded(self._messages.get_nowait())

    def _timeout_s(self) -> float:
        """Until the next job has had its time; at most the interval of looking for wakes that got lost."""
        waits = [RESCAN_S]
        for running in self._running.values():
            timeout_s = self._steps.timeout_s(running.job)
            if timeout_s is not None and not running.ending:
                waits.append(timeout_s - self._executor.runtime_s(running.process))
        return max(min(waits), 0.0)

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except StoreError as error:
            log.warning("%s", _sentence(error))
            if not self._reserve.release():
                self._stopped.wait(STORE_RETRY_S)


def _sentence(error: AmlError) -> str:
    return f"{error.message}. {error.hint}" if error.hint else error.message

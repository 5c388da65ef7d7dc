"""All benchmarks, one after the other: `python -m tests.bench`."""

from __future__ import annotations

from tests.bench import latency, quickstart_seeds, startup, sweeps, throughput, validation

if __name__ == "__main__":
    for bench in (startup, validation, latency, throughput, sweeps, quickstart_seeds):
        print(f"\n## {bench.__name__.rpartition('.')[2]}\n")
        bench.main()

"""`python -m aml_trainer`: arguments -> config -> training. The only place where an error becomes text and a code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from aml_trainer.config import parse
from aml_trainer.distributed import Layout, driver_log, report_failure
from aml_trainer.errors import TrainerError


def main(argv: Sequence[str] | None = None) -> int:
    """0: the model is written. 1: data, disk or tracking failed. 2: wrong arguments. 130: interrupted. 143: SIGTERM."""
    layout, config = Layout(), None
    try:
        config = parse(sys.argv[1:] if argv is None else argv)
        layout = Layout.of(os.environ)
        with driver_log(layout, config.log_dir):
            from aml_trainer.train import (
                train,  # torch costs two seconds that --help and usage errors need not wait for
            )

            best = train(config, layout)
            if layout.is_first:
                model = config.output_dir / "model.pt"
                print(f"best_val_acc {best.val_acc:.4f} in epoch {best.epoch} of {config.epochs}: {model}")
    except TrainerError as error:
        print(f"aml_trainer: {error}", file=sys.stderr)
        if config is not None:
            report_failure(layout, config.log_dir, str(error))
        return error.exit_code
    except KeyboardInterrupt:
        print("aml_trainer: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

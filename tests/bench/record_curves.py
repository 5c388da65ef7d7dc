"""Record learning curves to stop early on: `python -m tests.bench.record_curves > tests/bench/curves.csv`.

100 recipes of a small network on the scanned digits, drawn at random, 30 epochs each; a line has the validation
accuracy after each epoch.
"""

from __future__ import annotations

import random

EPOCHS = 30
RECIPES = 100


def main() -> None:
    import warnings

    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels = images[order] / 16, labels[order]
    train, held = slice(0, 900), slice(900, None)
    chance = random.Random(0)
    for recipe in range(RECIPES):
        network = MLPClassifier(
            hidden_layer_sizes=(chance.choice([8, 16, 32, 64]),),
            learning_rate_init=10 ** chance.uniform(-4, -0.5),
            alpha=10 ** chance.uniform(-5, 0),
            batch_size=chance.choice([16, 32, 64, 128]),
            random_state=recipe,
        )
        curve = []
        for _ in range(EPOCHS):
            network.partial_fit(images[train], labels[train], classes=np.arange(10))
            curve.append(network.score(images[held], labels[held]))
        print(",".join(f"{value:.4f}" for value in curve), flush=True)


if __name__ == "__main__":
    main()

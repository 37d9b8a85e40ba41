"""The loss of a network with one hidden layer, with all of its gradients.

Run it with the name of an SVG file to draw it, too.
"""

import sys
from pathlib import Path

import numpy as np

import clearprop

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 2)).round(1)  # three samples of two features
Y = rng.normal(size=(3, 2)).round(1)  # two numbers to predict for each
W1 = rng.normal(size=(2, 3)).round(1)
B1 = np.zeros(3)
W2 = rng.normal(size=(3, 2)).round(1)
B2 = np.zeros(2)


def loss(x=X, w1=W1, b1=B1, w2=W2, b2=B2, y=Y):
    """Return the mean squared error of a layer, a ReLU and another layer."""
    hidden = np.maximum(x @ w1 + b1, 0)
    prediction = hidden @ w2 + b2
    error = prediction - y
    return (error**2).mean()


def main(picture: str | None = None) -> None:
    """Print the ledger of the loss, and draw it if a file is named."""
    ledger = clearprop.explain(loss, *loss.__defaults__)
    ledger.show()
    if picture:
        path = Path(picture)
        path.parent.mkdir(parents=True, exist_ok=True)
        ledger.svg(path)
        print(f"drawn in {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])

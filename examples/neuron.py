"""A neuron with a sigmoid, gate by gate: where does each of its gradients come from?

Run it with the name of an SVG file to draw it, too.
"""

import sys
from pathlib import Path

import numpy as np

import clearprop


def neuron(w0=2.0, x0=-1.0, w1=-3.0, x1=-2.0, w2=-3.0):
    """Two weighted inputs and a bias, squashed into (0, 1)."""
    s0 = w0 * x0
    s1 = w1 * x1
    s2 = s0 + s1
    s3 = s2 + w2
    return 1 / (1 + np.exp(-s3))


def main(picture: str | None = None) -> None:
    """Print the ledger of the neuron, and draw it if a file is named."""
    ledger = clearprop.explain(neuron, *neuron.__defaults__)
    ledger.show()
    if picture:
        path = Path(picture)
        path.parent.mkdir(parents=True, exist_ok=True)
        ledger.svg(path)
        print(f"drawn in {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Train a small network on 1,797 real handwritten digits, with Adam written out in NumPy.

The images (8 × 8 pixels) come with scikit-learn. Exits with 1 if fewer than 95 % of the digits that
were kept aside are read correctly.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import clearprop

WANTED = 0.95
HIDDEN, BATCH = 64, 32


def load():
    """Images as rows of 64 numbers in [0, 1], and their labels, for training and for testing."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    return train_test_split(images, labels, test_size=0.25, random_state=0, stratify=labels)


def initial(rng):
    """Parameters: random weights, sized so that signals neither fade nor swell, and zero biases."""

    def layer(inputs, outputs):
        weights = rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs)).astype(np.float32)
        return {"w": weights, "b": np.zeros(outputs, np.float32)}

    return {"hidden": layer(64, HIDDEN), "output": layer(HIDDEN, 10)}


def scores(parameters, images):
    """Return a number for each digit: the higher, the likelier."""
    hidden, output = parameters["hidden"], parameters["output"]
    return np.maximum(images @ hidden["w"] + hidden["b"], 0) @ output["w"] + output["b"]


def loss(parameters, images, labels):
    """Return the mean surprise at the true labels."""
    return clearprop.cross_entropy(scores(parameters, images), labels)


def accuracy(parameters, images, labels):
    """Return the share of images that are read correctly."""
    return float((scores(parameters, images).argmax(1) == labels).mean())


class Adam:
    """Adam (Kingma and Ba, 2015): steps in units of each gradient's usual size."""

    def __init__(self, rate=0.002, decay=0.9, decay_square=0.999):
        self.rate, self.decay, self.decay_square = rate, decay, decay_square
        self.count = 0
        self.averages = {}

    def update(self, parameters, gradient):
        """Change the arrays of `parameters` in place."""
        self.count += 1
        rate = self.rate * np.sqrt(1 - self.decay_square**self.count) / (1 - self.decay**self.count)
        for layer, arrays in parameters.items():
            for name, p in arrays.items():
                g = gradient[layer][name]
                mean, square = self.averages.setdefault(
                    (layer, name), (np.zeros_like(p), np.zeros_like(p))
                )
                mean += (1 - self.decay) * (g - mean)
                square += (1 - self.decay_square) * (g * g - square)
                p -= rate * mean / (np.sqrt(square) + 1e-8)


def train(epochs, seed=0):
    """Return the loss of every step, and the share of test digits read correctly at the end."""
    train_images, test_images, train_labels, test_labels = load()
    rng = np.random.default_rng(seed)
    parameters, adam = initial(rng), Adam()
    loss_and_gradient = clearprop.value_and_grad(loss)
    losses, correct = [], 0.0
    columns = (
        TextColumn("training"),
        BarColumn(),
        TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
        TextColumn("loss {task.fields[loss]:.4f}  test accuracy {task.fields[correct]:.1%}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("training", total=epochs, loss=np.nan, correct=correct)
        for _ in range(epochs):
            order = rng.permutation(len(train_labels))
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                value, gradient = loss_and_gradient(
                    parameters, train_images[batch], train_labels[batch]
                )
                adam.update(parameters, gradient)
                losses.append(float(value))
            correct = accuracy(parameters, test_images, test_labels)
            progress.update(task, advance=1, loss=losses[-1], correct=correct)
    return losses, correct


def draw(losses, path):
    """Save a picture of how the loss fell."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    window = min(20, len(losses))
    axes.semilogy(losses, alpha=0.3, label="each step")
    axes.semilogy(
        np.arange(window - 1, len(losses)),
        np.convolve(losses, np.full(window, 1 / window), "valid"),
        label=f"mean of {window} steps",
    )
    axes.set(xlabel="step", ylabel="cross-entropy", title="Training on handwritten digits")
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def main(arguments=None) -> int:
    """Train, report, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", nargs="?", type=Path, help="where to draw the loss (.svg, .png)")
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args(arguments)
    losses, correct = train(options.epochs)
    print(f"test accuracy {correct:.2%} after {len(losses)} steps")
    if options.picture:
        draw(losses, options.picture)
        print(f"loss drawn in {options.picture}")
    if correct < WANTED:
        print(f"that is under the {WANTED:.0%} wanted", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

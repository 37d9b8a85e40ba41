"""Linear regression in PyTorch's style: find the weights that made the data."""

import numpy as np

import clearprop

SAMPLES, FEATURES, OUTPUTS = 100, 4, 2
W_TRUE = np.array([[1.0, 1.0], [1.5, 1.5], [2.0, 3.0], [2.5, -0.5]])
B_TRUE = np.array([0.0, -1.0])


def fit(seed: int = 0):
    """Take one bold step and twenty careful ones; return the losses, the weights and the biases."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-5, 5, (SAMPLES, FEATURES))
    y = x @ W_TRUE + B_TRUE
    w = clearprop.tensor(rng.normal(size=(FEATURES, OUTPUTS)))
    b = clearprop.tensor(np.zeros(OUTPUTS))

    losses = []
    for rate in [0.1] + [0.01] * 20:
        loss = ((x @ w + b - y) ** 2).mean()
        loss.backward()
        with clearprop.no_grad():
            w -= rate * w.grad
            b -= rate * b.grad
        w.grad = b.grad = None
        losses.append(loss.item())
    losses.append(((x @ w + b - y) ** 2).mean().item())
    return losses, w.detach().numpy(), b.detach().numpy()


def main() -> None:
    """Print how the loss falls, and what was found beside what is true."""
    losses, w, b = fit()
    for step, loss in enumerate(losses):
        print(f"step {step:2}: loss {loss:8.4f}")
    print("weights found:", w.round(2).tolist(), " true:", W_TRUE.tolist())
    print("biases found: ", b.round(2).tolist(), " true:", B_TRUE.tolist())


if __name__ == "__main__":
    main()

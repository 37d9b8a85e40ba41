"""Second derivatives: Newton's method on Rosenbrock's banana-shaped valley.

A gradient says which way is down. The Hessian says how the slope changes, too, so that Newton's
method can step right to where the slope would be zero if the valley were a bowl.
"""

import numpy as np

import clearprop


def rosenbrock(x):
    """Return a long curved valley, flat along its floor; the lowest point, 0, is at (1, 1, ..., 1)."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def newton(f, x, steps=20, tolerance=1e-10):
    """Minimise `f` from `x`; yield each point, its value and the size of its gradient."""
    value_and_slope, curvature = clearprop.value_and_grad(f), clearprop.hessian(f)
    for _ in range(steps):
        value, slope = value_and_slope(x)
        size = np.linalg.norm(slope)
        yield x, value, size
        if size < tolerance:
            return
        x = x - np.linalg.solve(curvature(x), slope)


def main() -> None:
    """Print the steps, then one Hessian-vector product, for which no Hessian is built."""
    for step, (x, value, size) in enumerate(newton(rosenbrock, np.array([-1.2, 1.0]))):
        print(
            f"step {step}: x = ({x[0]:+.6f}, {x[1]:+.6f})  f = {value:.2e}  |gradient| = {size:.1e}"
        )

    x, v = np.linspace(-1, 1, 1000), np.ones(1000)
    product = clearprop.hvp(rosenbrock, x, v)
    print(f"a Hessian of {x.size} × {x.size} times a vector: norm {np.linalg.norm(product):.4f}")


if __name__ == "__main__":
    main()

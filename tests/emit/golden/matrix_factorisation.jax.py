# The value and the gradient of matrix_factorisation, written by Clearprop.
# For U f64[12,3], V f64[9,3], ratings f64[12,9], seen f64[12,9].
# Shapes, and Python's branches and loops, are as they were with these: for others, write it anew.
# Run against Clearprop: largest relative error tiny; against finite differences: tiny.
import jax
import jax.numpy as jnp


@jax.custom_vjp
def matrix_factorisation(U, V, ratings, seen):
    return matrix_factorisation_forward(U, V, ratings, seen)[0]


def matrix_factorisation_forward(U, V, ratings, seen):
    error = seen * (U @ V.T - ratings)  # (12, 9)
    out = 0.5 * jnp.sum(error**2) + 0.05 * (jnp.sum(U**2) + jnp.sum(V**2))

    return out, (U, V, seen, error)


def matrix_factorisation_backward(residuals, dout):
    U, V, seen, error = residuals
    # backward of  error = seen * (U @ V.T - ratings)
    #              return 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2))
    dUVT = dout * seen * error    # (12, 9)
    # backward of  error = seen * (U @ V.T - ratings)
    dout_2 = dout / 10
    # backward of  error = seen * (U @ V.T - ratings)
    #              return 0.5 * np.sum(error**2) + 0.05 * (np.sum(U**2) + np.sum(V**2))
    dU = dUVT @ V + dout_2 * U    # (12, 3)
    dV = dout_2 * V + dUVT.T @ U  # (9, 3)

    return dU, dV, None, None


matrix_factorisation.defvjp(matrix_factorisation_forward, matrix_factorisation_backward)

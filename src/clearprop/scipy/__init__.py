"""SciPy's functions that turn what they get into plain arrays, once more with gradients."""

try:
    import scipy  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "clearprop.scipy is about SciPy's functions, and SciPy is not installed: pip install scipy"
    ) from error

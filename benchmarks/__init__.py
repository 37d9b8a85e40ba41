"""Speed and size, measured beside other libraries. Never a test: run it with ``make bench``."""

"""What the benchmarks' command lines have in common."""

import argparse


def whole_number(text: str) -> int:
    """A number from 1 on, as an option's ``type``. Raises what argparse turns into a message."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number

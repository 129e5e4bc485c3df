"""The only entry point: hands the command line to infrastructure/cli."""

import gc
import sys


def main() -> int:
    """Run the program; give its exit status."""
    # Imports make no garbage, and looking for it would be a quarter of their time. The collector
    # gets going again as soon as the command is known.
    gc.disable()
    from infrastructure.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

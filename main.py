"""The only entry point: hands the command line to infrastructure/cli."""

import gc
import sys


def main() -> int:
    """Run the program; give its exit status."""
    # Imports make no garbage, and looking for it would be a quarter of their time. The collector
    # gets going as soon as the command is known (`shared.memory`).
    gc.disable()
    from infrastructure.cli.main import run

    try:
        return run(sys.argv[1:])
    finally:
        # The interpreter looks through everything once more at its end: half of the time to exit.
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())

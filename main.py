"""The only entry point: hands the command line to infrastructure/cli."""

import gc
import sys


def main() -> int:
    """Run the program; give its exit status."""
    # Imports make no garbage. The collector gets going once the command is known (shared.memory).
    gc.disable()
    from infrastructure.cli.main import run

    try:
        return run(sys.argv[1:])
    finally:
        # Else the interpreter looks for garbage in all modules once more at its end.
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())

"""The only entry point: hands the command line to infrastructure/cli."""

import gc
import signal
import sys


def main() -> int:
    """Run the program; give its exit status."""
    # Ctrl-C ends the program without a word while there is nothing to finish: before a command has
    # begun and after it has ended. Python would print a traceback of the modules being loaded.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Imports make no garbage. The collector gets going once the command is known (shared.memory).
    gc.disable()
    from infrastructure.cli.main import run

    try:
        return run(sys.argv[1:])
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # Else the interpreter looks for garbage in all modules once more at its end.
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())

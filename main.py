"""The only entry point: hands the command line to infrastructure/cli."""

import gc
import os
import sys


def main() -> int:
    """Run the program; give its exit status."""
    _import_quickly()
    from infrastructure.cli.main import run

    try:
        return run(sys.argv[1:])
    finally:
        # Else the interpreter looks for garbage in all modules once more at its end.
        gc.freeze()


def _import_quickly() -> None:
    """Leave out what makes imports slow and is of no use here."""
    # Imports make no garbage. The collector gets going once the command is known (shared.memory).
    gc.disable()
    # pydantic would look for plugins in the metadata of every package that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


if __name__ == "__main__":
    sys.exit(main())

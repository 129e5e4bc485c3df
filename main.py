"""The only entry point: hands the command line to infrastructure/cli."""

import sys

from infrastructure.cli.main import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

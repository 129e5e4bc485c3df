"""What the exit status of the program says."""

from domain.run import RunOutcome

SAVED = 0
"""Every title is saved in every repository."""
INCOMPLETE = 1
"""Finished with titles, or details of them, missing; the run report names them."""
USAGE = 2
"""Bad usage or configuration; nothing was started."""
NO_SOURCE = 3
"""No source could be reached, or all of them block us."""
INTERRUPTED = 130
"""Interrupted (128 + SIGINT, as shells count); what was in flight is saved."""

OF_OUTCOME = {
    RunOutcome.COMPLETE: SAVED,
    RunOutcome.INCOMPLETE: INCOMPLETE,
    RunOutcome.NO_SOURCE: NO_SOURCE,
    RunOutcome.INTERRUPTED: INTERRUPTED,
}

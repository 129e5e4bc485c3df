"""The engine of distributed runs: Celery, with Redis between those who send and those who work.

What is to be done, and by whom, is not decided here but in the ledger (`application.ports`). A
message only says "look at batch 17"; one that is lost, or comes twice, does no harm.
"""

from infrastructure.workers.app import celery_app
from infrastructure.workers.queue import CeleryJobQueue, CeleryQueue, answers, check_broker

__all__ = ["CeleryJobQueue", "CeleryQueue", "answers", "celery_app", "check_broker"]

"""50 greenlets over one `requests` session, the whole ``__NEXT_DATA__`` by orjson.

As gevent's Introduction advises under "Monkey patching": patch first, then use blocking libraries
as they are; a `Pool` bounds them ("Pools", gevent.pool). The session's pool of connections is as
large as that ("Transport Adapters", Requests' Advanced Usage).
"""

from gevent import monkey

monkey.patch_all()

import requests  # noqa: E402 - only what is imported after the patch is cooperative
from gevent.pool import Pool  # noqa: E402
from requests.adapters import HTTPAdapter  # noqa: E402

from benchmarks.systems.job import TIMEOUT_SECONDS, Job, job_from_environment  # noqa: E402
from benchmarks.systems.next_data import chart_ids, page_props, title_page  # noqa: E402
from benchmarks.systems.saving import TitlePage, save  # noqa: E402


def run(job: Job) -> None:
    """Do the job."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=job.threads))

    def body(url: str) -> bytes:
        response = session.get(url, timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
        content: bytes = response.content
        return content

    def read(imdb_id: str) -> TitlePage:
        return title_page(page_props(body(job.title_url(imdb_id))))

    ids = chart_ids(page_props(body(job.chart_url)), job.limit)
    save(job, Pool(job.threads).imap_unordered(read, ids))


if __name__ == "__main__":
    run(job_from_environment())

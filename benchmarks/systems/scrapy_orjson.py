"""Scrapy with 50 concurrent requests: parsel finds ``__NEXT_DATA__``, orjson reads the whole of it.

As "Run Scrapy from a script" (Common Practices), "Item Pipeline" and "Broad Crawls" advise: a
spider with a callback a kind of page; a pipeline that opens its file and its database with the
spider, saves each item when it comes, and closes them with the spider ("Write items to a JSON lines
file", "Write items to MongoDB"); concurrency raised to what is wanted, cookies and the telnet
console off, logging reduced. No delay and no AutoThrottle.
"""

from collections.abc import Iterator
from typing import Any, Self

import scrapy
from scrapy.crawler import Crawler, CrawlerProcess
from scrapy.http import Response

from benchmarks.systems.job import Job, job_from_environment
from benchmarks.systems.next_data import chart_ids, props_of, title_page
from benchmarks.systems.saving import OneByOne, TitlePage


class SavePipeline:
    """Saves each title."""

    def __init__(self, job: Job) -> None:
        self._job = job

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Make the pipeline of a crawler, as Scrapy asks for it."""
        return cls(crawler.settings["JOB"])

    def open_spider(self) -> None:
        """Open the files and the database."""
        self._saving = OneByOne(self._job)

    def process_item(self, item: dict[str, TitlePage]) -> dict[str, TitlePage]:
        """Save a title."""
        self._saving.save(item["page"])
        return item

    def close_spider(self) -> None:
        """Close what was opened."""
        self._saving.close()


class TitlesSpider(scrapy.Spider):  # type: ignore[misc]  # its types are not there
    """Goes from the chart to the titles."""

    name = "titles"

    def __init__(self, job: Job, **settings: Any) -> None:
        super().__init__(**settings)
        self._job = job
        self.start_urls = [job.chart_url]

    def parse(self, response: Response) -> Iterator[scrapy.Request]:
        """Ask for the titles of the chart."""
        for imdb_id in chart_ids(_page_props(response), self._job.limit):
            yield scrapy.Request(self._job.title_url(imdb_id), callback=self.parse_title)

    def parse_title(self, response: Response) -> Iterator[dict[str, TitlePage]]:
        """Read a title page."""
        yield {"page": title_page(_page_props(response))}


def _page_props(response: Response) -> Any:
    return props_of(response.css("script#__NEXT_DATA__::text").get())


def run(job: Job) -> None:
    """Do the job."""
    process = CrawlerProcess(
        {
            "JOB": job,
            "CONCURRENT_REQUESTS": job.threads,
            "CONCURRENT_REQUESTS_PER_DOMAIN": job.threads,
            "DOWNLOAD_DELAY": 0,
            "COOKIES_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "LOG_LEVEL": "WARNING",
            "ITEM_PIPELINES": {SavePipeline: 300},
        }
    )
    process.crawl(TitlesSpider, job=job)
    process.start()


if __name__ == "__main__":
    run(job_from_environment())

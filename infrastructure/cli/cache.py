"""Looking at the HTTP cache, and emptying it."""

from rich.console import Console
from rich.text import Text

from infrastructure.container import cache_storage
from shared.config import Settings
from shared.wording import counted


def show_cache(settings: Settings, console: Console) -> None:
    """Print what the cache holds and how often it has helped. Raises `CacheUnavailable`."""
    storage = cache_storage(settings)
    try:
        contents = storage.contents()
    finally:
        storage.close()
    counts = contents.counts
    asked = counts["hits"] + counts["misses"]
    share = f" ({counts['hits'] / asked:.0%})" if asked else ""
    lines = [
        f"HTTP cache in {contents.location}",
        f"  holds      {counted(contents.pages, 'page')}, {contents.bytes_held / 1e6:,.1f} MB",
        f"  hits       {counts['hits']:,} of {counted(asked, 'page')} asked for{share}",
        f"  confirmed  {counts['confirmed']:,} by the site as not changed",
        f"  kept       {counts['kept']:,} in all",
    ]
    if settings.http_cache == "off":
        lines.append("It is not used now: HTTP_CACHE=off. Set it to file or redis.")
    console.print(Text("\n".join(lines)), soft_wrap=True)


def purge_cache(settings: Settings, console: Console) -> None:
    """Take everything out of the cache. Raises `CacheUnavailable`."""
    storage = cache_storage(settings)
    try:
        pages = storage.purge()
    finally:
        storage.close()
    console.print(
        f"{counted(pages, 'page')} removed from {storage.location}", soft_wrap=True, markup=False
    )

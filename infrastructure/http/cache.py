"""Keeping pages, so that they need not be asked for again (RFC 9111, for one user).

What is fresh is read from here; what is not is asked for again with the validators that came with
it (``ETag``, ``Last-Modified``), and a site that answers 304 sends no page. How long a page is
fresh is the user's choice, whatever the site says in ``Cache-Control``, which speaks to browsers.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError
from requests import PreparedRequest
from requests.structures import CaseInsensitiveDict
from requests_cache.cache_keys import create_key
from requests_cache.models.request import CachedRequest
from requests_cache.models.response import CachedResponse
from requests_cache.policy.actions import CacheActions
from requests_cache.policy.settings import CacheSettings

from infrastructure.http.response import PackedResponse

if TYPE_CHECKING:
    from infrastructure.http.cache_storage import Storage

logger = logging.getLogger(__name__)

_MATCHED_HEADERS = ("Accept-Language", "x-imdb-user-country", "x-imdb-user-language")
"""What a page depends on besides its address."""
_VALIDATORS = ("If-None-Match", "If-Modified-Since")
_STORAGE_ERRORS = (OSError, RedisError, KeyError, ValueError, TypeError)
"""KeyError is also what the library makes of a file that cannot be written."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """What the cache has for a request: ``answer``, which is ``fresh`` or may be confirmed.

    ``validators`` are the headers that ask the site whether ``answer`` is still so.
    """

    actions: CacheActions
    kept: CachedResponse | None
    answer: PackedResponse | None
    fresh: bool
    validators: dict[str, str]


class HttpCache:
    """Pages by address, language and country, in a `Storage`.

    Any number of threads may call it: the storage guards itself, a lock the counts. A storage that
    fails is said once and done without: a run is worth more than its cache. ``counted`` is told
    of each look-up (``hits`` or ``misses``) and of each page that was ``kept`` or ``confirmed``.
    """

    def __init__(
        self,
        storage: "Storage",
        *,
        ttl_seconds: float,
        max_body_bytes: int,
        counted: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._storage = storage
        self._counted = counted
        self._max_body_bytes = max_body_bytes
        self._settings = CacheSettings(expire_after=ttl_seconds, match_headers=_MATCHED_HEADERS)
        self._has_failed = False
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def look_up(self, request: PreparedRequest) -> LookUp:
        """Find what is kept for a request."""
        key = create_key(request, match_headers=_MATCHED_HEADERS)
        kept = self._kept(key, request)
        actions = CacheActions.from_request(key, request, self._settings)
        actions.update_from_cached_response(kept, create_key)
        asks = actions.send_request or actions.resend_request
        self._count("misses" if asks else "hits")
        headers = actions.update_request(request.copy()).headers
        return LookUp(
            actions=actions,
            kept=kept,
            answer=None if kept is None else self._answer(kept),
            fresh=not asks,
            validators={name: headers[name] for name in _VALIDATORS if name in headers},
        )

    def keep(self, found: LookUp, request: PreparedRequest, answer: PackedResponse) -> None:
        """Keep a page that could be read."""
        kept = CachedResponse(
            content=answer.packed,
            headers=CaseInsensitiveDict(answer.headers),
            status_code=answer.status,
            url=answer.url,
            request=CachedRequest.from_request(request),
            created_at=answer.fetched_at,
        )
        found.actions.update_from_response(kept)
        if not found.actions.skip_write:
            kept.expires = found.actions.expires
            self._put(found.actions.cache_key, kept)
            self._count("kept")

    def confirm(self, found: LookUp, answer: PackedResponse) -> PackedResponse:
        """Give the page that a 304 is about, and keep it as one of now.

        Raises `ValueError` when ``found`` has none.
        """
        if found.kept is None:
            raise ValueError("there is no page that could be confirmed")
        confirmation = CachedResponse(
            headers=CaseInsensitiveDict(answer.headers),
            status_code=answer.status,
            request=found.kept.request,
        )
        kept = found.actions.update_revalidated_response(confirmation, found.kept)
        kept.created_at = answer.fetched_at
        self._put(found.actions.cache_key, kept)
        self._count("confirmed")
        return self._answer(kept)

    def forget(self, found: LookUp) -> None:
        """Take a page away that cannot be read."""
        self._guarded(lambda: self._storage.pages.pop(found.actions.cache_key, None))

    def close(self) -> None:
        """Add up the counts and let go of connections."""
        self._guarded(lambda: self._storage.add_counts(self._counts))
        self._storage.close()

    def _kept(self, key: str, request: PreparedRequest) -> CachedResponse | None:
        kept: CachedResponse | None = self._guarded(lambda: self._storage.pages.get(key))
        if kept is None or kept.request.url != request.url:  # keys are short, and may be the same
            return None
        return kept if len(kept.content or b"") <= self._max_body_bytes else None

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1
        self._counted(what)

    def _put(self, key: str, kept: CachedResponse) -> None:
        self._guarded(lambda: self._storage.pages.__setitem__(key, kept))

    def _answer(self, kept: CachedResponse) -> PackedResponse:
        encoding = (kept.headers.get("Content-Encoding") or "").strip().lower()
        return PackedResponse(
            url=kept.url,
            status=kept.status_code,
            headers=kept.headers,
            packed=kept.content or b"",
            encoding=encoding,
            limit=self._max_body_bytes,
            fetched_at=kept.created_at,
        )

    def _guarded(self, action: Callable[[], Any]) -> Any:
        if self._has_failed:
            return None
        try:
            return action()
        except _STORAGE_ERRORS as error:
            if self._is_first_failure():
                logger.warning(
                    "the HTTP cache (%s) does not work, going on without it: %s",
                    self._storage.location, error.__cause__ or error,
                )  # fmt: skip
            return None

    def _is_first_failure(self) -> bool:
        """Note that the storage has failed; false when another thread has met it already."""
        with self._lock:
            is_known, self._has_failed = self._has_failed, True
        return not is_known

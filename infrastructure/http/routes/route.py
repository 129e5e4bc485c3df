"""A way to a site, as a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.config import RouteKind
from shared.setting_values import Secret


@dataclass(frozen=True, slots=True)
class Route:
    """One way to a site: straight, through a proxy, or through Tor.

    ``name`` is for people and has no credentials in it; ``proxy`` is empty for the direct way, and
    is not shown by accident.
    """

    kind: RouteKind
    name: str
    proxy: Secret

    @property
    def proxies(self) -> dict[str, str]:
        """The proxy as `requests` wants it: by the scheme of the page; empty for none."""
        url = self.proxy.reveal()
        return {"http": url, "https": url} if url else {}


DIRECT = Route("direct", "direct", Secret(""))


def route_groups(
    order: Sequence[RouteKind], proxies: Sequence[Secret], tor_socks_url: Secret
) -> list[list[Route]]:
    """The routes of each kind, in the order of ``ROUTES``."""
    named = [
        Route("proxies", f"proxy {number} ({without_credentials(proxy)})", proxy)
        for number, proxy in enumerate(proxies, 1)
    ]
    tor = Route("tor", f"tor ({without_credentials(tor_socks_url)})", tor_socks_url)
    groups: dict[RouteKind, list[Route]] = {"direct": [DIRECT], "proxies": named, "tor": [tor]}
    return [groups[kind] for kind in order]


def without_credentials(url: Secret) -> str:
    """``scheme://***@host:port``: a URL as it may be shown."""
    parts = urlsplit(url.reveal())
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{'***@' if '@' in parts.netloc else ''}{host}:{parts.port}"

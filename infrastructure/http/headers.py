"""What every request says of us."""


def request_headers(user_agent: str, language: str) -> dict[str, str]:
    """The headers of a request, by name: an honest name, and what we can read."""
    return {
        "User-Agent": str(user_agent),
        "Accept-Language": accept_language(language),
        "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
        "Accept-Encoding": "gzip",
    }


def accept_language(language: str) -> str:
    """The value of ``Accept-Language`` for a language tag: ``en-US`` gives ``en-US,en;q=0.9``."""
    primary = language.partition("-")[0]
    return language if primary == language else f"{language},{primary};q=0.9"

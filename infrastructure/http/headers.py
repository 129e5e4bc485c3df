"""What every request says of us."""


def request_headers(user_agent: str, language: str, country: str) -> dict[str, str]:
    """The headers of a request, by name: an honest name, what we can read, and for which country.

    The last two are what IMDb's API goes by; the site may go by where a request comes from.
    """
    return {
        "User-Agent": str(user_agent),
        "Accept-Language": accept_language(language, country),
        "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
        "Accept-Encoding": "gzip",
        "x-imdb-user-country": str(country),
        "x-imdb-user-language": str(language),
    }


def accept_language(language: str, country: str) -> str:
    """The value of ``Accept-Language`` for a language tag: ``en-US`` gives ``en-US,en;q=0.9``.

    A language without a region is asked for as the country has it: ``de`` is ``de-AT`` in Austria.
    """
    primary, dash, _ = language.partition("-")
    tag = language if dash else f"{language}-{country}"
    return f"{tag},{primary};q=0.9"

"""Numbers in sentences."""


def counted(number: int, one: str, many: str | None = None) -> str:
    """So many of something: "1 title", "2,000 titles"; ``many`` is needed for people."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

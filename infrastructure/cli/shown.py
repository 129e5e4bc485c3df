"""How things are put on a terminal: text of others, and numbers."""


def shown(text: str) -> str:
    """The text on one line, without characters that could move the cursor or set colours."""
    return "".join(character if character.isprintable() else " " for character in text)


def counted(number: int, one: str, many: str | None = None) -> str:
    """So many of something: "1 title", "2,000 titles"; ``many`` is needed for people."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

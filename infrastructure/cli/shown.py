"""Text of others on a terminal."""


def shown(text: str) -> str:
    """The text on one line, without characters that could move the cursor or set colours."""
    return "".join(character if character.isprintable() else " " for character in text)

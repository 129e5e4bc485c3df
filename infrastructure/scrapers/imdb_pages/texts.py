"""Texts as pages escape them, and as messages quote them."""

import html
import re

_NUMBER = re.compile(r"&#0*([0-9]+);?")
_MOST_DIGITS = 7
"""U+10FFFF, the last character, is number 1114111."""
_LONGEST_QUOTE = 200


def unescaped(text: str) -> str:
    """The text that HTML's character references stand for.

    The number of a character that there is not stands for U+FFFD (HTML standard, "Numeric character
    reference end state"), however long it is: `html.unescape` fails at 4300 digits.
    """
    return html.unescape(_NUMBER.sub(_shortened, text) if "&#" in text else text)


def _shortened(reference: re.Match[str]) -> str:
    digits = reference[1]
    return f"&#{digits};" if len(digits) <= _MOST_DIGITS else "\ufffd"


def quoted(text: str) -> str:
    """The text as long as a message may quote it: a hostile page can have one of megabytes."""
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."

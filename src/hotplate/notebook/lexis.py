"""The words of C and C++: what is a comment, a literal, a name. Everything here looks at text alone."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["COMMENT", "DIRECTIVE", "LITERAL", "blank_comments", "fold", "names", "normalise", "spell"]

COMMENT = r"//(?:[^\\\n]++|\\(?s:.))*+|/\*(?s:.*?)(?:\*/|\Z)"
# First numbers with separators: the ' of 1'000 opens no character. Then raw strings: their quotes end nothing. A
# literal that is not closed ends with its line, so that a half-typed one does no harm beyond it.
LITERAL = (
    r"(?<!\w)\d[\w.]*(?:'\w+)+"
    r"|\b(?:u8|[uUL])?R\"(?P<fence>[^()\\\s]{0,16})\((?s:.*?)\)(?P=fence)\""
    r"|\"(?:[^\"\\\n]++|\\(?s:.))*+\"?"
    r"|'(?:[^'\\\n]++|\\(?s:.))*+'?"
)
# A whole logical line, spliced lines and comments that run over several included.
DIRECTIVE = rf"^[ \t]*\#[ \t]*(?P<directive>\w*)(?:[^\\\n/\"]++|\\(?s:.)|{COMMENT}|\"(?:[^\"\\\n]++|\\.)*+\"?|/)*+"
_NUMBER = r"\.?\d(?:'?[\w.]|(?<=[eEpP])[-+])*"
_NAME = r"[^\W\d][\w$]*"
_PUNCTUATOR = r"<<=|>>=|<=>|->\*|\.\.\.|\+\+|--|->|<<|>>|[-+*/%&|^=!<>]=|&&|\|\||::|##|\.\*"

_NAMES = re.compile(rf"{COMMENT}|\#[ \t]*include[ \t]*<[^>\n]*>|{LITERAL}|{_NUMBER}|(?P<name>{_NAME})")
_COMMENT_OR_LITERAL = re.compile(rf"(?P<comment>{COMMENT})|{LITERAL}")
_TOKENS = re.compile(
    rf"(?P<skip>{COMMENT}|\\\r?\n|[^\S\n]+)|(?P<define>\#[ \t]*define[ \t]+{_NAME}\(?)"
    rf"|{LITERAL}|{_NUMBER}|{_NAME}|{_PUNCTUATOR}|(?s:.)"
)


@lru_cache(maxsize=1 << 15)
def names(text: str) -> frozenset[str]:
    """Every identifier of the text outside comments and literals, keywords too.

    Cached by text, so that after an edit only the pieces that changed are read again.
    """
    return frozenset(match["name"] for match in _NAMES.finditer(text) if match["name"])


def fold(text: str) -> str:
    """The text with each run of white space as one space."""
    return " ".join(text.split())


def blank_comments(text: str) -> str:
    """The text with every comment replaced by as many spaces; newlines stay."""
    if "//" not in text and "/*" not in text:
        return text
    return _COMMENT_OR_LITERAL.sub(lambda match: _blank(match[0]) if match["comment"] else match[0], text)


@lru_cache(maxsize=1 << 15)
def normalise(text: str) -> str:
    """The tokens of the text, one space between any two: what the compiler sees of it, whatever the formatting.

    A directive keeps its own line, and `#define F(x)` stays apart from `#define F (x)`.
    """
    lines: list[list[str]] = [[]]
    for match in _TOKENS.finditer(text):
        token = match[0]
        if match["skip"] is not None:
            continue
        if token == "\n":
            if lines[-1] and lines[-1][0].startswith("#"):
                lines.append([])
        elif match["define"] is not None:
            lines.append([" ".join(token.split())])
        elif token == "#" and _starts_line(text, match.start()):
            lines.append(["#"])
        else:
            lines[-1].append(token)
    return "\n".join(" ".join(line) for line in lines if line)


def spell(text: str) -> str:
    """A declaration in the usual spacing, without comments: `void f(int n, double x[2 * n])`."""
    spelled, before, depth = "", "", 0
    for match in _TOKENS.finditer(text):
        token = match[0]
        if match["skip"] is not None or token == "\n":
            continue
        if spelled and not _is_tight(before, token, in_brackets=depth > 0):
            spelled += " "
        depth += (token == "[") - (token == "]")
        spelled, before = spelled + token, token
    return spelled


def _is_tight(before: str, token: str, *, in_brackets: bool) -> bool:
    if token in ("(", ")", "[", "]", ",", ";", "::", "<", ">") or before in ("(", "[", "::", "<"):
        return True
    return not in_brackets and before in ("*", "&", "&&")


def _starts_line(text: str, offset: int) -> bool:
    return not text[text.rfind("\n", 0, offset) + 1 : offset].strip()


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)

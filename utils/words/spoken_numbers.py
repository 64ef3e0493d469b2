"""Expands numbers and symbols to spoken words: `$5` to five dollars, `3rd` to third. Pure.

For alignment only, where a misreading costs at most the accuracy of one word's times.
"""

from __future__ import annotations

import re

SYMBOLS = {
    "en": {"%": "percent", "$": "dollars", "€": "euros", "£": "pounds", "&": "and"},
    "de": {"%": "Prozent", "$": "Dollar", "€": "Euro", "£": "Pfund", "&": "und"},
    "es": {"%": "por ciento", "$": "dólares", "€": "euros", "£": "libras", "&": "y"},
    "fr": {"%": "pour cent", "$": "dollars", "€": "euros", "£": "livres", "&": "et"},
    "it": {"%": "per cento", "$": "dollari", "€": "euro", "£": "sterline", "&": "e"},
    "nl": {"%": "procent", "$": "dollar", "€": "euro", "£": "pond", "&": "en"},
    "pl": {"%": "procent", "$": "dolarów", "€": "euro", "£": "funtów", "&": "i"},
    "pt": {"%": "por cento", "$": "dólares", "€": "euros", "£": "libras", "&": "e"},
    "ru": {"%": "процентов", "$": "долларов", "€": "евро", "£": "фунтов", "&": "и"},
}
NUMBER = re.compile(r"(?P<currency>[$€£])?(?P<digits>\d+(?:[.,]\d+)*)(?P<ordinal>st|nd|rd|th|º|ª)?")
SYMBOL = re.compile(r"[%$€£&]")
THOUSANDS = re.compile(r"[.,](?=\d{3}(?!\d))")  # either separator groups digits in some language
LONGEST_NUMBER = 6  # digits; longer ones are read digit by digit. num2words hangs on Amharic from nine on
YEARS = range(1100, 2100)
# Languages that read 1984 differently from a cardinal; Japanese would name an era.
YEARS_IN_HUNDREDS = ("en", "de")


def spoken(text: str, language: str) -> str:
    """`text` with its numbers and symbols in words; those that cannot be read in `language` are dropped.

    `language` is an ISO 639-1 code.
    """
    names = SYMBOLS.get(language, {})

    def read(found: re.Match[str]) -> str:
        currency = names.get(found["currency"] or "", "")
        return f" {_number(found['digits'], bool(found['ordinal']), language)} {currency} "

    words = NUMBER.sub(read, text)
    return SYMBOL.sub(lambda found: f" {names.get(found[0], '')} ", words)


def _number(digits: str, is_ordinal: bool, language: str) -> str:
    parts = re.split("[.,]", THOUSANDS.sub("", digits))
    if len(parts) == 2 and len(digits) <= LONGEST_NUMBER:
        return _read(float(".".join(parts)), "cardinal", language)
    return " ".join(_whole(part, is_ordinal, part == digits, language) for part in parts)


def _whole(digits: str, is_ordinal: bool, is_plain: bool, language: str) -> str:
    if len(digits) > LONGEST_NUMBER or (len(digits) > 1 and int(digits[0]) == 0):
        return " ".join(_read(int(digit), "cardinal", language) for digit in digits)
    if is_ordinal:
        return _read(int(digits), "ordinal", language)
    is_year = is_plain and int(digits) in YEARS and language in YEARS_IN_HUNDREDS
    return _read(int(digits), "year" if is_year else "cardinal", language)


def _read(number: float, kind: str, language: str) -> str:
    from num2words import num2words

    try:
        return str(num2words(number, lang=language, to=kind))
    except (NotImplementedError, ArithmeticError, LookupError, TypeError, ValueError):
        return ""  # num2words supports its languages to different degrees

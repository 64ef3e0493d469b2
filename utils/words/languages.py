"""The languages Whisper knows: ISO 639-1 code (or Whisper's own) to the name verbose_json shows."""

from __future__ import annotations

import re
import unicodedata

from utils.words.language_names import CODES, NAMES

LANGUAGES = {
    "af": "afrikaans", "am": "amharic", "ar": "arabic", "as": "assamese", "az": "azerbaijani",
    "ba": "bashkir", "be": "belarusian", "bg": "bulgarian", "bn": "bengali", "bo": "tibetan",
    "br": "breton", "bs": "bosnian", "ca": "catalan", "cs": "czech", "cy": "welsh", "da": "danish",
    "de": "german", "el": "greek", "en": "english", "es": "spanish", "et": "estonian", "eu": "basque",
    "fa": "persian", "fi": "finnish", "fo": "faroese", "fr": "french", "gl": "galician",
    "gu": "gujarati", "ha": "hausa", "haw": "hawaiian", "he": "hebrew", "hi": "hindi",
    "hr": "croatian", "ht": "haitian creole", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "is": "icelandic", "it": "italian", "ja": "japanese", "jw": "javanese", "ka": "georgian",
    "kk": "kazakh", "km": "khmer", "kn": "kannada", "ko": "korean", "la": "latin",
    "lb": "luxembourgish", "ln": "lingala", "lo": "lao", "lt": "lithuanian", "lv": "latvian",
    "mg": "malagasy", "mi": "maori", "mk": "macedonian", "ml": "malayalam", "mn": "mongolian",
    "mr": "marathi", "ms": "malay", "mt": "maltese", "my": "myanmar", "ne": "nepali", "nl": "dutch",
    "nn": "nynorsk", "no": "norwegian", "oc": "occitan", "pa": "punjabi", "pl": "polish",
    "ps": "pashto", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sa": "sanskrit",
    "sd": "sindhi", "si": "sinhala", "sk": "slovak", "sl": "slovenian", "sn": "shona", "so": "somali",
    "sq": "albanian", "sr": "serbian", "su": "sundanese", "sv": "swedish", "sw": "swahili",
    "ta": "tamil", "te": "telugu", "tg": "tajik", "th": "thai", "tk": "turkmen", "tl": "tagalog",
    "tr": "turkish", "tt": "tatar", "uk": "ukrainian", "ur": "urdu", "uz": "uzbek",
    "vi": "vietnamese", "yi": "yiddish", "yo": "yoruba", "yue": "cantonese", "zh": "chinese",
}  # fmt: skip

UNDERSTOOD = "an ISO 639 code ('de', 'ger'), a locale ('de-AT'), an English or native name, or 'auto'"
"""What `language_code` and `means_any` understand, for error messages."""

_LONGEST = 100  # characters of a language; bounds the work on a hostile one
_ANY = frozenset({
    "auto", "auto-detect", "autodetect", "automatic", "detect", "any", "unknown", "multi", "multilingual",
    "und", "mul", "mis", "zxx",
})  # fmt: skip
_REGIONAL = {"zh-yue": "yue", "no-nyn": "nn", "no-no-ny": "nn"}  # where more than the first subtag matters
_SUBTAGS = re.compile(r"(-[a-z0-9]{1,8})*")
_QUALIFIER = re.compile(r"\(.*\)$|[.@].*$")  # `Chinese (Simplified)`, `de_DE.UTF-8`, `ca_ES@valencia`


def language_code(given: str) -> str | None:
    """Whisper's code for a language by its code, locale (BCP 47, POSIX, Java, Android), English or own name;
    None for a language unknown to Whisper. Subtags are dropped from the end, as in the lookup of RFC 4647."""
    value = _folded(given).removeprefix("b-")
    end = len(value)
    while end > 0:
        if (code := _CODES.get(value[:end])) and _SUBTAGS.fullmatch(value, end):
            return code
        end = value.rfind("-", 0, end)
    return None


def means_any(given: str) -> bool:
    """Whether it says that the language is to be detected: `auto`, or an ISO 639-2 code for no particular
    language."""
    return _folded(given) in _ANY


def language_tag(given: str) -> str:
    """For comparisons: the code of a language that Whisper knows, of any other the tag in lower case."""
    return language_code(given) or given.strip().lower().replace("_", "-")


def _folded(text: str) -> str:
    """Without case, accents and apostrophes, so that `Français` and `francais` are the same, and with hyphens
    between subtags: Java writes `zh_CN_#Hans`, Android `b+sr+Latn`."""
    if len(text) > _LONGEST:
        return ""
    bare = _QUALIFIER.sub("", unicodedata.normalize("NFKD", text.casefold()))
    kept = "".join(
        c for c in bare if unicodedata.category(c) != "Mn" and c not in "#'`\u2018\u2019\u02bb\u02bc"
    )
    return " ".join(re.sub("[_+]", "-", kept).split())


_CODES = {
    **{code: code for code in LANGUAGES},
    **{other: code for code, others in CODES.items() for other in others.split()},
    **{_folded(name): code for code, name in LANGUAGES.items()},
    **{_folded(name): code for code, names in NAMES.items() for name in names.split(",")},
    **_REGIONAL,
}

"""What else the languages of Whisper are called, by Whisper's code.

Codes: ISO 639-2/T, 639-2/B and 639-3, the members of macrolanguages among them, withdrawn codes that Java and
Android still send, and Whisper's own where it differs from ISO 639-1. Names: English ones besides those in
LANGUAGES, and the language's own.
"""

from __future__ import annotations

CODES = {
    "af": "afr", "am": "amh",
    "ar": "ara arb aao abh abv acm acq acw acx acy adf aeb aec afb ajp apc apd arq ars ary arz avl ayh "
          "ayl ayn ayp shu ssh",
    "as": "asm", "az": "aze azb azj", "ba": "bak", "be": "bel", "bg": "bul", "bn": "ben", "bo": "bod tib",
    "br": "bre", "bs": "bos", "ca": "cat", "cs": "ces cze", "cy": "cym wel", "da": "dan",
    "de": "deu ger gsw", "el": "ell gre", "en": "eng", "es": "spa", "et": "est ekk vro", "eu": "eus baq",
    "fa": "fas per pes prs", "fi": "fin", "fo": "fao", "fr": "fra fre", "gl": "glg", "gu": "guj",
    "ha": "hau", "he": "heb iw", "hi": "hin", "hr": "hrv scr", "ht": "hat", "hu": "hun",
    "hy": "hye arm hyw", "id": "ind in", "is": "isl ice", "it": "ita", "ja": "jpn", "jw": "jv jav",
    "ka": "kat geo", "kk": "kaz", "km": "khm", "kn": "kan", "ko": "kor", "la": "lat", "lb": "ltz",
    "ln": "lin", "lo": "lao", "lt": "lit", "lv": "lav ltg lvs",
    "mg": "mlg bhr bmm bzc msh plt skg tdx tkg txy xmv xmw", "mi": "mri mao", "mk": "mkd mac", "ml": "mal",
    "mn": "mon khk mvf", "mr": "mar", "ms": "msa may zlm zsm", "mt": "mlt", "my": "mya bur",
    "ne": "nep dty npi", "nl": "nld dut vls", "nn": "nno", "no": "nor nb nob", "oc": "oci", "pa": "pan pnb",
    "pl": "pol", "ps": "pus pbt pbu pst", "pt": "por", "ro": "ron rum mo mol", "ru": "rus", "sa": "san",
    "sd": "snd", "si": "sin", "sk": "slk slo", "sl": "slv", "sn": "sna", "so": "som",
    "sq": "sqi alb aae aat aln als", "sr": "srp scc sh hbs cnr", "su": "sun", "sv": "swe",
    "sw": "swa swc swh", "ta": "tam", "te": "tel", "tg": "tgk", "th": "tha", "tk": "tuk", "tl": "tgl fil",
    "tr": "tur", "tt": "tat", "uk": "ukr", "ur": "urd", "uz": "uzb uzn uzs", "vi": "vie",
    "yi": "yid ji ydd yih", "yo": "yor",
    "zh": "zho chi cdo cjy cmn cpx czh czo gan hak hsn lzh mnp nan wuu",
}  # fmt: skip

NAMES = {
    "am": "አማርኛ", "ar": "العربية, عربي", "as": "অসমীয়া", "az": "azeri, azərbaycan, azərbaycan dili",
    "ba": "башҡорт, башҡорт теле", "be": "belorussian, byelorussian, беларуская", "bg": "български",
    "bn": "bangla, বাংলা", "bo": "བོད་སྐད་", "br": "brezhoneg", "bs": "bosanski",
    "ca": "català, valencian, valencià", "cs": "čeština, český", "cy": "cymraeg", "da": "dansk",
    "de": "deutsch, swiss german, schweizerdeutsch", "el": "modern greek, ελληνικά",
    "en": "american english, british english", "es": "castilian, español, castellano",
    "et": "eesti, eesti keel", "eu": "euskara", "fa": "farsi, dari, فارسی", "fi": "suomi", "fo": "føroyskt",
    "fr": "français", "gl": "galego", "gu": "ગુજરાતી", "haw": "ʻōlelo hawaiʻi", "he": "עברית",
    "hi": "हिन्दी, हिंदी", "hr": "hrvatski", "ht": "haitian, kreyòl ayisyen", "hu": "magyar", "hy": "հայերեն",
    "id": "bahasa indonesia, indonesia", "is": "íslenska", "it": "italiano", "ja": "日本語",
    "jw": "jawa, basa jawa", "ka": "ქართული", "kk": "қазақ, қазақ тілі, қазақша",
    "km": "central khmer, ខ្មែរ", "kn": "ಕನ್ನಡ", "ko": "한국어", "la": "latina, lingua latina",
    "lb": "letzeburgesch, lëtzebuergesch", "ln": "lingála", "lo": "ລາວ", "lt": "lietuvių", "lv": "latviešu",
    "mi": "māori", "mk": "македонски", "ml": "മലയാളം", "mn": "монгол", "mr": "मराठी",
    "ms": "melayu, bahasa melayu, bahasa malaysia", "mt": "malti", "my": "burmese, မြန်မာ, မြန်မာဘာသာ",
    "ne": "नेपाली", "nl": "flemish, nederlands, vlaams", "nn": "norwegian nynorsk, norsk nynorsk",
    "no": "norwegian bokmål, bokmål, norsk, norsk bokmål", "oc": "provençal",
    "pa": "panjabi, ਪੰਜਾਬੀ, پنجابی", "pl": "polski", "ps": "pushto, پښتو",
    "pt": "português, brazilian portuguese, português brasileiro", "ro": "moldavian, moldovan, română",
    "ru": "русский", "sa": "संस्कृत, संस्कृत भाषा", "sd": "سنڌي", "si": "sinhalese, සිංහල", "sk": "slovenčina",
    "sl": "slovene, slovenščina", "sn": "chishona", "so": "soomaali", "sq": "shqip",
    "sr": "montenegrin, serbo-croatian, српски, srpski", "su": "basa sunda", "sv": "svenska",
    "sw": "kiswahili", "ta": "தமிழ்", "te": "తెలుగు", "tg": "тоҷикӣ", "th": "ไทย, ภาษาไทย",
    "tk": "türkmen, türkmen dili, türkmençe", "tl": "filipino, pilipino", "tr": "türkçe",
    "tt": "татар, татарча", "uk": "українська", "ur": "اردو", "uz": "oʻzbek, oʻzbekcha", "vi": "tiếng việt",
    "yi": "ייִדיש", "yo": "èdè yorùbá, yorùbá", "yue": "yue chinese, 粵語, 粤语, 廣東話, 广东话",
    "zh": "mandarin, mandarin chinese, simplified chinese, traditional chinese, putonghua, 中文, 汉语, "
          "漢語, 普通话, 國語, 简体中文, 繁體中文",
}  # fmt: skip

"""Abbreviations and ordinals of the languages that Whisper writes most; in lower case, with their full stops.

What is made of single letters (`p.m.`, `z. B.`, `т. е.`) needs no entry. Words that also end sentences
of their language are left out, or count before a number only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto


class Stop(Enum):
    """What a full stop after an abbreviation may be besides."""

    NEVER_END = auto()
    """A title stands before a name."""
    END_AFTER_PAUSE = auto()
    END_UNLESS_NUMBER = auto()
    """`No.` is an abbreviation before a number, else a word."""


def _table(languages: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in languages.items()}


TITLES = _table({
    "en": (
        "mr. mrs. ms. mx. dr. prof. rev. hon. sen. rep. gov. gen. col. maj. capt. lt. sgt. cpl. supt. "
        "messrs."
    ),
    "de": "dr. prof. hr. fr. frl. ing. dipl. dipl.-ing. mag. pfr. kard. hl.",
    "nl": "dhr. mevr. mw. dr. drs. prof. ir. ing. mr. ds. burg.",
    "sv": "dr. prof. hr. fr. frk.",
    "da": "dr. prof. hr. fr. frk. skt. cand.",
    "no": "dr. prof. hr. fr. frk. cand.",
    "is": "dr. próf. hr. fr. sr.",
    "fi": "prof. toht. maist. hra. rva. nti.",
    "es": (
        "sr. sra. srta. sres. sras. dr. dra. dña. prof. profa. ing. lic. arq. gral. cnel. pbro. mons. "
        "sto. sta."
    ),
    "ca": "sr. sra. dr. dra. prof. st. sta. mn.",
    "gl": "sr. sra. dr. dra. prof. sto. sta.",
    "pt": "sr. sra. srta. srs. sras. dr. dra. prof. profa. eng. exmo. exma. gen. cel. sto. sta.",
    "fr": "mm. mr. mme. mmes. mlle. mlles. dr. pr. prof. me. mgr. ste.",
    "it": "sig. sigg. dott. dr. prof. ing. avv. arch. geom. rag. gen. mons. ss.",
    "ro": "dl. dna. d-na. d-l. dr. prof. ing. sf. gen.",
    "pl": "dr. prof. inż. mgr. hab. doc. św. ks. bp. abp. kard. gen. płk. mjr. kpt. dyr. red.",
    "cs": "dr. prof. doc. ing. mgr. bc. mudr. judr. phdr. rndr. pí. sv. gen. plk. mjr. kpt.",
    "sk": "dr. prof. doc. ing. mgr. bc. mudr. judr. phdr. pí. sv. gen. plk. mjr. kpt.",
    "sl": "dr. prof. doc. mag. inž. ga. gdč. sv.",
    "hr": "dr. prof. doc. mr. ing. gosp. gđa. gđica. sv.",
    "sr": "dr. prof. doc. mr. gosp. sv. др. проф. доц. г-дин. г-ђа. св.",
    "hu": "dr. prof. id. ifj. özv. szt.",
    "tr": "dr. prof. doç. yrd. av. sn. uzm. gen. alb. hz.",
    "ru": "г-н. г-жа. проф. акад. доц. ген. св. тов. гр.",
    "uk": "проф. акад. доц. ген. св. тов. гр.",
    "bg": "г-н. г-жа. д-р. проф. акад. доц. ген. св.",
    "el": "κα. κος. δρ. καθ. αγ.",
    "lt": "dr. prof. doc. šv. gen.",
    "lv": "dr. prof. doc. sv. ģen.",
    "et": "dr. prof. hr. pr. prl.",
    "id": "bpk. sdr. sdri. dr. prof. ir. drs. hj.",
    "ms": "dr. prof. en. pn. tn. hj.",
    "vi": "ts. ths. gs. pgs. bs. ks. ls.",
    "hi": "डॉ. प्रो. पं. कु. श्री.",
    "mr": "डॉ. प्रा. पं. कु. श्री.",
    "bn": "ড. ডা. মো. প্রফ.",
    "ta": "டாக்டர். திரு. திருமதி.",
    "ar": "د. أ. م.",
})  # fmt: skip
"""They stand before a name."""

ABBREVIATIONS = _table({
    "en": (
        "st. mt. jr. sr. vs. inc. ltd. co. corp. bros. dept. univ. assn. ave. blvd. rd. approx. cf. feb. "
        "aug. sept. nov. dec."
    ),
    "de": (
        "nr. bzw. ca. usw. etc. evtl. ggf. inkl. exkl. sog. vgl. bspw. str. tel. jh. jhd. mio. mrd. tsd. "
        "std. sek. geb. gest. gegr. ev. kath. insb. bes. allg. chr. st. jr. jan. febr. aug. sept. okt. "
        "nov. dez. vs."
    ),
    "nl": (
        "bijv. bv. ca. enz. nr. nrs. blz. incl. excl. evt. resp. ong. jl. zgn. vgl. str. tel. afd. hfst. "
        "jr. sr. mln. mld. chr. st. vs. aug. sept. okt. nov. dec."
    ),
    "sv": (
        "ex. bl. ca. kl. nr. osv. dvs. jfr. resp. tel. inkl. exkl. obs. jr. sr. milj. mdr. kr. vs. aug. "
        "sept. okt. nov. dec."
    ),
    "da": (
        "eks. bl. ca. kl. nr. osv. dvs. mv. fl. jf. inkl. ekskl. evt. maks. tlf. pga. mht. vedr. tidl. "
        "afd. årh. mio. mia. kr. jr. sr. chr. aug. sept. okt. nov. dec."
    ),
    "no": (
        "eks. bl. ca. kl. nr. osv. dvs. mv. fl. jf. inkl. ekskl. evt. maks. tlf. pga. mht. vedr. tidl. "
        "avd. mill. mrd. kr. jr. sr. aug. sept. okt. nov. des."
    ),
    "is": "nr. kl. sbr. bls. kr. skv. frv. jan. feb. ágú. sept. okt. nóv. des.",
    "fi": "esim. ns. ym. yms. tms. jne. ks. vrt. huom. puh. milj. mrd. ekr. jkr. nro. klo. ao. ko.",
    "es": (
        "ej. núm. núms. pág. págs. av. avda. cía. etc. tel. aprox. art. cap. vol. fig. dpto. depto. izq. "
        "dcha. ee. uu. ud. uds. vd. vds. jr. gob. admón. ltda."
    ),
    "ca": "ex. núm. pàg. av. avda. etc. tel. aprox. art. cap. vol. fig. ltda.",
    "gl": "ex. núm. páx. av. avda. etc. tel. aprox. art. cap. vol. fig. ltda.",
    "pt": (
        "ex. núm. pág. págs. av. cia. ltda. etc. tel. aprox. art. cap. vol. fig. séc. máx. mín. jr. dept. "
        "gov."
    ),
    "fr": (
        "ex. cf. etc. env. av. bd. boul. tél. vol. chap. pp. fig. éd. apr. st. janv. févr. avr. juil. "
        "oct. nov. déc. vs. jr."
    ),
    "it": "ecc. es. pag. pagg. nr. num. tel. art. cap. vol. fig. sec. ca. jr. sr.",
    "ro": "nr. str. bd. bl. ap. etc. pag. tel. art. aprox. ex. sec. jud. lt.",
    "pl": (
        "np. tj. itd. itp. tzn. tzw. ul. al. pl. nr. str. godz. wg. zob. por. tys. mln. mld. os. woj. "
        "pow. gm. tel. kl. rys. tab."
    ),
    "cs": (
        "např. tj. atd. apod. tzv. tzn. čís. str. ul. nám. tř. tel. okr. hod. sek. mil. mld. tis. stol. "
        "odst. čl. př. resp. popř. příp. cca. obr. tab. kap."
    ),
    "sk": (
        "napr. tj. atď. apod. tzv. tzn. čís. str. ul. nám. tel. okr. hod. sek. mil. mld. tis. stor. ods. "
        "čl. pr. resp. príp. cca. obr. tab. kap."
    ),
    "sl": "npr. tj. itd. ipd. oz. št. str. ul. tel. mio. mrd. čl. odst. ur.",
    "hr": "npr. tj. itd. sl. tzv. br. str. ul. tel. god. st. stolj. mil. mlrd. tis. odn. čl.",
    "sr": (
        "npr. tj. itd. sl. tzv. br. str. ul. tel. god. st. mil. mlrd. hilj. нпр. тј. итд. сл. тзв. бр. "
        "стр. ул. тел. год. ст. мил. млрд. хиљ."
    ),
    "hu": (
        "pl. stb. kb. ún. ill. ti. vö. sz. tel. krt. kft. zrt. nyrt. jan. febr. márc. ápr. aug. szept. "
        "okt. nov. dec."
    ),
    "tr": "vb. vs. bkz. örn. yy. no. cad. sok. mah. apt. tel. ltd. şti. sf. ",
    "ru": (
        "др. пр. см. ср. напр. гг. вв. ул. просп. пл. пер. кв. корп. стр. обл. оз. руб. коп. тыс. млн. "
        "млрд. тел. рис. табл. гл. англ. франц."
    ),
    "uk": (
        "напр. буд. ін. зв. рр. ст. вул. просп. пл. обл. див. грн. коп. тис. млн. млрд. тел. рис. табл. "
        "ім. англ. нім."
    ),
    "bg": "напр. гр. др. нар. гг. вв. ул. бул. пл. обл. лв. ст. хил. млн. млрд. тел. вж. ср. англ.",
    "el": "δηλ. κλπ. λπ. σελ. αρ. τηλ. βλ. εκ. δισ. χιλ.",
    "lt": "pvz. kt. pan. nr. str. tel. val. mln. mlrd. tūkst. proc.",
    "lv": "piem. utt. utml. nr. lpp. tel. plkst. milj. tūkst.",
    "et": "nt. jne. jm. jms. nr. lk. tel. kl. ca. mln. mld.",
    "id": "dll. dsb. dst. yth. jl. no. tgl. hlm. tel. kec. kab. prov. rp.",
    "ms": "dll. dsb. jln. no. tel.",
    "vi": "tp. tx. tt. vd. đ.c.",
})  # fmt: skip
"""They may end a sentence."""

BEFORE_NUMBERS = _table({
    "en": "no. nos. art. sec. fig. vol. vols. ch. pp. para. ver. ca.",
    "de": "abs. art. bd. kap. max. min. abb. tab.",
    "nl": "art. max. min. fig. dl.",
    "sv": "ung. max. min. st. kap. fig. ev.",
    "da": "min. st. kap. fig. stk.",
    "no": "min. st. kap. fig. stk.",
    "fr": "no. nos. art. max. min. p.",
    "es": "máx. mín. ed.",
    "it": "max. min. n.",
    "ro": "max. min.",
    "pl": "ok. min. maks. im.",
    "cs": "max. min.",
    "sk": "max. min.",
    "sl": "ok. maks. min. let.",
    "hr": "maks. min. o.",
    "hu": "max. min. old. em.",
    "fi": "n. os. s.",
    "lt": "maks. min.",
    "et": "maks. min.",
})  # fmt: skip
"""They are abbreviations before a number only."""

SAME = {"nn": "no", "fo": "da", "bs": "hr", "lb": "de", "af": "nl", "mk": "bg", "be": "ru", "jw": "id"}
"""Languages that share the table of another."""


ORDINALS = frozenset({
    "de", "lb", "da", "no", "nn", "is", "fo", "fi", "et", "lv", "cs", "sk", "pl", "sl", "hr", "bs", "sr",
    "mk", "hu", "tr", "az", "eu",
})  # fmt: skip
"""Languages that write ordinals as a number with a full stop."""

WORDS = {"en": "i", "ru": "я", "uk": "я", "bg": "я", "pt": "é", "gl": "é", "it": "è", "ca": "é", "hu": "ő"}
"""Single letters that are words and may end a sentence; others are initials and parts of abbreviations."""

_LETTERS = re.compile(r"(?=.*\b[^\W\d_]\.)(?:[^\W\d_]{1,4}\.-?){2,}")
_ORDINAL = re.compile(r"\d{1,3}\.|[IVXLC]+\.")


def stop_after(word: str, language: str | None) -> Stop | None:
    """What the full stop that ends `word` may be; None if nothing but the end of a sentence.

    `language` is an ISO 639-1 code; if None, the word may be of any language.
    """
    lower = word.lower()
    if _is_in(TITLES, lower, language):
        return Stop.NEVER_END
    if len(word) == 2 and lower[0] != word[0].upper():
        words = WORDS.get(language, "") if language else "".join(WORDS.values())
        return None if lower[0] in words else Stop.END_AFTER_PAUSE
    is_ordinal = (language is None or language in ORDINALS) and _ORDINAL.fullmatch(word)
    if is_ordinal or _LETTERS.fullmatch(word) or _is_in(ABBREVIATIONS, lower, language):
        return Stop.END_AFTER_PAUSE
    return Stop.END_UNLESS_NUMBER if _is_in(BEFORE_NUMBERS, lower, language) else None


def _is_in(table: Mapping[str, frozenset[str]], word: str, language: str | None) -> bool:
    if language is None:
        return any(word in words for words in table.values())
    words = table.get(SAME.get(language, language), table["en"])
    return word in words or word.rpartition("'")[2] in words  # `l'av.`

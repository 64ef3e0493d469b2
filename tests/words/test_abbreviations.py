"""Full stops that end no sentence."""

from __future__ import annotations

import pytest

from models import seconds
from tests.builders import word
from utils.words.abbreviations import ABBREVIATIONS, BEFORE_NUMBERS, TITLES, WORDS
from utils.words.languages import LANGUAGES
from utils.words.sentences import SENTENCE_ENDS, ends_sentence, sentences

ONE_SENTENCE = {
    "en": "Mr. J. R. Smith of the U.S. Army met Dr. Jones vs. Acme Inc. at 9 p.m. in room No. 5.",
    "de": "Am 3. Mai kam um ca. 20 z. B. Dr. Dipl.-Ing. Meier, Nr. 5 bzw. Karl IV. Ludwig, v. Chr. Geburt.",
    "nl": "Op 3 mei kwam bijv. Amsterdam met dhr. Jansen e.d. en ca. 20 mensen van nr. 5 o.a. Piet.",
    "sv": "Den 3 maj kom t.ex. Anna, dvs. Hr. Berg, kl. 5 med ca. 20 personer, bl. a. Nils.",
    "da": "Den 3. Maj kom f.eks. Anna, dvs. Hr. Berg, kl. 5 med ca. 20 personer, bl.a. Niels.",
    "no": "Den 3. Mai kom f.eks. Anna, dvs. Hr. Berg, kl. 5 med ca. 20 personer, bl.a. Nils.",
    "fi": "Se alkoi 3. Toukokuuta klo. 5, esim. Helsingissä, ja prof. Virtanen sanoi sen.",
    "is": "Hann kom 3. Maí kl. 5 með dr. Jóni, þ.e. Jóni.",
    "es": "El Sr. García y la Dra. López viven en la Av. Bolívar núm. 5, p. ej. Madrid, EE. UU. Norte.",
    "ca": "El Sr. Puig i la Dra. Mas viuen a l'av. Diagonal núm. 5, p. ex. Barcelona.",
    "pt": "O Sr. Silva e a Dra. Costa moram na Av. Brasil, p. ex. Lisboa, pág. 5 do séc. XX.",
    "fr": "M. Dupont et Mme. Petit, p. ex. Paris, cf. Hugo, chap. 5, av. J.-C. Rome.",
    "it": "Il Sig. Rossi e la Dott.ssa Bianchi, ad es. Roma, pag. 5 del sec. XX.",
    "ro": "Dl. Popescu și dr. Ionescu, str. Mare nr. 5, de ex. Iași.",
    "pl": "Dnia 3. Maja o godz. 5 p. Kowalski, tj. Jan, np. Kraków, ul. Długa, m.in. Anna.",
    "cs": "Dne 3. Května ve 5 hod. Večer např. Dr. Novák, ul. Dlouhá č. 5, Karel IV. Lucemburský.",
    "sk": "Dňa 3. Mája prišiel napr. Ján, t. j. Dr. Novák, ul. Dlhá č. 5.",
    "sl": "Dne 3. Maja je prišel npr. Janez, tj. Dr. Novak, ul. Dolga št. 5.",
    "hr": "Dana 3. Svibnja došao je npr. Ivan, tj. Dr. Horvat, ul. Duga br. 5.",
    "sr": "Дана 3. Маја дошао је нпр. Иван, тј. Др. Петровић, ул. Дуга бр. 5.",
    "hu": "Május 3. Napján jött pl. János, ill. Dr. Nagy, az Alfa Kft. Igazgatója.",
    "tr": "3. Mayıs günü Prof. Dr. Yılmaz, örn. Ankara, Atatürk Cad. No. 5 adresine geldi.",
    "ru": "Это г. Москва, т. е. ул. Ленина, д. 5, и др. Города, т. д. Проф. Иванов, напр. Киев.",
    "uk": "Це м. Київ, тобто вул. Франка, буд. 5, напр. Львів, проф. Іваненко.",
    "bg": "Това е гр. София, т. е. ул. Раковски, напр. Пловдив, д-р. Иванов.",
    "el": "Η κα. Παπαδοπούλου, π.χ. Αθήνα, δηλ. Ελλάδα, σελ. 5.",
    "lt": "Čia pvz. Vilnius, t. y. prof. Jonaitis, nr. 5.",
    "lv": "Te piem. Rīga, t. i. prof. Bērziņš, nr. 5, 3. Maijā.",
    "et": "Siin nt. Tallinn, s. o. prof. Tamm, nr. 5, 3. Mail.",
    "id": "Bpk. Budi, dr. Sari, di Jl. Merdeka No. 5.",
    "vi": "TS. Nguyễn ở TP. Hồ Chí Minh.",
    "hi": "डॉ. शर्मा और प्रो. वर्मा आए।",
}  # fmt: skip

TWO_SENTENCES = {
    "en": "We sat in the sun. | It was 2016. | I said no. | So did I. | She is 30. | 5 people came.",
    "de": "Das war 2016. | Wir gingen. | Er war da. | Sie auch.",
    "fr": "J'en ai sept. | Il est parti en 2016. | On y va.",
    "ru": "Это был я. | Потом я помог им. | Мы ушли.",
    "sv": "Vill du följa med. | Hon är ung. | Han kom.",
    "pl": "Jest ok. | Potem poszedł.",
    "es": "Se fue. | ¿Qué pasó? | Nada.",
    "pt": "Assim é. | Ele foi.",
    "ka": "ეს არის. | ის წავიდა.",
    "ja": "終わり。| 次です。",
}  # fmt: skip


def cut(text: str, language: str | None, pause: float = 0.0) -> list[str]:
    """Sentences of words that follow one another, with a pause where a bar stands."""
    said, now = [], 0.0
    for part in text.split():
        now += pause if part == "|" else 0.0
        if part != "|":
            said.append(word(part, now, now + 0.3))
            now += 0.3
    return ["".join(w.text for w in sentence).strip() for sentence in sentences(said, language)]


@pytest.mark.parametrize("language", ONE_SENTENCE)
def test_abbreviations_and_ordinals_end_no_sentence(language: str) -> None:
    assert cut(ONE_SENTENCE[language], language) == [ONE_SENTENCE[language]]


@pytest.mark.parametrize("language", TWO_SENTENCES)
def test_words_that_look_like_them_do(language: str) -> None:
    text = TWO_SENTENCES[language].replace("。|", "。 |")
    assert cut(text, language) == [part.strip() for part in text.split("|")]


def test_an_abbreviation_ends_a_sentence_before_a_pause_and_a_capital() -> None:
    text = "We met at 9 p.m. | Nobody came. | It was in the U.S. | He works for Acme Inc. | We do not."
    assert cut(text, "en", pause=0.5) == [part.strip() for part in text.split("|")]
    assert (
        len(cut("We met at 9 p.m. | on Monday with Dr. | Smith and at No. | 5 again.", "en", pause=0.5)) == 1
    )


@pytest.mark.parametrize(
    "pair",
    [
        *("Why?| he", "Yahoo!| is", "so…| then", "etc.| and", "мир.| и", "day.| “and"),
        *("3.|30", "U.|S.", "example.|com", 'day.|"', "Why?|!"),
    ],
)
def test_what_goes_on_is_no_end(pair: str) -> None:
    last, _, following = pair.partition("|")
    assert not ends_sentence(last, following, seconds(0.5), "en")


@pytest.mark.parametrize(
    "pair",
    [
        *(
            "day.| iPhone",
            "day.| 3rd",
            "day.| “And",
            "day.| ¿Qué",
            "dag.| 's Avonds",
            "No.| Never",
            "J. Smith.| He",
        ),
        *("。|今", "好.|今", "ეს.| ის", "هنا.| ثم", "A?| He"),
    ],
)
def test_what_begins_anew_is_an_end(pair: str) -> None:
    last, _, following = pair.partition("|")
    assert ends_sentence(last, following, 0, "en")


@pytest.mark.parametrize("table", [TITLES, ABBREVIATIONS, BEFORE_NUMBERS])
def test_tables_are_of_words_that_can_be_found(table: dict[str, frozenset[str]]) -> None:
    assert set(table) <= set(LANGUAGES)
    for language, words in table.items():
        assert all(w.endswith(".") and w == w.lower() and len(w) < 12 and " " not in w for w in words), (
            language
        )
        assert not any(mark in w[:-1] for w in words for mark in SENTENCE_ENDS[1:])
        assert not any(WORDS.get(language, "-") + "." == w for w in words)


def test_no_word_is_in_two_tables_of_a_language() -> None:
    for language in TITLES:
        tables = [table.get(language, frozenset()) for table in (TITLES, ABBREVIATIONS, BEFORE_NUMBERS)]
        assert sum(map(len, tables)) == len(frozenset().union(*tables)), language

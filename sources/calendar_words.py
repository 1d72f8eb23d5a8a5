"""Names of months and weekdays in the languages that exports are written in."""

from __future__ import annotations

# one line a language: names and abbreviations, months in order, the spellings of one by "/"
_MONTHS = (
    "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug "
    "september/sep/sept october/oct november/nov december/dec",
    "januar/jänner/jän februar/feber märz/mrz/mär/maerz april mai juni juli august september "
    "oktober/okt november dezember/dez",
    "janvier/janv février/févr/fév/fevrier/fevr mars avril/avr mai juin juillet/juil août/aout/aoû "
    "septembre octobre novembre décembre/déc/decembre",
    "enero/ene febrero marzo abril/abr mayo junio julio agosto/ago septiembre/setiembre/set "
    "octubre noviembre diciembre/dic",
    "gennaio/gen febbraio marzo aprile maggio/mag giugno/giu luglio/lug agosto settembre "
    "ottobre/ott novembre dicembre",
    "janeiro fevereiro/fev março/marco abril maio junho julho agosto setembro outubro/out novembro "
    "dezembro",
    "januari februari maart/mrt april mei juni juli augustus september oktober november december",
)
_WEEKDAYS = (
    "monday/mon tuesday/tue/tues wednesday/wed thursday/thu/thur/thurs friday/fri saturday/sat "
    "sunday/sun",
    "montag/mo dienstag/di mittwoch/mi donnerstag/do freitag/fr samstag/sa/sonnabend sonntag/so",
    "lundi/lun mardi/mar mercredi/mer jeudi/jeu vendredi/ven samedi/sam dimanche/dim",
    "lunes martes miércoles/mié/miercoles/mie jueves/jue viernes/vie sábado/sáb/sabado/sab "
    "domingo/dom",
    "lunedì/lunedi martedì/martedi mercoledì/mercoledi giovedì/gio/giovedi venerdì/venerdi sabato "
    "domenica",
    "segunda-feira/segunda/seg terça-feira/terça/ter quarta-feira/quarta/qua quinta-feira/quinta/"
    "qui sexta-feira/sexta/sex sábado domingo",
    "maandag dinsdag woensdag/woe donderdag/don vrijdag/vri zaterdag/zat zondag/zon",
)


def _numbered(languages: tuple[str, ...]) -> dict[str, int]:
    return {
        word: number
        for language in languages
        for number, names in enumerate(language.split(), start=1)
        for word in names.split("/")
    }


MONTHS = _numbered(_MONTHS)  # by name in small letters: 1 to 12
WEEKDAYS = _numbered(_WEEKDAYS)  # 1 is Monday

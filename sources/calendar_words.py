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
    "januar februar marts april maj juni juli august september oktober november desember/des",
    "styczeń/stycznia/sty luty/lutego/lut marzec/marca kwiecień/kwietnia/kwi maja "
    "czerwiec/czerwca/cze lipiec/lipca/lip sierpień/sierpnia/sie wrzesień/września/wrz "
    "październik/października/paź listopad/listopada/lis grudzień/grudnia/gru",
    "leden/ledna únor/února březen/března duben/dubna květen/května červen/června "
    "červenec/července srpen/srpna září říjen/října listopadu prosinec/prosince",
    "январь/января/янв февраль/февраля/фев март/марта/мар апрель/апреля/апр май/мая июнь/июня/июн "
    "июль/июля/июл август/августа/авг сентябрь/сентября/сен октябрь/октября/окт "
    "ноябрь/ноября/ноя декабрь/декабря/дек",
    "ocak/oca şubat/şub mart nisan/nis mayıs haziran/haz temmuz/tem ağustos/ağu "  # noqa: RUF001
    "eylül/eyl ekim/eki kasım/kas aralık/ara",  # noqa: RUF001
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
    "poniedziałek/pon/pn wtorek/wt środa/śr czwartek/czw piątek/pt sobota/sob niedziela/niedz/nd",
    "pondělí úterý/út středa čtvrtek/čt pátek/pá sobota neděle",
    "måndag/mån tisdag/tis onsdag/ons torsdag/tors/tor fredag/fre lördag/lör söndag/sön",
    "mandag/man tirsdag/tir onsdag torsdag fredag lørdag/lør søndag/søn",
    "понедельник/пн вторник/вт среда/ср четверг/чт пятница/пт суббота/сб воскресенье/вс",  # noqa: RUF001
    "pazartesi salı çarşamba perşembe cuma cumartesi pazar",  # noqa: RUF001
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

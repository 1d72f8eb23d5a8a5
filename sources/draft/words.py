"""What columns are called, in the languages exports are written in: English, German, French,
Spanish, Italian, Dutch, Portuguese.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# by role: groups of words, the surest first; a word of several parts is joined with "_"
WORDS: dict[str, tuple[str, ...]] = {
    "day": (
        "date day ds datum tag fecha data dag jour giorno dia verkaufstag verkaufsdatum "
        "kassendatum sales_date sold_on",
        "order_date invoice_date belegdatum rechnungsdatum bestelldatum buchungsdatum budat fkdat "
        "transaction_date dt kalendertag",
        "created created_at paid_at timestamp datetime time zeit moment invoicedate ts",
    ),
    "not_day": (
        "ship shipped delivery delivered due update updated modified expiry birth load loaded "
        "import export printed cancelled cancel fulfilled lieferung geburt valid from to start end",
    ),
    "units": (
        "units qty quantity menge anzahl stueck stuck stk absatz quantite qte cantidad unidades "
        "quantita qta aantal pieces pcs quantidade qtd lineitem_quantity fkimg units_sold",
        "sold verkauft vendu vendidas vendute verkocht demand volume consumption y",
        "sales sale sale_amount verkauf verkaeufe ventas ventes vendite verkoop vendas",
    ),
    "revenue": (
        "revenue umsatz turnover erloes erlos amount betrag sales_amount sales_value value wert "
        "netto brutto net gross total subtotal montant importe importo bedrag omzet chiffre "
        "fatturato ingresos facturacion netwr valor usd eur gbp money",
    ),
    "not_units": (
        "return returned returns refund refunded cancel cancelled retoure retouren storno stock "
        "bestand inventory soh lager lagerbestand voorraad existencias giacenza cost kosten "
        "einkauf ek tax vat mwst steuer iva discount rabatt id nr no number nummer num code "
        "weight gewicht open year month week weekday jahr monat woche hour quarter row index idx "
        "zip plz postal position pos line zeile shipping forecast plan budget target",
    ),
    "price": (
        "price preis prix precio prezzo prijs preco vk vkp unit_price sell_price einzelpreis "
        "verkaufspreis stueckpreis pvp",
    ),
    "not_price": (
        "list regular compare original uvp rrp cost purchase einkauf einkaufspreis ek total",
    ),
    "promo": (
        "promo promotion aktion on_promo offer angebot oferta promozione promocion promocao "
        "korting actie deal campaign werbung special_offer onpromotion aktionsware on_sale",
        "discount rabatt remise descuento sconto reduction",
    ),
    "stockout_share": (
        "stockout stock_out out_of_stock oos sold_out ausverkauft rupture agotado esaurito "
        "uitverkocht esgotado nicht_verfuegbar",
    ),
    "is_open": ("open is_open opened geoeffnet geoffnet offen ouvert abierto aperto aberto",),
    "is_closed": ("closed is_closed geschlossen ferme cerrado chiuso gesloten fechado",),
    "item": (
        "item sku article artikel product produkt produit articulo producto articolo prodotto "
        "produto plu material matnr variant artnr item_id product_id stock_code stockcode",
        "ean gtin upc barcode asin strichcode",
    ),
    "store": (
        "store shop filiale branch outlet location site markt magasin tienda negozio winkel "
        "filial filialnr werk werks plant sucursal loja vkorg store_id verkaufsstelle pos_id",
    ),
    "name": (
        "name bezeichnung description title libelle beschreibung descripcion nombre descrizione "
        "nome omschrijving naam text kurztext maktx desc label designation descricao",
    ),
    "receipt": (
        "invoice order receipt bon beleg bonnr transaction ticket basket rechnung facture factura "
        "scontrino kassenbon belegnr vbeln line position posnr zeile basket_id cart till kasse "
        "register payment financial",
    ),
    "calendar": (
        "weekday dayofweek day_of_week week month year quarter wochentag monat jahr kw woche "
        "semaine mois annee semana mes ano",
    ),
    "clock": ("hour stunde time uhrzeit zeit heure hora ora tijd uur minute shift schicht",),
    "state_id": (
        "region state bundesland land country area district province provincia pays gebiet estado "
        "market",
    ),
    "dept_id": ("department dept abteilung rayon reparto departamento afdeling division",),
    "cat_id": (
        "category cat kategorie warengruppe wg categorie categoria group gruppe groupe gruppo "
        "class family familie famille matkl sortiment product_type",
    ),
    "level": (
        "brand marke marque marca merk vendor supplier lieferant type typ segment cluster format "
        "assortment channel kanal size colour color tier",
    ),
    "known_future": (
        "holiday holidays feiertag ferien school_holiday ferie festivo festivos feestdag vacation "
        "event schulferien ferias feriado",
    ),
    "past_only": (
        "customers visitors traffic footfall kunden besucher clientes clienti klanten "
        "temperature temp temperatur weather rain precipitation precpt regen niederschlag snow "
        "visits sessions inventory stock bestand lagerbestand kundenzahl",
    ),
    "event": ("event feiertag holiday name ereignis evento fete",),
    "is_payday": ("payday zahltag",),
    "on_hand": (
        "stock on_hand onhand in_stock inventory soh qoh bestand lagerbestand lager voorraad "
        "existencias giacenza estoque",
    ),
    "on_order": (
        "on_order ordered open_order open_orders in_transit incoming inbound bestellt unterwegs "
        "offene_bestellung bestellmenge bestellbestand pedido_abierto",
    ),
    "due_ds": (
        "due due_date eta arrival expected delivery_date liefertermin lieferdatum eintreffen "
        "date_livraison fecha_entrega leverdatum",
    ),
    "supply": ("supply supplier suppliers vendor vendors lieferant lieferanten leverancier",),
    "order_days": ("order_days order_day bestelltage bestelltag jours_commande dias_pedido",),
    "review_days": ("review_days review_period bestellrhythmus order_cycle",),
    "first_order": ("first_order erste_bestellung",),
    "lead_days": (
        "lead_time leadtime lead_days lead lieferzeit wiederbeschaffungszeit delai delai_livraison "
        "plazo_entrega levertijd",
    ),
    "pack_size": (
        "pack pack_size packsize case_size case_pack units_per_case verpackungseinheit gebinde "
        "packgroesse ve_menge colisage",
    ),
    "min_order": (
        "moq min_order minimum_order min_order_qty mindestbestellmenge mindestmenge minimo_pedido",
    ),
    "shelf_life_days": ("shelf_life shelf_life_days haltbarkeit restlaufzeit mhd_tage",),
    "unit_cost": ("unit_cost cost purchase_price einkaufspreis ek ek_preis kosten",),
    "margin": ("margin marge",),
    "leftover_cost": ("leftover_cost waste_cost",),
    "target_service": ("target_service service_level servicegrad",),
    "from_ds": ("from valid_from start begin von gueltig_ab ab start_date desde da",),
    "to_ds": ("to valid_to end until bis gueltig_bis end_date hasta",),
    "person": (
        "email e_mail mail phone telefon telephone tel mobile handy address adresse street strasse "
        "first_name last_name firstname lastname surname vorname nachname birth geburtsdatum iban "
        "card customer customer_id customer_name kunde kundennr kundenname kundennummer client "
        "cliente klant loyalty cashier kassierer kassiererin employee mitarbeiter bediener "
        "verkaeufer user billing shipping_name passport ssn buyer manager owner contact clerk "
        "leiter filialleiter marktleiter inhaber ansprechpartner gerente",
    ),
}
_LEAST_COMPOUND = 5  # letters of a word that may be part of another: menge in verkaufsmenge
_LEAST_REST = 2  # letters beside it: customers is no customer


@cache
def rank(role: str, name: str) -> int | None:
    """How surely a name says a role: 0 is the surest; None: it does not."""
    parts = parts_of(name)
    for place, group in enumerate(WORDS[role]):
        if any(_says(word, parts, is_exact=role == "person") for word in group.split()):
            return place
    return None


def says(role: str, name: str) -> bool:
    """Whether a name says a role."""
    return rank(role, name) is not None


@cache
def parts_of(name: str) -> tuple[str, ...]:
    """The words of a name in small letters without accents: `VerkaufsMenge` is verkaufs, menge."""
    return tuple(re.findall(r"[a-z]+", _plain(name)))


def slug(name: str) -> str:
    """A name as params take it: small letters, digits and underscores."""
    return "_".join(re.findall(r"[a-z0-9]+", _plain(name)))


def _plain(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    for umlaut, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        spaced = spaced.replace(umlaut, letters).replace(umlaut.upper(), letters.capitalize())
    return unicodedata.normalize("NFKD", spaced).encode("ascii", "ignore").decode().lower()


def _says(word: str, parts: tuple[str, ...], *, is_exact: bool) -> bool:
    joined = "_".join(parts)
    if "_" in word:
        return f"_{word}_" in f"_{joined}_"
    return any(
        part == word
        or (not is_exact and part == f"{word}s")
        or (len(word) >= _LEAST_COMPOUND and _is_compound(part, word))
        for part in parts
    )


def _is_compound(part: str, word: str) -> bool:
    return len(part) >= len(word) + _LEAST_REST and (part.startswith(word) or part.endswith(word))

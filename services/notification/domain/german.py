"""Every notice in German."""

from libs.contracts.events import Fault
from services.notification.domain.kinds import Kind
from services.notification.domain.words import Language, Text

_LASTS = "{level} sind noch da, bei {rate} am Tag reicht das bis etwa {run_out}"
_LATER = "Wir versuchen es wieder: erst nach einem Tag, dann immer seltener. Ihre Bestellungen: {page}"
_ELSEWHERE = (
    "Einen anderen Anbieter, der Ihnen recht ist und liefern kann, fragen wir sofort. "
    "Sonst versuchen wir es wieder: erst nach einem Tag, dann immer seltener. Ihre Bestellungen: {page}"
)
_PAYMENT = ("Bitte sehen Sie nach Ihrer Zahlungsart; ein anderer Anbieter würde nicht helfen.",)
_ON_HOLD = ("Bis wir das geklärt haben, ruhen Bestellungen davon.",)
_ASK_US = ("Wenn Sie Fragen haben, antworten Sie auf diese Mail. Ihre Bestellungen: {page}",)
_FAILED = ("Aus der Bestellung von {product} wurde nichts: {why}.", "Aus der Bestellung von {product} wurde nichts.")

GERMAN = Language(
    texts={
        Kind.ORDER_PLACED: Text(
            "Bestellt: {product}",
            (
                (
                    "Wir haben {product} ({quantity}) bei {provider} bestellt.",
                    "Wir haben {product} bestellt.",
                ),
                ("Preis: {price}",),
                (
                    f"Warum: {_LASTS}.",
                    "Warum: Der Vorrat reicht bis etwa {needed_by}.",
                    "Warum: Der Vorrat geht zur Neige.",
                ),
                ("Ankunft voraussichtlich am {expected}.", "Wann es kommt, wissen wir noch nicht."),
                ("Bis zum Versand können Sie stornieren: {page}",),
            ),
        ),
        Kind.ORDER_REFUSED: Text(
            "Nicht bestellt: {product}",
            (("{provider} liefert {product} nicht: {why}.", "{product} kommt nicht: {why}."), (_ELSEWHERE,)),
        ),
        Kind.ORDER_FAILED: Text("Nicht bestellt: {product}", (_FAILED, (_ELSEWHERE,))),
        Kind.ORDER_CANCELLED: Text(
            "Storniert: {product}",
            (
                (
                    "Die Bestellung von {product} wurde storniert, und zwar {by}: {why}.",
                    "Die Bestellung von {product} wurde storniert, und zwar {by}.",
                ),
                ("Es kommt also nichts. Ihre Bestellungen: {page}",),
            ),
        ),
        Kind.ORDER_UNKNOWN: Text(
            "In Klärung: {product}",
            (("Der Anbieter hat zu {product} nicht geantwortet. Wir fragen nach; nichts wird doppelt bestellt.",),),
        ),
        Kind.ORDER_SHIPPED: Text(
            "Unterwegs: {product}",
            (("{product} ({sent}) hat {provider} verlassen.",), ("Ankunft voraussichtlich am {expected}.",)),
        ),
        Kind.ORDER_DELIVERED: Text(
            "Angekommen: {product}",
            (("{product} ({sent}) müsste jetzt bei Ihnen sein.",), ("Wenn nicht, sagen Sie es uns: {page}",)),
        ),
        Kind.CLAIM_RAISED: Text(
            "Weniger als bestellt: {product}",
            (
                (
                    "Von {product} kam weniger, als bei {provider} bestellt war.",
                    "Von {product} kam weniger, als bestellt war.",
                ),
                ("Wir klären das mit dem Anbieter. Falls doch alles da ist, sagen Sie es uns: {page}",),
            ),
        ),
        Kind.MONEY_RETURNED: Text(
            "Geld zurück: {product}",
            (("Was Sie für {product} bezahlt haben, kommt zurück.",), ("Ihre Bestellungen: {page}",)),
        ),
        Kind.APPROVAL_NEEDED: Text(
            "Sollen wir {product} bestellen?",
            (
                ("{product} geht zur Neige: " + _LASTS + ".", "{product} geht zur Neige."),
                ("Ohne Ihr Ja wird nichts bestellt: {page}",),
            ),
        ),
        Kind.RUNNING_LOW: Text(
            "Geht zur Neige: {product}",
            (
                ("{product} geht zur Neige: " + _LASTS + ".", "{product} geht zur Neige."),
                ("Sie bestellen selbst, wir erinnern nur. Das können Sie hier ändern: {page}",),
            ),
        ),
        Kind.CANNOT_ORDER: Text(
            "Nicht bestellbar: {product}",
            (
                ("Für {product} kann zurzeit nichts bestellt werden: {why}.",),
                ("Bitte sehen Sie nach den Einstellungen: {page}",),
            ),
        ),
        Kind.ORDERING_STOPPED: Text(
            "Keine Bestellungen mehr: {product}",
            (
                ("Sie haben {product} zweimal storniert. Wir bestellen erst wieder, wenn einmal voll war.",),
                ("Das können Sie hier ändern: {page}",),
            ),
        ),
        Kind.SHOP_ASKED: Text(
            "Neue Bestellung: {product}",
            (
                ("Ein Kunde bestellt {packs} x {product} ({sent}).", "Ein Kunde bestellt {product}."),
                ("Bitte antworten Sie bis {answer_by}, sonst geht der Auftrag an andere.", "Bitte antworten Sie bald."),
                ("Sie nehmen an: {acknowledge}",),
                ("Sie haben es verschickt, oder es liegt zur Abholung bereit: {ship}",),
                ("Sie können nicht liefern: {refuse}",),
                ("Jeder Link fragt noch einmal nach. Die Adresse sehen Sie nach Ihrer Zusage.",),
            ),
        ),
        Kind.SHOP_REMINDED: Text(
            "Noch offen: {product}",
            (
                ("Die Bestellung von {product} wartet noch auf Sie.",),
                (
                    "Ohne Ihre Antwort geht sie am {answer_by} an andere.",
                    "Sie haben sie angenommen und noch nicht verschickt.",
                ),
                ("Sie nehmen an: {acknowledge}",),
                ("Sie haben es verschickt, oder es liegt zur Abholung bereit: {ship}",),
                ("Sie können nicht liefern: {refuse}",),
            ),
        ),
        Kind.SHOP_ASKED_TO_CANCEL: Text(
            "Bitte nicht verschicken: {product}",
            (
                (
                    "Die Bestellung von {product} wird nicht mehr gewünscht: {why}.",
                    "{product} wird nicht mehr gewünscht.",
                ),
                ("Sie halten es zurück: {refuse}",),
                ("Sie haben es schon verschickt: {ship}",),
            ),
        ),
        Kind.CART_PREPARED: Text(
            "Bitte bestellen: {product}",
            (
                (
                    "Es ist Zeit, {packs} x {product} ({sent}) bei {provider} zu bestellen.",
                    "Es ist Zeit für {product}.",
                ),
                (
                    "Ihr Warenkorb ist gefüllt: {cart_url}",
                    "Bitte suchen Sie es im Laden; ein Warenkorb ist nicht gefüllt.",
                ),
                ("Wir können dort nicht für Sie bestellen; ohne Ihr Wort gilt nichts als bestellt.",),
                ("Sie haben bestellt: {ordered}",),
                ("Noch nicht: {not_yet}",),
                ("Sie möchten es nicht: {no}",),
            ),
        ),
        Kind.CART_REMINDED: Text(
            "Schon bestellt? {product}",
            (
                ("Wir wissen noch nicht, ob Sie {product} bestellt haben.",),
                ("Ihr Warenkorb: {cart_url}",),
                ("Sie haben bestellt: {ordered}",),
                ("Noch nicht: {not_yet}",),
                ("Sie möchten es nicht: {no}",),
                ("Ihre Seite: {page}",),
            ),
        ),
        Kind.CART_CANCEL_ASKED: Text(
            "Bitte stornieren: {product}",
            (
                ("Bitte stornieren Sie {product} bei {provider}: {why}.", "Bitte stornieren Sie {product} im Laden."),
                ("Sie haben storniert: {no}",),
                ("Es ist da: {arrived}",),
            ),
        ),
    },
    faults={
        (Kind.ORDER_FAILED, Fault.PAYMENT): Text("Nicht bestellt: {product}", (_FAILED, _PAYMENT, (_LATER,))),
        (Kind.ORDER_FAILED, Fault.ADDRESS): Text(
            "Nicht bestellt: {product}",
            (_FAILED, ("Bitte sehen Sie nach Ihrer Anschrift; ein anderer Anbieter würde nicht helfen.",), (_LATER,)),
        ),
        (Kind.ORDER_FAILED, Fault.FRAUD): Text(
            "Nicht bestellt: {product}", (("{product} wurde nicht bestellt.",), _ON_HOLD, _ASK_US)
        ),
        (Kind.ORDER_CANCELLED, Fault.PAYMENT): Text(
            "Storniert: {product}",
            (
                ("Wir haben die Bestellung von {product} storniert: {why}.", "{product} haben wir storniert."),
                ("Es kommt also nichts.",),
                _PAYMENT,
                (_LATER,),
            ),
        ),
        (Kind.ORDER_CANCELLED, Fault.FRAUD): Text(
            "Storniert: {product}",
            (("Wir haben die Bestellung von {product} storniert. Es kommt also nichts.",), _ON_HOLD, _ASK_US),
        ),
    },
    greeting="Guten Tag {name},",
    closing="Ihr replenish",
    nameless="",
    untitled="ein Produkt",
    actors={
        "customer": "von Ihnen",
        "operator": "von uns",
        "provider": "vom Anbieter",
        "deregistration": "weil das Gerät abgemeldet wurde",
    },
    holds={
        "no_offer": "Der gewählte Anbieter führt es nicht",
        "offer_unavailable": "Der gewählte Anbieter hat es zurzeit nicht",
        "provider_inactive": "Der gewählte Anbieter ist nicht aktiv",
        "pack_size_differs": "Der Anbieter verkauft es jetzt in einer anderen Packung",
        "pack_unit_differs": "Der Anbieter verkauft es jetzt in einer anderen Einheit",
        "units_differ": "Die Fächer zählen in verschiedenen Einheiten",
    },
    decimal=",",
    date="{weekday}, {day}. {month}",
    one_piece="1 Stück",
    pieces="{number} Stück",
    weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    months=(
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
)

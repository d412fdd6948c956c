"""German texts of all mails."""

from replenish_contracts.events import Fault
from services.notification.domain.kinds import Kind
from services.notification.domain.language import Language, Text

_LASTS = "noch {level} vorhanden; bei einem Tagesverbrauch von {rate} reicht das bis etwa {run_out}"
_RUNNING_LOW = ("Ihr Vorrat an {product} wird knapp: " + _LASTS + ".", "Ihr Vorrat an {product} wird knapp.")
_RETRY = "Wir versuchen es in einem Tag erneut, danach in größeren Abständen. Ihre Bestellungen: {page}"
_RETRY_ELSEWHERE = (
    "Kann ein anderer von Ihnen akzeptierter Anbieter liefern, bestellen wir sofort dort. "
    "Andernfalls versuchen wir es in einem Tag erneut, danach in größeren Abständen. Ihre Bestellungen: {page}"
)
_CHECK_PAYMENT = ("Bitte prüfen Sie Ihre Zahlungsart. Ein anderer Anbieter würde das Problem nicht lösen.",)
_CHECK_ADDRESS = ("Bitte prüfen Sie Ihre Anschrift. Ein anderer Anbieter würde das Problem nicht lösen.",)
_ON_HOLD = ("Weitere Bestellungen dieses Produkts sind zurückgestellt, bis wir den Vorgang geprüft haben.",)
_CONTACT_US = ("Wenn Sie Fragen haben, antworten Sie bitte auf diese E-Mail. Ihre Bestellungen: {page}",)
_FAILED = (
    "Ihre Bestellung von {product} konnte nicht ausgeführt werden. Grund: {why}.",
    "Ihre Bestellung von {product} konnte nicht ausgeführt werden.",
)
_FAILED_SUBJECT = "Bestellung nicht ausgeführt: {product}"
_CANCELLED_SUBJECT = "Bestellung storniert: {product}"
_EXPECTED = "Voraussichtliche Lieferung: {expected}"
_SHOP_LINKS = (
    ("Bestellung annehmen: {acknowledge}",),
    ("Als versandt oder abholbereit melden: {ship}",),
    ("Bestellung ablehnen: {refuse}",),
)
_CART_LINKS = (
    ("Ich habe bestellt: {ordered}",),
    ("Ich habe noch nicht bestellt: {not_yet}",),
    ("Ich möchte nicht bestellen: {no}",),
)

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
                    f"Grund: {_LASTS}.",
                    "Grund: Ihr Vorrat reicht bis etwa {needed_by}.",
                    "Grund: Ihr Vorrat wird knapp.",
                ),
                (_EXPECTED, "Der Liefertermin ist noch nicht bekannt."),
                ("Bis zum Versand können Sie die Bestellung stornieren: {page}",),
            ),
        ),
        Kind.ORDER_REFUSED: Text(
            "Bestellung abgelehnt: {product}",
            (
                (
                    "{provider} hat Ihre Bestellung von {product} abgelehnt. Grund: {why}.",
                    "Ihre Bestellung von {product} wurde abgelehnt. Grund: {why}.",
                ),
                (_RETRY_ELSEWHERE,),
            ),
        ),
        Kind.ORDER_FAILED: Text(_FAILED_SUBJECT, (_FAILED, (_RETRY_ELSEWHERE,))),
        Kind.ORDER_CANCELLED: Text(
            _CANCELLED_SUBJECT,
            (
                (
                    "Ihre Bestellung von {product} wurde {by} storniert. Grund: {why}.",
                    "Ihre Bestellung von {product} wurde {by} storniert.",
                ),
                ("Sie erhalten keine Lieferung. Ihre Bestellungen: {page}",),
            ),
        ),
        Kind.ORDER_UNKNOWN: Text(
            "Bestätigung steht aus: {product}",
            (
                (
                    (
                        "Der Anbieter hat Ihre Bestellung von {product} noch nicht bestätigt. "
                        "Wir fragen nach und bestellen nicht doppelt."
                    ),
                ),
            ),
        ),
        Kind.ORDER_SHIPPED: Text(
            "Versandt: {product}",
            (("{provider} hat {product} ({sent}) versandt.",), (_EXPECTED,)),
        ),
        Kind.ORDER_DELIVERED: Text(
            "Zugestellt: {product}",
            (
                ("Die Lieferung von {product} ({sent}) sollte bei Ihnen angekommen sein.",),
                ("Falls Sie nichts erhalten haben, teilen Sie uns das bitte mit: {page}",),
            ),
        ),
        Kind.CLAIM_RAISED: Text(
            "Unvollständige Lieferung: {product}",
            (
                (
                    "Die Lieferung von {product} durch {provider} war unvollständig.",
                    "Die Lieferung von {product} war unvollständig.",
                ),
                (
                    (
                        "Wir klären das mit dem Anbieter. "
                        "Falls doch alles angekommen ist, teilen Sie uns das bitte mit: {page}"
                    ),
                ),
            ),
        ),
        Kind.MONEY_RETURNED: Text(
            "Rückerstattung: {product}",
            (("Sie erhalten eine Rückerstattung für {product}.",), ("Ihre Bestellungen: {page}",)),
        ),
        Kind.APPROVAL_NEEDED: Text(
            "Bitte um Zustimmung: {product}",
            (_RUNNING_LOW, ("Wir bestellen erst, wenn Sie zustimmen: {page}",)),
        ),
        Kind.RUNNING_LOW: Text(
            "Vorrat wird knapp: {product}",
            (
                _RUNNING_LOW,
                ("Sie bestellen dieses Produkt selbst; wir erinnern Sie nur. Hier können Sie das ändern: {page}",),
            ),
        ),
        Kind.CANNOT_ORDER: Text(
            "Bestellung nicht möglich: {product}",
            (
                ("Wir können {product} zurzeit nicht bestellen: {why}.",),
                ("Bitte prüfen Sie die Einstellungen zu diesem Produkt: {page}",),
            ),
        ),
        Kind.ORDERING_STOPPED: Text(
            "Keine automatischen Bestellungen mehr: {product}",
            (
                (
                    (
                        "Sie haben {product} zweimal storniert. "
                        "Wir bestellen erst wieder, wenn der Vorrat einmal vollständig aufgefüllt wurde."
                    ),
                ),
                ("Hier können Sie das ändern: {page}",),
            ),
        ),
        Kind.SHOP_ASKED: Text(
            "Neue Bestellung: {product}",
            (
                ("Ein Kunde hat {packs} x {product} ({sent}) bestellt.", "Ein Kunde hat {product} bestellt."),
                (
                    "Bitte antworten Sie bis {answer_by}. Danach ziehen wir die Bestellung zurück.",
                    "Bitte antworten Sie so bald wie möglich.",
                ),
                *_SHOP_LINKS,
                (
                    (
                        "Vor jedem Schritt bitten wir Sie um eine Bestätigung. "
                        "Die Lieferadresse sehen Sie, sobald Sie die Bestellung angenommen haben."
                    ),
                ),
            ),
        ),
        Kind.SHOP_REMINDED: Text(
            "Erinnerung: Bestellung von {product}",
            (
                ("Die Bestellung von {product} ist noch offen.",),
                (
                    "Bitte antworten Sie bis {answer_by}. Danach ziehen wir die Bestellung zurück.",
                    "Sie haben die Bestellung angenommen, aber noch nicht als versandt gemeldet.",
                ),
                *_SHOP_LINKS,
            ),
        ),
        Kind.SHOP_ASKED_TO_CANCEL: Text(
            "Bitte nicht versenden: {product}",
            (
                (
                    "Bitte versenden Sie die Bestellung von {product} nicht. Grund: {why}.",
                    "Bitte versenden Sie die Bestellung von {product} nicht.",
                ),
                ("Bestätigen, dass sie nicht versandt wird: {refuse}",),
                ("Sie ist bereits versandt: {ship}",),
            ),
        ),
        Kind.CART_PREPARED: Text(
            "Bitte bestellen: {product}",
            (
                (
                    "Bitte bestellen Sie {packs} x {product} ({sent}) bei {provider}.",
                    "Bitte bestellen Sie {product}.",
                ),
                (
                    "Ihr Warenkorb ist vorbereitet: {cart_url}",
                    "Wir konnten keinen Warenkorb vorbereiten; bitte suchen Sie das Produkt im Shop.",
                ),
                ("Wir können dort nicht für Sie bestellen. Bitte teilen Sie uns mit, wie Sie sich entscheiden:",),
                *_CART_LINKS,
            ),
        ),
        Kind.CART_REMINDED: Text(
            "Haben Sie {product} bestellt?",
            (
                ("Sie haben uns noch nicht mitgeteilt, ob Sie {product} bestellt haben.",),
                ("Ihr Warenkorb: {cart_url}",),
                *_CART_LINKS,
                ("Ihre Übersicht: {page}",),
            ),
        ),
        Kind.CART_CANCEL_ASKED: Text(
            "Bitte stornieren: {product}",
            (
                (
                    "Bitte stornieren Sie Ihre Bestellung von {product} bei {provider}. Grund: {why}.",
                    "Bitte stornieren Sie Ihre Bestellung von {product} im Shop.",
                ),
                ("Ich habe storniert: {no}",),
                ("Die Lieferung ist bereits da: {arrived}",),
            ),
        ),
    },
    faults={
        (Kind.ORDER_FAILED, Fault.PAYMENT): Text(_FAILED_SUBJECT, (_FAILED, _CHECK_PAYMENT, (_RETRY,))),
        (Kind.ORDER_FAILED, Fault.ADDRESS): Text(_FAILED_SUBJECT, (_FAILED, _CHECK_ADDRESS, (_RETRY,))),
        (Kind.ORDER_FAILED, Fault.FRAUD): Text(
            _FAILED_SUBJECT,
            (("Ihre Bestellung von {product} konnte nicht ausgeführt werden.",), _ON_HOLD, _CONTACT_US),
        ),
        (Kind.ORDER_CANCELLED, Fault.PAYMENT): Text(
            _CANCELLED_SUBJECT,
            (
                (
                    "Wir haben Ihre Bestellung von {product} storniert. Grund: {why}.",
                    "Wir haben Ihre Bestellung von {product} storniert.",
                ),
                ("Sie erhalten keine Lieferung.",),
                _CHECK_PAYMENT,
                (_RETRY,),
            ),
        ),
        (Kind.ORDER_CANCELLED, Fault.FRAUD): Text(
            _CANCELLED_SUBJECT,
            (
                ("Wir haben Ihre Bestellung von {product} storniert. Sie erhalten keine Lieferung.",),
                _ON_HOLD,
                _CONTACT_US,
            ),
        ),
    },
    greeting="Guten Tag {name},",
    closing="Ihr Replenish-Team",
    nameless="",
    untitled="Produkt ohne Namen",
    actors={
        "customer": "auf Ihren Wunsch",
        "operator": "von uns",
        "provider": "vom Anbieter",
        "deregistration": "wegen der Abmeldung des Geräts",
    },
    holds={
        "no_offer": "Der gewählte Anbieter führt dieses Produkt nicht",
        "offer_unavailable": "Beim gewählten Anbieter ist dieses Produkt derzeit nicht verfügbar",
        "provider_inactive": "Der gewählte Anbieter nimmt derzeit keine Bestellungen an",
        "pack_size_differs": "Der Anbieter verkauft dieses Produkt jetzt in einer anderen Packungsgröße",
        "pack_unit_differs": "Der Anbieter verkauft dieses Produkt jetzt in einer anderen Einheit",
        "units_differ": "Die Fächer verwenden unterschiedliche Einheiten",
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

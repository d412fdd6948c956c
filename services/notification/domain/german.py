"""German texts of all mails; those of orders of several lines are in `german_lines.py`."""

from replenish_contracts.events import Fault
from services.notification.domain.german_lines import ENDED_PARAGRAPHS, PARTS, SEVERAL, SEVERAL_FAULTS
from services.notification.domain.german_phrases import (
    CANCELLED_SUBJECT,
    CART_LINKS,
    CHECK_ADDRESS,
    CHECK_PAYMENT,
    CONTACT_US,
    EXPECTED,
    FAILED,
    FAILED_SUBJECT,
    LASTS,
    NOTHING_TO_DO,
    ON_HOLD,
    RETRY,
    RETRY_ELSEWHERE,
    RUNNING_LOW,
    SHOP_LINKS,
    STILL_TO_COME,
)
from services.notification.domain.kinds import Kind
from services.notification.domain.language import Language, Text

GERMAN = Language(
    several=SEVERAL,
    parts=PARTS,
    ended=ENDED_PARAGRAPHS,
    several_faults=SEVERAL_FAULTS,
    texts={
        Kind.ORDER_PLACED: Text(
            "Bestellt: {product}",
            (
                (
                    "Wir haben {product} ({quantity}) bei {provider} bestellt.",
                    "Wir haben {product} bestellt.",
                ),
                ("Preis: {price}, davon {fee} Versandkosten", "Preis: {price}"),
                (
                    f"Grund: {LASTS}.",
                    "Grund: Ihr Vorrat reicht bis etwa {needed_by}.",
                    "Grund: Ihr Vorrat wird knapp.",
                ),
                (EXPECTED, "Der Liefertermin ist noch nicht bekannt."),
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
                (RETRY_ELSEWHERE,),
            ),
        ),
        Kind.ORDER_FAILED: Text(FAILED_SUBJECT, (FAILED, (RETRY_ELSEWHERE,))),
        Kind.ORDER_CANCELLED: Text(
            CANCELLED_SUBJECT,
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
            (("{provider} hat {product} ({sent}) versandt.",), STILL_TO_COME, (EXPECTED,)),
        ),
        Kind.ORDER_DELIVERED: Text(
            "Zugestellt: {product}",
            (
                ("Die Lieferung von {product} ({sent}) sollte bei Ihnen angekommen sein.",),
                STILL_TO_COME,
                ("Falls Sie nichts erhalten haben, teilen Sie uns das bitte mit: {page}",),
            ),
        ),
        Kind.CLAIM_RAISED: Text(
            "Unvollständige Lieferung: {product}",
            (
                (
                    (
                        "Die Lieferung von {product} durch {provider} war unvollständig: "
                        "{received_quantity} statt {ordered_quantity}."
                    ),
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
            (
                (
                    "Sie erhalten eine Rückerstattung von {refund} für {product}.",
                    "Sie erhalten eine Rückerstattung für {product}.",
                ),
                ("Ihre Bestellungen: {page}",),
            ),
        ),
        Kind.APPROVAL_NEEDED: Text(
            "Ihre Zustimmung fehlt noch: {product}",
            (RUNNING_LOW, ("Wir bestellen erst, wenn Sie zustimmen: {page}",)),
        ),
        Kind.RUNNING_LOW: Text(
            "Vorrat wird knapp: {product}",
            (
                RUNNING_LOW,
                (
                    (
                        "Sie bestellen dieses Produkt selbst, daher erinnern wir Sie nur. "
                        "Hier können Sie das ändern: {page}"
                    ),
                ),
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
                ("Ein Kunde hat {packs} × {product} ({sent}) bestellt.", "Ein Kunde hat {product} bestellt."),
                (
                    "Bitte antworten Sie bis {answer_by}. Danach ziehen wir die Bestellung zurück.",
                    "Bitte antworten Sie so bald wie möglich.",
                ),
                *SHOP_LINKS,
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
                *SHOP_LINKS,
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
                    "Bitte bestellen Sie {packs} × {product} ({sent}) bei {provider}.",
                    "Bitte bestellen Sie {product}.",
                ),
                (
                    "Ihr Warenkorb ist vorbereitet: {cart_url}",
                    "Wir konnten keinen Warenkorb vorbereiten; bitte suchen Sie das Produkt im Shop.",
                ),
                ("Wir können dort nicht für Sie bestellen. Bitte teilen Sie uns mit, wie Sie sich entscheiden:",),
                *CART_LINKS,
            ),
        ),
        Kind.CART_REMINDED: Text(
            "Haben Sie {product} bestellt?",
            (
                ("Sie haben uns noch nicht mitgeteilt, ob Sie {product} bestellt haben.",),
                ("Ihr Warenkorb: {cart_url}",),
                *CART_LINKS,
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
        (Kind.ORDER_FAILED, Fault.PAYMENT): Text(
            FAILED_SUBJECT,
            (
                (
                    (
                        "Ihre Bestellung von {product} konnte nicht ausgeführt werden, "
                        "weil die Zahlung fehlgeschlagen ist."
                    ),
                ),
                CHECK_PAYMENT,
                (RETRY,),
            ),
        ),
        (Kind.ORDER_FAILED, Fault.BILLING): Text(
            FAILED_SUBJECT,
            (
                (
                    (
                        "Ihre Bestellung von {product} konnte nicht ausgeführt werden, "
                        "weil wir die Zahlung nicht abwickeln konnten."
                    ),
                ),
                NOTHING_TO_DO,
                (RETRY,),
            ),
        ),
        (Kind.ORDER_FAILED, Fault.ADDRESS): Text(
            FAILED_SUBJECT,
            (
                (
                    (
                        "Ihre Bestellung von {product} konnte nicht ausgeführt werden, "
                        "weil Ihre Lieferadresse nicht verwendet werden konnte."
                    ),
                ),
                CHECK_ADDRESS,
                (RETRY,),
            ),
        ),
        (Kind.ORDER_FAILED, Fault.FRAUD): Text(
            FAILED_SUBJECT,
            (("Ihre Bestellung von {product} konnte nicht ausgeführt werden.",), ON_HOLD, CONTACT_US),
        ),
        (Kind.ORDER_CANCELLED, Fault.PAYMENT): Text(
            CANCELLED_SUBJECT,
            (
                (
                    (
                        "Wir haben Ihre Bestellung von {product} storniert, weil die Zahlung fehlgeschlagen ist. "
                        "Sie erhalten keine Lieferung."
                    ),
                ),
                CHECK_PAYMENT,
                (RETRY,),
            ),
        ),
        (Kind.ORDER_CANCELLED, Fault.BILLING): Text(
            CANCELLED_SUBJECT,
            (
                (
                    (
                        "Wir haben Ihre Bestellung von {product} storniert, "
                        "weil wir die Zahlung nicht abwickeln konnten. Sie erhalten keine Lieferung."
                    ),
                ),
                NOTHING_TO_DO,
                (RETRY,),
            ),
        ),
        (Kind.ORDER_CANCELLED, Fault.FRAUD): Text(
            CANCELLED_SUBJECT,
            (
                ("Wir haben Ihre Bestellung von {product} storniert. Sie erhalten keine Lieferung.",),
                ON_HOLD,
                CONTACT_US,
            ),
        ),
    },
    test_subject="[Test] {subject}",
    test_order="Dies ist eine Testbestellung: Es wird nichts berechnet und nichts geliefert.",
    test_order_for_shop=(
        "Dies ist eine Testbestellung: Bitte antworten Sie wie gewohnt, aber berechnen und versenden Sie nichts."
    ),
    test_order_to_place=(
        "Dies ist eine Testbestellung: Bitte antworten Sie wie gewohnt, "
        "aber bestellen und stornieren Sie nichts im Shop."
    ),
    greeting="Guten Tag {name},",
    closing="Ihr Replenish-Team",
    nameless="",
    untitled="Produkt ohne Namen",
    actors={
        "customer": "auf Ihren Wunsch",
        "operator": "von uns",
        "provider": "vom Anbieter",
        "deregistration": "wegen der Abmeldung des Geräts",
        "pause": "wegen der Pause in Ihrem Konto beim Anbieter",
        "unlink": "wegen der beendeten Verknüpfung des Geräts mit Ihrem Konto beim Anbieter",
    },
    holds={
        "no_offer": "Der gewählte Anbieter führt dieses Produkt nicht",
        "offer_unavailable": "Beim gewählten Anbieter ist dieses Produkt nicht verfügbar",
        "provider_inactive": "Der gewählte Anbieter nimmt keine Bestellungen an",
        "pack_size_differs": "Der Anbieter verkauft dieses Produkt jetzt in einer anderen Packungsgröße",
        "pack_unit_differs": "Der Anbieter verkauft dieses Produkt jetzt in einer anderen Einheit",
        "link_ended": "Das Gerät ist nicht mehr mit Ihrem Konto beim Anbieter verknüpft",
        "not_linked": "Das Gerät ist noch nicht mit Ihrem Konto beim Anbieter verknüpft",
        "units_differ": "Die Fächer verwenden unterschiedliche Einheiten",
    },
    one_thing="1 Artikel",
    things="{number} Artikel",
    of_one_thing="1 Artikel",
    of_things="{number} Artikeln",
    order="{things} bei {provider}",
    some_things="{number} von {total} Artikeln",
    some_things_of_order="{number} von {total} Artikeln bei {provider}",
    substitute="{substitute} (statt {product})",
    received="{received} statt {ordered}",
    and_one_more="und 1 weiterer Artikel",
    and_more="und {number} weitere Artikel",
    decimal=",",
    percent=" %",
    date="{weekday}, {day}. {month}",
    one_piece="1 Stück",
    pieces="{number} Stück",
    weekdays=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    months=(
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
)

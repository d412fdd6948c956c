"""German texts of mails about orders of several lines."""

from replenish_contracts.events import Fault
from services.notification.domain.german_phrases import (
    CART_LINKS,
    CHECK_ADDRESS,
    CHECK_PAYMENT,
    CLAIM_NEXT,
    CONTACT_US,
    EXPECTED,
    FEE,
    NOTHING_TO_DO,
    ON_HOLD_SEVERAL,
    ORDER_LIST,
    RETRY,
    RETRY_ELSEWHERE,
    SHOP_LINKS,
    STILL_TO_COME,
    TOTAL,
)
from services.notification.domain.kinds import Kind
from services.notification.domain.language import ENDED, Text

SEVERAL = {
    Kind.ORDER_PLACED: Text(
        "Bestellt: {summary}",
        (
            ("Wir haben {things} bei {provider} bestellt:{lines}", "Wir haben {things} bestellt:{lines}"),
            FEE,
            TOTAL,
            ENDED,
            (
                "Grund: Ihre Vorräte werden knapp; der Vorrat an {first} reicht bis etwa {run_out}.",
                "Grund: Ihre Vorräte reichen bis etwa {needed_by}.",
                "Grund: Ihre Vorräte werden knapp.",
            ),
            (EXPECTED, "Der Liefertermin ist noch nicht bekannt."),
            ("Bis zum Versand können Sie die Bestellung ganz oder teilweise stornieren: {page}",),
        ),
    ),
    Kind.ORDER_REFUSED: Text(
        "Bestellung abgelehnt: {summary}",
        (
            (
                "{provider} hat Ihre Bestellung von {of_things} abgelehnt. Grund: {why}.",
                "Ihre Bestellung von {of_things} wurde abgelehnt. Grund: {why}.",
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
            (RETRY_ELSEWHERE,),
        ),
    ),
    Kind.ORDER_FAILED: Text(
        "Bestellung nicht ausgeführt: {summary}",
        (
            (
                "Ihre Bestellung von {of_things} konnte nicht ausgeführt werden. Grund: {why}.",
                "Ihre Bestellung von {of_things} konnte nicht ausgeführt werden.",
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
            (RETRY_ELSEWHERE,),
        ),
    ),
    Kind.ORDER_CANCELLED: Text(
        "Bestellung storniert: {summary}",
        (
            (
                "Ihre Bestellung von {of_things} wurde {by} storniert. Grund: {why}.",
                "Ihre Bestellung von {of_things} wurde {by} storniert.",
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
            ("Sie erhalten keine Lieferung. Ihre Bestellungen: {page}",),
        ),
    ),
    Kind.ORDER_UNKNOWN: Text(
        "Bestätigung steht aus: {summary}",
        (
            (
                (
                    "Der Anbieter hat Ihre Bestellung von {of_things} noch nicht bestätigt. "
                    "Wir fragen nach und bestellen nicht doppelt."
                ),
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
        ),
    ),
    Kind.ORDER_SHIPPED: Text(
        "Versandt: {summary}",
        (
            (
                "{last}{provider} hat den Rest Ihrer Bestellung versandt:{lines}",
                "{last}Der Rest Ihrer Bestellung ist unterwegs:{lines}",
                "{part}{provider} hat einen Teil Ihrer Bestellung versandt:{lines}",
                "{part}Ein Teil Ihrer Bestellung ist unterwegs:{lines}",
                "{provider} hat Ihre Bestellung versandt:{lines}",
                "Ihre Bestellung ist unterwegs:{lines}",
            ),
            FEE,
            TOTAL,
            ENDED,
            STILL_TO_COME,
            (EXPECTED,),
        ),
    ),
    Kind.ORDER_DELIVERED: Text(
        "Zugestellt: {summary}",
        (
            (
                "{last}Der Rest Ihrer Bestellung sollte bei Ihnen angekommen sein:{lines}",
                "{part}Ein Teil Ihrer Bestellung sollte bei Ihnen angekommen sein:{lines}",
                "Ihre Bestellung sollte bei Ihnen angekommen sein:{lines}",
            ),
            FEE,
            TOTAL,
            ENDED,
            STILL_TO_COME,
            ("Falls etwas davon fehlt, teilen Sie uns das bitte mit: {page}",),
        ),
    ),
    Kind.CLAIM_RAISED: Text(
        "Unvollständige Lieferung: {summary}",
        (
            (
                "Die Lieferung von {provider} war unvollständig:{lines}",
                "Die Lieferung war unvollständig:{lines}",
            ),
            CLAIM_NEXT,
        ),
    ),
    Kind.MONEY_RETURNED: Text(
        "Rückerstattung: {order}",
        (
            (
                "Sie erhalten eine Rückerstattung von {refund} für Ihre Bestellung bei {provider}.",
                "Sie erhalten eine Rückerstattung für Ihre Bestellung.",
            ),
            ORDER_LIST,
            ("Ihre Bestellungen: {page}",),
        ),
    ),
    Kind.SHOP_ASKED: Text(
        "Neue Bestellung: {summary}",
        (
            ("Ein Kunde hat {things} bestellt:{lines}",),
            FEE,
            TOTAL,
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
        "Erinnerung an Bestellung: {summary}",
        (
            ("Diese Bestellung ist noch offen:{lines}",),
            (
                "Bitte antworten Sie bis {answer_by}. Danach ziehen wir die Bestellung zurück.",
                "Sie haben die Bestellung angenommen, aber noch nicht vollständig als versandt gemeldet.",
            ),
            *SHOP_LINKS,
        ),
    ),
    Kind.SHOP_ASKED_TO_CANCEL: Text(
        "Bitte nicht versenden: {summary}",
        (
            (
                "Bitte versenden Sie Folgendes nicht (Grund: {why}):{lines}",
                "Bitte versenden Sie Folgendes nicht:{lines}",
            ),
            ("Den Rest der Bestellung versenden Sie bitte wie geplant:{rest}",),
            ("Bestätigen, dass dies nicht versandt wird: {refuse}",),
            ("Die Ware ist bereits versandt: {ship}",),
        ),
    ),
    Kind.CART_PREPARED: Text(
        "Bitte bestellen: {summary}",
        (
            (
                "Bitte bestellen Sie folgende Artikel bei {provider}:{lines}",
                "Bitte bestellen Sie folgende Artikel:{lines}",
            ),
            FEE,
            TOTAL,
            (
                "Ihr Warenkorb ist vorbereitet: {cart_url}",
                "{linked}Jeder Link öffnet das Produkt im Shop.",
                "Wir konnten keinen Warenkorb vorbereiten; bitte suchen Sie die Produkte im Shop.",
            ),
            ("Wir können dort nicht für Sie bestellen. Bitte teilen Sie uns mit, wie Sie sich entscheiden:",),
            *CART_LINKS,
        ),
    ),
    Kind.CART_REMINDED: Text(
        "Haben Sie {order} bestellt?",
        (
            ("Sie haben uns noch nicht mitgeteilt, ob Sie Folgendes bestellt haben:{lines}",),
            ("Ihr Warenkorb: {cart_url}",),
            *CART_LINKS,
            ("Ihre Übersicht: {page}",),
        ),
    ),
    Kind.CART_CANCEL_ASKED: Text(
        "Bitte stornieren: {summary}",
        (
            (
                "Bitte stornieren Sie Folgendes aus Ihrer Bestellung bei {provider} (Grund: {why}):{lines}",
                "Bitte stornieren Sie Folgendes aus Ihrer Bestellung im Shop:{lines}",
            ),
            ("Bitte stornieren Sie den Rest der Bestellung nicht:{rest}",),
            ("Ich habe storniert: {no}",),
            ("Die Lieferung ist bereits da: {arrived}",),
        ),
    ),
}

PARTS = {
    Kind.ORDER_REFUSED: Text("Bestellung teilweise abgelehnt: {summary}", (ENDED, STILL_TO_COME, (RETRY_ELSEWHERE,))),
    Kind.ORDER_CANCELLED: Text(
        "Bestellung teilweise storniert: {summary}", (ENDED, STILL_TO_COME, ("Ihre Bestellungen: {page}",))
    ),
}

ENDED_PARAGRAPHS = {
    Kind.ORDER_REFUSED: (
        "{provider} liefert Folgendes nicht (Grund: {why}):{gone}",
        "{provider} liefert Folgendes nicht:{gone}",
        "Folgendes wird nicht geliefert:{gone}",
    ),
    Kind.ORDER_CANCELLED: (
        "Folgendes wurde {by} storniert und wird nicht geliefert (Grund: {why}):{gone}",
        "Folgendes wurde {by} storniert und wird nicht geliefert:{gone}",
    ),
}

SEVERAL_FAULTS = {
    (Kind.ORDER_FAILED, Fault.PAYMENT): Text(
        "Bestellung nicht ausgeführt: {summary}",
        (
            (("Ihre Bestellung von {of_things} konnte nicht ausgeführt werden, weil die Zahlung fehlgeschlagen ist."),),
            ORDER_LIST,
            FEE,
            TOTAL,
            CHECK_PAYMENT,
            (RETRY,),
        ),
    ),
    (Kind.ORDER_FAILED, Fault.BILLING): Text(
        "Bestellung nicht ausgeführt: {summary}",
        (
            (
                (
                    "Ihre Bestellung von {of_things} konnte nicht ausgeführt werden, "
                    "weil wir die Zahlung nicht abwickeln konnten."
                ),
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
            NOTHING_TO_DO,
            (RETRY,),
        ),
    ),
    (Kind.ORDER_FAILED, Fault.ADDRESS): Text(
        "Bestellung nicht ausgeführt: {summary}",
        (
            (
                (
                    "Ihre Bestellung von {of_things} konnte nicht ausgeführt werden, "
                    "weil Ihre Lieferadresse nicht verwendet werden konnte."
                ),
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
            CHECK_ADDRESS,
            (RETRY,),
        ),
    ),
    (Kind.ORDER_FAILED, Fault.FRAUD): Text(
        "Bestellung nicht ausgeführt: {summary}",
        (
            ("Ihre Bestellung von {of_things} konnte nicht ausgeführt werden.",),
            ORDER_LIST,
            FEE,
            TOTAL,
            ON_HOLD_SEVERAL,
            CONTACT_US,
        ),
    ),
    (Kind.ORDER_CANCELLED, Fault.PAYMENT): Text(
        "Bestellung storniert: {summary}",
        (
            (
                (
                    "Wir haben Ihre Bestellung von {of_things} storniert, weil die Zahlung fehlgeschlagen ist. "
                    "Sie erhalten keine Lieferung."
                ),
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
            CHECK_PAYMENT,
            (RETRY,),
        ),
    ),
    (Kind.ORDER_CANCELLED, Fault.BILLING): Text(
        "Bestellung storniert: {summary}",
        (
            (
                (
                    "Wir haben Ihre Bestellung von {of_things} storniert, "
                    "weil wir die Zahlung nicht abwickeln konnten. Sie erhalten keine Lieferung."
                ),
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
            NOTHING_TO_DO,
            (RETRY,),
        ),
    ),
    (Kind.ORDER_CANCELLED, Fault.FRAUD): Text(
        "Bestellung storniert: {summary}",
        (
            ("Wir haben Ihre Bestellung von {of_things} storniert. Sie erhalten keine Lieferung.",),
            ORDER_LIST,
            FEE,
            TOTAL,
            ON_HOLD_SEVERAL,
            CONTACT_US,
        ),
    ),
}

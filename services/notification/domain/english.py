"""English texts of all mails; those of orders of several lines are in `english_lines.py`."""

from replenish_contracts.events import Fault
from services.notification.domain.english_lines import ENDED_PARAGRAPHS, PARTS, SEVERAL, SEVERAL_FAULTS
from services.notification.domain.english_phrases import (
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

ENGLISH = Language(
    several=SEVERAL,
    parts=PARTS,
    ended=ENDED_PARAGRAPHS,
    several_faults=SEVERAL_FAULTS,
    texts={
        Kind.ORDER_PLACED: Text(
            "Ordered: {product}",
            (
                ("We have ordered {product} ({quantity}) from {provider}.", "We have ordered {product}."),
                ("Price: {price}, including a delivery fee of {fee}", "Price: {price}"),
                (
                    f"Reason: {LASTS}.",
                    "Reason: your supply will last until about {needed_by}.",
                    "Reason: your supply is running low.",
                ),
                (EXPECTED, "The delivery date is not known yet."),
                ("You can cancel the order until it is shipped: {page}",),
            ),
        ),
        Kind.ORDER_REFUSED: Text(
            "Order declined: {product}",
            (
                (
                    "{provider} has declined your order for {product}. Reason: {why}.",
                    "Your order for {product} was declined. Reason: {why}.",
                ),
                (RETRY_ELSEWHERE,),
            ),
        ),
        Kind.ORDER_FAILED: Text(FAILED_SUBJECT, (FAILED, (RETRY_ELSEWHERE,))),
        Kind.ORDER_CANCELLED: Text(
            CANCELLED_SUBJECT,
            (
                (
                    "Your order for {product} was cancelled {by}. Reason: {why}.",
                    "Your order for {product} was cancelled {by}.",
                ),
                ("It will not be delivered. Your orders: {page}",),
            ),
        ),
        Kind.ORDER_UNKNOWN: Text(
            "Confirmation pending: {product}",
            (
                (
                    (
                        "The provider has not confirmed your order for {product} yet. "
                        "We are checking with them and will not order twice."
                    ),
                ),
            ),
        ),
        Kind.ORDER_SHIPPED: Text(
            "Shipped: {product}",
            (("{provider} has shipped {product} ({sent}).",), STILL_TO_COME, (EXPECTED,)),
        ),
        Kind.ORDER_DELIVERED: Text(
            "Delivered: {product}",
            (
                ("{product} ({sent}) should have arrived.",),
                STILL_TO_COME,
                ("If you have not received it, please let us know: {page}",),
            ),
        ),
        Kind.CLAIM_RAISED: Text(
            "Incomplete delivery: {product}",
            (
                (
                    (
                        "The delivery of {product} from {provider} was incomplete: "
                        "you received {received_quantity} instead of {ordered_quantity}."
                    ),
                    "The delivery of {product} from {provider} was incomplete.",
                    "The delivery of {product} was incomplete.",
                ),
                (
                    (
                        "We are taking this up with the provider. "
                        "If everything has arrived after all, please let us know: {page}"
                    ),
                ),
            ),
        ),
        Kind.MONEY_RETURNED: Text(
            "Refund: {product}",
            (
                ("You will receive a refund of {refund} for {product}.", "You will receive a refund for {product}."),
                ("Your orders: {page}",),
            ),
        ),
        Kind.APPROVAL_NEEDED: Text(
            "Approval needed: {product}",
            (RUNNING_LOW, ("We will order only after you approve: {page}",)),
        ),
        Kind.RUNNING_LOW: Text(
            "Running low: {product}",
            (
                RUNNING_LOW,
                (
                    (
                        "You chose to order this product yourself, so this is only a reminder. "
                        "You can change this here: {page}"
                    ),
                ),
            ),
        ),
        Kind.CANNOT_ORDER: Text(
            "Ordering not possible: {product}",
            (
                ("We are currently unable to order {product}: {why}.",),
                ("Please check the settings of this product: {page}",),
            ),
        ),
        Kind.ORDERING_STOPPED: Text(
            "Automatic orders stopped: {product}",
            (
                (
                    (
                        "You have cancelled {product} twice. "
                        "We will not order it again until it has been completely refilled."
                    ),
                ),
                ("You can change this here: {page}",),
            ),
        ),
        Kind.SHOP_ASKED: Text(
            "New order: {product}",
            (
                ("A customer has ordered {packs} × {product} ({sent}).", "A customer has ordered {product}."),
                (
                    "Please reply by {answer_by}. After that, we will withdraw the order.",
                    "Please reply as soon as possible.",
                ),
                *SHOP_LINKS,
                (
                    (
                        "You will be asked to confirm each step. "
                        "The delivery address is shown once you have accepted the order."
                    ),
                ),
            ),
        ),
        Kind.SHOP_REMINDED: Text(
            "Reminder: order for {product}",
            (
                ("The order for {product} is still open.",),
                (
                    "Please reply by {answer_by}. After that, we will withdraw the order.",
                    "You have accepted it but not marked it as shipped yet.",
                ),
                *SHOP_LINKS,
            ),
        ),
        Kind.SHOP_ASKED_TO_CANCEL: Text(
            "Please do not ship: {product}",
            (
                (
                    "Please do not ship the order for {product}. Reason: {why}.",
                    "Please do not ship the order for {product}.",
                ),
                ("Confirm that it will not be shipped: {refuse}",),
                ("It has already been shipped: {ship}",),
            ),
        ),
        Kind.CART_PREPARED: Text(
            "Time to order: {product}",
            (
                (
                    "Please order {packs} × {product} ({sent}) from {provider}.",
                    "Please order {product}.",
                ),
                (
                    "Your cart is ready: {cart_url}",
                    "We could not prepare a cart; please look for the product in the shop.",
                ),
                ("We cannot order there on your behalf. Please let us know what you decide:",),
                *CART_LINKS,
            ),
        ),
        Kind.CART_REMINDED: Text(
            "Have you ordered {product}?",
            (
                ("You have not yet told us whether you ordered {product}.",),
                ("Your cart: {cart_url}",),
                *CART_LINKS,
                ("Your overview: {page}",),
            ),
        ),
        Kind.CART_CANCEL_ASKED: Text(
            "Please cancel: {product}",
            (
                (
                    "Please cancel your order for {product} at {provider}. Reason: {why}.",
                    "Please cancel your order for {product} at the shop.",
                ),
                ("I have cancelled it: {no}",),
                ("It has already arrived: {arrived}",),
            ),
        ),
    },
    faults={
        (Kind.ORDER_FAILED, Fault.PAYMENT): Text(
            FAILED_SUBJECT,
            (
                ("Your order for {product} could not be completed because the payment failed.",),
                CHECK_PAYMENT,
                (RETRY,),
            ),
        ),
        (Kind.ORDER_FAILED, Fault.BILLING): Text(
            FAILED_SUBJECT,
            (
                ("Your order for {product} could not be completed because we could not process the payment.",),
                NOTHING_TO_DO,
                (RETRY,),
            ),
        ),
        (Kind.ORDER_FAILED, Fault.ADDRESS): Text(
            FAILED_SUBJECT,
            (
                ("Your order for {product} could not be completed because your delivery address could not be used.",),
                CHECK_ADDRESS,
                (RETRY,),
            ),
        ),
        (Kind.ORDER_FAILED, Fault.FRAUD): Text(
            FAILED_SUBJECT, (("Your order for {product} could not be completed.",), ON_HOLD, CONTACT_US)
        ),
        (Kind.ORDER_CANCELLED, Fault.PAYMENT): Text(
            CANCELLED_SUBJECT,
            (
                ("We have cancelled your order for {product} because the payment failed. It will not be delivered.",),
                CHECK_PAYMENT,
                (RETRY,),
            ),
        ),
        (Kind.ORDER_CANCELLED, Fault.BILLING): Text(
            CANCELLED_SUBJECT,
            (
                (
                    (
                        "We have cancelled your order for {product} because we could not process the payment. "
                        "It will not be delivered."
                    ),
                ),
                NOTHING_TO_DO,
                (RETRY,),
            ),
        ),
        (Kind.ORDER_CANCELLED, Fault.FRAUD): Text(
            CANCELLED_SUBJECT,
            (("We have cancelled your order for {product}. It will not be delivered.",), ON_HOLD, CONTACT_US),
        ),
    },
    test_subject="[Test] {subject}",
    test_order="This is a test order: nothing is charged and nothing is delivered.",
    test_order_for_shop="This is a test order: please answer it as usual, but do not charge or ship anything.",
    test_order_to_place=(
        "This is a test order: please answer as usual, but do not order or cancel anything at the shop."
    ),
    greeting="Hello {name},",
    closing="Your Replenish team",
    nameless="",
    untitled="a product",
    actors={
        "customer": "at your request",
        "operator": "by us",
        "provider": "by the provider",
        "deregistration": "because the device was removed",
        "pause": "because it is paused in your account with the provider",
        "unlink": "because the device is no longer linked to your account with the provider",
    },
    holds={
        "no_offer": "the provider you chose does not sell it",
        "offer_unavailable": "it is not available from the provider you chose",
        "provider_inactive": "the provider you chose is not accepting orders at the moment",
        "pack_size_differs": "the provider now sells it in a different pack size",
        "pack_unit_differs": "the provider now sells it in a different unit",
        "link_ended": "the device is no longer linked to your account with the provider",
        "not_linked": "the device is not linked to your account with the provider yet",
        "units_differ": "its slots measure it in different units",
    },
    one_thing="1 thing",
    things="{number} things",
    of_one_thing="1 thing",
    of_things="{number} things",
    order="{things} from {provider}",
    some_things="{number} of {total} things",
    some_things_of_order="{number} of {total} things from {provider}",
    substitute="{substitute} (instead of {product})",
    received="{received} instead of {ordered}",
    and_one_more="and 1 more",
    and_more="and {number} more",
    decimal=".",
    percent="%",
    date="{weekday} {day} {month}",
    one_piece="1 piece",
    pieces="{number} pieces",
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
)

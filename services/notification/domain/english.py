"""English texts of all mails."""

from replenish_contracts.events import Fault
from services.notification.domain.kinds import Kind
from services.notification.domain.language import Language, Text

_LASTS = "you have {level} left; at {rate} a day, this will last until about {run_out}"
_RUNNING_LOW = (
    "Your supply of {product} is running low: " + _LASTS + ".",
    "Your supply of {product} is running low.",
)
_RETRY = "We will try again in one day, then at longer intervals. Your orders: {page}"
_RETRY_ELSEWHERE = (
    "If another provider you accept can deliver, we will order there right away. "
    "Otherwise we will try again in one day, then at longer intervals. Your orders: {page}"
)
_CHECK_PAYMENT = ("Please check your payment method. Another provider would not solve this problem.",)
_CHECK_ADDRESS = ("Please check your address. Another provider would not solve this problem.",)
_ON_HOLD = ("Further orders of this product are on hold until we have reviewed the matter.",)
_CONTACT_US = ("If you have any questions, please reply to this email. Your orders: {page}",)
_FAILED = (
    "Your order for {product} could not be completed. Reason: {why}.",
    "Your order for {product} could not be completed.",
)
_FAILED_SUBJECT = "Order not completed: {product}"
_CANCELLED_SUBJECT = "Order cancelled: {product}"
_EXPECTED = "Expected delivery: {expected}"
_SHOP_LINKS = (
    ("Accept the order: {acknowledge}",),
    ("Mark it as shipped or ready for pickup: {ship}",),
    ("Decline the order: {refuse}",),
)
_CART_LINKS = (
    ("I have ordered it: {ordered}",),
    ("I have not ordered it yet: {not_yet}",),
    ("I do not want to order it: {no}",),
)

ENGLISH = Language(
    texts={
        Kind.ORDER_PLACED: Text(
            "Ordered: {product}",
            (
                ("We have ordered {product} ({quantity}) from {provider}.", "We have ordered {product}."),
                ("Price: {price}",),
                (
                    f"Reason: {_LASTS}.",
                    "Reason: your supply will last until about {needed_by}.",
                    "Reason: your supply is running low.",
                ),
                (_EXPECTED, "The delivery date is not known yet."),
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
                (_RETRY_ELSEWHERE,),
            ),
        ),
        Kind.ORDER_FAILED: Text(_FAILED_SUBJECT, (_FAILED, (_RETRY_ELSEWHERE,))),
        Kind.ORDER_CANCELLED: Text(
            _CANCELLED_SUBJECT,
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
            (("{provider} has shipped {product} ({sent}).",), (_EXPECTED,)),
        ),
        Kind.ORDER_DELIVERED: Text(
            "Delivered: {product}",
            (
                ("{product} ({sent}) should have arrived.",),
                ("If you have not received it, please let us know: {page}",),
            ),
        ),
        Kind.CLAIM_RAISED: Text(
            "Incomplete delivery: {product}",
            (
                (
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
            "Refund: {product}", (("You will receive a refund for {product}.",), ("Your orders: {page}",))
        ),
        Kind.APPROVAL_NEEDED: Text(
            "Please approve: {product}",
            (_RUNNING_LOW, ("We will order only after you approve: {page}",)),
        ),
        Kind.RUNNING_LOW: Text(
            "Running low: {product}",
            (
                _RUNNING_LOW,
                ("You chose to order this product yourself, so this is only a reminder. To change this: {page}",),
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
                        "You cancelled {product} twice. "
                        "We will not order it again until it has been completely refilled once."
                    ),
                ),
                ("To change this: {page}",),
            ),
        ),
        Kind.SHOP_ASKED: Text(
            "New order: {product}",
            (
                ("A customer has ordered {packs} x {product} ({sent}).", "A customer has ordered {product}."),
                (
                    "Please reply by {answer_by}. After that, we will withdraw the order.",
                    "Please reply as soon as possible.",
                ),
                *_SHOP_LINKS,
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
                *_SHOP_LINKS,
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
                    "Please order {packs} x {product} ({sent}) from {provider}.",
                    "Please order {product}.",
                ),
                (
                    "Your cart is ready: {cart_url}",
                    "We could not prepare a cart; please look for the product in the shop.",
                ),
                ("We cannot order there on your behalf. Please let us know what you decide:",),
                *_CART_LINKS,
            ),
        ),
        Kind.CART_REMINDED: Text(
            "Have you ordered {product}?",
            (
                ("You have not yet told us whether you ordered {product}.",),
                ("Your cart: {cart_url}",),
                *_CART_LINKS,
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
        (Kind.ORDER_FAILED, Fault.PAYMENT): Text(_FAILED_SUBJECT, (_FAILED, _CHECK_PAYMENT, (_RETRY,))),
        (Kind.ORDER_FAILED, Fault.ADDRESS): Text(_FAILED_SUBJECT, (_FAILED, _CHECK_ADDRESS, (_RETRY,))),
        (Kind.ORDER_FAILED, Fault.FRAUD): Text(
            _FAILED_SUBJECT, (("Your order for {product} could not be completed.",), _ON_HOLD, _CONTACT_US)
        ),
        (Kind.ORDER_CANCELLED, Fault.PAYMENT): Text(
            _CANCELLED_SUBJECT,
            (
                (
                    "We have cancelled your order for {product}. Reason: {why}.",
                    "We have cancelled your order for {product}.",
                ),
                ("It will not be delivered.",),
                _CHECK_PAYMENT,
                (_RETRY,),
            ),
        ),
        (Kind.ORDER_CANCELLED, Fault.FRAUD): Text(
            _CANCELLED_SUBJECT,
            (("We have cancelled your order for {product}. It will not be delivered.",), _ON_HOLD, _CONTACT_US),
        ),
    },
    greeting="Hello {name},",
    closing="Your Replenish team",
    nameless="",
    untitled="a product",
    actors={
        "customer": "at your request",
        "operator": "by us",
        "provider": "by the provider",
        "deregistration": "because its device was removed",
    },
    holds={
        "no_offer": "the provider you chose does not sell it",
        "offer_unavailable": "the provider you chose does not have it available at present",
        "provider_inactive": "the provider you chose does not accept orders at present",
        "pack_size_differs": "the provider now sells it in a different pack size",
        "pack_unit_differs": "the provider now sells it in a different unit",
        "units_differ": "its slots use different units",
    },
    decimal=".",
    date="{weekday} {day} {month}",
    one_piece="1 piece",
    pieces="{number} pieces",
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
)

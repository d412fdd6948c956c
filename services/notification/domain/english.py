"""Every notice in English."""

from libs.contracts.events import Fault
from services.notification.domain.kinds import Kind
from services.notification.domain.words import Language, Text

_LASTS = "it is at {level}, and at {rate} a day that lasts until about {run_out}"
_LATER = "We try again: at first after a day, then ever more rarely. Your orders: {page}"
_ELSEWHERE = (
    "Another provider that you accept and that can deliver is asked at once. "
    "Otherwise we try again: at first after a day, then ever more rarely. Your orders: {page}"
)
_PAYMENT = ("Please look at your payment method; another provider would not help.",)
_ON_HOLD = ("Until we have looked into it, orders of it are on hold.",)
_ASK_US = ("If you have questions, answer this mail. Your orders: {page}",)
_FAILED = ("The order of {product} came to nothing: {why}.", "The order of {product} came to nothing.")

ENGLISH = Language(
    texts={
        Kind.ORDER_PLACED: Text(
            "Ordered: {product}",
            (
                ("We ordered {product} ({quantity}) from {provider}.", "We ordered {product}."),
                ("Price: {price}",),
                (f"Why: {_LASTS}.", "Why: what is there lasts until about {needed_by}.", "Why: it is running low."),
                ("It should be with you on {expected}.", "We do not know yet when it will come."),
                ("You can cancel it until it is shipped: {page}",),
            ),
        ),
        Kind.ORDER_REFUSED: Text(
            "Not ordered: {product}",
            (("{provider} will not deliver {product}: {why}.", "{product} will not come: {why}."), (_ELSEWHERE,)),
        ),
        Kind.ORDER_FAILED: Text("Not ordered: {product}", (_FAILED, (_ELSEWHERE,))),
        Kind.ORDER_CANCELLED: Text(
            "Cancelled: {product}",
            (
                (
                    "The order of {product} was cancelled by {by}: {why}.",
                    "The order of {product} was cancelled by {by}.",
                ),
                ("It will not come. Your orders: {page}",),
            ),
        ),
        Kind.ORDER_UNKNOWN: Text(
            "Being clarified: {product}",
            (("The provider has not answered about {product}. We are asking; nothing is ordered twice.",),),
        ),
        Kind.ORDER_SHIPPED: Text(
            "On its way: {product}",
            (("{product} ({sent}) has left {provider}.",), ("It should be with you on {expected}.",)),
        ),
        Kind.ORDER_DELIVERED: Text(
            "Arrived: {product}",
            (("{product} ({sent}) should be with you now.",), ("If it is not, tell us: {page}",)),
        ),
        Kind.CLAIM_RAISED: Text(
            "Less than ordered: {product}",
            (
                (
                    "Less of {product} came than was ordered from {provider}.",
                    "Less of {product} came than was ordered.",
                ),
                ("We noted it and see to it with the provider. If all is there, tell us: {page}",),
            ),
        ),
        Kind.MONEY_RETURNED: Text(
            "Money back: {product}", (("What you paid for {product} comes back to you.",), ("Your orders: {page}",))
        ),
        Kind.APPROVAL_NEEDED: Text(
            "Shall we order {product}?",
            (
                ("{product} is running low: " + _LASTS + ".", "{product} is running low."),
                ("Nothing is ordered until you say yes: {page}",),
            ),
        ),
        Kind.RUNNING_LOW: Text(
            "Running low: {product}",
            (
                ("{product} is running low: " + _LASTS + ".", "{product} is running low."),
                ("You order it yourself; we only remind you. To change that: {page}",),
            ),
        ),
        Kind.CANNOT_ORDER: Text(
            "Cannot be ordered: {product}",
            (("Nothing can be ordered for {product} at present: {why}.",), ("Please look at its settings: {page}",)),
        ),
        Kind.ORDERING_STOPPED: Text(
            "No more orders: {product}",
            (
                ("You cancelled {product} twice, so we order nothing more until it has been full again.",),
                ("To change that: {page}",),
            ),
        ),
        Kind.SHOP_ASKED: Text(
            "New order: {product}",
            (
                ("A customer of ours orders {packs} x {product} ({sent}).", "A customer of ours orders {product}."),
                ("Please answer until {answer_by}; after that the order goes elsewhere.", "Please answer soon."),
                ("You take the order: {acknowledge}",),
                ("You have sent it, or it is ready to be picked up: {ship}",),
                ("You cannot deliver it: {refuse}",),
                ("Each link asks once more before it does anything. The address is shown after your yes.",),
            ),
        ),
        Kind.SHOP_REMINDED: Text(
            "Still open: {product}",
            (
                ("The order of {product} still waits for you.",),
                ("Without your answer it goes elsewhere on {answer_by}.", "You took it and have not sent it yet."),
                ("You take the order: {acknowledge}",),
                ("You have sent it, or it is ready to be picked up: {ship}",),
                ("You cannot deliver it: {refuse}",),
            ),
        ),
        Kind.SHOP_ASKED_TO_CANCEL: Text(
            "Please do not send: {product}",
            (
                (
                    "The order of {product} is not wanted any more: {why}.",
                    "The order of {product} is not wanted any more.",
                ),
                ("You keep it back: {refuse}",),
                ("You have sent it already: {ship}",),
            ),
        ),
        Kind.CART_PREPARED: Text(
            "Please order: {product}",
            (
                ("It is time to order {packs} x {product} ({sent}) from {provider}.", "It is time to order {product}."),
                ("Your cart is ready: {cart_url}", "Nothing is in a cart yet; please look for it in the shop."),
                ("We cannot order there for you, and nothing is ordered until you say so.",),
                ("You ordered it: {ordered}",),
                ("Not yet: {not_yet}",),
                ("You do not want it: {no}",),
            ),
        ),
        Kind.CART_REMINDED: Text(
            "Did you order it? {product}",
            (
                ("You have not told us whether you ordered {product}.",),
                ("Your cart: {cart_url}",),
                ("You ordered it: {ordered}",),
                ("Not yet: {not_yet}",),
                ("You do not want it: {no}",),
                ("Your page: {page}",),
            ),
        ),
        Kind.CART_CANCEL_ASKED: Text(
            "Please cancel: {product}",
            (
                ("Please cancel {product} at {provider}: {why}.", "Please cancel {product} at the shop."),
                ("You cancelled it: {no}",),
                ("It has arrived: {arrived}",),
            ),
        ),
    },
    faults={
        (Kind.ORDER_FAILED, Fault.PAYMENT): Text("Not ordered: {product}", (_FAILED, _PAYMENT, (_LATER,))),
        (Kind.ORDER_FAILED, Fault.ADDRESS): Text(
            "Not ordered: {product}",
            (_FAILED, ("Please look at your address; another provider would not help.",), (_LATER,)),
        ),
        (Kind.ORDER_FAILED, Fault.FRAUD): Text(
            "Not ordered: {product}", (("{product} was not ordered.",), _ON_HOLD, _ASK_US)
        ),
        (Kind.ORDER_CANCELLED, Fault.PAYMENT): Text(
            "Cancelled: {product}",
            (
                ("The order of {product} was cancelled by us: {why}.", "The order of {product} was cancelled by us."),
                ("It will not come.",),
                _PAYMENT,
                (_LATER,),
            ),
        ),
        (Kind.ORDER_CANCELLED, Fault.FRAUD): Text(
            "Cancelled: {product}",
            (("The order of {product} was cancelled by us. It will not come.",), _ON_HOLD, _ASK_US),
        ),
    },
    greeting="Hello {name},",
    closing="Your replenish",
    nameless="there",
    untitled="a product",
    actors={
        "customer": "you",
        "operator": "us",
        "provider": "the provider",
        "deregistration": "the removal of its device",
    },
    holds={
        "no_offer": "the provider you chose does not sell it",
        "offer_unavailable": "the provider you chose does not sell it at present",
        "provider_inactive": "the provider you chose is not active",
        "pack_size_differs": "the provider now sells it in another pack",
        "pack_unit_differs": "the provider now sells it in another unit",
        "units_differ": "its slots count in different units",
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

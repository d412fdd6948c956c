"""Every notice in English."""

from services.notification.domain.kinds import Kind
from services.notification.domain.words import Language, Text

_LASTS = "it is at {level}, and at {rate} a day that lasts until about {run_out}"
_TRY_AGAIN = "We try again in a day. If you are in a hurry, choose another provider: {page}"

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
            (("{provider} will not deliver {product}: {why}.", "{product} will not come: {why}."), (_TRY_AGAIN,)),
        ),
        Kind.ORDER_FAILED: Text(
            "Not ordered: {product}", (("The order of {product} came to nothing: {why}.",), (_TRY_AGAIN,))
        ),
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

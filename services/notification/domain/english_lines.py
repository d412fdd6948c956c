"""English texts of mails about orders of several lines."""

from replenish_contracts.events import Fault
from services.notification.domain.english_phrases import (
    CART_LINKS_SEVERAL,
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
        "Ordered: {summary}",
        (
            ("We have ordered {things} from {provider}:{lines}", "We have ordered {things}:{lines}"),
            FEE,
            TOTAL,
            ENDED,
            (
                "Reason: your supplies are running low; your supply of {first} will last until about {run_out}.",
                "Reason: your supplies will last until about {needed_by}.",
                "Reason: your supplies are running low.",
            ),
            (EXPECTED, "The delivery date is not known yet."),
            ("You can cancel the order, or a part of it, until it is shipped: {page}",),
        ),
    ),
    Kind.ORDER_REFUSED: Text(
        "Order declined: {summary}",
        (
            (
                "{provider} has declined your order for {of_things}. Reason: {why}.",
                "Your order for {of_things} was declined. Reason: {why}.",
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
            (RETRY_ELSEWHERE,),
        ),
    ),
    Kind.ORDER_FAILED: Text(
        "Order not completed: {summary}",
        (
            (
                "Your order for {of_things} could not be completed. Reason: {why}.",
                "Your order for {of_things} could not be completed.",
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
            (RETRY_ELSEWHERE,),
        ),
    ),
    Kind.ORDER_CANCELLED: Text(
        "Order cancelled: {summary}",
        (
            (
                "Your order for {of_things} was cancelled {by}. Reason: {why}.",
                "Your order for {of_things} was cancelled {by}.",
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
            ("It will not be delivered. Your orders: {page}",),
        ),
    ),
    Kind.ORDER_UNKNOWN: Text(
        "Confirmation pending: {summary}",
        (
            (
                (
                    "The provider has not confirmed your order for {of_things} yet. "
                    "We are checking with them and will not order twice."
                ),
            ),
            ORDER_LIST,
            FEE,
            TOTAL,
        ),
    ),
    Kind.ORDER_SHIPPED: Text(
        "Shipped: {summary}",
        (
            (
                "{last}{provider} has shipped the rest of your order:{lines}",
                "{last}The rest of your order has been shipped:{lines}",
                "{part}{provider} has shipped part of your order:{lines}",
                "{part}Part of your order has been shipped:{lines}",
                "{provider} has shipped your order:{lines}",
                "Your order has been shipped:{lines}",
            ),
            FEE,
            TOTAL,
            ENDED,
            STILL_TO_COME,
            (EXPECTED,),
        ),
    ),
    Kind.ORDER_DELIVERED: Text(
        "Delivered: {summary}",
        (
            (
                "{last}The rest of your order should have arrived:{lines}",
                "{part}Part of your order should have arrived:{lines}",
                "Your order should have arrived:{lines}",
            ),
            FEE,
            TOTAL,
            ENDED,
            STILL_TO_COME,
            ("If anything on this list is missing, please let us know: {page}",),
        ),
    ),
    Kind.CLAIM_RAISED: Text(
        "Incomplete delivery: {summary}",
        (
            ("The delivery from {provider} was incomplete:{lines}", "The delivery was incomplete:{lines}"),
            CLAIM_NEXT,
        ),
    ),
    Kind.MONEY_RETURNED: Text(
        "Refund: {order}",
        (
            (
                "You will receive a refund of {refund} for your order from {provider}.",
                "You will receive a refund for your order.",
            ),
            ORDER_LIST,
            ("Your orders: {page}",),
        ),
    ),
    Kind.SHOP_ASKED: Text(
        "New order: {summary}",
        (
            ("A customer has ordered {things}:{lines}",),
            FEE,
            TOTAL,
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
        "Reminder: order for {summary}",
        (
            ("This order is still open:{lines}",),
            (
                "Please reply by {answer_by}. After that, we will withdraw the order.",
                "You have accepted it, but some of it has not been marked as shipped yet.",
            ),
            *SHOP_LINKS,
        ),
    ),
    Kind.SHOP_ASKED_TO_CANCEL: Text(
        "Please do not ship: {summary}",
        (
            ("Please do not ship these items (reason: {why}):{lines}", "Please do not ship these items:{lines}"),
            ("Please ship the rest of the order as planned:{rest}",),
            ("Confirm that these items will not be shipped: {refuse}",),
            ("They have already been shipped: {ship}",),
        ),
    ),
    Kind.CART_PREPARED: Text(
        "Time to order: {summary}",
        (
            ("Please order the following from {provider}:{lines}", "Please order the following:{lines}"),
            FEE,
            TOTAL,
            (
                "Your cart is ready: {cart_url}",
                "{linked}Each link opens the product in the shop.",
                "We could not prepare a cart; please look for the products in the shop.",
            ),
            ("We cannot order there on your behalf. Please let us know what you decide:",),
            *CART_LINKS_SEVERAL,
        ),
    ),
    Kind.CART_REMINDED: Text(
        "Have you ordered {order}?",
        (
            ("You have not yet told us whether you ordered the following:{lines}",),
            ("Your cart: {cart_url}",),
            *CART_LINKS_SEVERAL,
            ("Your overview: {page}",),
        ),
    ),
    Kind.CART_CANCEL_ASKED: Text(
        "Please cancel: {summary}",
        (
            (
                "Please cancel the following items from your order with {provider} (reason: {why}):{lines}",
                "Please cancel the following items from your order with the shop:{lines}",
            ),
            ("Please do not cancel the rest of the order:{rest}",),
            ("I have cancelled them: {no}",),
            ("They have already arrived: {arrived}",),
        ),
    ),
}

PARTS = {
    Kind.ORDER_REFUSED: Text("Order partly declined: {summary}", (ENDED, STILL_TO_COME, (RETRY_ELSEWHERE,))),
    Kind.ORDER_CANCELLED: Text("Order partly cancelled: {summary}", (ENDED, STILL_TO_COME, ("Your orders: {page}",))),
}

ENDED_PARAGRAPHS = {
    Kind.ORDER_REFUSED: (
        "{provider} will not deliver these items (reason: {why}):{gone}",
        "{provider} will not deliver these items:{gone}",
        "These items will not be delivered:{gone}",
    ),
    Kind.ORDER_CANCELLED: (
        "These items were cancelled {by} and will not be delivered (reason: {why}):{gone}",
        "These items were cancelled {by} and will not be delivered:{gone}",
    ),
}

SEVERAL_FAULTS = {
    (Kind.ORDER_FAILED, Fault.PAYMENT): Text(
        "Order not completed: {summary}",
        (
            ("Your order for {of_things} could not be completed because the payment failed.",),
            ORDER_LIST,
            FEE,
            TOTAL,
            CHECK_PAYMENT,
            (RETRY,),
        ),
    ),
    (Kind.ORDER_FAILED, Fault.BILLING): Text(
        "Order not completed: {summary}",
        (
            ("Your order for {of_things} could not be completed because we could not process the payment.",),
            ORDER_LIST,
            FEE,
            TOTAL,
            NOTHING_TO_DO,
            (RETRY,),
        ),
    ),
    (Kind.ORDER_FAILED, Fault.ADDRESS): Text(
        "Order not completed: {summary}",
        (
            ("Your order for {of_things} could not be completed because your delivery address could not be used.",),
            ORDER_LIST,
            FEE,
            TOTAL,
            CHECK_ADDRESS,
            (RETRY,),
        ),
    ),
    (Kind.ORDER_FAILED, Fault.FRAUD): Text(
        "Order not completed: {summary}",
        (("Your order for {of_things} could not be completed.",), ORDER_LIST, FEE, TOTAL, ON_HOLD_SEVERAL, CONTACT_US),
    ),
    (Kind.ORDER_CANCELLED, Fault.PAYMENT): Text(
        "Order cancelled: {summary}",
        (
            ("We have cancelled your order for {of_things} because the payment failed. It will not be delivered.",),
            ORDER_LIST,
            FEE,
            TOTAL,
            CHECK_PAYMENT,
            (RETRY,),
        ),
    ),
    (Kind.ORDER_CANCELLED, Fault.BILLING): Text(
        "Order cancelled: {summary}",
        (
            (
                (
                    "We have cancelled your order for {of_things} because we could not process the payment. "
                    "It will not be delivered."
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
        "Order cancelled: {summary}",
        (
            ("We have cancelled your order for {of_things}. It will not be delivered.",),
            ORDER_LIST,
            FEE,
            TOTAL,
            ON_HOLD_SEVERAL,
            CONTACT_US,
        ),
    ),
}

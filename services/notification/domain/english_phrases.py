"""English sentences that several mails share."""

LASTS = "you have {level} left; at {rate} a day, this will last until about {run_out}"
RUNNING_LOW = (
    "Your supply of {product} is running low: " + LASTS + ".",
    "Your supply of {product} is running low.",
)
RETRY = "We will try again in one day, then at longer intervals. Your orders: {page}"
RETRY_ELSEWHERE = (
    "If one of your alternative providers can deliver, we will order there right away. "
    "Otherwise we will try again in one day, then at longer intervals. Your orders: {page}"
)
CHECK_PAYMENT = ("Please check your payment method. Ordering from another provider would not solve this problem.",)
NOTHING_TO_DO = (
    "This has nothing to do with your payment method, and you do not need to do anything. You have not been charged.",
)
CHECK_ADDRESS = ("Please check your delivery address. Ordering from another provider would not solve this problem.",)
ON_HOLD = ("Further orders of this product are on hold until we have reviewed the matter.",)
ON_HOLD_SEVERAL = ("Further orders of these products are on hold until we have reviewed the matter.",)
CONTACT_US = ("If you have any questions, please reply to this email. Your orders: {page}",)
FAILED = (
    "Your order for {product} could not be completed. Reason: {why}.",
    "Your order for {product} could not be completed.",
)
FAILED_SUBJECT = "Order not completed: {product}"
CANCELLED_SUBJECT = "Order cancelled: {product}"
EXPECTED = "Expected delivery: {expected}"
SHOP_LINKS = (
    ("Accept the order: {acknowledge}",),
    ("Mark it as shipped or ready for pickup: {ship}",),
    ("Decline the order: {refuse}",),
)
CART_LINKS = (
    ("I have ordered it: {ordered}",),
    ("I have not ordered it yet: {not_yet}",),
    ("I do not want to order it: {no}",),
)
CART_LINKS_SEVERAL = (
    ("I have placed the order: {ordered}",),
    ("I have not placed the order yet: {not_yet}",),
    ("I do not want to place this order: {no}",),
)
STILL_TO_COME = ("Still to come:{rest}", "{more}The rest of your order will follow.")
ORDER_LIST = ("This order includes:{lines}",)
FEE = ("Delivery fee: {fee}",)
TOTAL = ("Total: {total}",)
CLAIM_NEXT = (
    "We are taking this up with the provider. If everything has arrived after all, please let us know: {page}",
)

"""Whether the payment service of a provider can charge its prices and fees; checked when they are entered."""

from collections.abc import Sequence

from libs.kit.http.problems import ProblemError
from services.order_dispatch.domain.provider import Offer, Provider
from services.order_dispatch.payments.domain.amounts import UnchargeableAmountError, check_amount, check_share
from services.order_dispatch.payments.services import describe_payment_service
from services.order_dispatch.providers.registry import get_protocol

#: Errors of one response; the others appear once these are put right.
MOST_ERRORS = 20


def check_price(offer: Offer, provider: Provider) -> None:
    """Raise ProblemError 422 if the provider's payment service cannot charge the price of one pack.

    An order costs a multiple of it, and the fee. Free goods are not charged.
    """
    if (error := _find_obstacle(offer, provider)) is not None:
        title = f"{provider.payment} cannot charge this price"
        errors = [{"code": error.code, "field": "price", "problem": error.problem, "remedy": error.remedy}]
        raise ProblemError(422, error.code, title, errors=errors)


def check_prices(provider: Provider, offers: Sequence[Offer], account: str = "account") -> None:
    """Raise ProblemError 422 if the provider's payment service cannot charge its fee or one of its available offers.

    `account` is the field of the request that contains the provider's account.
    """
    errors = _fee_errors(provider, account)
    for offer in offers:
        if offer.available and (error := _find_obstacle(offer, provider)) is not None:
            problem = f"the offer of {offer.product_id}: {error.problem}"
            remedy = f"change the price of {offer.product_id} first ({error.remedy})"
            errors.append({"code": error.code, "field": "payment", "problem": problem, "remedy": remedy})
    if errors:
        title = f"{provider.payment} cannot charge these prices"
        raise ProblemError(422, "prices_not_chargeable", title, errors=errors[:MOST_ERRORS])


def _find_obstacle(offer: Offer, provider: Provider) -> UnchargeableAmountError | None:
    if provider.payment is None or offer.price == 0:
        return None
    service = describe_payment_service(provider.payment)
    try:
        check_amount(offer.price, offer.currency, service.find_rules(offer.currency), service.name)
    except UnchargeableAmountError as error:
        return error
    return None


def _fee_errors(provider: Provider, account: str) -> list[dict[str, str]]:
    find_fee = get_protocol(provider.protocol).find_fee
    fee = None if find_fee is None or provider.payment is None else find_fee(provider)
    if fee is None or provider.payment is None:
        return []
    service = describe_payment_service(provider.payment)
    try:
        check_share(*fee, service.find_rules(fee[1]), service.name)
    except UnchargeableAmountError as error:
        return [{"code": error.code, "field": f"{account}.fee", "problem": error.problem, "remedy": error.remedy}]
    return []

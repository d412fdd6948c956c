"""Prices and fees that a provider's payment service cannot charge are refused when they are entered."""

import pytest
from pydantic import SecretStr

from tests.integration.order_dispatch.payments.environment import KEY


@pytest.fixture(scope="module")
def knobs():
    return {"sealing_key": SecretStr(KEY.hex())}


async def put_provider(world, name, **terms):
    body = {"name": name.title(), "protocol": "kafka"} | terms
    return await world.http.put(f"/v1/providers/{name}", json=body, headers=world.desk.headers("operator"))


async def put_offer(world, name, amount, currency, product="pods", **more):
    body = {"title": "Pods", "pack_size": {"quantity": 20, "unit": "pods"}}
    body |= {"price": {"amount": amount, "currency": currency}} | more
    own = world.desk.headers("provider", provider_id=name)
    return await world.http.put(f"/v1/providers/{name}/offers/{product}", json=body, headers=own)


def hosted(fee=None, currency="EUR", **terms):
    account = {"email": "shop@example.com", "currency": currency, **terms}
    return {"protocol": "hosted", "account": account if fee is None else account | {"fee": fee}}


class TestOffer:
    @pytest.mark.parametrize(
        ("amount", "currency", "code"),
        [
            ("1.234", "KWD", "not_chargeable"),
            ("0.30", "EUR", "below_minimum"),
            (0.3, "EUR", "below_minimum"),
            ("0.29", "GBP", "below_minimum"),
            ("49", "JPY", "below_minimum"),
            ("5.01", "MGA", "not_chargeable"),
            ("5000", "IRR", "unsupported_currency"),
            ("99999999999", "UGX", "above_maximum"),
        ],
    )
    async def test_price_that_service_cannot_charge_is_refused(self, world, amount, currency, code):
        await put_provider(world, "striped", payment="stripe")

        refused = await put_offer(world, "striped", amount, currency)

        assert (refused.status_code, refused.json()["code"]) == (422, code)
        (error,) = refused.json()["errors"]
        assert (error["code"], error["field"]) == (code, "price")
        assert error["problem"]
        assert error["remedy"]

    @pytest.mark.parametrize(
        ("amount", "currency"),
        [
            *(("5000", "UGX"), ("1790", "ISK"), ("1.230", "KWD"), ("0.50", "EUR"), ("0.30", "GBP"), ("50", "JPY")),
            *(("800.45", "TWD"), ("175.45", "HUF"), ("0", "EUR")),
        ],
    )
    async def test_price_that_service_can_charge_is_stored_as_entered(self, world, amount, currency):
        await put_provider(world, "striped", payment="stripe")

        stored = await put_offer(world, "striped", amount, currency)

        assert stored.status_code == 200
        assert float(stored.json()["price"]["amount"]) == float(amount)

    @pytest.mark.parametrize("payment", [None, "sandbox"])
    @pytest.mark.parametrize(("amount", "currency"), [("1.234", "KWD"), ("0.30", "EUR"), ("5000", "IRR")])
    async def test_price_of_other_providers_is_not_limited(self, world, payment, amount, currency):
        await put_provider(world, "free", payment=payment)

        assert (await put_offer(world, "free", amount, currency)).status_code == 200


class TestProvider:
    async def test_service_that_cannot_charge_offers_is_refused(self, world):
        await put_provider(world, "mover")
        await put_offer(world, "mover", "1.234", "KWD", "pods")
        await put_offer(world, "mover", "0.30", "EUR", "filters")
        await put_offer(world, "mover", "5.00", "EUR", "cups")

        refused = await put_provider(world, "mover", payment="stripe")

        assert (refused.status_code, refused.json()["code"]) == (422, "prices_not_chargeable")
        errors = {error["problem"].split(":")[0]: error for error in refused.json()["errors"]}
        assert set(errors) == {"the offer of pods", "the offer of filters"}
        assert errors["the offer of pods"]["field"] == "payment"
        assert "1.230 KWD or 1.240 KWD" in errors["the offer of pods"]["remedy"]

        await put_offer(world, "mover", "1.230", "KWD", "pods")
        await put_offer(world, "mover", "0.30", "EUR", "filters", available=False)
        assert (await put_provider(world, "mover", payment="stripe")).status_code == 200

    @pytest.mark.parametrize(
        ("fee", "currency", "code"),
        [("0.505", "KWD", "not_chargeable"), ("5000", "IRR", "unsupported_currency")],
    )
    async def test_fee_that_service_cannot_charge_is_refused(self, world, fee, currency, code):
        assert (await put_provider(world, "shop", **hosted(fee, currency))).status_code == 200

        refused = await put_provider(world, "shop", payment="stripe", **hosted(fee, currency))

        assert (refused.status_code, refused.json()["code"]) == (422, "prices_not_chargeable")
        (error,) = refused.json()["errors"]
        assert (error["code"], error["field"]) == (code, "account.fee")

    async def test_shop_that_is_paid_by_a_service_may_not_set_other_fee(self, world):
        terms = {"email": "shop@example.com", "currency": "KWD"}
        await put_provider(world, "terms", payment="stripe", **hosted("0.500", "KWD"))
        own = world.desk.headers("provider", provider_id="terms")

        async def put_terms(fee):
            body = {"terms": terms | {"fee": fee}}
            return await world.http.put("/v1/providers/terms/terms", json=body, headers=own)

        refused = await put_terms("0.505")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "terms.fee")
        # A fee is charged with the goods, so the service's minimum does not apply to it.
        assert (await put_terms("0.010")).status_code == 200


async def test_limit_in_currency_that_service_does_not_charge_is_refused(world):
    async def put_method(service):
        body = {"service": service, "token": "pm_1", "mandate": {"amount": "50", "currency": "IRR"}}
        own = world.desk.headers("customer", customer_id="ann")
        return await world.http.put("/v1/customers/ann/payment-method", json=body, headers=own)

    refused = await put_method("stripe")

    assert (refused.status_code, refused.json()["code"]) == (422, "unsupported_currency")
    assert refused.json()["errors"][0]["field"] == "mandate.currency"
    assert (await put_method("sandbox")).status_code == 200

"""Addresses without a postal code in every protocol, and addresses in accounts: shops' mail, delivery regions, DRS."""

import json
from dataclasses import replace

import pytest

from replenish_contracts.events import OrderRequested, ShipTo
from replenish_contracts.wire import as_event, decoder, encode
from services.order_dispatch.domain import ProviderRequest
from services.order_dispatch.orders.decisions import request_events
from services.order_dispatch.providers import acp, drs, hosted, webhook
from services.order_dispatch.providers.acp.checkout import address
from services.order_dispatch.providers.acp.messages import Session
from services.order_dispatch.providers.registry import get_protocol
from services.order_dispatch.providers.tokens import ship_to_digest
from tests.support import orders as a
from tests.support.recording import RecordingClient

#: Hong Kong has no postal codes.
HONG_KONG = ShipTo(
    name="Ann Lee", line1="1 Nathan Road", postal_code="", city="Tsim Sha Tsui", region="Kowloon", country="HK"
)
SHOP = {"email": "a@b.example"}


class TestMissingPostalCode:
    async def test_webhook_sends_an_empty_one_and_its_digest(self):
        client = RecordingClient({"order_id": "o1", "status": "accepted"})

        await webhook.submit(a.drafted(), HONG_KONG, client)

        (body,) = client.bodies
        assert body["ship_to"]["postal_code"] == ""
        assert (body["ship_to"]["city"], body["ship_to"]["region"]) == ("Tsim Sha Tsui", "Kowloon")
        assert body["token"]["ship_to_sha256"] == ship_to_digest(ShipTo(**body["ship_to"]))

    async def test_acp_sends_all_fields_that_its_schema_requires(self):
        client = RecordingClient({"id": "cs_1", "status": "ready_for_payment", "currency": "usd"})
        session = Session(id="cs_1", status="not_ready_for_payment", currency="usd")

        await address(session, a.drafted(), HONG_KONG, client)

        sent = client.bodies[0]["fulfillment_details"]["address"]
        assert {name: sent[name] for name in ("name", "line_one", "city", "state", "country", "postal_code")} == {
            "name": "Ann Lee",
            "line_one": "1 Nathan Road",
            "city": "Tsim Sha Tsui",
            "state": "Kowloon",
            "country": "HK",
            "postal_code": "",
        }

    def test_kafka_event_is_read_with_and_without_the_field(self):
        (event,) = request_events((ProviderRequest.SUBMIT,), a.drafted(), get_protocol("kafka"), a.NOON, HONG_KONG)
        value = encode(event, id="e", source="/replenish/order_dispatch", time=a.NOON)
        older = json.loads(value)
        assert older["data"]["ship_to"].pop("postal_code") == ""

        read = decoder("provider-orders-acme")

        assert as_event(read(value)) == event
        assert as_event(read(json.dumps(older).encode())) == event
        assert isinstance(event, OrderRequested)

    def test_event_with_a_postal_code_is_unchanged(self):
        home = ShipTo(name="Ann", line1="Elm 1", postal_code="89073", city="Ulm", country="DE")

        assert ShipTo.model_validate_json(home.model_dump_json()).postal_code == "89073"

    @pytest.mark.parametrize("fields", [{}, {"postal_code": None}, {"postal_code": ""}])
    def test_answer_of_the_portal_may_lack_it(self, fields):
        address = HONG_KONG.model_dump(exclude={"postal_code"}) | fields

        assert ShipTo.model_validate_json(json.dumps(address)) == HONG_KONG

    def test_hosted_shop_serves_the_country(self):
        for regions, served in (([], True), (["HK"], True), (["HK-1"], False), (["DE"], False)):
            assert hosted.serves(hosted.read_terms(SHOP | {"regions": regions}), HONG_KONG) is served

    def test_hosted_shop_names_the_country_only(self):
        shop = replace(a.ACME, protocol="hosted", account=SHOP | {"regions": ["DE"]})

        assert hosted.objection(a.drafted(), shop, HONG_KONG) == "Acme does not deliver to HK, only to DE"


class TestTermsOfShops:
    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("shop@example.org", "shop@example.org"),
            ("shop@faß.de", "shop@faß.de"),
            ("shop@XN--FA-HIA.de", "shop@faß.de"),
        ],
    )
    def test_mail_address_follows_the_common_rule(self, typed, kept):
        assert hosted.read_terms({"email": typed}).email == kept

    @pytest.mark.parametrize(
        ("typed", "problem"),
        [
            ("a..b@x.org", "two in a row"),
            ("jörg@x.org", "U\\+00F6"),
            ("shop@ex\u200dample.org", "zero width joiner"),
            ("shop@x", "without a dot"),
            ("Shop <shop@x.org>", "angle brackets"),
            ("shop@[192.0.2.1]", "IP address"),
        ],
    )
    def test_mail_address_is_refused_with_a_remedy(self, typed, problem):
        with pytest.raises(ValueError, match=f"email: .*{problem}.*; "):
            hosted.read_terms({"email": typed})

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("de", "DE"),
            ("DE-10", "DE-10"),
            ("pl-00-950", "PL-00950"),
            ("GB-SW1A 1", "GB-SW1A1"),
            ("nl-1234ab", "NL-1234AB"),
        ],
    )
    def test_region_is_normalised(self, typed, kept):
        assert hosted.read_terms(SHOP | {"regions": [typed]}).regions == (kept,)

    @pytest.mark.parametrize(
        ("typed", "remedy"),
        [
            ("UK-SW1", "use GB"),
            ("Bavaria", "use two letters"),
            ("XX", "use two letters"),
            ("DEU", "use DE"),
            ("DE-", "such as DE or DE-10"),
            ("DE-1?", "such as DE or DE-10"),
            ("DE-1234567890123", "such as DE or DE-10"),
        ],
    )
    def test_region_is_refused_with_a_remedy(self, typed, remedy):
        with pytest.raises(ValueError, match=f"regions.0: .*{remedy}"):
            hosted.read_terms(SHOP | {"regions": [typed]})


@pytest.mark.parametrize("country", ["UK", "XX", "ZZ", "USA", "EL"])
def test_country_of_drs_options_is_on_the_iso_list(country):
    with pytest.raises(ValueError, match="country: send an ISO 3166-1 code in capitals"):
        drs.check_options({"country": country})


def test_protocols_need_the_address_as_before():
    assert [get_protocol(name).needs_address for name in ("kafka", "webhook", "acp", "hosted", "assisted", "drs")] == [
        *(True, True, True, False, False, False)
    ]
    assert acp.PROTOCOL.needs_address

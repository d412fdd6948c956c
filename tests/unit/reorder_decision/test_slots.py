"""Ids of pools."""

from services.reorder_decision.domain import pool_id_of
from tests.support import decisions as a


class TestPoolId:
    def test_pool_id_has_customer_and_product(self):
        assert pool_id_of("ann", "pods") == a.POOL

    def test_pool_id_of_long_names_is_short_and_unique(self):
        one, other = pool_id_of("c" * 100, "p" * 200), pool_id_of("c" * 100, "p" * 199)

        assert one != other
        assert max(len(one), len(other)) <= 200

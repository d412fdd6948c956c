"""SQL about customers and their personal data."""

from libs.kit import Store
from replenish_contracts.events import ShipTo
from services.portal.domain.people import Customer, Person

CUSTOMER_COLUMNS = """
    customer_id, locale, time_zone,
    (SELECT ship_to ->> 'country' FROM person WHERE person.customer_id = customer.customer_id) AS country
"""


class PeopleStore(Store):
    async def add_customer(self, customer: Customer) -> bool:
        """Insert a customer; return False if the id is in use or belonged to an erased customer."""
        status = await self.connection.execute(
            """-- add_customer
            INSERT INTO customer (customer_id, locale, time_zone, joined_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (customer_id) DO NOTHING
            """,
            customer.customer_id,
            customer.locale,
            customer.time_zone,
            self.now,
        )
        return status == "INSERT 0 1"

    async def save_person(self, customer_id: str, person: Person) -> None:
        await self.connection.execute(
            """-- save_person
            INSERT INTO person (customer_id, name, email, ship_to) VALUES ($1, $2, $3, $4)
            ON CONFLICT (customer_id) DO UPDATE
            SET name = excluded.name, email = excluded.email, ship_to = excluded.ship_to
            """,
            customer_id,
            person.name,
            person.email,
            person.ship_to.model_dump(mode="json", exclude_none=True),
        )

    async def save_customer(self, customer: Customer) -> None:
        await self.connection.execute(
            """-- save_customer
            UPDATE customer SET locale = $2, time_zone = $3 WHERE customer_id = $1 AND erased_at IS NULL
            """,
            customer.customer_id,
            customer.locale,
            customer.time_zone,
        )

    async def find_customer(self, customer_id: str) -> Customer | None:
        row = await self.connection.fetchrow(
            f"""-- find_customer
            SELECT {CUSTOMER_COLUMNS} FROM customer WHERE customer_id = $1 AND erased_at IS NULL
            """,
            customer_id,
        )
        return Customer(**row) if row else None

    async def lock_customer(self, customer_id: str) -> Customer | None:
        """Return the customer and lock it, and with it changes of its devices, until the commit."""
        row = await self.connection.fetchrow(
            f"""-- lock_customer
            SELECT {CUSTOMER_COLUMNS} FROM customer WHERE customer_id = $1 AND erased_at IS NULL
            FOR NO KEY UPDATE
            """,
            customer_id,
        )
        return Customer(**row) if row else None

    async def list_customers(self, after: str, limit: int) -> list[Customer]:
        rows = await self.connection.fetch(
            f"""-- list_customers
            SELECT {CUSTOMER_COLUMNS} FROM customer
            WHERE customer_id > $1 AND erased_at IS NULL ORDER BY customer_id LIMIT $2
            """,
            after,
            limit,
        )
        return [Customer(**row) for row in rows]

    async def lock_customers(self, after: str, limit: int) -> list[Customer]:
        """Return and lock customers in the order of their ids; the lock also covers their devices."""
        rows = await self.connection.fetch(
            f"""-- lock_customers
            SELECT {CUSTOMER_COLUMNS} FROM customer
            WHERE customer_id > $1 AND erased_at IS NULL ORDER BY customer_id LIMIT $2 FOR NO KEY UPDATE
            """,
            after,
            limit,
        )
        return [Customer(**row) for row in rows]

    async def find_person(self, customer_id: str) -> Person | None:
        row = await self.connection.fetchrow(
            """-- find_person
            SELECT name, email, ship_to FROM person WHERE customer_id = $1
            """,
            customer_id,
        )
        return Person(row["name"], row["email"], ShipTo(**row["ship_to"])) if row else None

    async def erase_person(self, customer_id: str) -> None:
        """Delete personal data, sessions and links; the id remains, so that it is not reused."""
        for statement in (
            "-- erase_person\nDELETE FROM person WHERE customer_id = $1",
            "-- erase_person\nDELETE FROM session WHERE customer_id = $1",
            "-- erase_person\nDELETE FROM sign_in_link WHERE customer_id = $1",
        ):
            await self.connection.execute(statement, customer_id)
        await self.connection.execute(
            """-- erase_person
            UPDATE customer SET erased_at = $2, locale = '', time_zone = '' WHERE customer_id = $1
            """,
            customer_id,
            self.now,
        )

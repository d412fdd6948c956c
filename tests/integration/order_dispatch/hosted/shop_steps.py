"""A street of shops whose orders are kept here: what they, their customers and inventory do in tests."""

from replenish_contracts.events import AllocationLine, StockAllocated
from tests.support import orders as a

KNOBS = {"sealing_key": "11" * 32, "reminder_hours": 24, "answer_deadline_hours": 48}
TERMS = {"email": "shop@example.org"}


async def shop(world, name, **terms):
    """Let a shop be ordered from, and return its headers."""
    await world.put_provider(name, protocol="hosted", account=TERMS | terms)
    return world.desk.headers("provider", provider_id=name)


async def asked(world, name, **terms):
    """Return an order that a shop was asked about, its goods set aside."""
    await shop(world, name, **terms)
    order_id = await world.approve(name)
    await world.reaches(order_id, "reserving")
    await world.publish(allocated(order_id))
    await world.reaches(order_id, "placing")
    return order_id


def allocated(order_id):
    lines = (AllocationLine(product_id="pods", quantity=40),)
    owner_id = order_id.rpartition("-")[0]
    return StockAllocated(owner_id=owner_id, order_id=order_id, customer_id="ann", lines=lines, occurred_at=a.NOON)


async def says(world, order_id, step, **detail):
    """Answer as the shop, over its API."""
    name = order_id.rpartition("-")[0]
    path = f"providers/{name}/orders/{order_id}/{step}"
    return await world.post(path, detail, "provider", provider_id=name)


async def letter(world, order_id, responder="shop"):
    """Return what notification would write a mail from."""
    headers = world.desk.headers("service", service="notification")
    got = await world.http.get(f"/v1/orders/{order_id}/mail-data?responder={responder}", headers=headers)
    assert got.status_code == 200, got.text
    return got.json()


async def click(world, word, **detail):
    """Send the form behind a link in a mail; nobody is signed in."""
    return await world.http.post(f"/v1/answers/{word}", json=detail)


async def kinds(world, order_id):
    """Return the names of everything said about an order."""
    return sorted(event["type"] for event in await world.events(order_id))

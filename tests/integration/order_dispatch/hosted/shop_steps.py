"""Steps of orders at hosted shops, as the shop, the customer or inventory performs them."""

from replenish_contracts.events import AllocationLine, StockAllocated
from tests.support import orders as a

SETTINGS = {"sealing_key": "11" * 32, "reminder_hours": 24, "answer_deadline_hours": 48}
TERMS = {"email": "shop@example.org"}


async def put_shop(world, name, **terms):
    """Register a shop and return its request headers."""
    await world.put_provider(name, protocol="hosted", account=TERMS | terms)
    return world.desk.headers("provider", provider_id=name)


async def submitted_order(world, name, **terms):
    """Return the id of an order that was submitted to the shop, with its stock allocated."""
    await put_shop(world, name, **terms)
    order_id = await world.approve(name)
    await world.reaches(order_id, "reserving")
    await world.publish(allocated(order_id))
    await world.reaches(order_id, "placing")
    return order_id


def allocated(order_id):
    lines = (AllocationLine(product_id="pods", quantity=40),)
    owner_id = order_id.rpartition("-")[0]
    return StockAllocated(owner_id=owner_id, order_id=order_id, customer_id="ann", lines=lines, occurred_at=a.NOON)


async def answer_as_shop(world, order_id, step, **detail):
    """Answer over the API, as the shop."""
    name = order_id.rpartition("-")[0]
    path = f"providers/{name}/orders/{order_id}/{step}"
    return await world.post(path, detail, "provider", provider_id=name)


async def mail_data(world, order_id, responder="shop"):
    headers = world.desk.headers("service", service="notification")
    got = await world.http.get(f"/v1/orders/{order_id}/mail-data?responder={responder}", headers=headers)
    assert got.status_code == 200, got.text
    return got.json()


async def click(world, token, **detail):
    """Submit the form behind a link in a mail, without signing in."""
    return await world.http.post(f"/v1/answers/{token}", json=detail)


async def event_types(world, order_id):
    return sorted(event["type"] for event in await world.events(order_id))

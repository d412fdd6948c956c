"""A mail server that is not there is waited for."""

from deploy.local.mailbox import catching
from deploy.local.ports import free_port
from libs.kit.testing import running
from services.notification.domain import Kind, notice_id_of
from services.notification.service import SERVICE
from tests.integration.notification.world import World
from tests.support.order_environment import own_logs
from tests.support.portal_server import portal, until


async def test_a_mail_server_that_is_away_is_waited_for(database, kafka_url, tmp_path):
    port = free_port()
    knobs = {"smtp_port": port, "smtp_timeout_seconds": 1}
    async with (
        own_logs(kafka_url),
        portal() as desk,
        running(SERVICE, kafka_url=kafka_url, database_urls=database, portal_url=desk.url, **knobs) as kit,
    ):
        world = World(kit, kafka_url, desk, tmp_path / "late.jsonl")
        world.joins("uma")
        order_id = await world.order("uma")
        notice_id = notice_id_of("uma", Kind.ORDER_PLACED, order_id)

        async def tried():
            return await kit.pool.fetchval("SELECT reason FROM task WHERE id = $1 AND attempt > 0", notice_id)

        assert "SMTPConnectError" in await until(tried, "it was tried")
        async with catching(world.log, port=port):
            await world.reaches("uma", "sent")
        await world.http.aclose()
    assert len(world.mails("uma")) == 1

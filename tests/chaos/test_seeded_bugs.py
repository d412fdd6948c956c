"""The judge reports each seeded bug and accepts the product without one."""

import contextlib

import pytest

from deploy.local.errors import StackError
from tests.chaos.bugs import BUGS
from tests.chaos.in_process import in_process_environment, migrated

#: Long enough for two restocks of the household's two slots.
DAYS = 16
LATE_DAY = 12
#: Without progress: with a bug, the system may never become idle although no service stops.
PATIENCE_SECONDS = 25


@pytest.fixture(scope="module")
async def database(backends):
    async with migrated(backends) as database:
        yield database


async def weeks_with(where, bug=None, patch=None):
    """Run the days with the bug and return the judge's verdict."""
    async with in_process_environment(*where) as world:
        late = [bug.late] if bug and bug.late else []
        await world.start(*late)
        await world.move_in()
        if bug:
            making = bug.make(patch, world)
            if making is not None:
                await making
            world.quiet.timeout_s = PATIENCE_SECONDS
        with contextlib.suppress(StackError) if bug else contextlib.nullcontext():
            days = bug.days if bug else DAYS
            await world.live(0, min(LATE_DAY, days))
            for service in late:
                await world.start_service(service)
            await world.live(LATE_DAY, days)
        return await world.verdict(settle_s=1 if bug else 10)


class TestJudge:
    async def test_judge_is_green_without_bug(self, backends, database, tmp_path):
        verdict = await weeks_with((backends, database, tmp_path))

        assert verdict.green, verdict.anomalies
        assert verdict.figures["orders_delivered"] >= 2
        assert verdict.figures["orders_of_several_lines"] >= 2
        assert verdict.figures["PaymentCaptured"] >= 4
        assert verdict.figures["mails"] >= 2

    @pytest.mark.parametrize("name", BUGS)
    async def test_judge_reports_bug(self, name, backends, database, tmp_path, monkeypatch):
        bug = BUGS[name]

        verdict = await weeks_with((backends, database, tmp_path), bug, monkeypatch)

        told = [str(anomaly) for anomaly in verdict.anomalies]
        assert any(one.kind == bug.kind and bug.words in one.what for one in verdict.anomalies), "\n".join(told)

"""Checks across services that one service's own views cannot make: both sides of an order agree."""

import asyncpg

from deploy.local.checks.findings import Findings


async def check_pools(database: asyncpg.Connection, findings: Findings, schemas: list[str]) -> None:
    """Provisional."""

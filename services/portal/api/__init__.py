"""HTTP API: JSON under /v1, pages for browsers at /."""

from fastapi import APIRouter

from services.portal.api import commands, devices, mail_links, page, people, shop_page, shops, tokens
from services.portal.api.live import start_live, stop_live
from services.portal.api.security import set_up_security

router = APIRouter()
for part in (tokens, people, devices, shops, page, commands, mail_links, shop_page):
    router.include_router(part.router)

__all__ = ["router", "set_up_security", "start_live", "stop_live"]

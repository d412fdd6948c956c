"""The page as somebody with a phone sees and uses it."""

from contextlib import asynccontextmanager

from playwright.async_api import expect

PHONE = {"width": 390, "height": 844}
#: Other tests may run on the machine; on a quiet one everything shows within a second.
SOON_MS = 30_000


class Screen:
    """One signed-in browser; whatever it complains about is kept."""

    def __init__(self, page):
        self.page = page
        self.complaints = []
        page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def open(self, url):
        await self.page.goto(url)
        await expect(self.page.get_by_text("Live", exact=True)).to_be_visible(timeout=SOON_MS)

    def slot(self, home, slot="1"):
        return self.page.locator(f'[data-device="{home.device_id}"][data-slot="{slot}"]')

    def order(self, order_id):
        return self.page.locator(f'[data-order="{order_id}"]')

    async def shows(self, place, *words):
        """Wait until the words are there, without anybody touching the page."""
        for said in words:
            await expect(place).to_contain_text(said, timeout=SOON_MS)

    async def shows_no(self, place, words):
        await expect(place.get_by_text(words)).to_have_count(0, timeout=SOON_MS)

    async def presses(self, place, name):
        await place.get_by_role("button", name=name).click()

    async def says(self, words):
        """Wait for what the page answers."""
        await expect(self.page.locator("[data-toast]")).to_have_text(words, timeout=SOON_MS)


@asynccontextmanager
async def screen(browser, home, **around):
    """Sign the family's browser in by a link, as it gets it from the operator."""
    path = f"/v1/customers/{home.customer_id}/sign-in-links"
    link = await home.world.ask("portal", "POST", path, {})
    context = await browser.new_context(**({"viewport": PHONE, "has_touch": True} | around))
    try:
        shown = Screen(await context.new_page())
        await shown.open(link["url"])
        yield shown
        assert shown.complaints == []
    finally:
        await context.close()

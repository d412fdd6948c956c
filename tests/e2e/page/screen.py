"""Page object for the customer's page on a phone."""

from contextlib import asynccontextmanager

from playwright.async_api import expect

PHONE = {"width": 390, "height": 844}
#: Generous because other tests share the machine; on an idle one updates show within a second.
SOON_MS = 30_000


class Screen:
    """One signed-in browser; records console errors and warnings."""

    def __init__(self, page):
        self.page = page
        self.console_errors = []
        page.on(
            "console",
            lambda message: self.console_errors.append(message.text) if message.type in {"error", "warning"} else None,
        )
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))

    async def open(self, url):
        await self.page.goto(url)
        await expect(self.page.get_by_text("Live", exact=True)).to_be_visible(timeout=SOON_MS)

    def slot(self, home, slot="1"):
        return self.page.locator(f'[data-device="{home.device_id}"][data-slot="{slot}"]')

    def order(self, order_id):
        return self.page.locator(f'[data-order="{order_id}"]')

    async def shows(self, place, *words):
        """Wait until the element contains the words, without user input."""
        for text in words:
            await expect(place).to_contain_text(text, timeout=SOON_MS)

    async def shows_no(self, place, words):
        await expect(place.get_by_text(words)).to_have_count(0, timeout=SOON_MS)

    async def presses(self, place, name):
        await place.get_by_role("button", name=name).click()

    async def shows_toast(self, words):
        """Wait for the toast message."""
        await expect(self.page.locator("[data-toast]")).to_have_text(words, timeout=SOON_MS)


@asynccontextmanager
async def screen(browser, home, **around):
    """Sign a browser in with a link from an operator."""
    path = f"/v1/customers/{home.customer_id}/sign-in-links"
    link = await home.world.ask("portal", "POST", path, {})
    context = await browser.new_context(**({"viewport": PHONE, "has_touch": True} | around))
    try:
        shown = Screen(await context.new_page())
        await shown.open(link["url"])
        yield shown
        assert shown.console_errors == []
    finally:
        await context.close()

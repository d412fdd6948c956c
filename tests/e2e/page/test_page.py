"""The page in a real browser against the whole stack: live updates and commands."""

from playwright.async_api import expect

from tests.e2e.page.screen import SOON_MS, screen
from tests.support import households as a


async def test_page_follows_order_until_delivery(world, browser):
    home = await world.move_in(a.household(level=40, capacity=60, at_level=20, pack_size=40))

    async with screen(browser, home) as page:
        slot = page.slot(home)
        await page.shows(slot, "Coffee pods", "40 of 60", "Automatic reorder on", "from Acme for 17.90 EUR")

        await home.uses(5)
        await page.shows(slot, "35 of 60")

        await home.uses(15)
        (order_id,) = await home.orders()
        order = page.order(order_id)
        await page.shows(slot, "20 of 60", "40 ordered")
        await page.shows(order, "Coffee pods", "40 · 17.90 EUR", "Acme", "Being prepared")

        await order.get_by_text("Why was this ordered?").click()
        await page.shows(order, "There were in the slot 20", "So 1 x 40 from acme were ordered.")

        await world.provider.accepts(order_id)
        await page.shows(order, "Ordered", "expected")
        await page.shows(order, "So 1 x 40 from acme were ordered.")  # opened details stay open

        await world.provider.ships(order_id)
        await page.shows(order, "On its way")
        await expect(order.get_by_role("button")).to_have_count(0, timeout=SOON_MS)  # too late to cancel

        await world.provider.delivers(order_id)
        await page.shows(order, "Arrived")
        await page.shows(slot, "60 of 60")
        await page.shows(page.page.locator("main"), "Order confirmation: Coffee pods")


async def test_customer_corrects_level(world, browser):
    home = await world.move_in(a.household(level=40, capacity=60, at_level=5))

    async with screen(browser, home) as page:
        slot = page.slot(home)
        await slot.get_by_text("Update level").click()
        await slot.get_by_label("Current level").fill("31")
        await page.presses(slot, "Save")
        await page.shows_toast("Thank you. Updating the level...")
        await page.shows(slot, "31 of 60")

        await slot.get_by_text("Update level").click()
        await page.presses(slot, "Mark as full")
        await page.shows(slot, "60 of 60")

        await slot.get_by_text("Update level").click()
        await slot.get_by_label("Current level").fill("a few")
        await slot.get_by_label("Current level").press("Enter")
        await page.shows_toast("'a few' is no decimal number")
        await page.shows(slot, "60 of 60")

    await world.settled()
    assert await home.level() == 60


async def test_updates_keep_user_input(world, browser):
    home = await world.move_in(a.household(level=40, capacity=60, at_level=5))

    async with screen(browser, home) as page:
        slot = page.slot(home)
        await slot.get_by_text("Update level").click()
        field = slot.get_by_label("Current level")
        await field.fill("2")

        await home.uses(3)
        async with page.page.expect_response("**/page/board"):
            await home.uses(3)
        await field.press_sequentially("9")
        await expect(field).to_have_value("29")
        await field.press("Enter")

        await page.shows(slot, "29 of 60")


async def test_cancel_order_needs_confirmation(world, browser):
    home = await world.move_in(a.household(level=6, capacity=60, at_level=20))
    (order_id,) = await home.orders()

    async with screen(browser, home) as page:
        order = page.order(order_id)
        cancel = order.get_by_role("button")
        await cancel.click()
        await expect(cancel).to_have_text("Cancel this order?")
        await cancel.click()
        await page.shows_toast("We're cancelling the order.")
        await world.provider.cancels(order_id)
        await page.shows(order, "Cancelled")
        await page.shows(page.slot(home), "Not being reordered")


async def test_pause_and_resume_reordering(world, browser):
    home = await world.move_in(a.household(level=40, capacity=60, at_level=20))

    async with screen(browser, home) as page:
        slot = page.slot(home)
        await page.presses(slot, "Pause")
        await page.shows_toast("Automatic reordering is paused.")
        await page.shows(slot, "Paused", "Not being reordered")
        await home.uses(30)
        assert await home.orders() == []

        await page.presses(slot, "Resume")
        await page.shows(slot, "Automatic reorder on", "50 ordered")

    await world.settled()
    assert len(await home.orders()) == 1


async def test_order_waits_for_approval(world, browser):
    home = await world.move_in(a.household(level=40, capacity=60, at_level=20, mode="approve"))

    async with screen(browser, home) as page:
        slot = page.slot(home)
        await home.uses(25)
        await page.shows(slot, "Running low. Order", "from Acme for 17.90 EUR")
        await expect(page.page.get_by_role("heading", level=1)).to_have_text("Order more Coffee pods?")
        assert await home.orders() == []

        await page.presses(slot, "Order now")
        await page.shows_toast("We're placing the order.")
        await page.shows_no(slot, "Running low.")
        await page.shows(slot, "50 ordered")

    await world.settled()
    assert len(await home.orders()) == 1


async def test_small_screen_and_keyboard(world, browser):
    home = await world.move_in(a.household(level=6, capacity=60, at_level=20))

    async with screen(browser, home, viewport={"width": 320, "height": 640}, color_scheme="dark") as page:
        await page.slot(home).get_by_text("Update level").click()

        assert await page.page.evaluate("document.documentElement.scrollWidth") == 320
        assert await page.page.evaluate(SMALL_TARGETS) == []
        assert await page.page.evaluate(NAMELESS) == []
        reached = set()
        for _ in range(40):
            await page.page.keyboard.press("Tab")
            reached.add(await page.page.evaluate("document.activeElement.innerText || document.activeElement.name"))
        for control in ("Skip to main content", "Sign out", "Update level", "level", "Save", "Pause"):
            assert control in reached, f"{control} cannot be reached by keyboard: {reached}"


async def test_welcome_page_without_session(world, browser):
    page = await browser.new_page()

    await page.goto(world.urls["portal"])

    await expect(page.get_by_role("heading", name="How to sign in")).to_be_visible()
    await page.close()


async def test_sign_out_ends_session_in_all_tabs(world, browser):
    home = await world.move_in(a.household(level=40, capacity=60, at_level=5))

    async with screen(browser, home) as page:
        other = await page.page.context.new_page()
        await other.goto(world.urls["portal"])

        await other.get_by_role("button", name="Sign out").click()
        await expect(other.get_by_role("heading", name="How to sign in")).to_be_visible()
        await page.page.reload()

        await expect(page.page.get_by_role("heading", name="How to sign in")).to_be_visible()


#: Controls below 44 px, the recommended minimum for touch.
SMALL_TARGETS = """
[...document.querySelectorAll("button, summary, input:not([type=hidden]), select")]
  .filter((control) => control.offsetParent && control.getBoundingClientRect().height < 44)
  .map((control) => control.outerHTML)
"""
#: Controls without an accessible name.
NAMELESS = """
[...document.querySelectorAll("button, input:not([type=hidden]), select, svg[role=img]")]
  .filter((e) => !(e.innerText || e.getAttribute("aria-label") || (e.labels && e.labels.length)))
  .map((e) => e.outerHTML)
"""

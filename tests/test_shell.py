"""What stands around every page: ways that lead somewhere, light and dark, nothing from elsewhere."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.report_page import Open

pytestmark = pytest.mark.browser

PAGES = (
    "/", "/customers", "/providers", "/views", "/batches", "/batches/1", "/rejects", "/verify", "/help",
    "/reports/breakout", "/reports/per-number", "/reports/nothing-here",
)  # fmt: skip


class TestWays:
    def test_every_one_leads_to_a_page(self, page: Page, client: httpx.Client) -> None:
        page.goto("/")
        every = "all => [...new Set(all.map(e => e.getAttribute('href')))]"
        links = page.locator(".top a, #reports-menu a").evaluate_all(every)
        reports = {f"/reports/{each['name']}" for each in client.get("/api/v1/reports").json()["items"]}
        assert reports <= set(links)
        assert len(links) > len(reports) + 8
        for link in links:
            assert client.get(link).status_code == 200, link

    def test_what_is_no_page_has_an_icon_too(self, page: Page, client: httpx.Client) -> None:
        page.goto("/schema")  # the browser asks for one, and complains when there is none
        assert client.get("/favicon.ico").headers["content-type"].startswith("image/svg+xml")

    def test_reports_are_reached_by_keys_alone(self, page: Page) -> None:
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        for _ in range(2):
            page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Reports")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#reports-menu")).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/reports/"))
        expect(page.locator("#reports-menu [aria-current]")).to_have_count(1)

    def test_where_one_is_is_in_sight_on_a_telephone(self, open_page: Open) -> None:
        with open_page(viewport={"width": 390, "height": 844}) as page:
            page.goto("/verify")
            place = page.locator(".top [aria-current]").bounding_box()
            assert place
            assert 0 <= place["x"] <= 390 - place["width"]


class TestTheme:
    def test_is_the_systems_until_another_is_chosen_and_stays(self, open_page: Open) -> None:
        with open_page(color_scheme="dark") as page:
            page.goto("/help")
            button = page.get_by_role("button", name="Dark")
            ground = "getComputedStyle(document.body).backgroundColor"
            dark = page.evaluate(ground)
            expect(button).to_have_attribute("aria-pressed", "true")
            button.focus()
            page.keyboard.press("Enter")
            expect(button).to_have_attribute("aria-pressed", "false")
            light = page.evaluate(ground)
            assert light != dark
            page.goto("/reports/breakout")
            assert page.evaluate(ground) == light
            button.click()
            assert page.evaluate(ground) == dark
        with open_page(color_scheme="light") as page:
            page.goto("/help")
            assert page.evaluate(ground) == light


class TestPolicy:
    @pytest.mark.parametrize("path", PAGES)
    def test_scripts_and_styles_are_the_pages_own(self, client: httpx.Client, path: str) -> None:
        response = client.get(path)
        policy = response.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert "unsafe" not in policy
        # Nothing that the policy would refuse stands in the page, so browsers have nothing to complain of.
        assert not re.search(r"<script(?![^>]*(src=|application/json))|\son\w+=|\sstyle=|<style", response.text)
        assert not re.search(r"(src|href)=\"(https?:)?//", response.text)

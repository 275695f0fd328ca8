"""The way from Fooocus's WebUI to the dashboard: a link in the footer of Gradio's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser

CSS = "css selector"


def test_a_click_in_the_footer_opens_the_dashboard(demo: Host, browser: Browser) -> None:
    browser.open(demo.url)
    link, docs = "footer .fooocus-api-dashboard", "footer .fooocus-api-docs"
    browser.until(lambda: bool(browser.driver.find_elements(CSS, link)), "a link to the dashboard")
    footer = browser.driver.find_element(CSS, "footer")
    assert footer.text.split()[0] == "Dashboard" and footer.text.index("Dashboard") < footer.text.index("Use via API")
    assert footer.find_element(CSS, ".fooocus-api-docs").get_attribute("href") == f"{demo.url}/docs"
    assert len(browser.driver.find_elements(CSS, f"{link}, {docs}")) == 2
    footer.find_element(CSS, ".fooocus-api-dashboard").click()
    browser.until(lambda: len(browser.driver.window_handles) == 2, "a second tab")
    browser.driver.switch_to.window(browser.driver.window_handles[-1])
    browser.until(lambda: browser.driver.current_url == f"{demo.url}/dashboard", "the dashboard")
    browser.until(lambda: bool(browser.driver.find_elements(CSS, "header nav")), "the page")

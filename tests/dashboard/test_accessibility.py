"""The page for people with a screen reader, a keyboard alone, low vision, or forced colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from fooocus_api.tests.support.browsers.states import BUSY, IDLE, leave
from fooocus_api.tests.support.host import Host
from fooocus_api.tests.support.hosts.filled_world import World, filled_world

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

WIDE, PHONE = (1400, 900), (390, 844)
ZOOMED, NARROWEST = (700, 450), (320, 640)
"""1400 × 900 at 200 %, and 1280 pixels at 400 %."""
ONE_OF_EACH_KIND = {
    "overview",
    "all_parameters",
    "mask",
    "selection",
    "delete_question",
    "finished_task",
    "comparison",
    "batches",
    "models",
    "key_form",
    "statistics",
    "account_menu",
}
"""States that each run looks at: every page, and a dialog, a form and a menu. The nightly runs look at all states."""
MOST_TABS = 60
"""Presses of Tab within which anything of a page is reached."""
PLANT = "document.querySelector('main').append(Object.assign(document.createElement('button'), {id: 'planted'}))"
NOTE_SPOKEN = """
window.spoken = [];
new MutationObserver(changes => {
  for (const {target, addedNodes} of changes) {
    const live = (target.nodeType === 1 ? target : target.parentElement)?.closest("[aria-live], [role=status], [role=alert]");
    const added = [...addedNodes].filter(one => one.nodeType === 1 && one.matches("[role=status], [role=alert]"));
    if (live?.textContent) window.spoken.push(live.textContent);
    for (const one of added) window.spoken.push(one.textContent);
  }
}).observe(document.body, {subtree: true, childList: true, characterData: true});
window.drawn = 0;
new MutationObserver(() => { window.drawn += 1; })
  .observe(document.querySelector(".running"), {subtree: true, childList: true, characterData: true});
"""
SMALL_TARGETS = """
const inText = one => getComputedStyle(one).display === "inline";
return [...document.querySelectorAll("button, a[href], input:not([type=hidden], .sr, [type=range], [type=checkbox]), select")]
  .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.closest(".sr, .skip") && !inText(one))
  .map(one => [one.closest("label")?.getBoundingClientRect() ?? one.getBoundingClientRect(), one])
  .filter(([box]) => box.width > 1 && (box.width < 24 || box.height < 24))
  .map(([box, one]) => `${one.outerHTML.slice(0, 120)} ${box.width}x${box.height}`);
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with filled_world(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def page(world: World, page_of: Callable[[Host], Dashboard]) -> Iterator[Dashboard]:
    page = page_of(world.host)
    # A colour on its way to another one would be measured.
    prefer(page, ("prefers-reduced-motion", "reduce"))
    yield page
    prefer(page)


def prefer(page: Dashboard, *features: tuple[str, str]) -> None:
    """Emulate what a person has set in the system."""
    media = {"features": [{"name": name, "value": value} for name, value in features]}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def theme(page: Dashboard, name: str) -> None:
    page.driver.execute_script("document.documentElement.dataset.theme = arguments[0]", name)


def looked_at(page: Dashboard, world: World, *, each: bool) -> Iterator[str]:
    """Bring the page to each state, or to one of each kind, and yield its name."""
    assert IDLE.keys() >= ONE_OF_EACH_KIND
    for name, state in IDLE.items():
        if not each and name not in ONE_OF_EACH_KIND:
            continue
        state(page, world)
        yield name
        leave(page)
    with world.work():
        for name, state in BUSY.items():
            state(page, world)
            yield f"busy {name}"


@pytest.mark.parametrize(
    ("size", "language", "themes", "each"),
    [
        (WIDE, "en", ("light",), False),
        pytest.param(WIDE, "en", ("light",), True, marks=pytest.mark.nightly),
        pytest.param(WIDE, "en", ("dark",), True, marks=pytest.mark.nightly),
        pytest.param(PHONE, "en", ("light", "dark"), True, marks=pytest.mark.nightly),
        pytest.param(WIDE, "zh", ("dark",), True, marks=pytest.mark.nightly),
        pytest.param(PHONE, "zh", ("light",), True, marks=pytest.mark.nightly),
        pytest.param(NARROWEST, "en", ("light",), True, marks=pytest.mark.nightly),
    ],
    ids=lambda value: "x".join(map(str, value)) if isinstance(value, tuple) else value,
)
def test_no_state_has_a_serious_fault(
    page: Dashboard, world: World, size: tuple[int, int], language: str, themes: tuple[str, ...], each: bool
) -> None:
    from fooocus_api.tests.support.browsers.axe import serious_faults

    page.size(*size)
    page.open("#/", language=language)
    found: list[str] = []
    for name in looked_at(page, world, each=each):
        for number, one in enumerate(themes):
            theme(page, one)
            # A theme changes colours alone.
            found += [f"{name}, {one}: {fault}" for fault in serious_faults(page, *["color-contrast"][:number])]
        width = page.driver.execute_script("return document.documentElement.scrollWidth")
        if width > size[0]:
            found.append(f"{name} is {width} pixels wide")
    assert not found, "\n".join(found)
    page.driver.execute_script(PLANT)
    assert any("planted" in fault for fault in serious_faults(page, "button-name")), "axe-core finds nothing at all"


def focused(page: Dashboard, attribute: str) -> str:
    return str(page.driver.execute_script("return document.activeElement.getAttribute(arguments[0])", attribute))


def tab_to(page: Dashboard, selector: str, *, back: bool = False) -> None:
    """Press Tab until an element of the selector has the focus, which can be seen."""
    script = """
    const one = document.activeElement;
    if (!one.matches(arguments[0])) return null;
    return getComputedStyle(one).outlineStyle !== "none" || getComputedStyle(one).boxShadow !== "none";
    """
    for _ in range(MOST_TABS):
        seen = page.driver.execute_script(script, selector)
        if seen is not None:
            assert seen, f"the focus on {selector} is not seen"
            return
        keys = ActionChains(page.driver)
        (
            keys.key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT) if back else keys.send_keys(Keys.TAB)
        ).perform()
    raise AssertionError(f"{selector} is not reached by Tab")


def test_the_keyboard_alone_suffices(page: Dashboard, world: World) -> None:
    prompts = ("by the keyboard, one", "by the keyboard, two")
    page.open("#/", language="en")
    page.see(".generate-send:enabled")
    for prompt in prompts:
        tab_to(page, "#prompt")
        ActionChains(page.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).send_keys(prompt).perform()
        ActionChains(page.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
        page.see(".running-title .prompt", prompt)
        page.see(f'.strip a[title="{prompt}"]')
    tab_to(page, 'nav a[href="#/gallery"]', back=True)
    page.press(Keys.ENTER)
    page.see(f'.tile-link[title="{prompts[1]}"]')
    tab_to(page, ".tile-link")
    page.press(Keys.ARROW_RIGHT)
    page.browser.until(lambda: focused(page, "title") == prompts[0], "the second tile focused")
    page.press(Keys.ENTER)
    page.see(".task-head h1", prompts[0])
    page.press(Keys.ESCAPE)
    page.browser.until(lambda: focused(page, "title") == prompts[0], "the same tile focused")
    page.press(Keys.SPACE, Keys.ARROW_LEFT, Keys.SPACE)
    page.see(".selection-bar", "2 selected")
    tab_to(page, ".selection-bar button:nth-of-type(2)")
    page.press(Keys.ENTER)
    page.see(".compare-table ins")
    tab_to(page, ".compare input[type=range]")
    page.press(Keys.ARROW_RIGHT)
    assert page.driver.execute_script("return document.activeElement.value") != "50"
    page.press(Keys.ESCAPE)
    page.browser.until(lambda: focused(page, "title") == prompts[1], "the same tile focused")
    page.press(Keys.DELETE)
    page.see("dialog .primary")
    page.press(Keys.ENTER)
    page.see_none(f'.tile-link[title="{prompts[1]}"]')
    page.browser.until(lambda: focused(page, "title") == prompts[0], "the next tile focused")
    page.press("u")
    page.see(f'.tile-link[title="{prompts[1]}"]')


@pytest.mark.nightly
def test_dialogs_and_menus_give_the_focus_back(page: Dashboard) -> None:
    page.open("#/models", language="en")
    page.see(".model-table td")
    tab_to(page, ".tools [aria-haspopup=menu]")
    page.press(Keys.ENTER)
    page.see(".menu")
    page.browser.until(lambda: focused(page, "role").startswith("menuitem"), "the menu's first item focused")
    page.press(Keys.ESCAPE)
    page.see_none(".menu")
    assert focused(page, "aria-haspopup") == "menu"
    tab_to(page, ".page-head .primary")
    page.press(Keys.ENTER)
    page.see("#download-form")
    page.browser.until(lambda: focused(page, "type") == "url", "the first field focused")
    page.press(Keys.ESCAPE)
    page.see_none("dialog")
    assert "primary" in focused(page, "class")


@pytest.mark.nightly
def test_a_long_task_is_announced_but_not_each_step(page: Dashboard, world: World) -> None:
    page.open("#/", language="en")
    page.see("#connection[data-state=live]")
    page.see(".running-idle")
    page.driver.execute_script(NOTE_SPOKEN)
    task = world.client.submit(prompt="a long one", overwrite_step=120)
    world.client.until(task["task_id"], "finished")
    page.browser.until(lambda: "A task is done." in page.driver.execute_script("return window.spoken"), "its end")
    spoken, drawn = page.driver.execute_script("return [window.spoken, window.drawn]")
    assert drawn > 40, "the page showed its steps"
    assert spoken in (["A task begins.", "A task is done."], ["A task is done."])


@pytest.mark.nightly
def test_who_wants_no_motion_sees_none(page: Dashboard, world: World) -> None:
    page.open("#/", language="en")
    with world.work(1):
        page.see(".running-title")
        assert page.driver.execute_script("return document.getAnimations().length") == 0
        prefer(page)
        page.browser.until(
            lambda: bool(page.driver.execute_script("return document.getAnimations().length")), "a pulse otherwise"
        )


@pytest.mark.nightly
def test_forced_colours_keep_states_apart(page: Dashboard, world: World) -> None:
    prefer(page, ("forced-colors", "active"), ("prefers-reduced-motion", "reduce"))
    page.open("#/", language="en")
    style = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"

    def css(selector: str, name: str) -> str:
        return str(page.driver.execute_script(style, selector, name))

    with world.work(1):
        page.see(".running-title")
        assert css(".running .bar i", "backgroundColor") != css(".running .bar", "backgroundColor")
        assert css("nav a[aria-current]", "outlineStyle") == "solid"
    page.go("#/gallery")
    page.see(".tile img.ready")
    tab_to(page, ".tile-link")
    page.press(Keys.SPACE)
    page.see(".tile.selected")
    page.press(Keys.ARROW_RIGHT)
    chosen, other = css(".tile.selected", "outlineStyle"), css(".tile:not(.selected)", "outlineStyle")
    assert (chosen, other) == ("solid", "none")


@pytest.mark.nightly
@pytest.mark.parametrize("size", [ZOOMED, NARROWEST], ids=["200%", "400%"])
def test_enlarged_pages_need_no_scrolling_sideways_and_are_hit_by_fingers(
    page: Dashboard, world: World, size: tuple[int, int]
) -> None:
    page.size(*size)
    page.open("#/", language="en")
    found: list[str] = []
    states = ("overview", "all_parameters", "mask", "selection", "finished_task", "comparison", "models", "key_form")
    for name in states:
        IDLE[name](page, world)
        width = page.driver.execute_script("return document.documentElement.scrollWidth")
        found += [f"{name} is {width} pixels wide"] if width > size[0] else []
        found += [f"{name}: {one}" for one in page.driver.execute_script(SMALL_TARGETS)]
        leave(page)
    assert not found, "\n".join(found)

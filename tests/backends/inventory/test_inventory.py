"""All sources in one list; one that is away hides nobody else's."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from strixdesk.backends.inventory.inventory import Inventory, SourcePace
from strixdesk.backends.inventory.known import load_known, save_known
from strixdesk.backends.inventory.source import Listed, Listing, split_name, tier_name
from strixdesk.backends.tier_watch import TierWatch
from strixdesk.core.box import ContainerState, ServiceStatus
from strixdesk.core.errors import StrixError, TierLoading, TierRefused, TierUnreachable
from strixdesk.core.tier import Capability, Control, ControlKind, Tier, TierState, TierStatus
from strixdesk.core.tier_health import Backing
from tests.support.eventually import eventually

HAND = Tier(name="hand", base_url="http://127.0.0.1:9/v1")


def listed(name: str) -> Listed:
    tier = Tier(name=name, base_url="http://127.0.0.1:9/v1", model=name, api_key="sk-secret")
    return Listed(tier, capabilities=frozenset({Capability.VISION}))


class Shelf:
    """A source whose answers the test lays out."""

    def __init__(self, name: str, *models: str, own_servers: bool = False) -> None:
        self.name = name
        self.answer: Listing | StrixError = Listing(
            tuple(listed(tier_name(name, model)) for model in models), own_servers
        )
        self.asked = 0

    async def read(self) -> Listing:
        self.asked += 1
        if isinstance(self.answer, StrixError):
            raise self.answer
        return self.answer


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
        yield client


def names(inventory: Inventory) -> list[str]:
    return [tier.name for tier in inventory.all()]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a/b", ("a", "b")),
        ("a/b/c", ("a", "b/c")),
        ("hand", ("", "hand")),
        ("a/", ("a", "")),
    ],
)
def test_given_a_name_then_it_is_split_once_at_the_first_slash(
    name: str, parts: tuple[str, str]
) -> None:
    assert split_name(name) == parts


async def test_given_several_sources_then_hand_written_tiers_come_first_and_sources_in_order(
    http: httpx.AsyncClient,
) -> None:
    shared, own = Shelf("ollama", "x/y", "z"), Shelf("stack", "coder", own_servers=True)
    inventory = Inventory(TierWatch([HAND], http=http), [shared, own])
    assert names(inventory) == ["hand"]
    await inventory.refresh()
    assert names(inventory) == ["hand", "ollama/x/y", "ollama/z", "stack/coder"]
    assert inventory.statuses()["ollama/z"].state is TierState.READY
    assert inventory.statuses()["ollama/z"].capabilities == {Capability.VISION}
    assert inventory.statuses()["stack/coder"].state is TierState.UNREACHABLE
    await inventory.close()


async def test_given_a_source_that_goes_away_then_its_models_stay_greyed_and_others_are_well(
    http: httpx.AsyncClient,
) -> None:
    away, well = Shelf("away", "a"), Shelf("well", "b")
    inventory = Inventory(TierWatch([], http=http), [away, well])
    told: list[tuple[str, TierStatus]] = []
    inventory.subscribe(lambda tier, status: told.append((tier.name, status)))
    await inventory.refresh()
    away.answer = TierUnreachable("away cannot be reached.", "Start it.")
    told.clear()
    await inventory.refresh()
    assert names(inventory) == ["away/a", "well/b"]
    gone = inventory.statuses()["away/a"]
    assert (gone.state, gone.stale) == (TierState.UNREACHABLE, True)
    assert gone.detail == "away cannot be reached. Start it."
    assert not inventory.statuses()["well/b"].stale
    assert [name for name, _ in told] == ["away/a"]
    assert inventory.problems() == {"away": "away cannot be reached. Start it."}
    with pytest.raises(TierUnreachable):
        await inventory.ensure_ready(inventory.all()[0])
    await inventory.close()


async def test_given_a_changed_model_then_it_keeps_its_place(http: httpx.AsyncClient) -> None:
    own = Shelf("o", "a", "b", own_servers=True)
    inventory = Inventory(TierWatch([], http=http), [own])
    await inventory.refresh()
    changed = listed("o/a")
    changed = replace(changed, tier=replace(changed.tier, context_tokens=2048))
    own.answer = Listing((changed, listed("o/b")), own_servers=True)
    await inventory.refresh()
    assert names(inventory) == ["o/a", "o/b"]
    assert inventory.all()[0].context_tokens == 2048
    await inventory.close()


async def test_given_a_box_that_is_taken_out_then_its_tiers_and_its_source_go(
    http: httpx.AsyncClient,
) -> None:
    def on_box(name: str) -> Listed:
        one = listed(name)
        return replace(
            one, tier=replace(one.tier, control=Control(ControlKind.COMPOSE, "strix", name))
        )

    stack, other = Shelf("strix", own_servers=True), Shelf("o", "a")
    stack.answer = Listing((on_box("strix/coder"),), own_servers=True)
    watch = TierWatch([HAND, on_box("reviewer").tier], http=http)
    inventory = Inventory(watch, [stack, other], pace=SourcePace(0.01, 0.01))
    await inventory.start()
    await eventually(lambda: {"strix/coder", "o/a"} <= set(names(inventory)), within_s=10)
    inventory.remove_box("strix")
    asked = stack.asked
    assert names(inventory) == ["hand", "o/a"]
    await eventually(lambda: other.asked > 5, within_s=10)
    assert stack.asked == asked
    assert names(inventory) == ["hand", "o/a"]
    inventory.return_box("strix")
    assert names(inventory) == ["hand", "o/a", "strix/coder"]
    await eventually(lambda: stack.asked > asked, within_s=10)
    await inventory.close()


async def test_given_a_source_that_loads_then_its_models_load(http: httpx.AsyncClient) -> None:
    shelf = Shelf("s", "a")
    inventory = Inventory(TierWatch([], http=http), [shelf])
    await inventory.refresh()
    shelf.answer = TierLoading("It is loading.")
    await inventory.refresh()
    assert inventory.statuses()["s/a"].state is TierState.LOADING
    await inventory.close()


async def test_given_models_that_come_and_go_then_the_list_follows_and_tells(
    http: httpx.AsyncClient,
) -> None:
    shared, own = Shelf("s", "a", "b"), Shelf("o", "a", "b", own_servers=True)
    inventory = Inventory(TierWatch([], http=http), [shared, own])
    changes: list[list[str]] = []
    inventory.subscribe_list(lambda: changes.append(sorted(names(inventory))))
    await inventory.refresh()
    shared.answer = Listing((listed("s/b"), listed("s/c")))
    own.answer = Listing((listed("o/b"),), own_servers=True)
    await inventory.refresh()
    assert sorted(names(inventory)) == ["o/b", "s/b", "s/c"]
    assert changes[-1] == ["o/b", "s/b", "s/c"]
    await inventory.refresh()
    assert len(changes) == 4
    with pytest.raises(TierRefused):
        await inventory.ensure_ready(listed("s/a").tier)
    await inventory.close()


async def test_given_a_restart_while_a_source_is_away_then_its_models_are_remembered(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    file = tmp_path / "data" / "sources.json"
    shelf, own = Shelf("s", "a"), Shelf("o", "b", own_servers=True)
    before = Inventory(TierWatch([], http=http), [shelf, own], known_file=file)
    await before.refresh()
    await before.close()
    assert b"sk-secret" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shelf.answer = own.answer = TierUnreachable("away.")
    after = Inventory(TierWatch([], http=http), [shelf, own], known_file=file)
    assert names(after) == ["s/a", "o/b"]
    assert after.statuses()["s/a"].stale
    await after.refresh()
    assert after.statuses()["o/b"].stale
    await after.close()


async def test_given_measured_answers_then_the_speed_outlives_the_next_listing(
    http: httpx.AsyncClient,
) -> None:
    inventory = Inventory(TierWatch([], http=http), [Shelf("s", "a")])
    inventory.measured("s/a", 12.0)
    await inventory.refresh()
    assert inventory.statuses()["s/a"].tokens_per_s == 12.0
    inventory.measured("s/a", 14.0)
    assert inventory.statuses()["s/a"].tokens_per_s == 14.0
    await inventory.close()


async def test_given_an_answer_of_one_that_was_not_loaded_then_its_source_is_asked_again(
    http: httpx.AsyncClient,
) -> None:
    shelf = Shelf("s", "a")
    loaded = listed("s/a")
    shelf.answer = Listing((replace(loaded, unloaded=True),))
    inventory = Inventory(TierWatch([], http=http), [shelf])
    await inventory.refresh()
    await inventory.start()
    assert inventory.statuses()["s/a"].unloaded
    await eventually(lambda: shelf.asked == 2, within_s=10)
    shelf.answer = Listing((loaded,))
    inventory.measured("s/a", 12.0)
    await eventually(lambda: not inventory.statuses()["s/a"].unloaded, within_s=10)
    await inventory.close()


async def test_given_a_closed_lid_then_no_source_is_asked_until_it_opens(
    http: httpx.AsyncClient,
) -> None:
    shelf = Shelf("s", "a")
    inventory = Inventory(TierWatch([], http=http), [shelf])
    inventory.set_asleep(True)
    await inventory.start()
    await asyncio.sleep(0)
    assert shelf.asked == 0
    inventory.set_asleep(False)
    await eventually(lambda: shelf.asked == 1, within_s=10)
    await inventory.close()


async def test_given_a_subscriber_that_brings_about_more_then_everyone_hears_it_in_order(
    http: httpx.AsyncClient,
) -> None:
    shelf = Shelf("s", "a")
    inventory = Inventory(TierWatch([HAND], http=http), [shelf])
    backing = Backing(ServiceStatus("unit", ContainerState.EXITED))

    def knows_more(tier: Tier, status: TierStatus) -> None:
        if status.state is TierState.UNREACHABLE:
            inventory.know(tier.name, backing)

    heard: list[TierState] = []
    inventory.subscribe(knows_more)
    inventory.subscribe(lambda tier, status: heard.append(status.state))
    await inventory.refresh()
    assert heard[-1] is inventory.statuses()["hand"].state
    assert TierState.UNREACHABLE in heard
    await inventory.close()


@pytest.mark.parametrize("content", [b"", b"{", b'{"s": 3}', b'{"s": {"models": [{}]}}', b"\xff"])
def test_given_a_damaged_memory_then_it_starts_empty(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "sources.json"
    file.write_bytes(content)
    assert load_known(file) == {}


def test_given_no_room_for_the_memory_then_nothing_else_suffers(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    save_known(blocked / "sources.json", {"s": Listing((listed("s/a"),))})
    assert load_known(blocked / "sources.json") == {}


async def test_given_labels_and_favourites_then_tiers_of_all_sources_carry_them(
    http: httpx.AsyncClient,
) -> None:
    inventory = Inventory(
        TierWatch([HAND], http=http),
        [Shelf("s", "a")],
        labels={"s/a": "The big one"},
        favourites=frozenset({"hand"}),
    )
    await inventory.refresh()
    hand, big = inventory.all()
    assert (hand.favourite, hand.title) == (True, "hand")
    assert (big.favourite, big.title) == (False, "The big one")
    await inventory.close()


async def test_given_a_start_then_sources_are_asked_again_and_again_until_it_is_closed(
    http: httpx.AsyncClient,
) -> None:
    shelf = Shelf("s", "a")
    pace = SourcePace(watched_s=0.01, idle_s=0.01, longest_s=0.02)
    inventory = Inventory(TierWatch([], http=http), [shelf], pace=pace)
    await inventory.start()
    await eventually(lambda: shelf.asked > 3, within_s=10)
    await inventory.close()
    asked = shelf.asked
    inventory.doubt(listed("s/a").tier)
    assert shelf.asked == asked


def test_given_failures_then_a_source_is_asked_less_often_up_to_a_limit() -> None:
    pace = SourcePace()
    assert pace.delay_s(0, watched=True) == 15.0
    assert pace.delay_s(2, watched=True) == 60.0
    assert pace.delay_s(50, watched=True) == pace.delay_s(50, watched=False) == 300.0


async def test_when_the_user_decorates_tiers_then_the_list_is_told_and_carries_it_at_once(
    http: httpx.AsyncClient,
) -> None:
    inventory = Inventory(TierWatch([replace(HAND, favourite=True)], http=http), [])
    told: list[None] = []
    inventory.subscribe_list(lambda: told.append(None))
    inventory.decorate({"hand": "Mine"}, frozenset())
    (hand,) = inventory.all()
    assert (hand.title, hand.favourite, len(told)) == ("Mine", False, 1)
    await inventory.close()

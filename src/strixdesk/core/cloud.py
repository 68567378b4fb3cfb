"""A role that is switched to the cloud: its questions go to a cloud tier while the switch is on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from strixdesk.core.addressing import by_name
from strixdesk.core.errors import NoTier
from strixdesk.core.route import Route
from strixdesk.core.routing import choose_route
from strixdesk.core.rules import RoutingPolicy
from strixdesk.core.tier import Tier, TierStatus


def cloud_tier_for(role: str, tiers: Sequence[Tier]) -> Tier:
    """Who stands in for a role: the cloud tier of that role, else the only one there is. Raises
    NoTier."""
    clouds = [tier for tier in tiers if tier.cloud]
    fitting = [tier for tier in clouds if tier.role.casefold() == role.casefold()]
    if len(fitting or clouds) == 1:
        return (fitting or clouds)[0]
    if not clouds:
        raise NoTier(
            "There is no cloud tier to switch to.",
            "Add one to [[tiers]] in the settings, with cloud = true, key_name and price.",
        )
    names = ", ".join(f"“{tier.name}”" for tier in clouds)
    raise NoTier(
        f"Several cloud tiers could stand in for “{role}”: {names}.",
        f'Give one of them role = "{role}" in the settings.',
    )


def choose_with_cloud(
    text: str,
    *,
    cloud: Mapping[str, str],
    images: int,
    spoken: bool,
    tiers: Sequence[Tier],
    statuses: Mapping[str, TierStatus],
    named: str | None,
    default: str | None,
    needed_tokens: int,
    policy: RoutingPolicy,
) -> Route:
    """As `choose_route`, with `cloud` (roles to names of cloud tiers) in force. A tier that was
    picked is asked itself. Raises NoTier."""
    view, real = (list(tiers), {}) if named is not None else _view(tiers, cloud)
    known = {name: statuses[tier.name] for name, tier in real.items() if tier.name in statuses}
    route = choose_route(
        text,
        images=images,
        spoken=spoken,
        tiers=view,
        statuses={**statuses, **known},
        named=named,
        default=default,
        needed_tokens=needed_tokens,
        policy=policy,
    )
    return _in_reality(route, real) if real else route


def _view(tiers: Sequence[Tier], cloud: Mapping[str, str]) -> tuple[list[Tier], dict[str, Tier]]:
    """The tiers as routing shall see them, and who is behind the names that were changed: the
    cloud tier has the name and the role of the one that it stands in for."""
    view, real = list(tiers), dict[str, Tier]()
    for role, name in cloud.items():
        stand_in = by_name(name, tiers)
        if stand_in is None or not stand_in.cloud:
            continue
        wanted = role.casefold()
        own = [
            tier
            for tier in view
            if tier.name not in real
            and not tier.cloud
            and wanted in {tier.role.casefold(), tier.name.casefold()}
        ]
        first = own[0] if own else stand_in
        disguised = replace(stand_in, name=first.name, role=role, label=stand_in.title, cloud=False)
        at = view.index(first) if first in view else len(view)
        for tier in own:
            aside = f"{tier.name} (own)"
            label = f"{tier.title} (own)"
            view[view.index(tier)] = replace(tier, name=aside, label=label, role="")
            real[aside] = tier
        view = [tier for tier in view if tier is not stand_in]
        view.insert(min(at, len(view)), disguised)
        real[disguised.name] = stand_in
    return view, real


def _in_reality(route: Route, real: Mapping[str, Tier]) -> Route:
    def behind(tiers: Sequence[Tier]) -> tuple[Tier, ...]:
        return tuple(dict.fromkeys(real.get(tier.name, tier) for tier in tiers))

    (tier,) = behind([route.tier])
    others = tuple(one for one in behind(route.fallbacks) if one is not tier)
    reason = route.reason
    if tier.cloud and route.tier.name in real:
        reason = f"{reason} “{route.tier.role}” is switched to the cloud."
    return replace(route, tier=tier, reason=reason, fallbacks=others, offer=behind(route.offer))

"""`strixdesk route`: who would answer a question, and how that was decided."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from strixdesk.cli.context import CommandContext
from strixdesk.cli.tiers import look
from strixdesk.core.cloud import choose_with_cloud
from strixdesk.core.errors import NoTier
from strixdesk.core.question import Question, features
from strixdesk.core.route import Route
from strixdesk.core.rules import RoutingPolicy, Rule
from strixdesk.core.tier import Tier, TierStatus
from strixdesk.core.tokens import TOKENS_PER_IMAGE, estimated_tokens


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    route = subparsers.add_parser("route", help="say which tier would answer, and why")
    route.add_argument("text", nargs="?", help="the question; not needed with --rules")
    route.add_argument("--image", action="count", default=0, help="as if a picture came with it")
    route.add_argument("--spoken", action="store_true", help="as if it had been said")
    route.add_argument("--tier", metavar="NAME", help="ask exactly this tier")
    route.add_argument("--rules", action="store_true", help="show the rules that hold")
    route.add_argument("--json", action="store_true", help="print one JSON object")
    route.set_defaults(run=lambda arguments, context: _run(arguments, context, route))


def _run(
    arguments: argparse.Namespace, context: CommandContext, parser: argparse.ArgumentParser
) -> int:
    if arguments.text is None and not arguments.rules:
        parser.error("give a question, or --rules")
    settings = context.loaded.settings
    policy = settings.routing.policy(settings.chat.max_answer_tokens)
    if arguments.text is None:
        return _show_rules(policy, as_json=arguments.json)
    return asyncio.run(_preview(arguments, context, policy))


async def _preview(
    arguments: argparse.Namespace, context: CommandContext, policy: RoutingPolicy
) -> int:
    tiers, statuses, _ = await look(context)
    settings = context.loaded.settings
    images = arguments.image
    question = features(arguments.text, images=images, spoken=arguments.spoken)
    needed = estimated_tokens(settings.chat.system_prompt + arguments.text)
    report: dict[str, Any] = {"features": _features(question, policy)}
    try:
        route = choose_with_cloud(
            arguments.text,
            cloud=settings.cloud,
            images=images,
            spoken=arguments.spoken,
            tiers=tiers,
            statuses=statuses,
            named=arguments.tier,
            default=settings.default_tier,
            needed_tokens=needed + TOKENS_PER_IMAGE * images,
            policy=policy,
        )
    except NoTier as error:
        if not arguments.json:
            raise
        report |= {
            "tier": None,
            "reason": error.sentence(),
            "fallbacks": [],
            "offer": list(error.offer),
            "without_pictures": error.without_pictures,
        }
        print(json.dumps(report, ensure_ascii=False))
        return 1
    if arguments.json:
        rules = {"rules": [asdict(rule) for rule in policy.rules]} if arguments.rules else {}
        report |= _report(route, statuses) | rules
        print(json.dumps(report, ensure_ascii=False))
        return 0
    _print(route, question, policy, statuses)
    if arguments.rules:
        print()
        _show_rules(policy, as_json=False)
    return 0


def _features(question: Question, policy: RoutingPolicy) -> dict[str, Any]:
    return {
        "holds": dict(question.signs(policy.hard_score)),
        "complexity": {
            "score": question.complexity.score,
            "hard_from": policy.hard_score,
            "parts": {one.name: one.score for one in question.complexity.features},
        },
    }


def _report(route: Route, statuses: Mapping[str, TierStatus]) -> dict[str, Any]:
    return {
        "tier": route.tier.name,
        "reason": route.reason,
        "rule": asdict(route.rule) if route.rule else None,
        "fallbacks": [tier.name for tier in route.fallbacks],
        "offer": [tier.name for tier in route.offer],
        "needed_tokens": route.needed_tokens,
        "states": {
            tier.name: statuses[tier.name].state.value
            for tier in (route.tier, *route.fallbacks, *route.offer)
        },
    }


def _print(
    route: Route, question: Question, policy: RoutingPolicy, statuses: Mapping[str, TierStatus]
) -> None:
    """The choice in the first line; how it came about below."""
    print(f"{route.tier.name}: {route.reason}")
    if route.fallbacks:
        print(f"then:        {_with_states(route.fallbacks, statuses)}")
    if route.offer:
        print(f"if you say so: {_with_states(route.offer, statuses)}")
    signs = ", ".join(question.signs(policy.hard_score)) or "nothing in particular"
    print(f"seen:        {signs}")
    parts = ", ".join(f"{one.name} {one.score:.2f}" for one in question.complexity.features)
    hard = f"hard from {policy.hard_score:.2f}"
    print(f"complexity:  {question.complexity.score:.2f} ({parts or 'nothing'}; {hard})")
    print(f"rule:        {_rule_line(route.rule) if route.rule else 'none'}")
    print(f"needs about: {route.needed_tokens:,} tokens")


def _with_states(tiers: tuple[Tier, ...], statuses: Mapping[str, TierStatus]) -> str:
    return ", ".join(f"{tier.name} ({statuses[tier.name].state.value})" for tier in tiers)


def _show_rules(policy: RoutingPolicy, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"rules": [asdict(rule) for rule in policy.rules]}, ensure_ascii=False))
        return 0
    print("The first rule that holds and means a tier you have decides:")
    for number, rule in enumerate(policy.rules, start=1):
        print(f"{number:>3}. {_rule_line(rule)}")
    return 0


def _rule_line(rule: Rule) -> str:
    conditions = [*rule.when]
    if rule.words:
        conditions.append(" or ".join(f"“{word}”" for word in rule.words))
    return f"{' and '.join(conditions) or 'always'} → {', '.join(rule.to)}: {rule.because}"

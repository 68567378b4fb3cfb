"""Tiers on the wire: chat, health, discovery and the starter tier."""

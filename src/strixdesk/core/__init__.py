"""Values and pure decisions: no I/O, no Qt, no asyncio."""

"""Where tiers come from besides the settings: stacks, LiteLLM configurations, model servers."""

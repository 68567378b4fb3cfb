"""The box: reached over Tailscale and ssh, run with docker compose."""

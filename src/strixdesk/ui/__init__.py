"""Qt widgets and models: they render what they are given."""

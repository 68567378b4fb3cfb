"""Microphone to text and text to speaker."""

"""One turn from utterance or typed text to spoken answer, and the history of turns."""

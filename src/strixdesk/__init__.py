"""StrixDesk: talk to, see with and run the model servers of a Strix Halo box."""

__version__ = "0.1.0"

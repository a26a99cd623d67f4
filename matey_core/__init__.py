"""The library under matey: it never prints, never exits and knows no terminal."""

__version__ = "0.1.0"

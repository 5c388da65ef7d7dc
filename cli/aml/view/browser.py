"""Pages in the user's browser."""

from __future__ import annotations

import os
import sys
import webbrowser


def open_page(url: str) -> bool:
    """Open `url` where there is a screen; False if there is none. A browser in the terminal would take it over."""
    has_screen = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    try:
        return has_screen and webbrowser.open(url)
    except webbrowser.Error:
        return False

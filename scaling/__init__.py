"""A panel in parts: files of whole stores, totals over them, and the engines that run them."""

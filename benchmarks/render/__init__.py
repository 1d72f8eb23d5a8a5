"""Generated blocks and pages, made from the result files."""

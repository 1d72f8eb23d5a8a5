"""What people ask of a number, outside the nightly run: why it is so, where it comes from, what it touched; and to take it along."""

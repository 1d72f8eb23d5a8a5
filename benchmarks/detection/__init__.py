"""What monitoring finds, how soon, and how often it is wrong."""

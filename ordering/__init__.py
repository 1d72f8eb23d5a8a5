"""From a distribution and the stock to what to order."""

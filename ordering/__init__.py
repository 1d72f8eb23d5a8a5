"""From a distribution of demand and the stock to what to order."""

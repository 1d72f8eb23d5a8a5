"""What every benchmark shares: registry, command line, processes, results, worlds."""

"""Speed, accuracy, detection and robustness, measured. Imports anything, imported by nobody."""

"""What every process is made of: settings, lifecycle, logs, metrics, keys, words and the command line."""

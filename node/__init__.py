"""What every process is made of: settings, lifecycle, logs, metrics, keys, words, terminal, command line."""

"""The IVR's shell: its flow out of a file, the file's changes, and whose number a caller has entered."""

"""Asterisk's configuration, generated from a site's file: `trunkline asterisk config`."""

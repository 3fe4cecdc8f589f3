"""Figures and certificates for people."""

"""The one telephony driver: what a branch does with channels, whatever PBX holds them.

Each PBX has a link of its own beside this folder, which speaks the PBX's language.
"""

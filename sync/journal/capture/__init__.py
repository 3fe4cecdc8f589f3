"""What has changed in a branch's database since a position, whichever database it is."""

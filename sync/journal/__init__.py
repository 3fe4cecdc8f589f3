"""A branch's changes on their way to HQ: capture, batches, watermarks, digests; both halves of the pull."""

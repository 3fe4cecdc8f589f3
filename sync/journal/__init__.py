"""A branch's changes on their way to HQ: capture, batches, watermarks, digests; the sending and the receiving half."""

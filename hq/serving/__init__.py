"""HQ's gRPC faces: translate, delegate, translate back."""

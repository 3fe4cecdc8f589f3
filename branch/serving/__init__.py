"""The branch's gRPC faces: translate, delegate, translate back."""
